package gateway

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"weir/admission/bounds"
	"weir/events"
	"weir/governor"
	"weir/policies"
	"weir/wavelet"
)

// fly sends a bundle and tells the seat's lane what became of it.
func (g *Gateway) fly(ctx context.Context, s *seat, t Take) {
	o := g.deliver(ctx, s, t)
	if errors.Is(context.Cause(ctx), ErrEvicted) {
		o = Outcome{Kind: Dropped, Sent: o.Sent}
	}
	now := g.clock.now()
	g.mu.Lock()
	broken := s.lane.BreakerOpen()
	g.landed(s, now, o)
	broken = !broken && s.lane.BreakerOpen()
	over := !s.gone && s.lane.Over()
	if over {
		g.close(s)
	}
	g.mu.Unlock()
	if broken {
		g.tell(Happening{At: now, Kind: Broken, Seat: s.Seat, Lane: t.Lane})
	}
	if over {
		g.tell(Happening{At: now, Kind: Closed, Seat: s.Seat})
	}
}

// ownTrouble is how long it takes until something of the server's own that
// failed is tried again.
const ownTrouble = time.Second

// deliver sends a bundle and submits the answer.
func (g *Gateway) deliver(ctx context.Context, s *seat, t Take) Outcome {
	to, profile, ok := g.roster.Robot(s.Robot)
	if !ok {
		return Outcome{Kind: Parked}
	}
	choosy, ok := to.(Chooser)
	if t.Ended != nil && !ok {
		return Outcome{Kind: Silent} // only those who ask for it are told
	}
	build := g.bundle
	if t.Ended != nil {
		build = g.endings
	}
	b, parts, err := build(ctx, s, t)
	if err != nil {
		g.troubled(ctx, s, t, err)
		return Outcome{Kind: Held, Delay: ownTrouble}
	}
	if now := g.clock.now(); len(b.Events) == 0 || ok && !choosy.Wants(b) && !choosy.Wants(g.withNotes(b, s, t, now)) {
		g.mu.Lock()
		s.robot.stats.Silent++
		g.mark(s)
		g.mu.Unlock()
		return Outcome{Kind: Silent, Through: b.Version}
	}
	now := g.clock.now()
	named := governor.Delivery{
		Seat: s.Seat, Bundle: b.ID, RobotLane: b.Lane == events.RobotLane, Cause: t.Cause, Author: t.Author, Parts: parts, Sent: now,
	}
	if !t.Last {
		v := g.gov.Deliver(now, named)
		g.carry(now, v)
		switch {
		case v.Refuse != nil && v.Refuse.Code == string(wavelet.CodeSuspended):
			return Outcome{Kind: Parked}
		case v.Refuse != nil:
			return Outcome{Kind: Dropped}
		case v.Delay > 0:
			g.heldBack(s, t, now, v.Delay)
			return Outcome{Kind: Held, Delay: v.Delay}
		}
	}
	g.complete(&b, s, t, named)
	return g.send(ctx, s, t, to, profile, b, named)
}

// bundle makes the bundle of a take: the window from its cursor on, as far as
// the events fit. Parts is what each robot wrote of it, in the robot lane.
func (g *Gateway) bundle(ctx context.Context, s *seat, t Take) (b events.Bundle, parts []governor.Part, err error) {
	before, err := g.host.Snapshot(ctx, s.Wavelet, t.From)
	if err != nil {
		return b, nil, fmt.Errorf("read version %d: %w", t.From, err)
	}
	w := events.NewWindow(s.Seat, t.Lane, before)
	w.Mute(func(c wavelet.Commit) bool {
		return t.Lane == events.RobotLane && muted(t.Mutes, c.Version, c.Delta.Cause) ||
			c.Delta.Cause.Kind != wavelet.Human && g.gov.Cuts(s.Seat, c.Delta.Author)
	})
	for c, err := range g.host.Read(ctx, s.Wavelet, t.From) {
		if err != nil {
			return b, nil, fmt.Errorf("read on from version %d: %w", w.State().Version(), err)
		}
		if c.Version > t.To || w.Len() >= g.o.MaxEvents && w.Hears(c) {
			break
		}
		if t.Lane == events.RobotLane && w.Hears(c) {
			parts = AddPart(parts, c)
		}
		if err := w.Add(c); err != nil {
			return b, nil, err
		}
	}
	return events.Bundle{
		ID:      events.BundleID(s.Seat, t.Lane, t.From),
		Seat:    s.Seat,
		Lane:    t.Lane,
		From:    t.From,
		Version: w.State().Version(),
		Attempt: t.Attempt,
		Events:  w.Events(),
		State:   w.State(),
		Cause:   t.Cause,
		Deltas:  w.Heard(),
	}, parts, nil
}

