package governor

import (
	"time"

	"weir/wavelet"
)

// Commit takes note of a commit, of whatever wavelet and author: who started
// which chain, which bundles were answered, who answered whom, and who was put
// out or let in again. Every commit must come, once, those of one wavelet in
// version order.
func (g *Governor) Commit(now time.Time, c wavelet.Commit) (v Verdict) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.clock(now)
	switch d := &c.Delta; d.Cause.Kind {
	case wavelet.Human:
		if in := g.rooms[c.Wavelet]; in != nil {
			in.spoke(t)
		}
		g.started(t, &c)
	case wavelet.Unknown:
		g.started(t, &c)
		g.arrived(t, &c, &v)
	case wavelet.Robot, wavelet.Assumed:
		g.turn(t, &c)
		if d.Cause.Bundle == "" && d.Cause.Kind == wavelet.Robot {
			g.started(t, &c)
		} else {
			g.answered(t, &c, &v)
		}
	}
	for _, op := range c.Delta.Ops {
		switch op := op.(type) {
		case wavelet.AddParticipant:
			g.added(t, &c, op.Who, &v)
		case wavelet.RemoveParticipant:
			g.left(&c, op.Who)
		}
	}
	return v
}

// started notes the delta that a chain begins with, the first of a message.
func (g *Governor) started(t instant, c *wavelet.Commit) {
	d := &c.Delta
	if d.Cause.ID == "" {
		return
	}
	x := g.cause(t, d.Cause.ID)
	g.touch(t, x)
	if x.by == "" {
		x.kind, x.by, x.wavelet = d.Cause.Kind, d.Author, c.Wavelet
	}
}

// answered notes a robot's delta that was set off by a bundle.
func (g *Governor) answered(t instant, c *wavelet.Commit, v *Verdict) {
	d := &c.Delta.Cause
	r := g.robot(robotOf(c.Delta.Author))
	s := r.passed(c.Delta.ID)
	if s == nil {
		s = g.seat(t, wavelet.Seat{Wavelet: c.Wavelet, Robot: r.id})
	}
	hash, robots := uint64(0), d.Depth > 1
	if d.Bundle != "" {
		hash = hashOf(d.Bundle)
		if b := s.find(hash); b != nil {
			if b.answered {
				return
			}
			b.answered = true
			s.heed(b.only)
			s.ring.mark(b.seq, humanAnswered-humanDelivered+b.lane())
			robots = b.robots
		}
	}
	x := g.cause(t, d.ID)
	if x.by == "" && d.Depth == 1 {
		x.kind, x.by, x.wavelet = wavelet.Human, d.Parent, s.id.Wavelet
	}
	from := x.spoke(robotOf(d.Parent))
	if !x.answered(t, s, d, hash, robots) {
		return
	}
	g.touch(t, x)
	s.cause = x
	s.depth, s.exact = int32(d.Depth), int32(d.Exact)
	if d.Bundle != "" {
		s.answered++
	}
	if !robots {
		s.toHumans.inc(t)
		return
	}
	s.toRobots.inc(t)
	if from == nil {
		from = g.seats[wavelet.Seat{Wavelet: s.id.Wavelet, Robot: robotOf(d.Parent)}]
	}
	if from != nil {
		s.trigger(t, from, d.Kind == wavelet.Robot)
	}
	if !g.ratioOnly {
		g.foretell(t, x, v)
	}
}

// foretell warns all robots of a chain that is near its number of answers: the
// others may use up what is left before a robot gives its own next one.
func (g *Governor) foretell(t instant, c *cause, v *Verdict) {
	next := int(c.answers) + 1
	for i := range c.links {
		s := c.links[i].seat
		per := c.allowance(s.robot.rules.Amplification.PerCause)
		if per == 0 || next < s.robot.rules.warnFrom(per) || s.marks&markAmplification != 0 || s.gone || s.ban != nil {
			continue
		}
		if s.onCycle(t, unignored) {
			g.warn(t, v, s, markAmplification, ruleAmplification, float64(next), float64(per), c.id)
		}
	}
}

// lane is the channel that counts the bundle as delivered.
func (b *bundle) lane() int {
	if b.robots {
		return robotDelivered
	}
	return humanDelivered
}

// added notes that somebody was let in: an evicted robot that may be readmitted
// by that hand is.
func (g *Governor) added(t instant, c *wavelet.Commit, who wavelet.Participant, v *Verdict) {
	s := g.seats[wavelet.Seat{Wavelet: c.Wavelet, Robot: robotOf(who)}]
	if s == nil || s.ban == nil || s.mayReturn(t, c.Delta.Cause.Kind == wavelet.Human) != nil {
		return
	}
	g.readmit(t, s, c.Delta.Author, false, v)
}

// left notes that somebody was removed. What was counted of a robot's seat is
// dropped, unless the governor itself had it removed.
func (g *Governor) left(c *wavelet.Commit, who wavelet.Participant) {
	if s := g.seats[wavelet.Seat{Wavelet: c.Wavelet, Robot: who}]; s != nil && s.ban == nil {
		g.dropSeat(s)
	}
}
