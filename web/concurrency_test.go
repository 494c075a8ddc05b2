package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"testing"

	"weir/robots"
	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/host"
	"weir/web"
)

// laborious is a host whose searches go on until nobody wants them.
type laborious struct {
	web.Host
	begun, ended chan struct{}
}

func (l *laborious) Summaries(ctx context.Context, who wavelet.Participant) iter.Seq2[host.Summary, error] {
	if who != eve {
		return l.Host.Summaries(ctx, who)
	}
	return func(yield func(host.Summary, error) bool) {
		l.begun <- struct{}{}
		<-ctx.Done()
		yield(host.Summary{}, ctx.Err())
		l.ended <- struct{}{}
	}
}

// TestWorkIsBounded takes the only place there is for work: every door to work
// says so, and the others do not notice. Then whoever has the place goes away.
func TestWorkIsBounded(t *testing.T) {
	l := &laborious{begun: make(chan struct{}), ended: make(chan struct{})}
	h := plan{admission: settings(t, "concurrency: {limit: 1, waiting: 0}"), host: func(h web.Host) web.Host { l.Host = h; return l }}.build(t)
	name := h.wave(carol)
	_, key, err := h.directory.Register(t.Context(), robots.Registration{Address: "caller@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	w := h.raw(ann)
	wave := fmt.Sprintf("/api/v1/waves/%s/%s", name.Wave, name.Wavelet)
	doors := [][4]string{
		{"key " + key, "POST", "/robot/rpc", `[{"id":"a","method":"wave.robot.getLimits","params":{}}]`},
		{string(ann), "GET", "/api/v1/waves?query=x", ""},
		{string(ann), "GET", wave, ""},
		{string(ann), "GET", wave + "/history", ""},
		{"admin", "POST", "/api/v1/import/deltas", fmt.Sprintf(`{"wavelet":%q,"deltas":[{"author":"carol@elsewhere.example","text":"x"}]}`, name)},
	}
	frames := []string{
		fmt.Sprintf(`{"id":2,"op":"history","wave":%q,"wavelet":%q,"from":0}`, name.Wave, name.Wavelet),
		`{"id":3,"op":"rpc","method":"wavelet.list","params":{"query":"x"}}`,
		fmt.Sprintf(`{"id":4,"op":"rpc","method":"wavelet.export","params":{"wave":%q,"wavelet":%q,"format":"text"}}`, name.Wave, name.Wavelet),
	}

	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	done := make(chan error, 1)
	go func() {
		r, err := http.NewRequestWithContext(ctx, "GET", h.url+"/api/v1/waves", nil)
		if err != nil {
			done <- err
			return
		}
		r.Header.Set("Weir-User", string(eve))
		resp, err := h.http.Do(r)
		if err == nil {
			resp.Body.Close()
		}
		done <- err
	}()
	<-l.begun
	for _, d := range doors {
		status, header, text := h.rest(d[0], d[1], d[2], d[3])
		var answer struct {
			RetryInMS int64 `json:"retry_in_ms"`
		}
		if err := json.Unmarshal([]byte(text), &answer); err != nil || status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || answer.RetryInMS == 0 {
			t.Errorf("%s %s: %d, Retry-After %q: %s", d[1], d[2], status, header.Get("Retry-After"), text)
		}
	}
	for _, f := range frames {
		w.say(f)
		if e := w.hear().Err; e == nil || e.Code != client.CodeOverloaded || !e.Temporary || e.RetryAfterMS == 0 {
			t.Errorf("%s: %+v", f, e)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if status, _, text := h.rest("", "GET", path, ""); status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	h.metrics("weir_concurrency_limit 1", "weir_concurrency_in_flight 1", "weir_concurrency_waiting 0",
		`weir_edge_refused_total{layer="concurrency",reason="full"} 8`)

	leave()
	<-l.ended // the work has heard that nobody wants it
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	config := h.web.Admission()
	config.Concurrency.Waiting = 10 // the place is given back in a moment
	h.web.SetAdmission(config)
	for _, d := range doors {
		if status, _, text := h.rest(d[0], d[1], d[2], d[3]); status != http.StatusOK {
			t.Errorf("afterwards %s %s: %d %s", d[1], d[2], status, text)
		}
	}
	for _, f := range frames {
		w.say(f)
		if e := w.hear().Err; e != nil {
			t.Errorf("afterwards %s: %v", f, e)
		}
	}
}

// departed is a host whose reader goes away while he reads.
type departed struct {
	web.Host
	leave func()
	read  int
}

func (d *departed) Read(ctx context.Context, name wavelet.Name, from wavelet.Version) iter.Seq2[wavelet.Commit, error] {
	return func(yield func(wavelet.Commit, error) bool) {
		for c := range d.Host.Read(context.WithoutCancel(ctx), name, from) {
			d.read++
			d.leave()
			<-ctx.Done()
			if !yield(c, nil) {
				return
			}
		}
	}
}

// TestHistoryForNobody stops to read when nobody wants it any more.
func TestHistoryForNobody(t *testing.T) {
	d := &departed{}
	h := plan{host: func(h web.Host) web.Host { d.Host = h; return d }}.build(t)
	name := h.wave()
	for range 5 {
		h.want(http.StatusCreated, string(ann), "POST", fmt.Sprintf("/api/v1/waves/%s/%s/blips", name.Wave, name.Wavelet), `{"text":"x"}`, nil)
	}
	ctx, leave := context.WithCancel(t.Context())
	d.leave = leave
	r, err := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("%s/api/v1/waves/%s/%s/history", h.url, name.Wave, name.Wavelet), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Weir-User", string(ann))
	if resp, err := h.http.Do(r); err == nil {
		resp.Body.Close()
	}
	h.close()
	if d.read != 1 {
		t.Errorf("%d commits were read for nobody", d.read)
	}
}
