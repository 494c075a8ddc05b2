package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/admission"
	"weir/wavelet"
	"weir/wavelet/client"
)

// settings reads a configuration of admission, with a queue that is calm.
func settings(t testing.TB, text string) *admission.Config {
	t.Helper()
	c, err := admission.Parse([]byte(text), "test")
	if err != nil {
		t.Fatal(err)
	}
	c.Queue = calm(c.Queue)
	return &c
}

// metrics fails the test for each line that GET /metrics lacks.
func (h *house) metrics(lines ...string) {
	h.t.Helper()
	_, _, text := h.rest("", "GET", "/metrics", "")
	for _, line := range lines {
		if !strings.Contains(text, line) {
			h.t.Errorf("the metrics lack %s", line)
		}
	}
}

// TestCommandsOverALimitAreRefused has each layer refuse, with its scope and when
// to come again; what is refused uses up nothing of the other layers.
func TestCommandsOverALimitAreRefused(t *testing.T) {
	h := plan{admission: settings(t, `
client_command_rate_limit:
  enabled: true
  publish: {buckets: [{interval: 1h, rate: 1}]}
  rpc: {buckets: [{interval: 1h, rate: 3}], method_override: [{method: robot.list, buckets: [{interval: 1h, rate: 1}]}]}
user_command_rate_limit:
  enabled: true
  rpc: {buckets: [{interval: 1h, rate: 2}]}
cluster_user_command_rate_limit:
  enabled: true
  history: {buckets: [{interval: 1h, rate: 1}]}
`)}.build(t)
	name := h.wave(ann)
	w := h.raw(ann)
	id := 1
	say := func(format string, args ...any) client.Frame {
		t.Helper()
		id++
		w.say(fmt.Sprintf(`{"id":%d,`, id) + fmt.Sprintf(format, args...) + "}")
		for {
			if f := w.hear(); f.Push == "" {
				return f
			}
		}
	}
	refused := func(f client.Frame, scope string) {
		t.Helper()
		if f.Err == nil || f.Err.Code != client.CodeTooMany || f.Err.Scope != scope || !f.Err.Temporary || f.Err.RetryAfterMS < 1 || f.Err.RetryAfterMS > time.Hour.Milliseconds() {
			t.Errorf("%+v, want code 111 of scope %s", f.Err, scope)
		}
	}
	granted := func(f client.Frame) {
		t.Helper()
		if f.Err != nil {
			t.Error(f.Err)
		}
	}
	where := fmt.Sprintf(`"wave":%q,"wavelet":%q`, name.Wave, name.Wavelet)
	granted(say(`"op":"publish",%s,"base":1,"seq":1,"ops":[{"title":{"title":"one"}}]`, where))
	refused(say(`"op":"publish",%s,"base":2,"seq":2,"ops":[{"title":{"title":"two"}}]`, where), "connection")
	granted(say(`"op":"rpc","method":"robot.list"`))
	refused(say(`"op":"rpc","method":"robot.list"`), "connection")
	granted(say(`"op":"rpc","method":"wavelet.list"`))
	refused(say(`"op":"rpc","method":"wavelet.list"`), "user")
	granted(say(`"op":"history",%s,"from":0`, where))
	refused(say(`"op":"history",%s,"from":0`, where), "cluster")
	granted(say(`"op":"ping"`))

	other := h.raw(ann) // has its own limits, and shares those of the user
	other.say(`{"id":2,"op":"rpc","method":"wavelet.list"}`)
	refused(other.hear(), "user")
	if status, header, text := h.rest(string(ann), "GET", "/api/v1/waves", ""); status != 429 || header.Get("Retry-After") == "" || !strings.Contains(text, `"scope":"user"`) {
		t.Errorf("GET /api/v1/waves: %d %v %s", status, header, text)
	}
	h.raw(bob).say(`{"id":2,"op":"rpc","method":"wavelet.list"}`)
	h.metrics(
		`weir_commands_refused_total{dry_run="false",layer="client_command",op="publish"} 1`,
		`weir_commands_refused_total{dry_run="false",layer="client_command",op="rpc"} 1`,
		`weir_commands_refused_total{dry_run="false",layer="user_command",op="rpc"} 3`,
		`weir_commands_refused_total{dry_run="false",layer="cluster_user_command",op="history"} 1`,
		`weir_edge_refused_total{layer="client_command",reason="publish"} 1`,
		`weir_edge_refused_total{layer="user_command",reason="rpc"} 3`,
		`weir_edge_refused_total{layer="cluster_user_command",reason="history"} 1`,
	)

	// More is allowed from now on, to those who are connected too; what was used up
	// is not given back.
	h.web.SetAdmission(*settings(t, "client_error_limits: {enabled: false}\nclient_command_rate_limit: {enabled: true, publish: {buckets: [{interval: 10ms, rate: 1}]}}"))
	f := say(`"op":"publish",%s,"base":2,"seq":2,"ops":[{"title":{"title":"two"}}]`, where)
	for f.Err != nil {
		refused(f, "connection")
		f = say(`"op":"publish",%s,"base":2,"seq":2,"ops":[{"title":{"title":"two"}}]`, where)
	}
	h.web.SetAdmission(*settings(t, "client_command_rate_limit: {enabled: true, dry_run: true, publish: {buckets: [{interval: 1h, rate: 1}]}}"))
	for range 2 {
		granted(say(`"op":"publish",%s,"base":3,"seq":3,"ops":[{"title":{"title":"three"}}]`, where))
	}
	h.metrics(`weir_commands_refused_total{dry_run="true",layer="client_command",op="publish"} `)
}

