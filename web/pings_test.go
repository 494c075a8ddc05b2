package web_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"weir/wavelet/client"
)

// TestPingsAreCharged has a client ping more often than it may: it is answered as
// long as it has tokens, and what it sends beyond that are errors, as of a frame.
func TestPingsAreCharged(t *testing.T) {
	h := plan{admission: settings(t, `
client_command_rate_limit: {enabled: true, total: {buckets: [{interval: 1h, rate: 3}]}}
client_error_limits: {enabled: true, total: {buckets: [{interval: 1h, rate: 3}]}}
`)}.build(t)
	w := h.raw(ann).listen() // the first token
	for range 2 {
		must(t, w.conn.Ping(t.Context()))
	}
	var pings sync.WaitGroup
	for range 4 {
		pings.Go(func() {
			if w.conn.Ping(t.Context()) == nil {
				t.Error("a ping over the limit is answered")
			}
		})
	}
	if got := w.closed(); got != client.CloseErrors {
		t.Errorf("closed with %d, want %d", got, client.CloseErrors)
	}
	pings.Wait()
	h.metrics(
		`weir_edge_refused_total{layer="client_command",reason="ping"} 4`,
		`weir_edge_refused_total{layer="client_error",reason="too_many"} 1`,
		`weir_edge_refused_total{layer="close",reason="4529"} 1`,
	)
}

// TestWhatIsNoFrameIsCharged: pongs that nobody asked for, and messages without a
// frame, as pings are.
func TestWhatIsNoFrameIsCharged(t *testing.T) {
	for what, frame := range map[string]string{
		"pongs": "\x8a\x80\x00\x00\x00\x00", "empty messages": "\x81\x80\x00\x00\x00\x00", "empty lines": "\x81\x81\x00\x00\x00\x00\n",
	} {
		h := plan{admission: settings(t, `
client_command_rate_limit: {enabled: true, total: {buckets: [{interval: 1h, rate: 2}]}}
client_error_limits: {enabled: true, total: {buckets: [{interval: 1h, rate: 1}]}}
`)}.build(t)
		conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
		must(t, err)
		defer conn.Close()
		in := h.bareSocket(conn, ann)
		_, err = io.WriteString(conn, strings.Repeat(frame, 4))
		must(t, err)
		if got := closeCode(t, in); got != client.CloseErrors {
			t.Errorf("%s: closed with %d, want %d", what, got, client.CloseErrors)
		}
		h.metrics(`weir_edge_refused_total{layer="client_command",reason="ping"} 2`)
	}
}
