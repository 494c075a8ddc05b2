package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"weir/policies"
	"weir/policies/book"
	"weir/wavelet"
	"weir/wavelet/client"
)

// want makes a request and checks the status; the answer is read into result.
func (h *house) want(status int, who, method, path, body string, result any) http.Header {
	h.t.Helper()
	got, header, answer := h.rest(who, method, path, body)
	if got != status {
		h.t.Fatalf("%s %s as %q: %d %s, want %d", method, path, who, got, answer, status)
	}
	if result != nil {
		if err := json.Unmarshal([]byte(answer), result); err != nil {
			h.t.Fatalf("%s %s: %v in %s", method, path, err, answer)
		}
	}
	return header
}

func pathOf(name wavelet.Name) string { return "/api/v1/waves/" + name.Wave + "/" + name.Wavelet }

func TestWavesOverREST(t *testing.T) {
	h := build(t, nil)
	var made client.Placed
	h.want(201, "ann@example.com", "POST", "/api/v1/waves", `{"title":"Plans","participants":["bob@example.com"]}`, &made)
	path := pathOf(made.Name())

	var wrote struct{ Blip string }
	h.want(201, "bob@example.com", "POST", path+"/blips", `{"text":"<b>hello</b> & welcome"}`, &wrote)
	h.want(201, "ann@example.com", "POST", path+"/blips", fmt.Sprintf(`{"text":"a reply","parent":%q}`, wrote.Blip), nil)
	var now client.Snapshot
	h.want(200, "ann@example.com", "GET", path, "", &now)
	if now.Title != "Plans" || len(now.Participants) != 2 || len(now.Blips) != 3 || len(now.Threads) != 2 {
		t.Fatalf("snapshot: %+v", now)
	}
	h.want(200, "ann@example.com", "POST", path+"/blips/"+wrote.Blip,
		fmt.Sprintf(`{"base":%d,"ops":[{"retain":8,"attributes":{"bold":true}},{"insert":" all","attributes":{"link":"https://example.com/?a=1&b=2"}}]}`, now.Version), nil)

	_, header, text := h.rest("bob@example.com", "GET", path+"?format=text", "")
	if text != "Plans\n<b>hello all</b> & welcome\na reply\n" || !strings.HasPrefix(header.Get("Content-Type"), "text/plain") {
		t.Errorf("text: %s %q", header.Get("Content-Type"), text)
	}
	_, header, page := h.rest("bob@example.com", "GET", path+"?format=html", "")
	for _, part := range []string{
		"<title>Plans</title>", "<strong>&lt;b&gt;hello</strong>", `href="https://example.com/?a=1&amp;b=2"`, "&lt;/b&gt; &amp; welcome",
	} {
		if !strings.Contains(page, part) {
			t.Errorf("html lacks %q: %s", part, page)
		}
	}
	if !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Error("the page comes without a content security policy")
	}
	var old client.Snapshot
	h.want(200, "ann@example.com", "GET", path+"?version=1", "", &old)
	if old.Version != 1 || old.Title != "" {
		t.Errorf("at version 1: %+v", old)
	}
	var log client.HistoryOK
	h.want(200, "ann@example.com", "GET", path+"/history?from=1&to=3", "", &log)
	if len(log.Commits) != 2 || log.Commits[0].Version != 2 || log.Commits[1].Author != string(bob) {
		t.Errorf("history: %+v", log)
	}

	h.want(200, "ann@example.com", "PUT", path+"/tags/urgent", "", nil)
	var found struct{ Wavelets []client.Summary }
	for query, want := range map[string]int{"": 1, "welcome": 1, "WELCOME+with:bob": 1, "tag:urgent": 1, "title:plans": 1, "title:welcome": 0, "nowhere": 0, "with:eve": 0} {
		h.want(200, "ann@example.com", "GET", "/api/v1/waves?query="+query, "", &found)
		if len(found.Wavelets) != want {
			t.Errorf("query %q finds %d, want %d", query, len(found.Wavelets), want)
		}
	}
	h.want(200, "eve@example.com", "GET", "/api/v1/waves", "", &found)
	if len(found.Wavelets) != 0 {
		t.Errorf("eve is shown %+v", found.Wavelets)
	}
}