// endings makes the bundle that tells of edit sessions which have ended.
func (g *Gateway) endings(ctx context.Context, s *seat, t Take) (b events.Bundle, parts []governor.Part, err error) {
	state, err := g.host.Snapshot(ctx, s.Wavelet, t.To)
	if err != nil {
		return b, nil, fmt.Errorf("read version %d: %w", t.To, err)
	}
	var ended []events.Ending
	var last wavelet.Version
	for _, e := range t.Ended {
		if e.Cause.Kind != wavelet.Human && g.gov.Cuts(s.Seat, e.By) {
			continue
		}
		if t.Lane == events.RobotLane {
			parts = AddPart(parts, wavelet.Commit{Delta: wavelet.Delta{Author: e.By, Cause: e.Cause}})
		}
		ended = append(ended, e.Ending)
		last = max(last, e.Last)
	}
	return events.Bundle{
		ID:      events.EndingID(s.Seat, t.Lane, last),
		Seat:    s.Seat,
		Lane:    t.Lane,
		From:    t.From,
		Version: state.Version(),
		Attempt: t.Attempt,
		Events:  events.Submitted(state, ended),
		State:   state,
		Cause:   t.Cause,
	}, parts, nil
}

// troubled tells of a bundle that could not be made, or an answer that could not
// be committed, by no fault of the robot's.
func (g *Gateway) troubled(ctx context.Context, s *seat, t Take, err error) {
	if ctx.Err() == nil {
		g.o.Logger.Warn("trying again", "wavelet", s.Wavelet.String(), "robot", string(s.Robot), "error", err)
		g.tell(Happening{At: g.clock.now(), Kind: Interrupted, Seat: s.Seat, Lane: t.Lane, Err: err})
	}
}

func (g *Gateway) heldBack(s *seat, t Take, now time.Time, d time.Duration) {
	g.mu.Lock()
	s.robot.stats.Holds++
	g.mu.Unlock()
	g.tell(Happening{At: now, Kind: HeldBack, Seat: s.Seat, Lane: t.Lane, Took: d})
}

// complete adds what a robot is told beside the changes: its limits, warnings,
// and the failures of its own operations. The last bundle says nothing but why
// the robot was removed.
func (g *Gateway) complete(b *events.Bundle, s *seat, t Take, named governor.Delivery) {
	b.Token = g.signer.sign(claim{Bundle: named, Version: b.Version})
	b.Seed = g.signer.seed(b.ID)
	b.Limits = g.gov.SeatLimits(named.Sent, s.Seat)
	g.mu.Lock()
	defer g.mu.Unlock()
	s.told = 0
	if t.Last {
		explain(b.Events, s.verdict)
		return
	}
	s.telling = slices.Concat(s.warnings, s.robot.warnings)
	b.Events = append(b.Events, warnings(*b, s.telling, named.Sent)...)
	failed := g.failures(s, t, named.Sent)
	b.Events = append(b.Events, failed...)
	s.told = len(failed)
}

// warnings is the events that tell the robot of a bundle how near its limits are.
func warnings(b events.Bundle, list []governor.Warning, now time.Time) []events.Event {
	var evs []events.Event
	for _, w := range list {
		evs = append(evs, events.Warning(b.State, b.Seat.Robot, now, note(w.Limit)))
	}
	return evs
}

// failures is the events that tell a robot which of its operations have failed:
// of people's bundles only, and not in every one. g.mu is held.
func (g *Gateway) failures(s *seat, t Take, now time.Time) []events.Event {
	if t.Last || t.Lane != events.HumanLane || now.Sub(s.errorsAt) < g.o.ErrorSpacing {
		return nil
	}
	var evs []events.Event
	for _, f := range s.failed {
		evs = append(evs, events.Failed(s.Robot, now, f))
	}
	return evs
}

// withNotes is a bundle with nothing but the warnings and failures that it would
// tell of.
func (g *Gateway) withNotes(b events.Bundle, s *seat, t Take, now time.Time) events.Bundle {
	g.mu.Lock()
	defer g.mu.Unlock()
	b.Events = append(g.failures(s, t, now), warnings(b, slices.Concat(s.warnings, s.robot.warnings), now)...)
	return b
}

