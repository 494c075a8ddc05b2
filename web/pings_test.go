package web_test

import (
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
