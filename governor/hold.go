package governor

import (
	"slices"
	"time"

	"weir/wavelet"
)

// trial is the test whether a robot that names nothing depends on what robots
// write: its robot lane is held. One that goes on as before is independent. One
// that falls silent, and with it the robots on its cycle, is released once more;
// if it takes up again at once and falls silent in a second hold, it is
// convicted. A fast robot with a steady habit needs no second hold.
type trial struct {
	seat   *seat
	among  []*seat // the cycle, the seat included
	phase  phase
	round  uint8         // 1 or 2
	began  instant       // of this hold
	until  instant       // when it is judged, or until when the released robot is listened to
	gap    time.Duration // between two writes before, but for answers to people
	allGap time.Duration // between two writes before
	long   time.Duration // a hold
	writes int32         // during this hold, but for answers to people
	all    int32         // during this hold
	asked  int32         // human-lane bundles during this hold
	others int32         // by others of the cycle to robots, in its second half
	told   instant       // human-lane bundle that a write has answered
	steady bool
}

// phase is how far a trial is.
type phase uint8

const (
	holding  phase = iota
	released       // it was sent what waited, and is listened to
	resumed        // and has written
)

const (
	silentWrites = 1    // writes during a hold that may have been under way
	nearlyAll    = 0.8  // share of human-lane bundles that a robot writes after if it answers people
	fewer        = 0.75 // share of its writes that one which answers people too may keep up
	retestAfter  = 60   // a test without a verdict is repeated after so many mean gaps
)

// held applies the hold test to a robot-lane bundle. It reports whether the
// bundle stays where it is: until a Delay is over, or for good by a Refuse.
func (g *Governor) held(t instant, s *seat, d *Delivery, v *Verdict) bool {
	x := g.trial(t, s)
	if x == nil {
		if x = g.tryHold(t, s, d, v); x == nil {
			return false
		}
	}
	switch x.phase {
	case released:
		if t >= x.until {
			g.endTrial(t, x)
		}
		return false
	case resumed:
		if t >= x.until { // its partners did not take up again
			g.endTrial(t, x)
			return false
		}
		x.hold(t, 2)
	}
	if t < x.until {
		v.Delay = time.Duration(x.until - t)
		return true
	}
	return g.judgeHold(t, x, d, v)
}

// tryHold starts a trial if the bundle's chain calls for one, else nil.
func (g *Governor) tryHold(t instant, s *seat, d *Delivery, v *Verdict) *trial {
	h, p := s.habit, s.robot.rules
	limit := p.Hold.Depth
	depth := d.Cause.Depth + 1
	if h == nil || limit == 0 || d.Cause.Depth == d.Cause.Exact || float64(depth) < p.WarnAt*float64(limit) || t < h.free || !h.answers(mostNodes) {
		return nil
	}
	if depth < limit || t < h.retest || h.bundles < enoughKnown {
		g.warn(t, v, s, markHold, ruleHold, float64(depth), float64(limit), d.Cause.ID)
		return nil
	}
	gap := h.writes.gap()
	var cycle nodes
	if gap == 0 || gap*enoughKnown > p.Hold.MaxFor || !s.cycle(t, unignored, &cycle) || !h.answers(cycle.n) || g.onTrial(t, cycle.all()) {
		return nil
	}
	dry := p.DryRuns(ruleHold)
	if dry && !s.mark(t, markHold<<dryShift) {
		return nil
	}
	s.mark(t, markHold)
	g.decide(v, s, Decision{Time: t.time(), Rule: ruleHold, Action: "hold", Measured: float64(depth), Limit: float64(limit),
		Evidence: g.brief(d.Cause.ID, depth, 0), DryRun: dry})
	if dry {
		return nil
	}
	long := min(max(p.Hold.MinFor, gap*time.Duration(p.Hold.Expected)), p.Hold.MaxFor)
	x := &trial{seat: s, among: slices.Clone(cycle.all()), gap: gap, allGap: max(1, h.all.gap()), long: long, steady: h.steady()}
	x.hold(t, 1)
	g.trials = append(g.trials, x)
	return x
}

func (x *trial) hold(t instant, round uint8) {
	x.phase, x.round, x.began, x.until = holding, round, t, t.add(x.long)
	x.writes, x.all, x.asked, x.others, x.told = 0, 0, 0, 0, x.seat.latest[humanDelivered]
}

// trial is the one of the seat, nil if there is none.
func (g *Governor) trial(t instant, s *seat) *trial {
	for _, x := range g.trials {
		if x.seat == s {
			if x.over(t) {
				g.endTrial(t, x)
				return nil
			}
			return x
		}
	}
	return nil
}

// over reports whether nothing can come of the trial any more: what waited is
// gone, or the seat is.
func (x *trial) over(t instant) bool {
	s := x.seat
	return s.gone || s.ban != nil || s.robot.rules.Hold.Depth == 0 || t-x.until > instant(s.robot.rules.Hold.MaxFor)
}

// onTrial reports whether a hold is under way on the cycle.
func (g *Governor) onTrial(t instant, cycle []*seat) bool {
	g.trials = slices.DeleteFunc(g.trials, func(x *trial) bool { return x.over(t) })
	return slices.ContainsFunc(g.trials, func(x *trial) bool {
		return slices.Contains(cycle, x.seat) || slices.Contains(x.among, cycle[0])
	})
}