func TestAccessOverREST(t *testing.T) {
	h := build(t, nil)
	name := h.wave(bob)
	path := pathOf(name)
	root := string(h.state(name).Root())
	for _, test := range []struct {
		who, method, path, body string
		status                  int
	}{
		{"", "GET", path, "", 401},
		{"eve@example.com", "GET", path, "", 403},
		{"eve@example.com", "GET", path + "/history", "", 403},
		{"eve@example.com", "POST", path + "/blips", `{"text":"x"}`, 403},
		{"eve@example.com", "POST", path + "/blips/" + root, `{"base":1,"ops":[{"insert":"x"}]}`, 403},
		{"eve@example.com", "POST", path + "/deltas", `{"base":1,"ops":[{"add":{"who":"eve@example.com","role":"full"}}]}`, 403},
		{"eve@example.com", "POST", path + "/participants", `{"who":"eve@example.com"}`, 403},
		{"ann@example.com", "GET", "/api/v1/waves/example.com!w+none/example.com!conv+root", "", 404},
		{"ann@example.com", "GET", "/api/v1/waves/none/none", "", 400},
		{"ann@example.com", "GET", path + "?format=pdf", "", 422},
		{"ann@example.com", "GET", path + "?version=99", "", 409},
		{"ann@example.com", "POST", path + "/deltas", `{"base":99,"ops":[{"tag":{"tag":"x"}}]}`, 409},
		{"ann@example.com", "POST", path + "/deltas", `{"base":1,"ops":[{"dance":{}}]}`, 422},
		{"ann@example.com", "POST", path + "/blips", `{"text":"x","color":"red"}`, 422},
		{"ann@example.com", "POST", path + "/participants", `{"who":"nobody"}`, 400},
		{"ann@example.com", "GET", "/api/v1/robots", "", 401},
		{"ann@example.com", "GET", "/api/v1/decisions", "", 401},
		{"admin", "GET", path, "", 401},
	} {
		status, header, answer := h.rest(test.who, test.method, test.path, test.body)
		if status != test.status {
			t.Errorf("%s %s as %q: %d %s, want %d", test.method, test.path, test.who, status, answer, test.status)
		}
		if !strings.HasPrefix(header.Get("Content-Type"), "application/problem+json") {
			t.Errorf("%s %s as %q: an error of type %q", test.method, test.path, test.who, header.Get("Content-Type"))
		}
	}
	if v := h.state(name).Version(); v != 1 {
		t.Errorf("the wavelet is at version %d: one of these calls changed it", v)
	}
	h.want(200, "ann@example.com", "PUT", path+"/participants/bob@example.com", `{"role":"comment"}`, nil)
	h.want(403, "bob@example.com", "POST", path+"/blips/"+root, `{"base":2,"ops":[{"insert":"x"}]}`, nil)
	h.want(201, "bob@example.com", "POST", path+"/blips", `{"text":"my own"}`, nil)
	h.want(200, "ann@example.com", "DELETE", path+"/participants/bob@example.com", "", nil)
	h.want(403, "bob@example.com", "GET", path, "", nil)
}

