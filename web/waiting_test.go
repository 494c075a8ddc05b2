package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"weir/admission"
	"weir/robots"
	"weir/wavelet/client"
)

// All of these run in a bubble: how long somebody waits has nothing to do with
// the machine.

// crowded makes a house in which one session at a time may be pending, and one
// that is: everybody else waits.
func crowded(t *testing.T, change func(*admission.QueueConfig)) (*house, *wire) {
	t.Helper()
	h := small(t, change)
	return h, h.bare(ann)
}

// small makes a house in which one session at a time may be pending.
func small(t *testing.T, change func(*admission.QueueConfig)) *house {
	t.Helper()
	h := plan{handshake: time.Minute, pipes: newPipes()}.build(t)
	c := admission.Default()
	c.Queue = calm(c.Queue)
	c.Queue.Capacity, c.Queue.Pending, c.Queue.Handshake = 1, 1, time.Minute
	if change != nil {
		change(&c.Queue)
	}
	h.web.SetAdmission(c)
	return h
}

// calm is a queue without the signs of overload, which a busy machine that tests
// would show.
func calm(c admission.QueueConfig) admission.QueueConfig {
	c.Triggers.SchedulerLatency, c.Triggers.Runnable = 0, 0
	return c
}

// admission is what operators are shown.
func (h *house) admission() (out struct {
	Length, Parked, Pending int
	Most                    int    `json:"pending_max"`
	Peak                    int    `json:"pending_peak"`
	Admitted                uint64 `json:"admitted"`
	Refused                 map[string]uint64
}) {
	h.t.Helper()
	status, _, answer := h.rest("admin", "GET", "/api/v1/admission", "")
	if err := json.Unmarshal([]byte(answer), &out); err != nil || status != http.StatusOK {
		h.t.Fatalf("GET /api/v1/admission: %d %s", status, answer)
	}
	return out
}

// refusedTurn is one POST /connect that is refused for now.
func (h *house) refusedTurn(body string) (turn client.Turn, header http.Header) {
	h.t.Helper()
	status, header, answer := h.rest("", "POST", "/connect", body)
	if err := json.Unmarshal([]byte(answer), &turn); err != nil || status != http.StatusServiceUnavailable || turn.Err == nil {
		h.t.Fatalf("POST /connect: %d %s", status, answer)
	}
	return turn, header
}

func TestNewcomersGetATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, first := crowded(t, func(c *admission.QueueConfig) { c.Park = 0 })
		turn, header := h.refusedTurn(`{"user":"bob@example.com"}`)
		seconds, err := strconv.Atoi(header.Get("Retry-After"))
		if err != nil || int64(seconds)*1000 < turn.RetryInMS || turn.RetryInMS <= 0 || turn.Ticket == "" ||
			turn.Err.Code != client.CodeOverloaded || !turn.Err.Temporary || turn.Err.RetryAfterMS != turn.RetryInMS {
			t.Fatalf("%+v, Retry-After %q", turn, header.Get("Retry-After"))
		}
		again, _ := h.refusedTurn(`{"user":"bob@example.com"}`)
		later, _ := h.refusedTurn(`{"user":"eve@example.com"}`)
		if again.RetryInMS > turn.RetryInMS+1000 || later.RetryInMS <= again.RetryInMS-1000 {
			t.Errorf("bob waits %d ms, then %d ms, eve %d ms", turn.RetryInMS, again.RetryInMS, later.RetryInMS)
		}
		h.refusedTurn(`{"user":"zoe@example.com","ticket":"nonsense"}`)
		h.refusedTurn(fmt.Sprintf(`{"user":"zoe@example.com","ticket":%q}`, turn.Ticket))
		state := h.admission()
		if state.Pending != 1 || state.Most != 1 || state.Length == 0 || state.Refused["ticket_forged"] != 2 || state.Refused["queue"]+state.Refused["full"] != 5 {
			t.Errorf("operators see %+v", state)
		}
		_, _, metrics := h.rest("", "GET", "/metrics", "")
		for _, want := range []string{`weir_edge_refused_total{layer="queue",reason="ticket_forged"} 2`, "weir_queue_pending 1", "weir_queue_capacity 1"} {
			if !strings.Contains(metrics, want) {
				t.Errorf("%q is not in the metrics", want)
			}
		}
		for _, path := range []string{"/healthz", "/readyz"} {
			if status, _, _ := h.rest("", "GET", path, ""); status != http.StatusOK {
				t.Errorf("%s answers %d while people wait", path, status)
			}
		}
		first.say(`{"id":1,"op":"connect","protocol":1}`)
		first.hear()
		if status, _, answer := h.rest("", "POST", "/connect", fmt.Sprintf(`{"user":"bob@example.com","ticket":%q}`, turn.Ticket)); status != http.StatusOK {
			t.Errorf("bob with his ticket, when there is room: %d %s", status, answer)
		}
	})
}

func TestParkedRequestsAreWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, first := crowded(t, func(c *admission.QueueConfig) { c.Capacity, c.Horizon, c.Park = 0.1, time.Hour, 30*time.Second })
		answered := make(chan int, 1)
		go func() {
			status, _, _ := h.rest("", "POST", "/connect", `{"user":"bob@example.com"}`)
			answered <- status
		}()
		until(t, "bob is parked", func() bool { return h.admission().Parked == 1 })
		first.say(`{"id":1,"op":"connect","protocol":1}`)
		first.hear()
		if status := <-answered; status != http.StatusOK {
			t.Errorf("bob is answered %d", status)
		}
	})
}

func TestParkedRequestsEndWithTheirCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := crowded(t, func(c *admission.QueueConfig) { c.Capacity, c.Horizon, c.Park = 0.1, time.Hour, 30*time.Second })
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() {
			r, err := http.NewRequestWithContext(ctx, "POST", h.url+"/connect", strings.NewReader(`{"user":"bob@example.com"}`))
			if err == nil {
				var resp *http.Response
				if resp, err = h.http.Do(r); err == nil {
					resp.Body.Close()
				}
			}
			gone <- err
		}()
		until(t, "bob is parked", func() bool { return h.admission().Parked == 1 })
		cancel()
		if err := <-gone; err == nil {
			t.Error("bob was answered")
		}
		until(t, "bob is forgotten", func() bool { return h.admission().Parked == 0 })
	})
}

func TestParkedRequestsEndWithTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := small(t, func(c *admission.QueueConfig) { c.Capacity, c.Horizon, c.Park = 0.1, time.Hour, 30*time.Second })
		h.ticket(ann)
		answered := make(chan int, 1)
		go func() {
			status, _, _ := h.rest("", "POST", "/connect", `{"user":"bob@example.com"}`)
			answered <- status
		}()
		until(t, "bob is parked", func() bool { return h.admission().Parked == 1 })
		h.web.Close()
		if status := <-answered; status != http.StatusServiceUnavailable {
			t.Errorf("bob is answered %d", status)
		}
	})
}

func TestUpgradesNeedRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := crowded(t, nil)
		seen := map[string]bool{}
		for range 20 {
			conn, resp, err := websocket.Dial(t.Context(), h.url+"/ws", &websocket.DialOptions{HTTPClient: h.http})
			if err != nil {
				if resp == nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
					t.Fatalf("an upgrade without a ticket: %v", err)
				}
				seen["503"] = true
				continue
			}
			_, _, err = conn.Read(t.Context())
			if code := websocket.CloseStatus(err); code != client.CloseBusy || !strings.Contains(err.Error(), "retry_after_ms=") {
				t.Fatalf("an upgrade without a ticket is closed with %v", err)
			}
			seen["4429"] = true
		}
		if len(seen) != 2 {
			t.Errorf("of 20 upgrades without a ticket there were only %v", seen)
		}
		if n := h.admission().Pending; n != 1 {
			t.Errorf("%d are pending", n)
		}
	})
}

func TestRobotsWhoAreNewWaitToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, first := crowded(t, nil)
		call := func(key string) (int, http.Header) {
			status, header, _ := h.rest("key "+key, "POST", "/robot/rpc", `[]`)
			return status, header
		}
		if status, header := call("unknown"); status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
			t.Fatalf("a new caller is answered %d", status)
		}
		_, key, err := h.directory.Register(t.Context(), robots.Registration{Address: "echo@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		first.say(`{"id":1,"op":"connect","protocol":1}`)
		first.hear()
		if status, _ := call(key); status != http.StatusOK {
			t.Fatalf("with room a robot is answered %d", status)
		}
		if status, _ := call("unknown"); status != http.StatusUnauthorized {
			t.Fatalf("with room somebody unknown is answered %d", status)
		}
		h.bare(bob)
		if status, _ := call(key); status != http.StatusOK {
			t.Errorf("a robot who is known is answered %d while others wait", status)
		}
		if status, _ := call("unknown"); status != http.StatusServiceUnavailable {
			t.Errorf("one who is unknown is answered %d while others wait", status)
		}
	})
}

// TestASlowRobotKeepsNobodyOut has a call begin that does not come to its end: it
// is no session after the time for a handshake, though it is still under way.
func TestASlowRobotKeepsNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := small(t, func(c *admission.QueueConfig) { c.Handshake = 50 * time.Millisecond })
		_, key, err := h.directory.Register(t.Context(), robots.Registration{Address: "echo@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		body, rest := io.Pipe()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+"/robot/rpc", body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+key)
		r.Header.Set("Content-Type", "application/json")
		answered := make(chan int, 1)
		var calling sync.WaitGroup
		defer calling.Wait()
		calling.Go(func() {
			response, err := h.http.Do(r)
			if err != nil {
				answered <- 0
				return
			}
			response.Body.Close()
			answered <- response.StatusCode
		})
		if _, err := rest.Write([]byte("[")); err != nil {
			t.Fatal(err)
		}
		until(t, "the call's place is free again", func() bool {
			state := h.admission()
			return state.Admitted == 1 && state.Pending == 0
		})
		select {
		case status := <-answered:
			t.Fatalf("the call was answered with %d before it was whole", status)
		default:
		}
		if _, err := rest.Write([]byte("]")); err != nil {
			t.Fatal(err)
		}
		rest.Close()
		if status := <-answered; status != http.StatusOK {
			t.Errorf("the call is answered %d", status)
		}
	})
}
