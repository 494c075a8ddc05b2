package governor

import (
	"time"
)

// Deliver decides whether a bundle may go out now. A Refuse means that the seat
// is out and its lane ends. A Delay means: send nothing, ask again after so
// long. Else the bundle counts as delivered, once for all attempts at it.
func (g *Governor) Deliver(now time.Time, d Delivery) (v Verdict) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.clock(now)
	s := g.seat(t, d.Seat)
	if v.Refuse = s.out(t); v.Refuse != nil {
		return v
	}
	if v.Delay = g.wait(t, s, &d, &v); v.Delay > 0 {
		return v
	}
	r := s.robot
	if s.deliver(t, &d) && d.RobotLane {
		r.latest = t
	}
	if d.Cause.ID != "" {
		r.owes(t, s, &d)
	}
	if s.slowed != 0 {
		s.relieve(t)
	}
	if s.marks != 0 {
		s.rearm(t)
	}
	return v
}

// wait is how long the bundle has to wait: for the pace, or in the robot lane
// because its chain is deep, because the seat answers nearly everything, or to
// see whether the robot depends on it.
func (g *Governor) wait(t instant, s *seat, d *Delivery, v *Verdict) time.Duration {
	if s.sent == 0 {
		return 0
	}
	p := s.robot.rules
	due := s.sent.add(p.Pace.MinInterval)
	last := s.latest[robotDelivered]
	if d.RobotLane && last != 0 {
		if s.slowed != 0 {
			due = max(due, last.add(s.slowPace()))
		}
		if step := g.slowDepth(t, s, d, v); step > 0 {
			due = max(due, last.add(step))
		}
	}
	if d.RobotLane && s.habit != nil && !g.ratioOnly {
		due = max(due, g.holdBack(t, s, d, v))
	}
	return time.Duration(max(0, due-t))
}

// slowDepth is how far apart the profile wants bundles of so deep a chain, 0 if
// no further than others.
func (g *Governor) slowDepth(t instant, s *seat, d *Delivery, v *Verdict) time.Duration {
	p := s.robot.rules
	if g.ratioOnly || p.Depth.SlowFrom == 0 {
		return 0
	}
	depth := s.meant(t, d).Cause.Exact + 1
	step := p.slow(depth)
	if step <= p.Pace.MinInterval {
		return 0
	}
	if s.mark(t, markSlow) {
		g.decide(v, s, Decision{Time: t.time(), Rule: ruleDepth, Action: "slow", Measured: float64(depth), Limit: float64(p.Depth.SlowFrom),
			Evidence: g.brief(d.Cause.ID, depth, step), DryRun: p.DryRuns(ruleDepth)})
	}
	if p.DryRuns(ruleDepth) {
		return 0
	}
	return step
}
