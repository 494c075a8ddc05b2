package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"weir/sim"
	"weir/sim/live"
)

// played starts the servers of one live run, one after the other, on the same
// data, at the same address and by the same clock.
type played struct {
	config config
}

// playLive runs a scenario against a server of its own, which is gone with its
// data when it returns.
func (c *simulateCmd) playLive(ctx context.Context, log io.Writer, sc *sim.Scenario, v sim.Variant, o sim.Options) (r sim.Result, err error) {
	o.Seed, o.Speed = v.Seed, v.Speed
	data, err := os.MkdirTemp("", "weir-live-")
	if err != nil {
		return sim.Result{}, fmt.Errorf("make a directory for the server: %w", err)
	}
	defer os.RemoveAll(data)
	at, err := spareAddress()
	if err != nil {
		return sim.Result{}, err
	}
	p := &played{config{
		addr: at, data: data, domain: sim.Domain, devLogin: true, privateCallbacks: true, policies: c.ProfileFile,
		log: slog.New(slog.DiscardHandler), timeScale: c.TimeScale, epoch: time.Now(),
		causeGap: time.Duration(float64(10*time.Second) / c.TimeScale),
		patience: sc.Duration, // in virtual time no answer comes too late
	}}
	if c.Over == live.OverNATS {
		if p.config.nats.listen, err = spareAddress(); err != nil {
			return sim.Result{}, err
		}
	}
	played := v.Of(sc)
	if c.Over.Asks() {
		played = played.Reading(live.ReadEvery)
	}
	r, err = live.Run(ctx, played, live.Options{
		Options: o, Scale: c.TimeScale, Polite: c.Polite, Over: c.Over, Start: p.start, Enough: c.Enough,
		Progress: func(p live.Progress) {
			fmt.Fprintf(log, "%s, seed %d: %s of %s, %d deltas, %d acts, lag %d ms\n",
				p.Scenario, o.Seed, p.At.Round(time.Second), p.Of, p.Commits, p.Acted, p.Lag.Milliseconds())
		},
	})
	r.People, r.Fault = v.People, v.Fault
	return r, err
}

// spareAddress is a loopback address that is free, and stays so while nothing
// listens there: its port is below those that systems give out to whoever asks for
// any.
func spareAddress() (at string, err error) {
	for range 1000 {
		at = fmt.Sprintf("127.0.0.1:%d", 12_000+rand.N(20_000))
		var l net.Listener
		if l, err = net.Listen("tcp", at); err == nil {
			return at, l.Close()
		}
	}
	return "", fmt.Errorf("find a free port: %w", err)
}

// start starts a server, on what the one before has left.
func (p *played) start(ctx context.Context, hooks live.Hooks) (live.Server, error) {
	p.config.feed, p.config.observer = hooks.Feed, hooks.Commits
	h, err := build(ctx, p.config)
	if err != nil {
		return live.Server{}, err
	}
	at := ""
	if h.bus != nil {
		at = "nats://" + h.bus.Addr()
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- h.Run(running) }() // Stop waits for it
	return live.Server{URL: h.url(), NATS: at, AdminToken: h.adminToken, Stop: func() error {
		stop()
		return <-ended
	}}, nil
}

// liveFaults are the flags that --live does not go with.
func (c *simulateCmd) liveFaults() error {
	switch {
	case !(c.TimeScale >= 1 && c.TimeScale <= 100):
		return fmt.Errorf("--time-scale: %g is not from 1 to 100", c.TimeScale)
	case c.Polite && !c.Live:
		return fmt.Errorf("--polite: goes with --live; in virtual time robots are told of no limits")
	case c.Over != live.OverHTTP && !c.Live:
		return fmt.Errorf("--over: goes with --live; in virtual time there are no doors")
	case c.Over == live.OverMCP && c.Polite:
		return fmt.Errorf("--polite: is how robots made with robots/kit behave, and agents over MCP are not; leave out --over mcp")
	case c.Live && (len(c.Detector) > 1 || c.Detector[0] != "weir"):
		return fmt.Errorf("--live: a real server has weir's own governor, and no other --detector")
	}
	return nil
}