// endTrial ends a trial. The next one waits its time.
func (g *Governor) endTrial(t instant, x *trial) {
	if h := x.seat.habit; h != nil {
		h.retest = t.add(min(x.seat.robot.rules.Hold.MaxFor, retestAfter*x.gap))
	}
	g.trials = slices.DeleteFunc(g.trials, func(o *trial) bool { return o == x })
}

// judgeHold decides when a hold has lasted long enough. It reports whether the
// bundle stays.
func (g *Governor) judgeHold(t instant, x *trial, d *Delivery, v *Verdict) bool {
	s, p := x.seat, x.seat.robot.rules.Hold
	lasted := time.Duration(t - x.began)
	goesOn := func(writes int32, gap time.Duration) bool {
		expected := float64(lasted) / float64(gap)
		return expected >= float64(p.Writes) && float64(writes) >= p.Independent*expected
	}
	switch {
	case x.silent(lasted):
		return g.fellSilent(t, x, d, v)
	case goesOn(x.writes, x.gap) || !x.toPeople() && goesOn(x.all, x.allGap):
		s.habit.free = t.add(freeFor)
		s.triggers = slices.DeleteFunc(s.triggers, func(e edge) bool { return e.exact == 0 })
	case lasted < p.MaxFor:
		x.until = min(t.add(max(time.Second, x.long/4)), x.began.add(p.MaxFor))
		v.Delay = time.Duration(x.until - t)
		return true
	}
	g.endTrial(t, x)
	v.Refuse = &Refusal{Code: "limit", Limit: ruleHold, Reason: "what robots wrote was held for " + plain(lasted) + " and is dropped",
		Remedy: "name the bundle that an answer answers"}
	return true
}

// silent reports whether the robot writes no more than answers to people. One that
// writes on its own among many people seems to answer some of them; but it does
// not answer nearly all, and does not write less than before.
func (x *trial) silent(lasted time.Duration) bool {
	return x.writes <= silentWrites && (x.toPeople() || float64(x.all)*float64(x.allGap) <= fewer*float64(lasted))
}

// toPeople reports whether the robot wrote after nearly every human-lane bundle.
func (x *trial) toPeople() bool {
	return float64(x.all-x.writes) >= nearlyAll*float64(x.asked)-1
}

// fellSilent decides about a robot that fell silent.
func (g *Governor) fellSilent(t instant, x *trial, d *Delivery, v *Verdict) bool {
	s := x.seat
	if x.others > silentWrites {
		s.habit.silent = t
		if slices.ContainsFunc(x.among, func(o *seat) bool { return !o.depends(t) }) {
			g.endTrial(t, x)
			return false
		}
	}
	if x.round < 2 && !x.steady {
		x.phase, x.until = released, t.add(max(x.long/2, 5*time.Second))
		return false
	}
	g.endTrial(t, x)
	depth := d.Cause
	depth.Depth, depth.Parent = depth.Depth+1, d.Author
	k := &conviction{seat: s, robots: true, sent: t, cause: g.causes[d.Cause.ID], depth: depth, rule: ruleHold, mark: markHold,
		measured: float64(depth.Depth), limit: float64(s.robot.rules.Hold.Depth), hold: x, held: time.Duration(t - x.began)}
	var cycle nodes
	if !s.cycle(t, unignored, &cycle) {
		for _, o := range x.among {
			cycle.add(o)
		}
	}
	g.act(t, k, s, cycle.all(), v)
	return true
}

// depends reports whether the seat is known to write only after others: it names
// what it answers, or fell silent in a hold of late.
func (s *seat) depends(t instant) bool {
	return s.gone || s.ban != nil || s.habit == nil || s.habit.silent != 0 && t-s.habit.silent <= instant(freeFor)
}

// noteWrite tells the trials of a robot's write. Robots tells whether robots may
// have set it off, and s where what it answers was heard, nil if nowhere; one
// that names its bundle is no sign of independence.
func (g *Governor) noteWrite(t instant, r *robot, s *seat, c *wavelet.Cause, robots bool) {
	for _, x := range g.trials {
		switch {
		case x.seat.robot == r && c.Bundle == "" && (s == nil || s == x.seat):
			x.all++
			if human := x.seat.latest[humanDelivered]; x.phase == holding && human > x.told {
				x.told = human
			} else if x.phase == holding {
				x.writes++
			} else if x.phase == released && robots {
				x.phase = resumed
			}
		case x.phase == holding && robots && 2*(t-x.began) > instant(x.long) && x.partner(r, s):
			x.others++
		}
	}
}

// partner reports whether a write of the robot is one of another seat on the cycle;
// s is nil for what nothing explains.
func (x *trial) partner(r *robot, s *seat) bool {
	return slices.ContainsFunc(x.among, func(o *seat) bool { return o != x.seat && (o == s || s == nil && o.robot == r) })
}

// noteAsked tells the seat's trial of a human-lane bundle.
func (g *Governor) noteAsked(s *seat) {
	for _, x := range g.trials {
		if x.seat == s {
			x.asked++
		}
	}
}

// holds reports whether the seat's robot lane is held.
func (g *Governor) holds(s *seat) bool {
	return slices.ContainsFunc(g.trials, func(x *trial) bool { return x.seat == s && x.phase == holding })
}
