package governor

import (
	"slices"
	"strings"
	"time"

	"weir/policies"
	"weir/wavelet"
)

// Limits is what the robot is told about its limits, in all wavelets: the very
// counters that the decisions read.
func (g *Governor) Limits(now time.Time, id wavelet.Participant) policies.Limits {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.clock(now)
	r := g.robot(robotOf(id))
	seats := slices.Clone(r.seats)
	slices.SortFunc(seats, func(a, b *seat) int { return strings.Compare(a.id.Wavelet.String(), b.id.Wavelet.String()) })
	return g.limits(t, r, seats)
}

// SeatLimits is Limits without the robot's other wavelets, as a bundle to the
// seat carries it.
func (g *Governor) SeatLimits(now time.Time, id wavelet.Seat) policies.Limits {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.clock(now)
	r := g.robot(robotOf(id.Robot))
	if s := g.seats[id]; s != nil {
		return g.limits(t, r, []*seat{s})
	}
	return g.limits(t, r, nil)
}

func (g *Governor) limits(t instant, r *robot, seats []*seat) policies.Limits {
	out := policies.Limits{Robot: string(r.id), Profile: r.rules.Name, Status: "ok", At: t.time(),
		Limits: g.robotLimits(t, r), Decisions: []policies.Decided{}, Evicted: []policies.SeatNote{}, Cuts: []policies.CutNote{},
		Tokens: r.void()}
	if r.marks != 0 {
		out.Status = "warned"
	}
	for _, s := range seats {
		if s.ban == nil {
			out.Limits = append(out.Limits, g.seatLimits(t, s)...)
		} else {
			out.Evicted = append(out.Evicted, s.note())
		}
		if len(s.cuts) > 0 {
			note := policies.CutNote{Wavelet: s.id.Wavelet.String()}
			for _, p := range s.cuts {
				note.From = append(note.From, string(p))
			}
			out.Cuts = append(out.Cuts, note)
		}
		out.Status = worse(out.Status, g.status(t, s))
	}
	if t < r.cutUntil() {
		out.Status = worse(out.Status, "cut")
	}
	if r.suspended != nil {
		out.Status = "suspended"
	}
	for i := len(r.decisions) - 1; i >= 0; i-- {
		out.Decisions = append(out.Decisions, r.decisions[i])
	}
	return out
}

// worse is the more severe of two statuses.
func worse(a, b string) string {
	order := []string{"ok", "warned", "slowed", "held", "cut", "evicted", "suspended"}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}

// status is how the seat stands.
func (g *Governor) status(t instant, s *seat) string {
	switch {
	case s.robot.suspended != nil || s.ban != nil && s.ban.kind == Suspend:
		return "suspended"
	case s.ban != nil:
		return "evicted"
	case len(s.cuts) > 0:
		return "cut"
	case s.habit != nil && s.habit.held != 0, s.heldBack(t):
		return "held"
	case s.marks&markSlow != 0 || s.slowed != 0:
		return "slowed"
	case s.marks != 0:
		return "warned"
	}
	return "ok"
}

// robotLimits is the limits on a robot's requests.
func (g *Governor) robotLimits(t instant, r *robot) []policies.Limit {
	r.ring.move(t.tick())
	var out []policies.Limit
	for i := range r.rules.sustained {
		rule := &r.rules.sustained[i]
		used := r.ring.count(rule.window, requests)
		l := policies.Limit{Name: rule.name, Max: float64(rule.Max), Window: durationOf(rule.Window), Used: float64(used),
			Remaining: float64(max(0, rule.Max-used)), WarnAt: float64(r.rules.warnFrom(rule.Max)), DryRun: r.rules.DryRuns(rule.name)}
		if used > 0 {
			l.ResetsAt = tickTime(r.ring.frees(rule.window, requests, used-1))
		}
		if t < r.cutUntil() || r.suspended != nil {
			l.Remaining, l.ResetsAt = 0, r.cutUntil().time()
		}
		out = append(out, l)
	}
	if b := r.rules.Burst; b.Interval > 0 {
		waiting := 0
		if r.slot != 0 {
			waiting = int(max(0, r.slot.add(b.Interval)-t+instant(b.Interval)-1) / instant(b.Interval))
		}
		l := policies.Limit{Name: ruleBurst, Max: float64(b.Waiting + 1), Used: float64(waiting), Remaining: float64(max(0, b.Waiting+1-waiting)),
			WarnAt: float64(r.rules.warnFrom(b.Waiting) + 1), DryRun: r.rules.DryRuns(ruleBurst)}
		if waiting > 0 {
			l.ResetsAt = (r.slot.add(b.Interval) - instant(waiting-1)*instant(b.Interval)).time()
		}
		out = append(out, l)
	}
	if q := r.rules.LimitsQuery; q.Max > 0 {
		used := r.ring.count(0, limitsQueries)
		l := policies.Limit{Name: ruleLimitsQuery, Max: float64(q.Max), Window: durationOf(q.Window), Used: float64(used), Remaining: float64(max(0, q.Max-used)),
			WarnAt: float64(r.rules.warnFrom(q.Max)), DryRun: r.rules.DryRuns(ruleLimitsQuery)}
		if used > 0 {
			l.ResetsAt = tickTime(r.ring.frees(0, limitsQueries, used-1))
		}
		out = append(out, l)
	}
	return out
}

