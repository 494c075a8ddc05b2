package rpc_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"weir/policies"
	"weir/robots"
	"weir/robots/oauth"
	"weir/robots/rpc"
	"weir/robots/vault"
	"weir/store"
)

// send does a request as it is.
func (h *house) send(target, contentType, authorization, body string) (int, string) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

// sign signs a call of the active API at a base URL and returns its URL.
func sign(t testing.TB, base, body string, c oauth.Credentials, at time.Time) string {
	t.Helper()
	signed, err := oauth.Sign(http.MethodPost, base+"/robot/rpc", []byte(body), c, at)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// asHeader moves the query of a signed URL into an Authorization field.
func asHeader(t testing.TB, signed string) (target, field string) {
	t.Helper()
	target, raw, _ := strings.Cut(signed, "?")
	query, err := url.ParseQuery(raw)
	if err != nil {
		t.Fatal(err)
	}
	field = `OAuth realm="a realm, with a comma"`
	for name, values := range query {
		field += fmt.Sprintf(`, %s="%s"`, name, strings.ReplaceAll(url.QueryEscape(values[0]), "+", "%20"))
	}
	return target, field
}

const ask = `[{"method":"wave.robot.notify","id":"op7","params":{}},{"method":"wave.robot.getLimits","id":"op1","params":{}}]`

// TestSignedCalls signs in the ways of the clients of the time.
func TestSignedCalls(t *testing.T) {
	h := build(t)
	key := h.register(echo, "", "unlimited")
	now := time.Now()
	own := oauth.Credentials{Key: string(echo), Secret: key}
	python := oauth.Credentials{Key: "google.com:" + string(echo), Secret: key}
	escaped := oauth.Credentials{Key: "echo%40example.com", Secret: key}
	headerTarget, header := asHeader(t, sign(t, h.url, ask, own, now))
	form := url.Values{"operations": {ask}}
	form.Set(oauth.ConsumerKey, string(echo))
	form.Set(oauth.SignatureMethod, oauth.HMACSHA1)
	form.Set(oauth.Timestamp, fmt.Sprint(now.Unix()))
	form.Set(oauth.Nonce, "abc")
	form.Set(oauth.Signature, own.Signature(oauth.BaseString("POST", h.url+"/robot/rpc", form)))
	const asJSON, asForm = "application/json; charset=utf-8", "application/x-www-form-urlencoded"
	for _, tt := range []struct{ name, target, kind, authorization, body string }{
		{"query", sign(t, h.url, ask, own, now), asJSON, "", ask},
		{"query, with the prefix", sign(t, h.url, ask, python, now), "application/json", "", ask},
		{"query, with an encoded key", sign(t, h.url, ask, escaped, now), asJSON, "", ask},
		{"query, 290 s late", sign(t, h.url, ask, own, now.Add(-290*time.Second)), asJSON, "", ask},
		{"query, 290 s early", sign(t, h.url, ask, own, now.Add(290*time.Second)), asJSON, "", ask},
		{"header", headerTarget, asJSON, header, ask},
		{"form", h.url + "/robot/rpc", asForm, "", form.Encode()},
		{"JSON sent as a form", sign(t, h.url, ask, own, now), asForm, "", ask},
	} {
		status, raw := h.send(tt.target, tt.kind, tt.authorization, tt.body)
		if status != http.StatusOK {
			t.Errorf("%s: status %d: %s", tt.name, status, raw)
			continue
		}
		if list := h.entries([]byte(raw)); len(list) != 2 || list[0].ID != "op7" || list[1].ID != "op1" || list[1].Data["robot"] != string(echo) {
			t.Errorf("%s: %s", tt.name, raw)
		}
		if status, raw := h.send(tt.target, tt.kind, tt.authorization, tt.body); status != http.StatusUnauthorized || !strings.Contains(raw, "came before") {
			t.Errorf("%s, again: status %d: %s", tt.name, status, raw)
		}
	}
}

// TestBadSignatures sends what a thief, or a client that gets it wrong, would.
func TestBadSignatures(t *testing.T) {
	h := build(t)
	key, otherKey := h.register(echo, "", ""), h.register(other, "", "")
	now := time.Now()
	own := oauth.Credentials{Key: string(echo), Secret: key}
	good := sign(t, h.url, ask, own, now)
	target, header := asHeader(t, good)
	many := strings.Repeat("a=b&", 300)
	for _, tt := range []struct {
		name, target, authorization, body, reason string
		status                                    int
	}{
		{"another body", good, "", strings.Replace(ask, "op1", "op2", 1), "body_hash does not fit", 401},
		{"no secret", sign(t, h.url, ask, oauth.Credentials{Key: string(echo)}, now), "", ask, "does not fit", 401},
		{"another's secret", sign(t, h.url, ask, oauth.Credentials{Key: string(echo), Secret: otherKey}, now), "", ask, "does not fit the request; it is expected over " + h.url + "/robot/rpc", 401},
		{"another's name", sign(t, h.url, ask, oauth.Credentials{Key: string(other), Secret: key}, now), "", ask, "does not fit", 401},
		{"nobody", sign(t, h.url, ask, oauth.Credentials{Key: "nobody@example.com", Secret: key}, now), "", ask, "no robot", 401},
		{"another server", strings.Replace(sign(t, "http://weir.example.com", ask, own, now), "http://weir.example.com", h.url, 1), "", ask, "does not fit", 401},
		{"too old", sign(t, h.url, ask, own, now.Add(-310*time.Second)), "", ask, "s off", 401},
		{"too new", sign(t, h.url, ask, own, now.Add(320*time.Second)), "", ask, "s off", 401},
		{"no hash", strings.Replace(good, "oauth_body_hash", "body_hash", 1), "", ask, "oauth_body_hash is missing", 401},
		{"no nonce", strings.Replace(good, "oauth_nonce", "nonce", 1), "", ask, "oauth_nonce", 401},
		{"no timestamp", strings.Replace(good, "oauth_timestamp", "timestamp", 1), "", ask, "oauth_timestamp", 401},
		{"signed twice", good + "&oauth_nonce=x", "", ask, "given twice", 401},
		{"query and header", good, header, ask, "given twice", 401},
		{"plain text", strings.Replace(good, "HMAC-SHA1", "PLAINTEXT", 1), "", ask, "signature_method", 401},
		{"a torn header", target, header[:len(header)-3], ask, "cannot be read", 401},
		{"a bad escape", target, `OAuth oauth_nonce="%zz"`, ask, "cannot be read", 401},
		{"too many parameters", good + "&" + many, "", ask, "at most", 401},
		{"too long", good, "", strings.Repeat(" ", 1<<20+1), "longer than", 413},
		{"nothing but a header", target, "OAuth", ask, "no robot", 401},
		{"not a list", sign(t, h.url, "hello", own, now), "", "hello", "list of operations", 400},
	} {
		status, raw := h.send(tt.target, "application/json", tt.authorization, tt.body)
		var p struct{ Error struct{ Message string } }
		if err := json.Unmarshal([]byte(raw), &p); err != nil || status != tt.status || !strings.Contains(p.Error.Message, tt.reason) {
			t.Errorf("%s: status %d: %s", tt.name, status, raw)
		}
	}
	if status, raw := h.send(good, "application/json", "", ask); status != 200 {
		t.Errorf("what was signed rightly is spent by what was not: %d: %s", status, raw)
	}
	if _, err := h.directory.Suspend(t.Context(), echo); err != nil {
		t.Fatal(err)
	}
	const write = `[{"id":"1","method":"wavelet.appendBlip","params":{}}]`
	if status, raw := h.send(sign(t, h.url, write, own, now), "application/json", "", write); status != http.StatusForbidden {
		t.Errorf("suspended: status %d: %s", status, raw)
	}
}

// TestSignaturesCoverThePublicURL calls a server behind a proxy: what counts is
// the address that robots see, with or without the port that its scheme has.
func TestSignaturesCoverThePublicURL(t *testing.T) {
	h := buildWith(t, rpc.Options{PublicURL: "https://weir.example.com/under/"})
	key := h.register(echo, "", "unlimited")
	own := oauth.Credentials{Key: string(echo), Secret: key}
	for base, want := range map[string]int{
		"https://weir.example.com/under":     200,
		"https://weir.example.com:443/under": 200,
		"https://WEIR.example.com/under":     200,
		"http://weir.example.com/under":      401,
		"https://weir.example.com":           401,
		h.url:                                401,
	} {
		_, query, _ := strings.Cut(sign(t, base, ask, own, time.Now()), "?")
		if status, raw := h.send(h.url+"/robot/rpc?"+query, "application/json", "", ask); status != want {
			t.Errorf("signed over %s: status %d: %s", base, status, raw)
		}
	}
	// A client that signs the port it was given, as some do.
	params := url.Values{oauth.ConsumerKey: {own.Key}, oauth.SignatureMethod: {oauth.HMACSHA1}, oauth.Timestamp: {fmt.Sprint(time.Now().Unix())},
		oauth.Nonce: {"1"}, oauth.Hash: {oauth.BodyHash([]byte(ask))}}
	params.Set(oauth.Signature, own.Signature(oauth.BaseString("POST", "https://weir.example.com:443/under/robot/rpc", params)))
	if status, raw := h.send(h.url+"/robot/rpc?"+params.Encode(), "application/json", "", ask); status != 200 {
		t.Errorf("signed with the port: status %d: %s", status, raw)
	}
}

// FuzzSigned sends parameters of OAuth that nobody signed: no request passes, and
// every answer says why.
func FuzzSigned(f *testing.F) {
	f.Add("oauth_consumer_key=echo@example.com&oauth_nonce=1", `OAuth oauth_timestamp="1"`, "application/json", "[]")
	f.Add("%zz&;", `OAuth realm="`, "application/x-www-form-urlencoded", "a=%&oauth_nonce=2")
	f.Add("oauth_signature=&oauth_signature_method=HMAC-SHA1", "OAuth ,,,=", "multipart/form-data", "{")
	door := rpc.New(nobody(f), nil, rpc.Options{})
	f.Fuzz(func(t *testing.T, query, authorization, kind, body string) {
		r := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/robot/rpc", RawQuery: query}, Host: "127.0.0.1",
			Header: http.Header{"Authorization": {authorization}, "Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body))}
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r.WithContext(t.Context()))
		var p struct {
			Error struct{ Reason, Message string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code < 400 || w.Code >= 500 || p.Error.Reason == "" || p.Error.Message == "" {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
	})
}

// nobody is a directory without robots but one, whose key is not known.
func nobody(t testing.TB) *robots.Directory {
	t.Helper()
	kv, err := robots.NewBucket(store.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := vault.New([]byte(strings.Repeat("k", vault.MinKey)))
	if err != nil {
		t.Fatal(err)
	}
	d, err := robots.Open(context.Background(), kv, robots.Options{Domain: "example.com", Profiles: func() policies.Set { return policies.Builtin() }, Vault: secrets})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	if _, _, err := d.Register(context.Background(), robots.Registration{Address: echo}); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestASignedCallCountsOnceOverARestart replays a call that was captured, against
// the server that answers after the one that took it has ended.
func TestASignedCallCountsOnceOverARestart(t *testing.T) {
	const public = "https://weir.example.com"
	kv := store.NewMemory()
	now := time.Now()
	options := func() rpc.Options {
		nonces, err := rpc.OpenNonces(kv)
		if err != nil {
			t.Fatal(err)
		}
		return rpc.Options{PublicURL: public, Nonces: nonces, Now: func() time.Time { return now }}
	}
	h := buildWith(t, options())
	key := h.register(echo, "", "unlimited")
	name := h.wave(echo)
	own := oauth.Credentials{Key: string(echo), Secret: key}
	call := func(server, query, body string) (int, string) {
		return h.send(server+"/robot/rpc?"+query, "application/json", "", body)
	}
	write := `[{"method":"wavelet.appendBlip","id":"1","params":{` + ids(name) + `,"blipData":{"content":"once"}}}]`
	_, captured, _ := strings.Cut(sign(t, public, write, own, now), "?")
	if status, raw := call(h.url, captured, write); status != 200 {
		t.Fatalf("status %d: %s", status, raw)
	}
	again := httptest.NewServer(rpc.New(h.directory, h.gateway, options()))
	defer again.Close()
	if status, raw := call(again.URL, captured, write); status != 401 || !strings.Contains(raw, "came before") {
		t.Errorf("after the restart: status %d: %s", status, raw)
	}
	now = now.Add(3 * time.Second)
	_, fresh, _ := strings.Cut(sign(t, public, write, own, now), "?")
	if status, raw := call(again.URL, fresh, write); status != 200 {
		t.Errorf("a new call: status %d: %s", status, raw)
	}
	if n := strings.Count(h.state(name).Text(), "once"); n != 2 {
		t.Errorf("written %d times, want twice", n)
	}
}
