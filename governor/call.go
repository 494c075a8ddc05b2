package governor

import (
	"fmt"
	"time"

	"weir/wavelet"
)

// Call decides about one HTTP request to the active or data API, or its like
// over another transport. A request is refused while the robot is suspended or
// cut off, or when too many responses are already held; else it counts, and its
// response is held for Delay so that responses keep their spacing. A limits
// query has a cap of its own and is never held.
func (g *Governor) Call(now time.Time, id wavelet.Participant, limitsQuery bool) (v Verdict) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.clock(now)
	r := g.robot(robotOf(id))
	r.ring.move(t.tick())
	if limitsQuery {
		g.callLimits(t, r, &v)
		return v
	}
	if r.suspended != nil {
		v.Refuse = refuseSuspended(r.id, r.suspended)
		return v
	}
	if t < r.cutUntil() {
		v.Refuse = r.refuseCutOff(t)
		return v
	}
	b := r.rules.Burst
	if b.Merge && r.slot != 0 && t < r.slot.add(b.Interval) { // part of the operation before it
		v.Delay = time.Duration(max(0, r.slot-t))
		return v
	}
	for i := range r.rules.sustained {
		if rule := &r.rules.sustained[i]; r.ring.count(rule.window, requests) >= rule.Max && g.cutOff(t, r, rule, &v) {
			return v
		}
	}
	if g.hold(t, r, &v); v.Refuse != nil {
		return v
	}
	r.ring.add(t.tick(), requests)
	for i := range r.rules.sustained {
		g.warnSustained(t, r, &r.rules.sustained[i], &v)
	}
	return v
}

// callLimits counts a limits query.
func (g *Governor) callLimits(t instant, r *robot, v *Verdict) {
	limit := r.rules.LimitsQuery
	used := r.ring.count(0, limitsQueries) + 1
	if limit.Max > 0 && used > limit.Max {
		wait := until(t, r.ring.frees(0, limitsQueries, limit.Max-1))
		g.refuseCall(t, r, markLimitsQuery, v, &Refusal{Code: "limit", Limit: ruleLimitsQuery, Measured: float64(used), Max: float64(limit.Max), RetryAfter: wait,
			Reason: fmt.Sprintf("%d limits queries in %s", used, plain(limit.Window)), Remedy: "ask again in " + plain(wait)})
		if v.Refuse != nil {
			return
		}
	}
	r.ring.add(t.tick(), limitsQueries)
	if limit.Max > 0 && used >= r.rules.warnFrom(limit.Max) {
		g.warnRobot(t, r, markLimitsQuery, ruleLimitsQuery, float64(used), float64(limit.Max), v)
	} else {
		r.marks &^= markLimitsQuery | markLimitsQuery<<dryShift
	}
}

// refuseCall refuses a request, unless the rule is only tried. That is recorded
// once, until the rule has been below its warning level again.
func (g *Governor) refuseCall(t instant, r *robot, m marks, v *Verdict, f *Refusal) {
	tried := r.rules.DryRuns(f.Limit)
	if r.marks&(m<<dryShift) == 0 {
		r.marks |= m << dryShift
		g.decideRobot(v, r, Decision{Time: t.time(), Robot: r.id, Rule: f.Limit, Action: "refuse", Measured: f.Measured, Limit: f.Max, DryRun: tried})
	}
	if !tried {
		v.Refuse = f
	}
}

// cutOff begins a cut-off: every request is refused until all windows have
// fallen to the warning level. The second within half an hour suspends. It
// reports whether the request is refused; a dry run refuses nothing.
func (g *Governor) cutOff(t instant, r *robot, rule *sustainedRule, v *Verdict) bool {
	used := float64(r.ring.count(rule.window, requests) + 1)
	d := Decision{Time: t.time(), Robot: r.id, Rule: rule.name, Measured: used, Limit: float64(rule.Max), Action: "cut-off"}
	if r.rules.DryRuns(rule.name) {
		if r.marks&(rule.mark<<dryShift) == 0 {
			r.marks |= rule.mark << dryShift
			d.DryRun = true
			g.decideRobot(v, r, d)
		}
		return false
	}
	again := r.cut != nil && t-r.cut.began <= instant(twiceCutIn)
	r.cut = &cutOff{began: t, until: r.frees(), rule: rule.name}
	d.Evidence = Evidence{Window: durationOf(rule.Window), Answered: int(used), Cooldown: r.cut.until.time()}
	if !again {
		g.decideRobot(v, r, d)
		v.Refuse = r.refuseCutOff(t)
		return true
	}
	d.Action = string(Suspend)
	d.Evidence.Undo = "The operator can resume the robot."
	r.suspended = &ban{kind: Suspend, rule: rule.name, since: t}
	g.decideRobot(v, r, d)
	v.Acts = append(v.Acts, Act{Kind: Suspend, Seat: wavelet.Seat{Robot: r.id}, Decision: v.Decisions[len(v.Decisions)-1]})
	v.Refuse = refuseSuspended(r.id, r.suspended)
	return true
}

