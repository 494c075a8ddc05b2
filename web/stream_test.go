package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"weir/governor"
	"weir/governor/decisions"
	"weir/wavelet"
)

// decide has the log hold n more decisions, about the robots a and b by turns.
func (h *house) decide(n int) {
	h.t.Helper()
	log := h.gateway.Decisions()
	for i := range n {
		log.Add(governor.Decision{
			Time: time.Now(), Robot: wavelet.Participant([]string{"a@example.com", "b@example.com"}[i%2]),
			Wavelet: "example.com!w+1/example.com!conv+root", Rule: "depth", Action: "warn",
		})
	}
	if err := log.Flush(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// event is one server-sent event.
type event struct{ id, name, data string }

// follow opens a stream and returns the function that reads the next event.
func (h *house) follow(query, lastID string) (next func() event, end func()) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", h.url+"/api/v1/decisions/stream"+query, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminToken)
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { resp.Body.Close() })
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || kind != "text/event-stream" {
		h.t.Fatalf("the stream is answered %d %s", resp.StatusCode, kind)
	}
	lines := bufio.NewScanner(resp.Body)
	return func() event {
		h.t.Helper()
		var e event
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch {
			case name == "id":
				e.id = value
			case name == "event":
				e.name = value
			case name == "data":
				e.data = value
			case name == "" && e != event{}:
				return e
			}
		}
		return event{name: "end"}
	}, cancel
}

func TestPagesOfDecisions(t *testing.T) {
	h := build(t, nil)
	h.decide(25)
	var seen []uint64
	path := "/api/v1/decisions?limit=10"
	for pages := 0; ; pages++ {
		var list struct {
			Decisions  []decisions.Entry
			Next, Last uint64
		}
		h.want(200, "admin", "GET", path, "", &list)
		if list.Last != 25 || pages > 3 {
			t.Fatalf("page %d: the last is %d, want 25", pages, list.Last)
		}
		for _, d := range list.Decisions {
			seen = append(seen, d.Number)
		}
		if list.Next == 0 {
			break
		}
		path = fmt.Sprintf("/api/v1/decisions?limit=10&cursor=%d", list.Next)
	}
	for i, n := range seen {
		if n != uint64(25-i) {
			t.Fatalf("the pages hold %v", seen)
		}
	}
	if len(seen) != 25 {
		t.Errorf("the pages hold %d decisions, want 25", len(seen))
	}
	for query, want := range map[string]int{
		"robot=a@example.com": 13, "action=evict": 0, "rule=depth": 25, "since=2100-01-01T00:00:00Z": 0,
		"wavelet=example.com!w%2B1/example.com!conv%2Broot": 25,
	} {
		var list struct{ Decisions []decisions.Entry }
		h.want(200, "admin", "GET", "/api/v1/decisions?"+query, "", &list)
		if len(list.Decisions) != want {
			t.Errorf("%s: %d decisions, want %d", query, len(list.Decisions), want)
		}
	}
	h.want(400, "admin", "GET", "/api/v1/decisions?wavelet=x", "", nil)
	h.want(422, "admin", "GET", "/api/v1/decisions?since=yesterday", "", nil)
}

func TestStreamOfDecisions(t *testing.T) {
	h := build(t, nil)
	h.decide(3)
	next, end := h.follow("", "")
	h.decide(2)
	for _, id := range []string{"4", "5"} {
		e := next()
		var d decisions.Entry
		if err := json.Unmarshal([]byte(e.data), &d); err != nil || e.id != id || e.name != "decision" || fmt.Sprint(d.Number) != id || d.Rule != "depth" {
			t.Fatalf("event %+v, want number %s (%v)", e, id, err)
		}
	}
	end()
	h.decide(2)
	next, _ = h.follow("?robot=b@example.com", "5") // a reader that comes back
	if e := next(); e.id != "7" {
		t.Errorf("after 5 b's next is %+v, want 7", e)
	}
	next, _ = h.follow("?since=2000-01-01T00:00:00Z", "")
	if e := next(); e.id != "1" {
		t.Errorf("since long ago the first is %+v, want 1", e)
	}
	next, _ = h.follow("?after=6", "")
	if e := next(); e.id != "7" {
		t.Errorf("after 6 comes %+v, want 7", e)
	}
	h.web.Close()
	for range 3 {
		if e := next(); e.name == "end" {
			return
		}
	}
	t.Error("the stream outlives the server")
}

func TestStreamSaysWhatItMissed(t *testing.T) {
	h := plan{decisions: 10}.build(t)
	h.decide(30)
	next, _ := h.follow("", "5")
	if e := next(); e.name != "missed" || e.data != `{"after":5,"next":21}` {
		t.Errorf("the first event is %+v, want missed", e)
	}
	if e := next(); e.id != "21" {
		t.Errorf("then comes %+v, want 21", e)
	}
}

func TestStreamRefusals(t *testing.T) {
	h := build(t, nil)
	for _, c := range []struct {
		who, query string
		status     int
	}{
		{"", "", 401}, {"ann@example.com", "", 401}, {"admin", "?color=red", 400}, {"admin", "?after=x", 400},
		{"admin", "?since=x", 400}, {"admin", "?wavelet=x", 400},
	} {
		status, header, text := h.rest(c.who, "GET", "/api/v1/decisions/stream"+c.query, "")
		if status != c.status || header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s as %q: %d %s, want %d", c.query, c.who, status, text, c.status)
		}
	}
	for range 64 {
		h.follow("", "")
	}
	if _, _, text := h.rest("", "GET", "/metrics", ""); !strings.Contains(text, "weir_decision_streams_open 64") {
		t.Error("the metrics do not tell that 64 streams are open")
	}
	h.want(503, "admin", "GET", "/api/v1/decisions/stream", "", nil)
}

// TestAStalledReaderHoldsUpNobody lets one reader take nothing while others are
// served.
func TestAStalledReaderHoldsUpNobody(t *testing.T) {
	h := build(t, nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /api/v1/decisions/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+adminToken+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	next, _ := h.follow("", "")
	for range 10 {
		h.decide(1000)
	}
	for i := range 10_000 {
		if e := next(); e.id != fmt.Sprint(i+1) {
			t.Fatalf("event %d is %+v", i+1, e)
		}
	}
}
