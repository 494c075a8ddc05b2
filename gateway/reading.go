package gateway

import (
	"context"
	"fmt"
	"slices"
	"time"

	"weir/admission/bounds"
	"weir/events"
	"weir/governor"
	"weir/policies"
	"weir/wavelet"
)

// Reading is a wavelet as a robot may see it that asks instead of being called.
// It is a delivery like a bundle: what people and what robots wrote since the
// reading before counts as told, and what the robot writes next may name it.
type Reading struct {
	State *wavelet.State // read only
	News  bool           // others have written since the reading before
	Named [2]string      // by events.Lane: the token of what was told last, "" if nothing was
	// Limits is how the robot stands behind the reading, with what concerns the
	// wavelet.
	Limits policies.Limits
	// Held is how long what robots wrote since is held back. If nobody else wrote,
	// State is as it was before that. 0: nothing is held.
	Held time.Duration
}

// reader is what a seat has read. Gateway.mu guards it.
type reader struct {
	people, robots wavelet.Version // everything up to here was told, of either kind
	shown          wavelet.Version // the newest state that was shown
	named          [2]string       // by events.Lane: the token of what was told last, "" if nothing was
	at             [2]time.Time    // when it was told
	owed           bool            // nothing was written yet that names what robots wrote last
	mutes          []Mute
}

// passedOver is how much later people's words have to be told than robots' for a
// robot to have passed robots over, if it does not say whom it answers.
const passedOver = 10 * time.Second

// maxPause is how long a reading waits for the pace to let it through. What is
// held back for longer is left out of it: in a test of whether a robot goes on by
// itself, a reading must not be what keeps it from going on.
const maxPause = time.Second

// Read gives a robot the newest state of a wavelet, if it may have it: a refusal
// is a *wavelet.Refusal. Like a bundle it may have to wait for the pace, and
// what robots wrote may be held back from it.
func (g *Gateway) Read(ctx context.Context, id wavelet.Seat) (Reading, error) {
	head, err := g.Find(ctx, id)
	if err != nil {
		return Reading{}, err
	}
	if !events.Present(head, id.Robot) {
		return Reading{}, &wavelet.Refusal{
			Code: wavelet.CodeNotParticipant, Op: -1, Field: "wavelet",
			Reason: fmt.Sprintf("%s does not take part in %s", id.Robot, id.Wavelet),
			Remedy: "have a participant add it",
		}
	}
	r, err := g.reader(ctx, id, head)
	if err != nil {
		return Reading{}, err
	}
	people, robots, parts, err := g.unread(ctx, id, r, head.Version())
	if err != nil {
		return Reading{}, err
	}
	out := Reading{State: head, News: !people.empty() || !robots.empty()}
	if !robots.empty() {
		if out.Held, err = g.told(ctx, id, events.RobotLane, r.robots, head.Version(), robots, parts); err != nil {
			return Reading{}, err
		}
	}
	if !people.empty() { // whatever is held: people's words are never late
		if _, err = g.told(ctx, id, events.HumanLane, r.people, head.Version(), people, nil); err != nil {
			return Reading{}, err
		}
	} else if out.Held > 0 {
		if out.State, err = g.host.Snapshot(ctx, id.Wavelet, max(robots.sum().first-1, r.shown)); err != nil {
			return Reading{}, fmt.Errorf("read an older version: %w", err)
		}
		out.News = false
	}
	g.mu.Lock()
	if s := g.seats[id]; s != nil && s.reader != nil {
		s.reader.shown = max(s.reader.shown, out.State.Version())
		if people.empty() {
			s.reader.reach(events.HumanLane, head.Version())
		}
		if robots.empty() {
			s.reader.reach(events.RobotLane, head.Version())
		}
		out.Named = s.reader.named
	}
	g.mu.Unlock()
	out.Limits = g.gov.SeatLimits(g.clock.now(), id)
	return out, nil
}

// Answering is the token of what a robot has read in a wavelet, of either lane.
// Without a lane it is that of what robots wrote, unless something it wrote since
// names that already, or people's words came to it much later. "" if there is none.
func (g *Gateway) Answering(id wavelet.Seat, lanes ...events.Lane) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.seats[id]
	if s == nil || s.reader == nil {
		return ""
	}
	r, lane := s.reader, events.HumanLane
	if len(lanes) > 0 {
		lane = lanes[0]
	} else if r.named[lane] == "" || r.owed && r.at[events.HumanLane].Sub(r.at[events.RobotLane]) < passedOver {
		lane = events.RobotLane
	}
	if lane == events.RobotLane {
		r.owed = false
	}
	return r.named[lane]
}

