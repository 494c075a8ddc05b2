package web_test

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"weir/admission"
	"weir/wavelet"
)

// lines is a log that many write to.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// metric is the value of a metric, with its labels, as text; "" if there is
// none.
func (h *house) metric(name string) string {
	h.t.Helper()
	_, _, text := h.rest("", http.MethodGet, "/metrics", "")
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// until waits for something to hold.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// knock asks for a ticket, and gives the status if there is none.
func (h *house) knock(who string) (string, int) {
	status, _, text := h.rest("", http.MethodPost, "/connect", `{"user":"`+who+`"}`)
	_, ticket, _ := strings.Cut(text, `"ticket":"`)
	ticket, _, _ = strings.Cut(ticket, `"`)
	return ticket, status
}

// TestAKnockKeepsNoPlace: a ticket is spent on another connection, so behind it
// the one that asked is closed; behind a refusal it may be used again.
func TestAKnockKeepsNoPlace(t *testing.T) {
	h := plan{}.build(t)
	for body, closed := range map[string]bool{`{"user":"ann@example.com"}`: true, `{"user":"ann"}`: false} {
		resp, err := http.Post(h.url+"/connect", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.Close != closed {
			t.Errorf("%s: %s, closed: %v", body, resp.Status, resp.Close)
		}
	}
}

// TestAPersonHasSoManySockets has a person come with twice as many tickets at
// once: exactly as many sockets open as she may have, and a place that is given
// back is free.
func TestAPersonHasSoManySockets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 10
		log := &lines{}
		h := plan{pipes: newPipes(), admission: &admission.Config{Connections: admission.ConnectionLimits{PerUser: most}}, log: slog.New(slog.NewTextHandler(log, nil))}.build(t)
		tickets := make([]string, 2*most)
		for i := range tickets {
			tickets[i], _ = h.knock(string(ann))
		}
		var opened, refused atomic.Int64
		var mu sync.Mutex
		var open []*websocket.Conn
		var wg sync.WaitGroup
		for _, ticket := range tickets {
			wg.Go(func() {
				conn, resp, err := websocket.Dial(t.Context(), h.url+"/ws?ticket="+ticket, &websocket.DialOptions{HTTPClient: h.http})
				switch {
				case err == nil:
					opened.Add(1)
					mu.Lock()
					open = append(open, conn)
					mu.Unlock()
				case resp != nil && resp.StatusCode == http.StatusTooManyRequests && resp.Header.Get("Retry-After") != "":
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if opened.Load() != most || refused.Load() != most {
			t.Fatalf("%d opened, %d refused", opened.Load(), refused.Load())
		}
		if _, status := h.knock(string(ann)); status != http.StatusTooManyRequests {
			t.Errorf("a ticket that could not be spent was given: %d", status)
		}
		if got := h.metric(`weir_edge_refused_total{layer="connections",reason="user"}`); got != "11" {
			t.Errorf("%q refusals counted", got)
		}
		if text := log.String(); strings.Count(text, "too many connections") != 1 ||
			!strings.Contains(text, "user=ann@example.com total=10 maximum=10") {
			t.Errorf("log: %s", text)
		}
		if _, status := h.knock(string(bob)); status != http.StatusOK {
			t.Errorf("bob was answered %d", status)
		}
		_ = open[0].CloseNow()
		until(t, "the place is free again", func() bool { _, status := h.knock(string(ann)); return status == http.StatusOK })
		for _, conn := range open {
			_ = conn.CloseNow()
		}
	})
}

// answers reports whether a connection is spoken to.
func answers(t *testing.T, conn net.Conn) bool {
	t.Helper()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
	buf := make([]byte, 12)
	_, err := io.ReadFull(conn, buf)
	return err == nil && string(buf) == "HTTP/1.1 200"
}

// TestAnAddressHasSoManyConnections opens twice as many as there may be, of one
// address or in all: exactly those are served, the rest closed at once.
func TestAnAddressHasSoManyConnections(t *testing.T) {
	const most = 20
	for reason, limits := range map[string]admission.ConnectionLimits{"address": {PerAddress: most}, "total": {Total: most}} {
		h := plan{admission: &admission.Config{Connections: limits}}.build(t)
		var served atomic.Int64
		var mu sync.Mutex
		var conns []net.Conn
		var wg sync.WaitGroup
		for range 2 * most {
			wg.Go(func() {
				conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
				if err != nil {
					return // closed so soon that it never stood
				}
				if answers(t, conn) {
					served.Add(1)
				}
				mu.Lock()
				defer mu.Unlock()
				conns = append(conns, conn)
			})
		}
		wg.Wait()
		if served.Load() != most {
			t.Errorf("%s: %d were served", reason, served.Load())
		}
		for _, conn := range conns {
			_ = conn.Close()
		}
		want := `weir_edge_refused_total{layer="connections",reason="` + reason + `"}`
		until(t, "the places are free again", func() bool {
			resp, err := http.Get(h.url + "/healthz")
			if err != nil {
				return false
			}
			return resp.Body.Close() == nil
		})
		if got := h.metric(want); got == "" || got == "0" {
			t.Errorf("%s is %q", want, got)
		}
		if got := h.metric("weir_connections_open"); got == "" || got == "0" {
			t.Errorf("%s: %q connections are open while one asks", reason, got)
		}
	}
}

// TestBehindAProxyAddressesAreCountedByWhatItSays has a trusted proxy, which may
// have any number of connections, bring two people from one address and one from
// another.
func TestBehindAProxyAddressesAreCountedByWhatItSays(t *testing.T) {
	h := plan{admission: &admission.Config{
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Connections: admission.ConnectionLimits{PerAddress: 1},
	}}.build(t)
	dial := func(who, from string) (*websocket.Conn, int) {
		t.Helper()
		conn, resp, err := websocket.Dial(t.Context(), h.url+"/ws?ticket="+h.ticket(wavelet.Participant(who)),
			&websocket.DialOptions{HTTPHeader: http.Header{"X-Forwarded-For": {from}}})
		if err == nil {
			t.Cleanup(func() { _ = conn.CloseNow() })
			return conn, 0
		}
		if resp == nil {
			t.Fatal(err)
		}
		return nil, resp.StatusCode
	}
	first, status := dial("ann@example.com", "192.0.2.7")
	if status != 0 {
		t.Fatalf("the first was answered %d", status)
	}
	if _, status := dial("bob@example.com", "192.0.2.7"); status != http.StatusTooManyRequests {
		t.Errorf("the second from that address was answered %d", status)
	}
	if _, status := dial("eve@example.com", "192.0.2.8"); status != 0 {
		t.Errorf("the first from another was answered %d", status)
	}
	until(t, "the socket is listed under the address she has", func() bool {
		all := h.connections("address=192.0.2.7")
		return len(all.Sockets) == 1 && all.Sockets[0].User == "ann@example.com"
	})
	_ = first.CloseNow()
	until(t, "the address has a place again", func() bool {
		conn, status := dial("bob@example.com", "192.0.2.7")
		if status == 0 {
			_ = conn.CloseNow()
		}
		return status == 0
	})
}
