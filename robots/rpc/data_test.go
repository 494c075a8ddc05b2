package rpc_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"weir/robots"
	"weir/robots/oauth"
	"weir/robots/rpc"
	"weir/wavelet"
)

// errStranger is what a login says to one it does not know.
var errStranger = errors.New("who are you?")

// login knows a person by the word "sesame", typed or in a header.
func login(r *http.Request, user wavelet.Participant, token string) (wavelet.Participant, error) {
	if user == "" && token == "" {
		user, token = wavelet.Participant(r.Header.Get("User")), r.Header.Get("Word")
	}
	if token != "sesame" || user == "" {
		return "", errStranger
	}
	return user, nil
}

// program is a client of the data API.
type program struct {
	*house
	c oauth.Credentials
	n int
}

func (h *house) program() *program {
	return &program{house: h, c: oauth.Credentials{Key: "anonymous", Secret: "anonymous"}}
}

// signed is a request of the program's, signed in the query as the Java client
// does, without a body hash.
func (p *program) signed(method, path string, more url.Values) string {
	p.n++
	params := url.Values{oauth.ConsumerKey: {p.c.Key}, oauth.SignatureMethod: {oauth.HMACSHA1}, oauth.Timestamp: {fmt.Sprint(time.Now().Unix())},
		oauth.Nonce: {fmt.Sprint(p.n)}, oauth.Version: {"1.0"}}
	if p.c.Token != "" {
		params.Set(oauth.Token, p.c.Token)
	}
	for name, values := range more {
		params[name] = values
	}
	params.Set(oauth.Signature, p.c.Signature(oauth.BaseString(method, p.url+path, params)))
	return p.url + path + "?" + params.Encode()
}

// do sends a request and returns status, body and where it leads to.
func (h *house) do(method, target, contentType, body string, header ...string) (int, string, string) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp.StatusCode, string(raw), resp.Header.Get("Location")
}

const (
	requestPath = rpc.DataPath + "/oauth/OAuthGetRequestToken"
	consentPath = rpc.DataPath + "/oauth/OAuthAuthorizeToken"
	accessPath  = rpc.DataPath + "/oauth/OAuthGetAccessToken"
	formType    = "application/x-www-form-urlencoded"
)

// token asks for a token at a path and takes it.
func (p *program) token(path string, more url.Values) {
	p.t.Helper()
	status, raw, _ := p.do(http.MethodGet, p.signed("GET", path, more), "", "")
	form, err := url.ParseQuery(raw)
	if err != nil || status != 200 || form.Get("oauth_token") == "" {
		p.t.Fatalf("%s: %d %s", path, status, raw)
	}
	p.c.Token, p.c.TokenSecret = form.Get("oauth_token"), form.Get("oauth_token_secret")
}

// consent has a person say yes on the page and returns where that leads to.
func (p *program) consent(who wavelet.Participant, callback string) string {
	p.t.Helper()
	form := url.Values{"oauth_token": {p.c.Token}, "answer": {"agree"}, "user": {string(who)}, "login": {"sesame"}}
	if callback != "" {
		form.Set("oauth_callback", callback)
	}
	status, raw, to := p.do(http.MethodPost, p.url+consentPath, formType, form.Encode())
	if status != 200 && status != http.StatusSeeOther {
		p.t.Fatalf("consent: %d %s", status, raw)
	}
	return to
}

// allowed is a program that a person has let in.
func (h *house) allowed(who wavelet.Participant) *program {
	h.t.Helper()
	p := h.program()
	p.token(requestPath, nil)
	p.consent(who, "")
	p.token(accessPath, nil)
	return p
}

// call sends operations and returns the entries of the response.
func (p *program) call(path, body string) (int, []entry) {
	p.t.Helper()
	status, raw, _ := p.do(http.MethodPost, p.signed("POST", path, nil), "application/json; charset=utf-8", body)
	if status != http.StatusOK {
		return status, nil
	}
	return status, p.entries([]byte(raw))
}