// TestTooManyErrorsCloseTheSocket has refusals counted, and the server's own
// faults not.
func TestTooManyErrorsCloseTheSocket(t *testing.T) {
	h := plan{admission: settings(t, "client_error_limits: {enabled: true, total: {buckets: [{interval: 1h, rate: 3}]}}")}.build(t)
	w := h.raw(ann)
	for i := range 3 {
		w.say(fmt.Sprintf(`{"id":%d,"op":"rpc","method":"robot.limits","params":{"robot":"none@example.com"}}`, i+2))
		if f := w.hear(); f.Err == nil {
			t.Fatal("no error")
		}
	}
	w.say(`{"id":9,"op":"dance"}`)
	if got := w.closed(); got != client.CloseErrors {
		t.Errorf("closed with %d, want %d", got, client.CloseErrors)
	}
	h.metrics(`weir_commands_refused_total{dry_run="false",layer="client_error",op="other"} 1`, `weir_edge_refused_total{layer="client_error",reason="unknown_op"} 1`)
	h.web.SetAdmission(*settings(t, "client_error_limits: {enabled: true, dry_run: true, total: {buckets: [{interval: 1h, rate: 1}]}}"))
	w = h.raw(ann)
	for range 5 {
		w.say(`{"id":2,"op":"dance"}`)
		w.hear()
	}
	w.say(`{"id":3,"op":"ping"}`)
	if f := w.hear(); f.Err != nil {
		t.Error(f.Err)
	}
}

// TestStrangersAreLimitedByAddress has failed logins use up what their address
// has, and good ones not.
func TestStrangersAreLimitedByAddress(t *testing.T) {
	h := plan{admission: settings(t, `
trusted_proxies: [127.0.0.0/8]
user_command_rate_limit: {enabled: true, connect: {buckets: [{interval: 1h, rate: 3}]}}
`)}.build(t)
	knock := func(from, body string) (int, *client.Error) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+"/connect", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Forwarded-For", from)
		response, err := h.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var answer struct{ Err *client.Error }
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, answer.Err
	}
	for i := range 5 {
		if status, err := knock("192.0.2.1", fmt.Sprintf(`{"user":"p%d@example.com"}`, i)); status != 200 {
			t.Fatal(status, err)
		}
	}
	for range 3 {
		if status, _ := knock("192.0.2.1", `{"token":"forged"}`); status != 401 {
			t.Fatal(status)
		}
	}
	if status, err := knock("192.0.2.1", `{"token":"forged"}`); status != 429 || err.Scope != "address" || err.RetryAfterMS == 0 {
		t.Error(status, err)
	}
	if status, err := knock("192.0.2.2", `{"user":"p1@example.com"}`); status != 200 {
		t.Error("another address pays for it", status, err)
	}
	for _, from := range []string{"192.0.2.3", "192.0.2.4", "192.0.2.5"} {
		knock(from, `{"user":"p1@example.com"}`)
	}
	if status, err := knock("192.0.2.6", `{"user":"p1@example.com"}`); status != 429 || err.Scope != "user" {
		t.Error("a user has as many tickets as she likes from many addresses", status, err)
	}
	h.metrics(`weir_edge_refused_total{layer="user_command",reason="address"} 1`, `weir_edge_refused_total{layer="user_command",reason="connect"} 3`)
}

