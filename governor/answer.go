package governor

import (
	"time"

	"weir/policies"
	"weir/wavelet"
)

// Answer decides whether a robot's delta may be committed, and labels it with
// its lineage: exact if it names its bundle, assumed if the robot was sent a
// bundle within the last minute, else a chain of its own at depth 1. Of several
// bundles, one that names none is taken to answer the oldest that nothing else
// answered yet, people's first.
//
// A bundle's first delta is the answer that is judged and, by its commit,
// counted; further deltas that name the bundle belong to it.
func (g *Governor) Answer(now time.Time, a Answer) (v Verdict) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.clock(now)
	s, b, first := g.label(t, &a, &v.Cause)
	if v.Refuse = g.barred(t, s, &a); v.Refuse != nil {
		return v
	}
	switch {
	case first && v.Cause.Bundle != "":
		g.judge(t, s, b, &a, &v)
	case first:
		g.judgeAssumed(t, s.robot.rules, &conviction{seat: s, robots: true, sent: s.robot.debts.last.at, cause: g.causes[v.Cause.ID], depth: v.Cause}, &v)
	}
	if v.Refuse == nil && s != nil && (s.id.Wavelet != a.Wavelet || v.Cause.Bundle == "") {
		s.robot.pass(a.Delta, s)
	}
	if v.Refuse == nil && !g.ratioOnly {
		g.holdAnswer(t, s, &a, &v)
	}
	return v
}

// label writes the lineage of the answer. It gives the seat that heard what is
// answered, nil if none did, the record of the bundle if there is one, and
// whether this is the first delta that names it, or the first that is taken to
// answer a robot-lane bundle.
func (g *Governor) label(t instant, a *Answer, c *wavelet.Cause) (s *seat, b *bundle, first bool) {
	if a.Forged {
		g.robot(robotOf(a.Robot)).indebt().tokens.Forged++
	} else if a.Named.Bundle != "" && a.Robot == a.Named.Seat.Robot {
		s = g.seat(t, a.Named.Seat)
		hash := hashOf(a.Named.Bundle)
		b = s.find(hash)
		if s.robot.counts(t, a, b) {
			s.robot.settle(s, hash)
			p := s.meant(t, &a.Named)
			*c = wavelet.Cause{ID: p.Cause.ID, Depth: p.Cause.Depth + 1, Exact: p.Cause.Exact + 1,
				Parent: p.Author, Bundle: a.Named.Bundle, Kind: wavelet.Robot}
			return s, b, b == nil || !b.answered
		}
	}
	r := g.robot(robotOf(a.Robot))
	h, first := r.assumed(t, a.Wavelet)
	if h == nil {
		*c = wavelet.Cause{ID: string(a.Delta), Depth: 1, Kind: wavelet.Robot}
		return nil, nil, false
	}
	*c = wavelet.Cause{ID: h.cause, Depth: h.depth + 1, Exact: h.exact, Parent: h.author, Kind: wavelet.Assumed}
	return h.seat, nil, first
}

// counts reports whether the bundle that an answer names counts as its cause. A
// response always answers the bundle it responds to. A token counts for its
// first answer within ten seconds, and beyond that while no newer robot-lane
// bundle was sent to the robot: an old human-lane token is no alibi.
func (r *robot) counts(t instant, a *Answer, b *bundle) bool {
	if a.Door == Reply {
		return true
	}
	sent := a.sent(b)
	if r.latest <= sent {
		return true
	}
	if b == nil || t-sent > instant(tokenFor) {
		r.indebt().tokens.Stale++
		return false
	}
	if b.answered {
		r.indebt().tokens.Replayed++
		return false
	}
	return true
}

// sent is when the bundle named was first sent.
func (a *Answer) sent(b *bundle) instant {
	if b != nil {
		return b.at
	}
	return at(a.Named.Sent)
}

// barred is why the robot may not write there at all, nil if it may: it is out
// of the wavelet it writes to, or of the one it heard the bundle in.
func (g *Governor) barred(t instant, s *seat, a *Answer) *Refusal {
	if s != nil {
		if r := s.out(t); r != nil {
			return r
		}
		if s.id.Wavelet == a.Wavelet {
			return nil
		}
	}
	id := robotOf(a.Robot)
	if to := g.seats[wavelet.Seat{Wavelet: a.Wavelet, Robot: id}]; to != nil {
		return to.out(t)
	}
	if r := g.robots[id]; r != nil && r.suspended != nil {
		return refuseSuspended(id, r.suspended)
	}
	return nil
}

// judge applies the rules to the answer to a bundle.
func (g *Governor) judge(t instant, s *seat, b *bundle, a *Answer, v *Verdict) {
	p := s.robot.rules
	c := g.goesOn(s, v.Cause.ID)
	k := &conviction{seat: s, robots: a.Named.RobotLane, sent: a.sent(b), cause: c, depth: v.Cause}
	if k.robots && !g.ratioOnly && g.judgeChain(t, p, k, v) {
		return
	}
	s.ring.move(t.tick())
	for i := range p.ratios {
		if rule := &p.ratios[i]; g.judgeRatio(t, rule, k, v) {
			return
		}
	}
}

