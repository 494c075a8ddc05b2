package main

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/host"
)

// TestDrillLeavesNothing runs a drill on a server on which another was killed.
func TestDrillLeavesNothing(t *testing.T) {
	h := running(t)
	admin := api{url: h.url(), token: h.adminToken}
	ctx := t.Context()

	var left client.Placed
	if err := admin.call(ctx, http.MethodPost, "/api/v1/robots", map[string]string{"address": "drill-a@weir.local"}, nil); err != nil {
		t.Fatal(err)
	}
	in := map[string]any{"title": drillTitle, "participants": []string{"drill-a@weir.local"}}
	if err := admin.call(ctx, http.MethodPost, "/api/v1/waves", in, &left); err != nil {
		t.Fatal(err)
	}
	var others client.Placed
	in = map[string]any{"title": "Notes", "participants": []string{"drill@weir.local", "drill-a@weir.local"}}
	if err := (api{url: h.url(), user: "ann@weir.local"}).call(ctx, http.MethodPost, "/api/v1/waves", in, &others); err != nil {
		t.Fatal(err)
	}

	d := &drill{cmd: drillCmd{Listen: "127.0.0.1:0", Timeout: maxDrill, Notice: maxDrill}, api: admin, story: io.Discard}
	d.perform(ctx)
	if err := d.report.fault(); err != nil || !d.report.CleanedUp {
		t.Fatalf("cleaned up: %v; faults: %v", d.report.CleanedUp, err)
	}
	if d.report.Rule != "depth" || d.report.Wasted < 10 || d.report.Refused == "" || d.report.StopS <= 0 {
		t.Errorf("the drill reports %+v", d.report)
	}
	if list := h.robots.List(); len(list) > 0 {
		t.Errorf("%d robots are left", len(list))
	}
	for _, name := range []wavelet.Name{d.name, left.Name()} {
		s, err := h.host.Snapshot(ctx, name, host.Head)
		if err != nil {
			t.Fatal(err)
		}
		blips := slices.Collect(s.Blips())
		if len(s.Participants()) > 0 || len(blips) != 1 || s.Title() != drillTitle {
			t.Errorf("%s has %d participants, %d blips and the title %q; want nobody in it and the title alone", name, len(s.Participants()), len(blips), s.Title())
		}
	}
	s, err := h.host.Snapshot(ctx, others.Name(), host.Head)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Participants()) != 3 {
		t.Errorf("ann's wavelet has %d participants; want it left alone", len(s.Participants()))
	}
}

// TestADrillIsJudged by how long the loop lived and how soon people were told.
func TestADrillIsJudged(t *testing.T) {
	for _, tt := range []struct {
		stop, notice float64
		text, want   string
	}{
		{8, 1, "drill-a@weir.local was removed", ""},
		{16.1, 1, "drill-a@weir.local was removed", "the loop lived for 16.1 s, more than twice the 8.0 s expected"},
		{8, 2.1, "drill-a@weir.local was removed", "the notice was seen 2.1 s after the verdict, later than 2s"},
		{8, 1, "somebody was removed", "the notice does not name drill-a@weir.local"},
	} {
		r := drillReport{Evicted: "drill-a@weir.local", ExpectedS: 8, StopS: tt.stop, NoticeS: tt.notice, Notice: tt.text}
		r.judge(2 * time.Second)
		if got := strings.Join(r.Faults, "; "); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt, got, tt.want)
		}
	}
}

// running is a server in this process on which time runs ten times as fast for
// robots, but for the time they have to answer.
func running(t *testing.T, changes ...func(*config)) *house {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	c := config{addr: "127.0.0.1:0", data: t.TempDir(), domain: "weir.local", devLogin: true, privateCallbacks: true, timeScale: 10, patience: time.Hour, trafficBytes: 1 << 20}
	for _, change := range changes {
		change(&c)
	}
	h, err := build(ctx, c)
	if err != nil {
		stop()
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := h.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		wg.Wait()
	})
	return h
}
