package web_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"weir/robots"
)

// canary is what nobody who traces may see.
const canary = "zqx-canary-7"

// traced opens a trace, and gives its lines as they come.
func (h *house) traced(who string) *bufio.Scanner {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.url+"/api/v1/trace?who="+who, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminToken)
	resp, err := http.DefaultClient.Do(r)
	if err != nil || resp.StatusCode != http.StatusOK {
		h.t.Fatal(resp, err)
	}
	h.t.Cleanup(func() { resp.Body.Close() })
	return bufio.NewScanner(resp.Body)
}

// upTo reads lines until one has the text.
func upTo(t *testing.T, lines *bufio.Scanner, text string) string {
	t.Helper()
	var all strings.Builder
	for lines.Scan() {
		all.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), text) {
			return all.String()
		}
	}
	t.Fatalf("no %q in\n%s", text, all.String())
	return ""
}

// TestATraceTellsNothingOfWhatIsWritten traces a person who puts a canary into
// everything that a client may write, and a robot whose call holds it.
func TestATraceTellsNothingOfWhatIsWritten(t *testing.T) {
	h := build(t, nil)
	name := h.wave(bob)
	w := h.raw(ann)
	lines := h.traced(string(ann))
	upTo(t, lines, "event: tracing")
	at := `"wave":"` + name.Wave + `","wavelet":"` + name.Wavelet + `"`
	for _, frame := range []string{
		`{"id":2,"op":"subscribe",` + at + `}`,
		`{"id":3,"op":"publish",` + at + `,"base":1,"seq":1,"ops":[{"edit":{"blip":"` + string(h.state(name).Root()) + `","ops":[{"insert":"` + canary + `"}]}}]}`,
		`{"id":4,"op":"` + canary + `"}`,
		`{"id":5,"op":"rpc","method":"` + canary + `","params":{"` + canary + `":"` + canary + `"}}`,
		`{"id":6,"op":"rpc","method":"wavelet.list","params":{"query":"` + canary + `"}}`,
		`{"id":7,"op":"refresh","token":"` + canary + `"}`,
		`{"id":8,"op":"ping","` + canary + `":1}`,
		`{"id":9,"op":"subscribe","wave":"` + canary + `","wavelet":"x"}`,
		`{"id":10,"op":"ping"}`,
	} {
		w.say(frame)
	}
	// In whichever order they are told: the commit, the last frame in, and its
	// answer out.
	text := ""
	for strings.Count(text, `"id":10,"bytes"`) < 2 || !strings.Contains(text, `"op":"commit"`) {
		text += upTo(t, lines, "data:")
	}
	for _, want := range []string{`"kind":"in"`, `"op":"publish"`, `"op":"commit"`, `"method":"wavelet.list"`, `"code":401,"reason":"unknown_op"`, `"wavelet":"` + name.String(), `"tookUs":`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, canary) {
		t.Errorf("the trace tells what was written:\n%s", text)
	}

	_, key, err := h.directory.Register(t.Context(), robots.Registration{Address: "echo@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	lines = h.traced("echo@example.com")
	upTo(t, lines, "event: tracing")
	h.rest("key "+key, http.MethodPost, "/robot/rpc", `[{"id":"`+canary+`","method":"`+canary+`","params":{"a":"`+canary+`"}}]`)
	if text := upTo(t, lines, `"kind":"call"`); strings.Contains(text, canary) || strings.Contains(text, key) || !strings.Contains(text, `"operations":1`) {
		t.Errorf("the trace of the robot:\n%s", text)
	}
}

// TestTracesAreBounded in number, are for operators, and end with their reader.
func TestTracesAreBounded(t *testing.T) {
	h := build(t, nil)
	for range 8 {
		upTo(t, h.traced(string(ann)), "event: tracing")
	}
	for who, want := range map[string]int{"admin": http.StatusServiceUnavailable, string(ann): http.StatusUnauthorized} {
		if status, _, text := h.rest(who, http.MethodGet, "/api/v1/trace?who=ann@example.com", ""); status != want {
			t.Errorf("%s: %d %s", who, status, text)
		}
	}
	if got := h.metric("weir_traces_open"); got != "8" {
		t.Errorf("%q traces are open", got)
	}
	if status, _, _ := h.rest("admin", http.MethodGet, "/api/v1/trace?who=nobody", ""); status != http.StatusBadRequest {
		t.Errorf("nobody can be traced: %d", status)
	}
}