// TestACallIsLimitedByEitherDoor has a person make waves, lists and exports over
// the REST API, which counts as the calls of the same name do over a socket.
func TestACallIsLimitedByEitherDoor(t *testing.T) {
	h := plan{admission: settings(t, `
user_command_rate_limit:
  enabled: true
  rpc:
    buckets: []
    method_override:
      - {method: wave.create, buckets: [{interval: 1h, rate: 2}]}
      - {method: wavelet.list, buckets: [{interval: 1h, rate: 1}]}
      - {method: wavelet.export, buckets: [{interval: 1h, rate: 2}]}
  subscribe: {buckets: [{interval: 1h, rate: 1}]}
`)}.build(t)
	var made wavelet.Name
	if err := h.dial(ann, "").Call(t.Context(), "wave.create", map[string]string{"title": "one"}, &made); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{http.StatusCreated, http.StatusTooManyRequests} {
		if status, _, text := h.rest(string(ann), http.MethodPost, "/api/v1/waves", `{"title":"more"}`); status != want {
			t.Errorf("wave %d: %d %s", i, status, text)
		}
	}
	for i, want := range []int{http.StatusOK, http.StatusTooManyRequests} {
		if status, _, text := h.rest(string(ann), http.MethodGet, "/api/v1/waves", ""); status != want {
			t.Errorf("list %d: %d %s", i, status, text)
		}
	}
	name := h.wave()
	if err := h.dial(ann, "").Call(t.Context(), "wavelet.export", map[string]string{"wave": name.Wave, "wavelet": name.Wavelet, "format": "text"}, nil); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{http.StatusOK, http.StatusTooManyRequests} {
		if status, _, text := h.rest(string(ann), http.MethodGet, "/api/v1/waves/"+name.Wave+"/"+name.Wavelet+"?format=html", ""); status != want {
			t.Errorf("export %d: %d %s", i, status, text)
		}
	}
	for i, want := range []int{http.StatusOK, http.StatusTooManyRequests} {
		if status, _, text := h.rest(string(ann), http.MethodGet, "/api/v1/waves/"+name.Wave+"/"+name.Wavelet+"/links", ""); status != want {
			t.Errorf("links %d: %d %s", i, status, text)
		}
	}
	if _, _, text := h.rest(string(ann), http.MethodGet, "/metrics", ""); strings.Contains(text, `{layer="rest",reason="too_many"}`) {
		t.Error("a refusal is counted twice")
	}
}

// TestAClientTakesTheAdvice has a client type faster than it may: it waits as it
// is told, and nothing is lost.
func TestAClientTakesTheAdvice(t *testing.T) {
	c := settings(t, `
client_command_rate_limit:
  enabled: true
  publish: {buckets: [{interval: 500ms, rate: 1}]}
  rpc: {buckets: [{interval: 100ms, rate: 1}]}
`)
	synctest.Test(t, func(t *testing.T) { takesTheAdvice(t, plan{pipes: newPipes(), admission: c}.build(t)) })
}

func takesTheAdvice(t *testing.T, h *house) {
	name := h.wave(ann)
	c := h.dial(ann, "")
	w := h.open(c, name)
	want := ""
	for i := range 5 {
		tag := fmt.Sprintf("tag%02d", i)
		want += tag + " "
		if err := w.Publish(t.Context(), wavelet.SetTag{Tag: tag}); err != nil {
			t.Fatal(err)
		}
		if err := w.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if err := c.Call(t.Context(), "robot.list", struct{}{}, nil); err != nil {
			t.Error(err)
		}
	}
	if got := strings.Join(h.state(name).Tags(), " ") + " "; got != want {
		t.Errorf("tags %s", got)
	}
	if c.Stats().Resends == 0 {
		t.Error("nothing was sent again: the limit was not met")
	}
	if lost := w.TakeLost(); len(lost) > 0 {
		t.Errorf("lost: %+v", lost)
	}
}