// TestAProgramWritesInAPersonsName goes the whole way as programs of the time
// do, without a verifier, and uses the token for what ann may and may not.
func TestAProgramWritesInAPersonsName(t *testing.T) {
	h := build(t)
	hers, others := h.wave(), wavelet.NewName("example.com")
	if _, err := h.host.Create(t.Context(), others, "bob@example.com"); err != nil {
		t.Fatal(err)
	}
	p := h.program()
	p.token(requestPath, nil)
	status, page, _ := h.do(http.MethodGet, h.url+consentPath+"?oauth_token="+url.QueryEscape(p.c.Token)+"&oauth_callback="+url.QueryEscape("http://127.0.0.1:1/back?x=1"), "", "", "User", string(ann), "Word", "sesame")
	if status != 200 || !strings.Contains(page, "You are ann@example.com.") || !strings.Contains(page, "not registered here") || !strings.Contains(page, `value="agree"`) {
		t.Fatalf("the page: %d %s", status, page)
	}
	request := p.c
	if status, raw, _ := h.do(http.MethodGet, p.signed("GET", accessPath, nil), "", ""); status != 401 || !strings.Contains(raw, "nobody has consented") {
		t.Errorf("access without consent: %d %s", status, raw)
	}
	if to := p.consent(ann, "http://127.0.0.1:1/back?x=1"); to != "http://127.0.0.1:1/back?oauth_token="+url.QueryEscape(p.c.Token)+"&x=1" {
		t.Errorf("consent leads to %q", to)
	}
	p.token(accessPath, nil)
	_, list := p.call(rpc.DataPath+"/rpc", `[{"method":"wave.robot.notify","id":"n","params":{"protocolVersion":"0.22"}},
		{"method":"wave.wavelet.appendBlip","id":"op1","params":{`+ids(hers)+`,"blipData":{"blipId":"TBD_1","content":"\nby hand"}}},
		{"method":"wave.wavelet.appendBlip","id":"op2","params":{`+ids(others)+`,"blipData":{"content":"x"}}},
		{"method":"wave.robot.fetchWave","id":"op3","params":{`+ids(others)+`}},
		{"method":"wave.wavelet.appendBlip","id":"op4","params":{`+ids(hers)+`,"proxyingFor":"eve","blipData":{"content":"x"}}},
		{"method":"wave.robot.createWavelet","id":"op5","params":{"waveletData":{"waveId":"example.com!TBD_1","waveletId":"example.com!conv+root","rootBlipId":"TBD_2","participants":["bob@example.com"]}}},
		{"method":"wave.robot.getLimits","id":"op6","params":{}}]`)
	codes := map[string]int{}
	for _, e := range list {
		if e.Error != nil {
			codes[e.ID] = e.Error.Code
		}
	}
	if len(list) != 7 || len(codes) != 3 || codes["op2"] != 403 || codes["op3"] != 403 || codes["op4"] != 403 {
		t.Fatalf("failures %v of %d", codes, len(list))
	}
	id, _ := list[1].Data["newBlipId"].(string)
	if b, ok := h.state(hers).Blip(wavelet.BlipID(id)); !ok || b.Creator != ann || b.Doc.Text() != "by hand\n" {
		t.Errorf("the blip is %+v", b)
	}
	wave, _ := list[5].Data["waveId"].(string)
	made := h.state(wavelet.Name{Wave: wave, Wavelet: "example.com!conv+root"})
	if _, ok := made.Role(ann); !ok || len(made.Participants()) != 2 {
		t.Errorf("the new wave has %v", made.Participants())
	}
	if list[6].Data["robot"] != "ann@example.com/data" || list[6].Data["profile"] != "default" {
		t.Errorf("limits are %v", list[6].Data)
	}
	for c, err := range h.host.Read(t.Context(), hers, 1) {
		if err != nil || c.Delta.Author == ann && c.Delta.Cause.Kind != wavelet.Robot {
			t.Errorf("what a program wrote is taken for a person's: %+v, %v", c.Delta.Cause, err)
		}
	}
	access := p.c
	p.c = request
	if status, raw, _ := h.do(http.MethodGet, p.signed("GET", accessPath, nil), "", ""); status != 401 {
		t.Errorf("exchanged twice: %d %s", status, raw)
	}
	p.c = access
	for _, g := range h.grants.List(ann) {
		if err := h.grants.Revoke(t.Context(), g.ID, ann); err != nil {
			t.Error(err)
		}
	}
	if status, _ := p.call(rpc.DataPath, "[]"); status != 401 {
		t.Errorf("revoked, and answered with status %d", status)
	}
}

