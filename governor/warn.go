package governor

import (
	"time"
)

// rearmAfter keeps a rule that wavers about its warning level, as two chains of
// different depth do, from being warned of again and again.
const rearmAfter = 30 * time.Second

// mark notes that a rule is at or above its warning level and reports whether
// that is news.
func (s *seat) mark(t instant, m marks) bool {
	s.aboveAt = t
	if s.marks&m != 0 {
		return false
	}
	s.marks |= m
	return true
}

// rearm lets rules that have fallen below their warning level warn anew.
func (s *seat) rearm(t instant) {
	if t-s.aboveAt < instant(rearmAfter) {
		return
	}
	p := s.robot.rules
	s.ring.move(t.tick())
	still := marks(0)
	for i := range p.ratios {
		rule := &p.ratios[i]
		answered, delivered := s.ratio(rule)
		if delivered >= p.warnFrom(rule.MinEvents) && float64(answered) >= p.WarnAt*rule.Max*float64(delivered) {
			still |= rule.mark
		}
	}
	if depth := s.deep.exact + 1; p.Depth.Warn > 0 && depth >= p.Depth.Warn {
		still |= markDepth | markAmplification | markHuman
	}
	if p.Hold.Depth > 0 && s.deep.depth > s.deep.exact && s.deep.depth+1 >= p.holdFrom() {
		still |= markHold
	}
	if p.slow(s.deep.exact+1) > p.Pace.MinInterval {
		still |= markSlow
	}
	if score, _ := s.remoteScore(t); p.Remote.Score > 0 && 2*score >= p.Remote.Score {
		still |= markRemote
	}
	s.marks &= still | still<<dryShift
}

// warn tells the robot once that it comes near a rule's limit in this seat.
func (g *Governor) warn(t instant, v *Verdict, s *seat, m marks, rule string, measured, limit float64, cause string) {
	if !s.mark(t, m) {
		return
	}
	g.decide(v, s, Decision{Time: t.time(), Rule: rule, Action: "warn", Measured: measured, Limit: limit,
		Evidence: g.brief(cause, 0, 0), DryRun: s.robot.rules.DryRuns(rule)})
	for _, l := range g.seatLimits(t, s) {
		if l.Name == rule {
			v.Warnings = append(v.Warnings, Warning{Robot: s.robot.id, Wavelet: s.id.Wavelet, Limit: l})
		}
	}
}

// decide records a decision about the seat.
func (g *Governor) decide(v *Verdict, s *seat, d Decision) {
	d.Robot, d.Wavelet = s.robot.id, s.id.Wavelet.String()
	s.robot.record(d)
	v.Decisions = append(v.Decisions, d)
}

// brief is the evidence of a decision that removes nobody.
func (g *Governor) brief(id string, depth int, every time.Duration) Evidence {
	e := Evidence{Cause: id, Depth: depth, Spacing: durationOf(every)}
	if c := g.causes[id]; c != nil {
		e.Started = c.start()
	}
	return e
}