// frees is when all windows of requests will have fallen to their warning levels,
// 0 if they have.
func (r *robot) frees() (free instant) {
	for i := range r.rules.sustained {
		o := &r.rules.sustained[i]
		if low := r.rules.warnFrom(o.Max) - 1; r.ring.count(o.window, requests) > low {
			free = max(free, instant(r.ring.frees(o.window, requests, low))*instant(tick))
		}
	}
	return free
}

func (r *robot) refuseCutOff(t instant) *Refusal {
	wait := time.Duration(r.cut.until - t)
	return &Refusal{Code: "limit", Limit: r.cut.rule, RetryAfter: wait,
		Reason: fmt.Sprintf("too many requests (%s): all are refused until %s", r.cut.rule, clockTime(r.cut.until.time())),
		Remedy: "come back in " + plain(wait) + " and ask less often; a second time within 30 minutes suspends the robot"}
}

// hold gives the response its place after the one before it.
func (g *Governor) hold(t instant, r *robot, v *Verdict) {
	b := r.rules.Burst
	if b.Interval <= 0 {
		return
	}
	slot := t
	if r.slot != 0 {
		slot = max(t, r.slot.add(b.Interval))
	}
	waiting := int((slot - t + instant(b.Interval) - 1) / instant(b.Interval))
	if waiting > b.Waiting {
		g.refuseCall(t, r, markBurst, v, &Refusal{Code: "limit", Limit: ruleBurst, Measured: float64(waiting), Max: float64(b.Waiting),
			RetryAfter: time.Duration(slot-t) - time.Duration(b.Waiting)*b.Interval,
			Reason:     fmt.Sprintf("%d responses are already held, %s apart", b.Waiting, plain(b.Interval)),
			Remedy:     "wait for a response before the next request"})
		return
	}
	if waiting >= r.rules.warnFrom(b.Waiting) && b.Waiting > 0 {
		g.warnRobot(t, r, markBurst, ruleBurst, float64(waiting), float64(b.Waiting), v)
	} else {
		r.marks &^= markBurst | markBurst<<dryShift
	}
	if r.slot = slot; !r.rules.DryRuns(ruleBurst) {
		v.Delay = time.Duration(slot - t)
	}
}

// warnSustained warns once when the request just counted comes near the limit.
func (g *Governor) warnSustained(t instant, r *robot, rule *sustainedRule, v *Verdict) {
	if used := r.ring.count(rule.window, requests); used >= r.rules.warnFrom(rule.Max) {
		g.warnRobot(t, r, rule.mark, rule.name, float64(used), float64(rule.Max), v)
	} else if r.marks != 0 {
		r.marks &^= rule.mark | rule.mark<<dryShift
	}
}

// warnRobot tells the robot once that it comes near a limit on its requests.
func (g *Governor) warnRobot(t instant, r *robot, m marks, rule string, measured, limit float64, v *Verdict) {
	if r.marks&m != 0 {
		return
	}
	r.marks |= m
	g.decideRobot(v, r, Decision{Time: t.time(), Robot: r.id, Rule: rule, Action: "warn", Measured: measured, Limit: limit, DryRun: r.rules.DryRuns(rule)})
	for _, l := range g.robotLimits(t, r) {
		if l.Name == rule {
			v.Warnings = append(v.Warnings, Warning{Robot: r.id, Limit: l})
		}
	}
}

// decideRobot records a decision about the robot as a whole.
func (g *Governor) decideRobot(v *Verdict, r *robot, d Decision) {
	r.record(d)
	v.Decisions = append(v.Decisions, d)
}

// until is from t to the beginning of a tick.
func until(t instant, tickAt int64) time.Duration {
	return time.Duration(max(0, instant(tickAt)*instant(tick)-t))
}