// explain adds to WAVELET_SELF_REMOVED that the robot was evicted, and by which
// limit. It accepts a nil d: the robot was not evicted.
func explain(evs []events.Event, d *governor.Decision) {
	for i := range evs {
		if e := &evs[i]; d != nil && e.Type == events.WaveletSelfRemoved {
			e.Reason = "limit"
			e.Limit = events.LimitNote{
				Name: d.Rule, Used: d.Measured, Max: d.Limit,
				Window: time.Duration(d.Evidence.Window), ResetsAt: d.Evidence.Cooldown,
			}
		}
	}
}

// note is a limit in brief.
func note(l policies.Limit) events.LimitNote {
	return events.LimitNote{Name: l.Name, Used: l.Used, Max: l.Max, Window: time.Duration(l.Window), ResetsAt: l.ResetsAt}
}

// send hands a bundle to the robot and commits what it answers.
func (g *Gateway) send(ctx context.Context, s *seat, t Take, to Robot, profile policies.Profile, b events.Bundle, named governor.Delivery) Outcome {
	g.sent(s, t, b, named)
	call, cancel := context.WithTimeout(ctx, g.clock.real(orElse(profile.Delivery.Timeout, time.Minute)))
	sent := g.clock.now() // the pace is measured from here
	a, err := to.Receive(call, b)
	cancel()
	if err == nil {
		err = context.Cause(ctx)
	}
	committed := 0
	if a.Release != nil {
		defer a.Release()
	}
	if err == nil && !t.Last {
		committed, err = g.answer(ctx, s, t, profile, b, named, a)
	}
	if errors.Is(err, bounds.ErrFull) {
		g.troubled(ctx, s, t, err)
		return Outcome{Kind: Held, Sent: sent, Delay: ownTrouble} // it is asked again, with the same bundle
	}
	if err != nil {
		g.missed(ctx, s, t, b, err)
		return Outcome{Kind: Failed, Sent: sent, Jitter: rand.Float64()}
	}
	g.received(s, t, b, named, committed)
	return Outcome{Kind: Delivered, Sent: sent, Through: b.Version}
}

// sent counts a bundle that goes out.
func (g *Gateway) sent(s *seat, t Take, b events.Bundle, named governor.Delivery) {
	lag := named.Sent.Sub(t.Since)
	g.mu.Lock()
	if t.Attempt > 1 {
		s.robot.stats.Retries++
	} else if t.Lane == events.HumanLane {
		s.robot.stats.LagSum += lag
		s.robot.stats.LagMax = max(s.robot.stats.LagMax, lag)
	}
	g.mu.Unlock()
	g.tell(Happening{
		At: named.Sent, Kind: Sent, Seat: s.Seat, Bundle: b.ID, Lane: t.Lane, Attempt: t.Attempt,
		Deltas: b.Deltas, Events: len(b.Events), Depth: t.Cause.Depth, Exact: t.Cause.Exact, Lag: lag,
	})
}

// missed counts a bundle that the robot did not take.
func (g *Gateway) missed(ctx context.Context, s *seat, t Take, b events.Bundle, err error) {
	if ctx.Err() != nil {
		return
	}
	g.mu.Lock()
	s.robot.stats.Failures++
	g.mu.Unlock()
	g.tell(Happening{At: g.clock.now(), Kind: Retry, Seat: s.Seat, Bundle: b.ID, Lane: t.Lane, Attempt: t.Attempt, Err: err})
}

// received counts a bundle that the robot took.
func (g *Gateway) received(s *seat, t Take, b events.Bundle, named governor.Delivery, committed int) {
	g.mu.Lock()
	st := &s.robot.stats
	if t.Lane == events.RobotLane {
		st.RobotBundles++
	} else {
		st.HumanBundles++
	}
	st.RawDeltas += uint64(b.Deltas)
	st.Events += uint64(len(b.Events))
	if committed > 0 {
		st.Answered++
	}
	told := func(w governor.Warning) bool { return slices.Contains(s.telling, w) }
	s.warnings = slices.DeleteFunc(s.warnings, told)
	s.robot.warnings = slices.DeleteFunc(s.robot.warnings, told)
	s.telling = nil
	if s.told > 0 {
		s.failed, s.told, s.errorsAt = slices.Clone(s.failed[s.told:]), 0, named.Sent
	}
	g.mark(s)
	g.mu.Unlock()
	if g.o.Feed == nil {
		return
	}
	now := g.clock.now()
	r := g.gov.Reading(now, s.Seat)
	g.tell(Happening{
		At: now, Kind: Received, Seat: s.Seat, Bundle: b.ID, Lane: t.Lane, Attempt: t.Attempt, Deltas: b.Deltas,
		Events: len(b.Events), Answers: committed, Depth: r.Depth, Exact: r.Exact, Ratio: r.Ratio, Took: now.Sub(named.Sent),
	})
}
