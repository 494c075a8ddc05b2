package web_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"weir/admission"
	"weir/robots"
	"weir/wavelet/client"
)

// block asks the API, and gives the status.
func (h *house) block(who string, force bool) int {
	h.t.Helper()
	in, err := json.Marshal(map[string]any{"who": who, "reason": "floods", "by": "op", "force": force})
	if err != nil {
		h.t.Fatal(err)
	}
	status, _, text := h.rest("admin", http.MethodPost, "/api/v1/blocks", string(in))
	if status != http.StatusCreated {
		h.t.Log(text)
	}
	return status
}

// TestAPersonIsBlocked at every door, and on the connections that stand.
func TestAPersonIsBlocked(t *testing.T) {
	h := build(t, nil)
	w, other := h.raw(ann), h.raw(bob)
	ticket := h.ticket(ann)
	if status := h.block(string(ann), false); status != http.StatusCreated {
		t.Fatal(status)
	}
	if got := w.closed(); got != client.CloseBlocked || !client.StayAway(got) {
		t.Errorf("her socket was closed with %d", got)
	}
	resp, err := http.Get(h.url + "/ws?ticket=" + ticket)
	if err != nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("her ticket was answered %v, %v", resp.Status, err)
	}
	resp.Body.Close()
	for _, ask := range [][3]string{{"POST", "/connect", `{"user":"ann@example.com"}`}, {"GET", "/api/v1/waves", ""}} {
		status, _, text := h.rest(string(ann), ask[0], ask[1], ask[2])
		if status != http.StatusForbidden || !strings.Contains(text, `"blocked"`) || !strings.Contains(text, "floods") {
			t.Errorf("%s %s: %d %s", ask[0], ask[1], status, text)
		}
	}
	if got := h.metric(`weir_edge_refused_total{layer="block",reason="user"}`); got != "3" {
		t.Errorf("%q refusals are counted", got)
	}
	other.say(`{"id":2,"op":"ping"}`)
	if f := other.hear(); f.Err != nil {
		t.Errorf("bob: %v", f.Err)
	}
	if status, _, text := h.rest("admin", http.MethodDelete, "/api/v1/blocks?who=ann@example.com", ""); status != http.StatusOK {
		t.Fatal(status, text)
	}
	h.raw(ann)
	for _, who := range []string{"", string(ann)} {
		if status, _, _ := h.rest(who, http.MethodGet, "/api/v1/blocks", ""); status != http.StatusUnauthorized {
			t.Errorf("%q was answered %d", who, status)
		}
	}
}

// TestARobotIsBlocked: its calls are refused with the reason, and it is not in
// service.
func TestARobotIsBlocked(t *testing.T) {
	h := build(t, nil)
	_, key, err := h.directory.Register(t.Context(), robots.Registration{Address: "echo@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if status := h.block("echo@example.com", false); status != http.StatusCreated {
		t.Fatal(status)
	}
	for _, ask := range [][3]string{{"POST", "/robot/rpc", "[]"}, {"GET", "/api/v1/robots/echo@example.com/limits", ""}} {
		status, _, text := h.rest("key "+key, ask[0], ask[1], ask[2])
		if status != http.StatusForbidden || !strings.Contains(text, "blocked: floods") {
			t.Errorf("%s %s: %d %s", ask[0], ask[1], status, text)
		}
	}
	if _, _, ok := h.directory.InService("echo@example.com"); ok {
		t.Error("it is called")
	}
	if got := h.metric(`weir_edge_refused_total{layer="block",reason="robot"}`); got != "2" {
		t.Errorf("%q refusals are counted", got)
	}
}

// TestANetworkIsBlocked behind a proxy by what the proxy says, and else as a
// connection is accepted; nobody shuts himself or the proxy out by accident.
func TestANetworkIsBlocked(t *testing.T) {
	h := plan{admission: &admission.Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}}.build(t)
	ask := func(from string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Forwarded-For", from)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if status := h.block("192.0.2.0/24", false); status != http.StatusCreated {
		t.Fatal(status)
	}
	if near, far := ask("192.0.2.200"), ask("198.51.100.1"); near != http.StatusForbidden || far != http.StatusOK {
		t.Errorf("answered %d from there, %d from elsewhere", near, far)
	}
	for _, who := range []string{"127.0.0.1", "127.0.0.0/8", "0.0.0.0/0"} {
		if status := h.block(who, false); status != http.StatusConflict {
			t.Errorf("to block %s was answered %d", who, status)
		}
	}
	if status := h.block("127.0.0.1", true); status != http.StatusCreated {
		t.Fatal(status)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err == nil && answers(t, conn) {
		t.Error("a connection from a blocked address is served")
	}
}

// TestABlockEndsStreams of those who are blocked, and nobody else's.
func TestABlockEndsStreams(t *testing.T) {
	h := plan{admission: &admission.Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}}.build(t)
	read := func(path, from string) *bufio.Reader {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+path, nil)
		must(t, err)
		r.Header.Set("Authorization", "Bearer "+adminToken)
		r.Header.Set("X-Forwarded-For", from)
		resp, err := http.DefaultClient.Do(r)
		must(t, err)
		t.Cleanup(func() { resp.Body.Close() })
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s is answered %s", path, resp.Status)
		}
		return bufio.NewReader(resp.Body)
	}
	shut := []*bufio.Reader{read("/api/v1/decisions/stream", "192.0.2.7"), read("/api/v1/trace?who=ann@example.com", "192.0.2.8")}
	kept := read("/api/v1/decisions/stream", "198.51.100.1")
	if status := h.block("192.0.2.0/24", false); status != http.StatusCreated {
		t.Fatal(status)
	}
	for _, stream := range shut {
		if _, err := io.Copy(io.Discard, stream); err != nil {
			t.Errorf("a stream broke off: %v", err)
		}
	}
	h.decide(1)
	for line := ""; line != "event: decision\n"; {
		var err error
		if line, err = kept.ReadString('\n'); err != nil {
			t.Fatalf("a stream to elsewhere has ended: %v", err)
		}
	}
}