func TestRobotsOverREST(t *testing.T) {
	h := build(t, nil)
	var made struct {
		Robot struct{ Address string }
		Key   string
	}
	h.want(201, "admin", "POST", "/api/v1/robots", `{"address":"echo@example.com","callback":"https://robots.example.com/echo"}`, &made)
	if made.Robot.Address != "echo@example.com" || made.Key == "" {
		t.Fatalf("registered: %+v", made)
	}
	h.want(409, "admin", "POST", "/api/v1/robots", `{"address":"echo@example.com"}`, nil)
	h.want(422, "admin", "POST", "/api/v1/robots", `{"address":"x@elsewhere.example.com"}`, nil)
	h.want(422, "admin", "POST", "/api/v1/robots", `{"address":"y@example.com","callback":"http://10.0.0.1/"}`, nil)
	_, _, list := h.rest("admin", "GET", "/api/v1/robots", "")
	if !strings.Contains(list, "echo@example.com") || strings.Contains(list, made.Key) {
		t.Errorf("list: %s", list)
	}
	const echo = "/api/v1/robots/echo@example.com"
	h.want(200, "key "+made.Key, "GET", echo+"/limits", "", nil)
	h.want(200, "admin", "GET", echo+"/limits", "", nil)
	h.want(401, "ann@example.com", "GET", echo+"/limits", "", nil)
	var again struct{ Key string }
	h.want(200, "admin", "POST", echo+"/rotate-key", "", &again)
	h.want(401, "key "+made.Key, "GET", echo+"/limits", "", nil)
	h.want(200, "key "+again.Key, "GET", echo+"/limits", "", nil)
	h.want(200, "admin", "PUT", echo+"/profile", `{"profile":"strict"}`, nil)
	h.want(422, "admin", "PUT", echo+"/profile", `{"profile":"none"}`, nil)
	var shown struct {
		Profile   string
		Suspended bool
	}
	h.want(200, "admin", "POST", echo+"/suspend", "", nil)
	h.want(200, "admin", "GET", echo, "", &shown)
	if shown.Profile != "strict" || !shown.Suspended {
		t.Errorf("shown: %+v", shown)
	}
	for _, who := range []string{"admin", "key " + again.Key} {
		var limits struct{ Status string }
		if h.want(200, who, "GET", echo+"/limits", "", &limits); limits.Status != "suspended" {
			t.Errorf("%s is told that it is %s", who, limits.Status)
		}
	}
	h.want(200, "admin", "POST", echo+"/resume", "", nil)
	h.want(200, "admin", "GET", "/api/v1/decisions", "", nil)
	var profiles struct{ Profiles []struct{ Name string } }
	h.want(200, "ann@example.com", "GET", "/api/v1/profiles", "", &profiles)
	if len(profiles.Profiles) < 5 {
		t.Errorf("profiles: %+v", profiles)
	}
	h.want(204, "admin", "DELETE", echo, "", nil)
	h.want(404, "admin", "GET", echo, "", nil)
}

// TestReadingChangesNothing asks every GET of the API's own description, twice,
// and finds the wavelet and the robots as they were.
func TestReadingChangesNothing(t *testing.T) {
	h := build(t, nil)
	name := h.wave()
	if _, _, err := h.directory.Register(t.Context(), registration("echo")); err != nil {
		t.Fatal(err)
	}
	var description struct {
		Paths map[string]map[string]any
	}
	h.want(200, "", "GET", "/api/v1/openapi.json", "", &description)
	gets := 0
	fill := strings.NewReplacer("{wave}", name.Wave, "{wavelet}", name.Wavelet, "{id}", "echo@example.com")
	for path, methods := range description.Paths {
		if _, ok := methods["get"]; !ok || strings.HasSuffix(path, "/stream") { // a stream has no end
			continue
		}
		for range 2 {
			for _, who := range []string{"ann@example.com", "admin"} {
				if status, _, answer := h.rest(who, "GET", fill.Replace(path), ""); status >= 500 {
					t.Errorf("GET %s: %d %s", path, status, answer)
				}
			}
		}
		gets++
	}
	if gets < 6 {
		t.Errorf("the description lists %d readable paths: %v", gets, description.Paths)
	}
	if v := h.state(name).Version(); v != 1 || len(h.directory.List()) != 1 {
		t.Error("something was changed by a GET")
	}
}