// reader is a copy of what a robot has read. The first time, what it wrote itself
// is the last that it knew.
func (g *Gateway) reader(ctx context.Context, id wavelet.Seat, head *wavelet.State) (reader, error) {
	g.mu.Lock()
	if s := g.seats[id]; s != nil && s.reader != nil {
		defer g.mu.Unlock()
		return *s.reader, nil
	}
	g.mu.Unlock()
	from := max(head.Version(), lately) - lately
	for c, err := range g.host.Read(ctx, id.Wavelet, from) {
		if err != nil {
			return reader{}, fmt.Errorf("look for what %s has read: %w", id.Robot, err)
		}
		switch {
		case c.Version > head.Version():
		case isRobot(c.Delta.Author, id.Robot):
			from = c.Version
		case names(id.Robot, c.Delta.Ops):
			from = c.Version - 1
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.seats[id]
	if s == nil {
		return reader{people: from, robots: from}, nil
	}
	if s.reader == nil {
		s.reader = &reader{people: from, robots: from}
	}
	return *s.reader, nil
}

// unread is what others have written up to a version that a robot has not read,
// and what each robot wrote of it.
func (g *Gateway) unread(ctx context.Context, id wavelet.Seat, r reader, to wavelet.Version) (people, robots batch, parts []governor.Part, err error) {
	from := min(r.people, r.robots)
	for c, err := range g.host.Read(ctx, id.Wavelet, max(from, max(to, lately)-lately)) {
		if err != nil {
			return people, robots, nil, fmt.Errorf("read on from version %d: %w", from, err)
		}
		if c.Version > to {
			break
		}
		p := See(id.Robot, c, c.Delta.Cause.Kind != wavelet.Human && g.gov.Cuts(id, c.Delta.Author))
		switch {
		case p.Quiet:
		case p.Lane == events.HumanLane && p.Version > r.people:
			people.add(c.At, p)
		case p.Lane == events.RobotLane && p.Version > r.robots && !muted(r.mutes, p.Version, p.Cause):
			robots.add(c.At, p)
			parts = AddPart(parts, c)
		}
	}
	return people, robots, parts, nil
}

// told has a robot told of a batch, up to a version, and remembers the token that
// names it. It gives how long the batch is held back instead, 0 if it is not.
func (g *Gateway) told(ctx context.Context, id wavelet.Seat, lane events.Lane, from, to wavelet.Version, b batch, parts []governor.Part) (time.Duration, error) {
	all := b.sum()
	named := governor.Delivery{
		Seat: id, Bundle: events.ReadingID(id, lane, from), RobotLane: lane == events.RobotLane,
		Cause: all.deepest.Cause, Author: all.deepest.Author, Parts: parts,
	}
	for waited := time.Duration(0); ; {
		named.Sent = g.clock.now()
		v := g.gov.Deliver(named.Sent, named)
		g.carry(named.Sent, v)
		if v.Refuse != nil {
			return 0, refusal(v.Refuse)
		}
		if v.Delay == 0 {
			break
		}
		if waited += v.Delay; waited >= maxPause {
			return v.Delay, nil
		}
		back := bounds.Aside(ctx)
		err := g.clock.sleep(ctx, v.Delay)
		back()
		if err != nil {
			return 0, err
		}
	}
	token := g.signer.sign(claim{Bundle: named, Version: to})
	g.mu.Lock()
	if s := g.seats[id]; s != nil && s.reader != nil {
		s.reader.tell(lane, to, token, named.Sent)
		if s.robot.stats.RawDeltas += uint64(all.deltas); lane == events.RobotLane {
			s.robot.stats.RobotBundles++
		} else {
			s.robot.stats.HumanBundles++
		}
	}
	g.mu.Unlock()
	g.tell(Happening{
		At: named.Sent, Kind: Sent, Seat: id, Bundle: named.Bundle, Lane: lane, Attempt: 1, Deltas: all.deltas, Events: all.deltas,
		Depth: all.deepest.Cause.Depth, Exact: all.deepest.Cause.Exact, Lag: max(0, named.Sent.Sub(b.since)),
	})
	return 0, nil
}

// tell remembers what was told up to a version.
func (r *reader) tell(lane events.Lane, to wavelet.Version, token string, at time.Time) {
	r.named[lane], r.at[lane] = token, at
	r.owed = r.owed || lane == events.RobotLane
	r.reach(lane, to)
}

// reach notes that nothing up to a version is left to tell in a lane.
func (r *reader) reach(lane events.Lane, to wavelet.Version) {
	if lane == events.HumanLane {
		r.people = max(r.people, to)
		return
	}
	r.robots = max(r.robots, to)
	r.mutes = slices.DeleteFunc(slices.Clone(r.mutes), func(m Mute) bool { return m.Through <= r.robots })
}

// flush lets what robots wrote of a cause so far be told no more.
func (r *reader) flush(cause string, through wavelet.Version) {
	if r.mutes = append(r.mutes, Mute{Cause: cause, Through: through}); len(r.mutes) > maxChains {
		r.mutes = r.mutes[1:]
	}
}