// seatLimits is the limits of a robot in one wavelet.
func (g *Governor) seatLimits(t instant, s *seat) []policies.Limit {
	p, name := s.robot.rules, s.id.Wavelet.String()
	s.ring.move(t.tick())
	var out []policies.Limit
	if p.Pace.MinInterval > 0 {
		l := policies.Limit{Name: rulePace, Wavelet: name, Max: 1, Window: durationOf(p.Pace.MinInterval), Remaining: 1}
		if free := s.sent.add(p.Pace.MinInterval); s.sent != 0 && t < free {
			l.Used, l.Remaining, l.ResetsAt = 1, 0, free.time()
		}
		out = append(out, l)
	}
	for i := range p.ratios {
		rule := &p.ratios[i]
		answered, delivered := s.ratio(rule)
		ratio := float64(answered) / float64(max(1, delivered))
		l := policies.Limit{Name: rule.name, Wavelet: name, Max: rule.Max, Window: durationOf(rule.Window), Used: ratio,
			Remaining: max(0, rule.Max-ratio), WarnAt: p.WarnAt * rule.Max, MinEvents: rule.MinEvents, Events: delivered, DryRun: p.DryRuns(rule.name)}
		if rule.Respond == policies.RespondWarn {
			l.WarnAt = rule.Max
		}
		if delivered > 0 {
			l.ResetsAt = tickTime(s.ring.tails[rule.whole].at + s.ring.tails[rule.whole].span)
		}
		out = append(out, l)
	}
	if g.ratioOnly {
		return out
	}
	if p.Depth.Act > 0 {
		used, act := 0, p.Depth.Act
		if s.deep.at != 0 {
			used, act = s.deep.exact+1, s.refusedFrom(t, s.deep.depth-s.deep.exact)
		}
		out = append(out, policies.Limit{Name: ruleDepth, Wavelet: name, Max: float64(act), Used: float64(used),
			Remaining: float64(max(0, act-used)), WarnAt: float64(p.Depth.Warn), DryRun: p.DryRuns(ruleDepth)})
	}
	if per := p.Amplification.PerCause; per > 0 {
		used := 0
		if c := g.causes[s.deep.cause]; c != nil && s.deep.at != 0 {
			used, per = int(c.answers), c.allowance(per)
		}
		out = append(out, policies.Limit{Name: ruleAmplification, Wavelet: name, Max: float64(per), Used: float64(used),
			Remaining: float64(max(0, per-used)), WarnAt: float64(p.warnFrom(per)), DryRun: p.DryRuns(ruleAmplification)})
	}
	if within := p.Human.Within; within > 0 {
		l := policies.Limit{Name: ruleHuman, Wavelet: name, Max: within.Seconds(), WarnAt: p.WarnAt * within.Seconds(), DryRun: p.DryRuns(ruleHuman)}
		if c := g.causes[s.deep.cause]; c != nil && s.deep.at != 0 {
			l.Used = time.Duration(t - max(c.began, s.room.lastHuman)).Seconds()
		}
		l.Remaining = max(0, l.Max-l.Used)
		out = append(out, l)
	}
	if limit := p.Hold.Depth; limit > 0 && (s.habit != nil || s.deep.depth > s.deep.exact) {
		used := 0
		if s.deep.at != 0 && s.deep.depth > s.deep.exact {
			used = s.deep.depth + 1
		}
		out = append(out, policies.Limit{Name: ruleHold, Wavelet: name, Max: float64(limit), Used: float64(used),
			Remaining: float64(max(0, limit-used)), WarnAt: float64(p.holdFrom()), DryRun: p.DryRuns(ruleHold)})
	}
	if limit := p.Remote.Score; limit > 0 {
		used, until := s.remoteScore(t)
		out = append(out, policies.Limit{Name: ruleRemote, Wavelet: name, Max: float64(limit), Used: float64(used), Remaining: float64(max(0, limit-used)),
			ResetsAt: until.time(), WarnAt: float64(p.warnFrom(limit)), DryRun: p.DryRuns(ruleRemote)})
	}
	return out
}

func tickTime(at int64) time.Time { return (instant(at) * instant(tick)).time() }

// Reading is a seat's counters at an instant, for metrics and displays.
type Reading struct {
	Delivered  uint64  // bundles, since the governor first saw the seat
	Answered   uint64  // of these
	Ratio      float64 // answered / delivered over two minutes, all bundles
	RobotRatio float64 // the same of robot-lane bundles
	Depth      int     // of the latest answer
	Exact      int
	Status     string // as policies.Limits.Status, of this seat
}

// Reading reads a seat's counters. A seat that is not known reads as zeros.
func (g *Governor) Reading(now time.Time, id wavelet.Seat) Reading {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.clock(now)
	s := g.seats[id]
	if s == nil {
		return Reading{Status: "ok"}
	}
	s.ring.move(t.tick())
	count := func(c int) float64 { return float64(s.ring.count(0, c)) }
	robots := count(robotDelivered)
	return Reading{
		Delivered: s.delivered, Answered: s.answered,
		Ratio:      (count(humanAnswered) + count(robotAnswered)) / max(1, count(humanDelivered)+robots),
		RobotRatio: count(robotAnswered) / max(1, robots),
		Depth:      int(s.depth), Exact: int(s.exact), Status: g.status(t, s),
	}
}
