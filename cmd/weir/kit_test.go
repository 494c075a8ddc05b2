package main

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"weir/robots"
	"weir/robots/kit"
	"weir/robots/kit/overnats"
	"weir/testbots"
	"weir/wavelet"
)

// callback is an address for a robot that is served when its key is known.
func callback(t *testing.T) (url string, serve func(http.Handler)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + l.Addr().String(), func(h http.Handler) {
		ctx, stop := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := kit.Serve(ctx, l, h); err != nil {
				t.Error(err)
			}
		})
		t.Cleanup(func() { stop(); wg.Wait() })
	}
}

// door registers a robot of the kit with a server, and serves it.
type door func(t *testing.T, h *house, id string, robot func(key string) *kit.Robot) *kit.Robot

func overHTTP(t *testing.T, h *house, id string, robot func(key string) *kit.Robot) *kit.Robot {
	at, serve := callback(t)
	_, key, err := h.robots.Register(t.Context(), robots.Registration{Address: wavelet.Participant(id), Callback: at})
	if err != nil {
		t.Fatal(err)
	}
	r := robot(key)
	serve(r)
	return r
}

func outbound(t *testing.T, h *house, id string, robot func(key string) *kit.Robot) *kit.Robot {
	_, key, err := h.robots.Register(t.Context(), robots.Registration{Address: wavelet.Participant(id), Transport: robots.TransportNATS})
	if err != nil {
		t.Fatal(err)
	}
	r := robot(key)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := overnats.Serve(ctx, "nats://"+h.bus.Addr(), id, key, r); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); wg.Wait() })
	return r
}

// TestAPoliteRobotBesideAnEcho has a robot with the kit's manners echo one without
// any, on a server of theirs: it falls silent before the server acts, says why, and
// still answers people. Then it reads, asks and writes by calls.
func TestAPoliteRobotBesideAnEcho(t *testing.T) {
	for name, door := range map[string]door{"HTTP": overHTTP, "NATS": outbound} {
		t.Run(name, func(t *testing.T) { besideAnEcho(t, door) })
	}
}

func besideAnEcho(t *testing.T, door door) {
	h := running(t, overNATS)
	const polite, echo = "polite@weir.local", "echo@weir.local"
	held, answered := make(chan *kit.Held, 100), make(chan kit.Lane, 1000)
	r := door(t, h, polite, func(key string) *kit.Robot {
		return kit.NewWith(kit.Options{Key: key, Held: func(_ *kit.Bundle, h *kit.Held) { held <- h }}, "polite",
			func(_ context.Context, in *kit.Bundle, out *kit.Reply) error {
				own, _ := in.Own()
				for _, blip := range in.Written() {
					out.Say(own.ID, "I heard "+blip.ID+", "+time.Now().String())
					answered <- in.Label.Lane
					return nil
				}
				return kit.NoReply
			}, kit.WaveletBlipCreated, kit.DocumentChanged)
	})
	bot, err := testbots.New("echo", testbots.Options{})
	if err != nil {
		t.Fatal(err)
	}
	there, serve := callback(t)
	serve(bot)
	if _, _, err := h.robots.Register(t.Context(), robots.Registration{Address: echo, Callback: there}); err != nil {
		t.Fatal(err)
	}
	name := wavelet.NewName("weir.local")
	if _, err := h.host.Create(t.Context(), name, "ann@weir.local", polite, echo); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // longer than any healthy run
	defer cancel()
	write := func() {
		t.Helper()
		if status := post(t, h, name, "hm"); status >= 300 {
			t.Fatalf("ann writes: %d", status)
		}
	}
	write()
	select {
	case why := <-held:
		if why.Limit != "depth" && why.Limit != "amplification" || len(why.Operations) != 1 {
			t.Errorf("held back: %v", why)
		}
	case <-ctx.Done():
		t.Fatal("the two went on without end, or never began")
	}
	for len(answered) > 0 {
		<-answered
	}
	write()
	for lane := kit.Robots; lane != kit.Human; {
		select {
		case lane = <-answered:
		case <-ctx.Done():
			t.Fatal("ann was not answered any more")
		}
	}
	l, err := r.Limits(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(l.Decisions, func(d kit.Decision) bool { return d.Action != "warn" }) || slices.Contains([]string{"slowed", "cut", "evicted", "suspended"}, l.Status) {
		t.Errorf("limits: %+v", l)
	}
	out := kit.NewReply(name.Wave, name.Wavelet)
	out.Append("By a call.")
	results, err := r.Call(ctx, out)
	if err != nil {
		t.Fatal(err)
	}
	wave, err := r.Fetch(ctx, name.Wave, name.Wavelet)
	if err != nil || wave.Blips[results[0].NewBlip()].Text() != "By a call." || !slices.Contains(wave.Wavelet.Participants, echo) || !slices.Contains(wave.Wavelet.Participants, polite) {
		t.Errorf("fetched %+v, %v", wave.Wavelet, err)
	}
}
