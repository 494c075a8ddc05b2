package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/governor"
	"weir/governor/decisions"
	"weir/governor/traffic"
	"weir/policies"
	"weir/testbots"
	"weir/wavelet"
	"weir/wavelet/client"
)

// loop lets two echo robots, reached over HTTP, answer each other until one of
// them is evicted, and gives the wavelet.
func (h *house) loop(t *testing.T) wavelet.Name {
	t.Helper()
	ctx := t.Context()
	admin := api{url: h.url(), token: h.adminToken}
	ann := api{url: h.url(), user: "ann@weir.local"}
	robots := []string{"echo-a@weir.local", "echo-b@weir.local"}
	for _, id := range robots {
		bot, err := testbots.New("echo", testbots.Options{})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(bot)
		t.Cleanup(server.Close)
		if err := admin.call(ctx, http.MethodPost, "/api/v1/robots", map[string]string{"address": id, "callback": server.URL}, nil); err != nil {
			t.Fatal(err)
		}
	}
	var made client.Placed
	if err := ann.call(ctx, http.MethodPost, "/api/v1/waves", map[string]any{"title": "Notes", "participants": robots}, &made); err != nil {
		t.Fatal(err)
	}
	path, err := wavePath(made.Name().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := ann.call(ctx, http.MethodPost, path+"/blips", map[string]string{"text": "Anybody there?"}, nil); err != nil {
		t.Fatal(err)
	}
	log := h.gateway.Decisions()
	for {
		changed := log.Changed()
		for range log.After(0, decisions.Filter{Action: "evict"}) {
			return made.Name()
		}
		<-changed
	}
}

// TestReplayOfAServer replays the record of a real loop: under the profiles in
// force it gives the same decisions, under others what follows from them.
func TestReplayOfAServer(t *testing.T) {
	h := running(t)
	name := h.loop(t)

	var want, got []governor.Decision
	for d, err := range h.gateway.Decisions().After(0, decisions.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, d.Decision)
	}
	profile, _ := policies.Builtin().Profile("default")
	replay := traffic.NewReplay(profile, func(wavelet.Participant) policies.Profile { return profile },
		func(e traffic.Event) { got = append(got, e.Verdict.Decisions...) })
	for row, err := range h.traffic.Rows(t.Context(), time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		replay.Take(row)
	}
	for _, list := range [][]governor.Decision{want, got} {
		slices.SortFunc(list, func(a, b governor.Decision) int {
			return cmp.Or(a.Time.Truncate(time.Microsecond).Compare(b.Time.Truncate(time.Microsecond)), cmp.Compare(a.Robot, b.Robot), cmp.Compare(a.Rule, b.Rule))
		})
	}
	for i, d := range want {
		if i >= len(got) {
			t.Fatalf("the replay gives %d decisions of %d", len(got), len(want))
		}
		if g := got[i]; g.Robot != d.Robot || g.Wavelet != d.Wavelet || g.Rule != d.Rule || g.Action != d.Action || g.Time.Sub(d.Time).Abs() > time.Second {
			t.Errorf("the replay gives\n%+v, not\n%+v", g, d)
		}
	}

	deep := h.try(t, "profiles: {default: {depth: {act: 40, warn: 20}}}", "")
	if n := deep.Tried.Actions["evict"]; n != 0 || deep.InForce.Actions["evict"] != 1 {
		t.Errorf("with a depth of 40 there are %d evictions instead of %d", n, deep.InForce.Actions["evict"])
	}
	strict := h.try(t, "default: strict", "")
	i := slices.IndexFunc(strict.Lines, func(l traffic.Line) bool { return l.Action == "evict" && l.Tried != nil })
	if i < 0 {
		t.Fatalf("under strict nobody is evicted: %+v", strict)
	}
	evicted := slices.IndexFunc(want, func(d governor.Decision) bool { return d.Action == "evict" })
	if l := strict.Lines[i]; l.Tried.Limit != 8 || !l.Tried.First.Before(want[evicted].Time) || l.Wavelet != name.String() || strict.Tried.Absent == 0 {
		t.Errorf("under strict: %+v %+v, and %d absent", l, l.Tried, strict.Tried.Absent)
	}
	same := h.try(t, "", "")
	for _, l := range same.Lines {
		if l.Change != traffic.Same {
			t.Errorf("the policies in force change %+v", l)
		}
	}
	if same.Rows.Answers < 15 || len(same.Lines) < 3 {
		t.Errorf("the replay has %+v and %d lines", same.Rows, len(same.Lines))
	}
	if one := h.try(t, "default: strict", "echo-a@weir.local"); slices.ContainsFunc(one.Lines, func(l traffic.Line) bool { return l.Robot != "echo-a@weir.local" }) {
		t.Errorf("lines of others than were asked for: %+v", one.Lines)
	}
}

// try asks the server about a policy file.
func (h *house) try(t *testing.T, text, robot string) traffic.Report {
	t.Helper()
	ask := map[string]string{"file": "try.yaml", "text": "version: 1\n" + text, "robot": robot}
	r, err := api{url: h.url(), token: h.adminToken}.try(t.Context(), ask, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTryRefuses asks what cannot be answered.
func TestTryRefuses(t *testing.T) {
	h := running(t)
	for name, test := range map[string]struct {
		token string
		ask   map[string]string
		want  string
	}{
		"no operator":  {"", map[string]string{"text": "version: 1"}, "token"},
		"a bad file":   {h.adminToken, map[string]string{"file": "x.yaml", "text": "version: 1\nprofile: {}"}, "x.yaml:2:1: profile: unknown key"},
		"a bad name":   {h.adminToken, map[string]string{"text": "version: 1", "wavelet": "x"}, "wavelet"},
		"a bad member": {h.adminToken, map[string]string{"text": "version: 1", "robots": "x"}, "unknown field"},
	} {
		_, err := api{url: h.url(), token: test.token}.try(t.Context(), test.ask, io.Discard)
		if _, refused := errors.AsType[*problem](err); !refused || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTryEndsWithItsCaller has one who asks go, and asks again: one question at a
// time is answered.
func TestTryEndsWithItsCaller(t *testing.T) {
	h := running(t)
	at := time.Now()
	for n := range 30_000 {
		h.traffic.Add(&traffic.Row{Kind: traffic.Call, At: at, Robot: "x@weir.local"})
		at = at.Add(time.Millisecond)
		if n%5000 == 0 {
			if err := h.traffic.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url()+"/api/v1/policies/try", bytes.NewReader([]byte(`{"file":"x","text":"version: 1"}`)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.adminToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	cancel()
	for {
		ask := map[string]string{"text": "version: 1"}
		_, err := api{url: h.url(), token: h.adminToken}.try(t.Context(), ask, io.Discard)
		if err == nil {
			return
		}
		if p, refused := errors.AsType[*problem](err); !refused || p.Status != http.StatusServiceUnavailable {
			t.Fatal(err)
		}
	}
}