// TestCallbackAndVerifier goes the way of OAuth 1.0a.
func TestCallbackAndVerifier(t *testing.T) {
	h := build(t)
	p := h.program()
	p.token(requestPath, url.Values{"oauth_callback": {"https://program.example.com/back"}})
	to, err := url.Parse(p.consent(ann, "https://elsewhere.example.com/"))
	if err != nil || to.Host != "program.example.com" || to.Query().Get("oauth_token") != p.c.Token || to.Query().Get("oauth_verifier") == "" {
		t.Fatalf("consent leads to %s", to)
	}
	if status, raw, _ := h.do(http.MethodPost, p.signed("POST", accessPath, nil), formType, ""); status != 401 || !strings.Contains(raw, "oauth_verifier") {
		t.Errorf("access without the verifier: %d %s", status, raw)
	}
	p.token(accessPath, url.Values{"oauth_verifier": {to.Query().Get("oauth_verifier")}})
	if status, _ := p.call(rpc.DataPath+"/rpc", "[]"); status != 200 {
		t.Errorf("status %d", status)
	}
	p = h.program()
	p.token(requestPath, url.Values{"oauth_callback": {"oob"}})
	form := url.Values{"oauth_token": {p.c.Token}, "answer": {"agree"}, "user": {string(ann)}, "login": {"sesame"}}
	_, page, _ := h.do(http.MethodPost, h.url+consentPath, formType, form.Encode())
	found := regexp.MustCompile(`id="verifier">(\w+)<`).FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("no verifier on %s", page)
	}
	p.token(accessPath, url.Values{"oauth_verifier": {found[1]}})
}

// TestConsentIsRefused tries what does not make a consent.
func TestConsentIsRefused(t *testing.T) {
	h := build(t)
	p := h.program()
	p.token(requestPath, nil)
	for name, tt := range map[string]struct {
		form   url.Values
		status int
		says   string
	}{
		"a stranger":       {url.Values{"oauth_token": {p.c.Token}, "answer": {"agree"}, "user": {string(ann)}, "login": {"guess"}}, 403, "who are you?"},
		"nobody":           {url.Values{"oauth_token": {p.c.Token}, "answer": {"agree"}}, 403, "who are you?"},
		"an alias":         {url.Values{"oauth_token": {p.c.Token}, "answer": {"agree"}, "user": {"ann+tag@example.com"}, "login": {"sesame"}}, 403, "cannot let programs in"},
		"no":               {url.Values{"oauth_token": {p.c.Token}, "answer": {"cancel"}}, 200, "stays out"},
		"neither":          {url.Values{"oauth_token": {p.c.Token}, "user": {string(ann)}, "login": {"sesame"}}, 200, "stays out"},
		"another token":    {url.Values{"oauth_token": {p.c.Token + "x"}, "answer": {"agree"}}, 401, "not known"},
		"a script":         {url.Values{"oauth_token": {p.c.Token}, "oauth_callback": {"javascript:alert(1)"}}, 400, "oauth_callback"},
		"a long form":      {url.Values{"oauth_token": {strings.Repeat("x", 100_000)}}, 413, "longer"},
		"a name with tags": {url.Values{"oauth_token": {p.c.Token}, "oauth_callback": {"http://a/<script>"}, "answer": {"agree"}, "user": {"<b>"}}, 403, "http://a/&lt;script&gt;"},
	} {
		if status, raw, _ := h.do(http.MethodPost, h.url+consentPath, formType, tt.form.Encode()); status != tt.status || !strings.Contains(raw, tt.says) {
			t.Errorf("%s: %d %s", name, status, raw)
		}
	}
	form := url.Values{"oauth_token": {p.c.Token}, "oauth_callback": {"http://127.0.0.1:1/"}, "answer": {"cancel"}}
	if status, _, to := h.do(http.MethodPost, h.url+consentPath, formType, form.Encode()); status != http.StatusSeeOther || !strings.Contains(to, "denied=") {
		t.Errorf("no leads to %d %s", status, to)
	}
	if status, raw, _ := h.do(http.MethodGet, p.signed("GET", accessPath, nil), "", ""); status != 401 || !strings.Contains(raw, "nobody has consented") {
		t.Errorf("access without consent: %d %s", status, raw)
	}
}