func TestPoliciesAreChangedLive(t *testing.T) {
	h := build(t, nil)
	const good = `"file":"x.yaml","text":"version: 1\nprofiles: {calm: {depth: {act: 4}}}\n"`
	var diff struct{ Changes []policies.Change }
	h.want(200, "admin", "POST", "/api/v1/policies/diff", "{"+good+"}", &diff)
	if len(diff.Changes) < 2 || diff.Changes[0] != (policies.Change{Profile: "calm", New: "added"}) {
		t.Errorf("the difference: %+v", diff.Changes)
	}
	register := `{"address":"calm@example.com","profile":"calm"}`
	h.want(422, "admin", "POST", "/api/v1/robots", register, nil)
	var state struct {
		Version  book.Version
		Profiles []struct{ Name string }
	}
	h.want(200, "admin", "PUT", "/api/v1/policies", `{"by":"ann",`+good+"}", &state)
	if state.Version.Number != 1 || state.Version.By != "ann" || len(state.Profiles) != 9 {
		t.Errorf("applied: %+v", state)
	}
	h.want(201, "admin", "POST", "/api/v1/robots", register, nil)
	const bad = `"file":"bad.yaml","text":"version: 1\ncolor: red\nprofiles: {x: {y: 1}}\n"`
	for _, call := range [][3]string{{"POST", "/api/v1/policies/diff", "{" + bad + "}"}, {"PUT", "/api/v1/policies", `{"by":"ann",` + bad + "}"}} {
		status, _, text := h.rest("admin", call[0], call[1], call[2])
		if status != 422 || !strings.Contains(text, "bad.yaml:2:1: color: unknown key") || !strings.Contains(text, "bad.yaml:3:16: profiles.x.y") {
			t.Errorf("%s: %d %s", call[1], status, text)
		}
	}
	var history struct{ Versions []book.Version }
	h.want(200, "admin", "GET", "/api/v1/policies/history", "", &history)
	if len(history.Versions) != 1 || history.Versions[0].By != "ann" || history.Versions[0].Text != "" {
		t.Errorf("the history: %+v", history)
	}
	var first book.Version
	h.want(200, "admin", "GET", "/api/v1/policies/history/1", "", &first)
	if !strings.Contains(first.Text, "calm") {
		t.Errorf("version 1: %+v", first)
	}
	h.want(404, "admin", "GET", "/api/v1/policies/history/7", "", nil)
	h.want(200, "admin", "GET", "/api/v1/policies", "", nil)
	h.want(401, "ann@example.com", "PUT", "/api/v1/policies", `{"by":"ann",`+good+"}", nil)
}

func TestOtherSitesMayNotPost(t *testing.T) {
	h := build(t, nil)
	r, err := http.NewRequestWithContext(t.Context(), "POST", h.url+"/connect", strings.NewReader(`{"user":"ann@example.com"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "https://elsewhere.example.com")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("a cross-site POST is answered %d, want 403", resp.StatusCode)
	}
}

func TestMonitoring(t *testing.T) {
	h := build(t, nil)
	h.want(200, "", "GET", "/healthz", "", nil)
	h.want(200, "", "GET", "/readyz", "", nil)
	_, _, page := h.rest("", "GET", "/", "")
	if !strings.Contains(page, "/api/v1/openapi.json") {
		t.Errorf("the root page: %s", page)
	}
	h.want(404, "", "GET", "/nowhere", "", nil)
	c := h.dial(ann, "")
	h.open(c, h.wave())
	_, _, text := h.rest("", "GET", "/metrics", "")
	for _, line := range []string{"weir_sockets_open 1", "weir_tickets_total 1", "weir_frames_malformed_total 0", "weir_resyncs_total 0", "go_goroutines"} {
		if !strings.Contains(text, line) {
			t.Errorf("the metrics lack %q", line)
		}
	}
	h.web.Close()
	h.want(503, "", "GET", "/readyz", "", nil)
	h.want(503, "", "POST", "/connect", `{"user":"ann@example.com"}`, nil)
}

// TestWhatCannotBeReadIsNotSentBack sends a long body with several faults.
func TestWhatCannotBeReadIsNotSentBack(t *testing.T) {
	h := plan{}.build(t)
	body := `{"said":"` + strings.Repeat("x", 100_000) + `"}`
	status, _, text := h.rest("", http.MethodPost, "/api/v1/blocks", body)
	if status != http.StatusUnprocessableEntity || len(text) > 2000 || !strings.Contains(text, "location") {
		t.Errorf("%d, %d bytes: %.200s", status, len(text), text)
	}
	h.metrics(`weir_edge_refused_total{layer="rest",reason="malformed"} 1`)
}
