package governor

import (
	"slices"
	"time"

	"weir/policies"
)

const (
	mostExtra  = 1    // writes in a hold that may have been on their way
	mostLoud   = 2    // holds in a row, with one such write each
	noDoubt    = 2e-3 // so little chance that tests were passed by chance is none
	oftenDeep  = 4    // deep chains within about two minutes that one misread pipeline never has
	mostTests  = 200  // that are counted
	leastPass  = 0.05 // what a test that was passed leaves of the doubt at least
	likelyPass = 0.3  // and one in which the robot wrote what may answer people
	contrary   = 5    // what a test that was not passed adds to the doubt
)

// holdBack tests whether a robot that names nothing depends on what robots
// write: the bundle waits for twice as long as the robot ever took to answer one
// of late. A robot that writes on its own goes on meanwhile. One that is silent,
// and writes promptly once it is sent the bundle, has passed a test: of n+1 lags
// of a robot that does not care for bundles, each is the longest as likely as
// any other, so that one of n known lags would be the longest but for a chance
// of 1 in n+1, and be exceeded twofold still less often. A few tests leave no
// doubt, and cost a loop a few turns.
//
// It gives the instant until which the bundle has to wait, 0 if it need not.
func (g *Governor) holdBack(t instant, s *seat, d *Delivery, v *Verdict) instant {
	h, p := s.habit, s.robot.rules.Hold
	s.robot.debts.age(t)
	if h.held == 0 {
		if !g.doubts(t, s, d, v) {
			return 0
		}
		h.held, h.quiet, h.extra, h.spoke, h.broken = t, t, 0, false, true
		s.robot.debts.holding++
	}
	long := max(p.MinFor, 2*h.longest())
	if h.doubt == 1 { // a robot that writes regularly must not find room between two of its writes
		long = max(long, h.pause()+h.pause()/8)
	}
	return min(h.quiet.add(long), h.held.add(p.MaxFor))
}

// doubts reports whether the bundle's chain calls for a test of the seat.
func (g *Governor) doubts(t instant, s *seat, d *Delivery, v *Verdict) bool {
	h, p := s.habit, s.robot.rules
	c := s.deepest(t, d).Cause
	depth := c.Depth + 1
	if p.Hold.Depth == 0 || c.Depth == c.Exact || depth < p.holdFrom() || t < h.free || t < h.shown || !s.answersUnnamed() || !s.onCycle(t, unignored) {
		return false
	}
	dry := p.DryRuns(ruleHold)
	if dry && depth >= p.Hold.Depth && s.mark(t, markHold<<dryShift) || !dry && s.marks&markHold == 0 {
		g.decide(v, s, Decision{Time: t.time(), Rule: ruleHold, Action: "hold", Measured: float64(depth), Limit: float64(p.Hold.Depth),
			Evidence: g.brief(c.ID, depth, 0), DryRun: dry})
	}
	if dry {
		return false
	}
	g.warn(t, v, s, markHold, ruleHold, float64(depth), float64(p.Hold.Depth), c.ID)
	return true
}

// holdFrom is the depth from which a chain with assumed links is tested.
func (r *rules) holdFrom() int { return (r.Hold.Depth + 1) / 2 }

// endHold ends a hold, if there is one, and reports whether the robot was silent
// in it.
func (s *seat) endHold(t instant) (held, clean bool) {
	h := s.habit
	if h == nil || h.held == 0 {
		return false, false
	}
	s.robot.debts.holding--
	h.long += time.Duration(max(0, t-h.held))
	h.held = 0
	if h.extra == 0 {
		return true, true
	}
	h.failed()
	if h.loud++; h.loud > mostLoud {
		s.goesOn(t)
	}
	return true, false
}

// goesOn notes that the robot writes on although its robot lane is held. What it
// was taken to answer, it did not.
func (s *seat) goesOn(t instant) {
	s.endHold(t)
	h := s.habit
	h.free, h.shown, h.doubt, h.tests, h.long, h.loud = t.add(freeFor), 0, 1, 0, 0, 0
	s.triggers = slices.DeleteFunc(s.triggers, func(e edge) bool { return e.exact == 0 })
}

// passed notes that the robot was silent in a hold and wrote after it.
func (h *habit) passed(t instant, lag time.Duration) {
	if lag > min(2*h.usual()+sameAnswer, h.longest()+h.longest()/2) {
		h.failed()
		h.learn(lag) // it is slower than was thought
		return
	}
	n, least := float64(h.known), leastPass
	if h.spoke {
		least = likelyPass
	}
	h.tests = min(h.tests+1, mostTests)
	h.loud = 0
	if h.doubt *= max(least, 2/(n+1)/(n+2)); h.doubt <= noDoubt {
		h.shown, h.doubt = t.add(freeFor), 1
	}
}

func (h *habit) failed() { h.doubt = min(1, contrary*h.doubt) }

// again notes that a deep chain was found at the seat, and reports whether that
// has been so several times within a short time.
func (h *habit) again(t instant) bool {
	h.deep.inc(t)
	return h.deep.now(t) > oftenDeep
}

// judgeAssumed convicts a chain with assumed links that is deep and a loop.
func (g *Governor) judgeAssumed(t instant, p *rules, k *conviction, v *Verdict) bool {
	limit, c := p.Hold.Depth, &k.depth
	if g.ratioOnly || limit == 0 || c.Depth == c.Exact || c.Depth < p.holdFrom() {
		return false
	}
	if c.Depth < limit {
		if k.seat.marks&markHold == 0 && k.seat.onCycle(t, unignored) {
			g.warn(t, v, k.seat, markHold, ruleHold, float64(c.Depth), float64(limit), c.ID)
		}
		return false
	}
	if !k.shown(t) {
		return false
	}
	k.rule, k.mark, k.measured, k.limit = ruleHold, markHold, float64(c.Depth), float64(limit)
	return g.convict(t, k, v)
}

// shown reports whether the chain runs through a cycle of robots that name what
// they answer or were shown to depend on it, at least one of these, and notes how.
func (k *conviction) shown(t instant) bool {
	var cycle nodes
	if !k.seat.cycle(t, shown, &cycle) {
		return false
	}
	for _, s := range cycle.all() {
		if s.habit != nil && !s.answersUnnamed() {
			return false
		}
	}
	for _, s := range cycle.all() {
		if h := s.habit; h != nil && h.tests > 0 {
			k.tests = append(k.tests, Test{Robot: s.robot.id, Holds: int(h.tests), Held: policies.Duration(h.long)})
		}
	}
	return len(k.tests) > 0
}