// TestBadDataCalls sends what a thief would.
func TestBadDataCalls(t *testing.T) {
	h := build(t)
	key := h.register(echo, "", "")
	p := h.allowed(ann)
	good := p.signed("POST", rpc.DataPath, nil)
	if status, raw, _ := h.do(http.MethodPost, good, "application/json", "[]"); status != 200 || raw != "[]\n" {
		t.Fatalf("%d %s", status, raw)
	}
	stolen := *p
	stolen.c.TokenSecret = "guess"
	untokened := *p
	untokened.c.Token, untokened.c.TokenSecret = "", ""
	robot := *p
	robot.c.Key, robot.c.Secret = string(echo), key
	hashed := p.signed("POST", rpc.DataPath, url.Values{oauth.Hash: {oauth.BodyHash([]byte("[]"))}})
	for name, tt := range map[string]struct{ target, body, says string }{
		"again":             {good, "[]", "came before"},
		"no token":          {untokened.signed("POST", rpc.DataPath, nil), "[]", "not known"},
		"another secret":    {stolen.signed("POST", rpc.DataPath, nil), "[]", "does not fit"},
		"another program":   {robot.signed("POST", rpc.DataPath, nil), "[]", "another program"},
		"another body":      {hashed, "[ ]", "oauth_body_hash"},
		"a bearer of a key": {h.url + rpc.DataPath, "[]", "not known"},
	} {
		if status, raw, _ := h.do(http.MethodPost, tt.target, "application/json", tt.body, "Authorization", "Bearer "+key); status != 401 || !strings.Contains(raw, tt.says) {
			t.Errorf("%s: %d %s", name, status, raw)
		}
	}
	// What a program wrote may set robots off, and the program is no robot's seat.
	if h.directory.Registered("ann@example.com/data") {
		t.Error("a person's programs are registered")
	}
	// A person whose address has become a robot's has programs no more.
	name := h.wave("other@example.com")
	q := h.allowed(other)
	h.register(other, "", "")
	if _, list := q.call(rpc.DataPath, `[{"method":"wavelet.appendBlip","id":"1","params":{`+ids(name)+`,"blipData":{"content":"x"}}}]`); len(list) != 1 || list[0].Error == nil || list[0].Error.Code != 403 {
		t.Errorf("it writes: %+v", list)
	}
}

// TestProgramsOfAPersonAreLimitedTogether calls by two tokens of ann's until she
// is cut off, and again until her programs are suspended; bob's are not.
func TestProgramsOfAPersonAreLimitedTogether(t *testing.T) {
	h := build(t)
	one, two, bobs := h.allowed(ann), h.allowed(ann), h.allowed("bob@example.com")
	suspended := func() string { return h.gateway.Limits(robots.ProgramsOf(ann)).Status }
	served, refused := 0, 0
	for i := range 40 {
		p := []*program{one, two}[i%2]
		if status, _ := p.call(rpc.DataPath, `[{"method":"robot.notify","id":"1"}]`); status == 200 {
			served++
		} else if refused++; status != http.StatusTooManyRequests {
			t.Fatalf("call %d: status %d", i, status)
		} else {
			break
		}
	}
	if served != 20 || refused == 0 || suspended() != "cut" {
		t.Errorf("%d served, %d refused, status %s", served, refused, suspended())
	}
	if status, list := one.call(rpc.DataPath, `[{"method":"robot.getLimits","id":"1"}]`); status != 200 || list[0].Data["status"] != "cut" {
		t.Errorf("asking for limits: %d %+v", status, list)
	}
	if status, _ := bobs.call(rpc.DataPath, `[{"method":"robot.notify","id":"1"}]`); status != 200 {
		t.Errorf("bob's: status %d", status)
	}
	h.gateway.Resume(robots.ProgramsOf(ann))
	if status, _ := two.call(rpc.DataPath, `[{"method":"robot.notify","id":"1"}]`); status != 200 || suspended() != "ok" {
		t.Errorf("resumed, status %d, %s", status, suspended())
	}
}