// judgeChain applies the rules about chains of robots: depth, amplification, and
// how long no human has spoken. It reports whether one of them convicted.
func (g *Governor) judgeChain(t instant, p *rules, k *conviction, v *Verdict) bool {
	s, links := k.seat, k.depth.Exact
	if act := s.refusedFrom(t, k.depth.Depth-links); act > 0 && links >= act {
		k.rule, k.mark, k.measured, k.limit = ruleDepth, markDepth, float64(links), float64(act)
		if g.convict(t, k, v) {
			return true
		}
	}
	if g.judgeAssumed(t, p, k, v) {
		return true
	}
	answers, per := 1, p.Amplification.PerCause
	if k.cause != nil {
		answers, per = answers+int(k.cause.answers), k.cause.allowance(per)
	}
	if per > 0 && answers > per && s.onCycle(t, unignored) {
		k.rule, k.mark, k.measured, k.limit = ruleAmplification, markAmplification, float64(answers), float64(per)
		if g.convict(t, k, v) {
			return true
		}
	}
	alone := g.alone(t, p, k)
	if p.Human.Within > 0 && alone > p.Human.Within && s.onCycle(t, heeded) {
		k.rule, k.mark, k.measured, k.limit = ruleHuman, markHuman, alone.Seconds(), p.Human.Within.Seconds()
		if g.convict(t, k, v) {
			return true
		}
	}
	if p.Depth.Warn > 0 && links >= p.Depth.Warn {
		g.warn(t, v, s, markDepth, ruleDepth, float64(links), float64(p.Depth.Act), v.Cause.ID)
	}
	if near := p.WarnAt * p.Human.Within.Seconds(); alone > 0 && alone.Seconds() >= near && s.onCycle(t, heeded) {
		g.warn(t, v, s, markHuman, ruleHuman, alone.Seconds(), p.Human.Within.Seconds(), v.Cause.ID)
	}
	return false
}

// refusedFrom is the number of exact links from which on an answer is refused, 0
// if none is. A chain in which links are assumed as well, and that is on no cycle
// of exact links, may be several chains one after the other: a robot that writes
// on its own, and others that answer it. It counts when one of these must be too
// long.
func (s *seat) refusedFrom(t instant, assumed int) int {
	act := s.robot.rules.Depth.Act
	if act == 0 || assumed <= 0 || s.onCycle(t, likely) {
		return act
	}
	return (act-1)*(assumed+1) + 1
}

// alone is for how long robots have gone on without a human, 0 if the profile
// does not mind.
func (g *Governor) alone(t instant, p *rules, k *conviction) time.Duration {
	if p.Human.Within == 0 || k.cause == nil {
		return 0
	}
	return time.Duration(t - max(k.cause.began, k.seat.room.lastHuman))
}

func (s *seat) onCycle(t instant, by proof) bool {
	var out nodes
	return s.cycle(t, by, &out)
}

// overRatio slows the seat's robot lane when a ratio is first found over its
// limit, and convicts if it still is when the probation ends.
func (g *Governor) overRatio(t instant, rule *ratioRule, k *conviction, v *Verdict) bool {
	s := k.seat
	since := &s.over[rule.index]
	if *since != 0 {
		return t-*since >= instant(rule.probation()) && g.convict(t, k, v)
	}
	*since = t
	if !s.robot.rules.DryRuns(rule.name) {
		s.slowed |= rule.mark
	}
	d := Decision{Time: t.time(), Rule: rule.name, Action: "slow", Measured: k.measured, Limit: k.limit,
		Evidence: g.brief(v.Cause.ID, 0, s.slowPace()), DryRun: s.robot.rules.DryRuns(rule.name)}
	d.Evidence.Delivered, d.Evidence.Answered, d.Evidence.Window = k.delivered, k.answered, durationOf(rule.Window)
	g.decide(v, s, d)
	return false
}

// released ends the probation of a rule.
func (s *seat) released(rule *ratioRule) {
	s.over[rule.index] = 0
	s.slowed &^= rule.mark
}

// relieve ends the probations of rules that are no longer over their limits. A
// bundle that was only now sent does not count yet.
func (s *seat) relieve(t instant) {
	s.ring.move(t.tick())
	for i := range s.robot.rules.ratios {
		rule := &s.robot.rules.ratios[i]
		if answered, delivered := s.ratio(rule); s.slowed&rule.mark != 0 && float64(answered) <= rule.Max*float64(delivered-1) {
			s.released(rule)
		}
	}
}

// relieved reports whether a loop that the seat was part of was broken within the
// window: what it answered in that loop is not held against it.
func (s *seat) relieved(t instant, rule *ratioRule) bool {
	return s.acted != 0 && t-s.acted < instant(rule.Window)
}

// slowPace is how far apart the robot lane's bundles are while a ratio is over
// its limit.
func (s *seat) slowPace() time.Duration { return 2 * s.robot.rules.Pace.MinInterval }

// judgeRatio applies one ratio rule, with this answer counted. It reports
// whether it convicted.
func (g *Governor) judgeRatio(t instant, rule *ratioRule, k *conviction, v *Verdict) bool {
	s := k.seat
	if rule.Count == policies.CountCycle && !k.robots {
		return false
	}
	answered, delivered := s.ratio(rule)
	if answered++; answered > delivered { // the bundle itself has left the window
		return false
	}
	p := s.robot.rules
	ratio := float64(answered) / float64(max(1, delivered))
	over := ratio > rule.Max && delivered >= rule.MinEvents && s.spread(t, rule) && !s.relieved(t, rule)
	near := ratio >= p.WarnAt*rule.Max && delivered >= p.warnFrom(rule.MinEvents)
	if !over {
		s.released(rule)
	}
	switch {
	case rule.Respond == policies.RespondShow:
		return false
	case rule.Respond == policies.RespondWarn && !over, !near && !over:
		return false
	case rule.Count == policies.CountCycle && (g.ratioOnly || !s.onCycle(t, heeded)):
		return false
	case over && rule.Respond == policies.RespondAct:
		k.rule, k.mark, k.measured, k.limit = rule.name, rule.mark, ratio, rule.Max
		k.ratio, k.answered, k.delivered = rule, answered, delivered
		return g.overRatio(t, rule, k, v)
	}
	g.warn(t, v, s, rule.mark, rule.name, ratio, rule.Max, v.Cause.ID)
	return false
}
