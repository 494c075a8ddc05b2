package web_test

import (
	"net/http"
	"strings"
	"testing"

	"weir/robots"
	"weir/web"
)

// TestFaultsOfRequestsCount has each request that is answered with an error
// counted, and charged to the person whose mistake it is: one who made too many is
// answered 429, and nobody else.
func TestFaultsOfRequestsCount(t *testing.T) {
	h := plan{admission: settings(t, `
trusted_proxies: [127.0.0.0/8]
client_error_limits: {enabled: true, total: {buckets: [{interval: 1h, rate: 4}]}}
`)}.build(t)
	name := h.wave(bob)
	at := "/api/v1/waves/" + name.Wave + "/" + name.Wavelet
	ask := func(who, method, path, body string, want int) {
		t.Helper()
		if status, _, text := h.rest(who, method, path, body); status != want {
			t.Errorf("%s %s by %s: %d %s, want %d", method, path, who, status, text, want)
		}
	}
	ask(string(eve), "GET", at, "", http.StatusForbidden)
	ask(string(eve), "GET", at+"/attachments/none", "", http.StatusForbidden)
	ask(string(eve), "PUT", at+"/title", `{"title":7}`, http.StatusUnprocessableEntity)
	ask(string(eve), "GET", "/api/v1/waves", "", http.StatusOK)
	ask(string(eve), "POST", at+"/deltas", `{"base":1,"ops":[{"dance":{}}]}`, http.StatusUnprocessableEntity)
	status, header, text := h.rest(string(eve), "GET", "/api/v1/waves", "")
	if status != http.StatusTooManyRequests || header.Get("Retry-After") == "" || !strings.Contains(text, "too many errors") || !strings.Contains(text, `"scope":"user"`) {
		t.Errorf("after four errors: %d %v %s", status, header, text)
	}
	ask(string(bob), "GET", at, "", http.StatusOK)
	h.ticket(eve) // a socket has a limit of its own

	_, key, err := h.directory.Register(t.Context(), robots.Registration{Address: "echo@example.com"})
	must(t, err)
	for range 6 {
		ask("admin", "GET", "/api/v1/robots/none@example.com", "", http.StatusNotFound)
		ask("admin", "POST", "/api/v1/robots", `{}`, http.StatusUnprocessableEntity)
		ask("key "+key, "GET", at+"/attachments/none", "", http.StatusForbidden)
	}
	ask("admin", "GET", "/api/v1/decisions/stream?dance=1", "", http.StatusBadRequest)
	ask("", "GET", "/api/v1/trace?who=ann@example.com", "", http.StatusUnauthorized)
	h.metrics(
		`weir_edge_refused_total{layer="rest",reason="not_participant"} 8`,
		`weir_edge_refused_total{layer="rest",reason="malformed"} 7`,
		`weir_edge_refused_total{layer="rest",reason="bad_delta"} 1`,
		`weir_edge_refused_total{layer="rest",reason="unknown_robot"} 6`,
		`weir_edge_refused_total{layer="rest",reason="bad_field"} 1`,
		`weir_edge_refused_total{layer="rest",reason="unauthorized"} 1`,
		`weir_edge_refused_total{layer="client_error",reason="rpc"} 1`,
	)
}

// TestTheServersFaultsAreNobodysMistake fails people's requests, and goes on
// listening to them.
func TestTheServersFaultsAreNobodysMistake(t *testing.T) {
	h := plan{
		host:      func(h web.Host) web.Host { return &faulty{h} },
		admission: settings(t, "client_error_limits: {enabled: true, total: {buckets: [{interval: 1h, rate: 1}]}}"),
	}.build(t)
	name := h.wave()
	at := "/api/v1/waves/" + name.Wave + "/" + name.Wavelet
	for range 3 {
		if status, _, text := h.rest(string(ann), "POST", at+"/deltas", `{"base":1,"ops":[{"data":{"name":"fault","value":"broken"}}]}`); status != http.StatusInternalServerError {
			t.Errorf("%d %s", status, text)
		}
	}
	if status, _, text := h.rest(string(ann), "GET", at, ""); status != http.StatusOK {
		t.Errorf("%d %s", status, text)
	}
	h.metrics(`weir_edge_refused_total{layer="rest",reason="internal"} 3`)
}
