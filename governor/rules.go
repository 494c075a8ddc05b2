package governor

import (
	"slices"
	"time"

	"weir/policies"
)

// The names of the rules that are not named after a window, as in
// policies.Limit and Decision.
const (
	rulePace          = "pace"
	ruleDepth         = "depth"
	ruleAmplification = "amplification"
	ruleHuman         = "human"
	ruleBurst         = "burst"
	ruleLimitsQuery   = "limitsQuery"
	ruleHold          = "hold"
	ruleRemote        = "remote"
)

// marks remembers which rules have been warned of, or would have acted but for
// a dry run, since they were last approached. Ratio and sustained rules take
// the low bits in the profile's order.
type marks uint32

const (
	markDepth marks = 1 << (8 + iota)
	markAmplification
	markHuman
	markSlow
	markBurst
	markLimitsQuery
	markHold
	markRemote
	dryShift = 16 // the same rule, tried
)

// rules is a profile made ready to be asked.
type rules struct {
	policies.Profile
	ratios    []ratioRule
	spans     []int64 // windows of a seat's ring, in ticks; the first is two minutes
	sustained []sustainedRule
	callSpans []int64 // windows of a robot's ring of requests; the first is the limits query's
}

// ratioRule is a ratio with the places of its windows in the ring.
type ratioRule struct {
	policies.Ratio
	name  string
	mark  marks
	index int // in the profile
	whole int // the window
}

// probation is how long a ratio must stay over its limit, with the robot lane
// slowed, before the rule acts: a quarter of the window.
func (r *ratioRule) probation() time.Duration { return r.Window / 4 }

// mostRatios is how many ratio rules a profile may have.
const mostRatios = 8

// sustainedRule is a sustained limit with the place of its window.
type sustainedRule struct {
	policies.Sustained
	name   string
	mark   marks
	window int
}

func compile(p policies.Profile) *rules {
	r := &rules{Profile: p}
	place := func(spans *[]int64, d time.Duration) int {
		span := max(1, int64(d/tick))
		if i := slices.Index(*spans, span); i >= 0 {
			return i
		}
		*spans = append(*spans, span)
		return len(*spans) - 1
	}
	place(&r.spans, 2*time.Minute)
	place(&r.callSpans, max(p.LimitsQuery.Window, tick))
	for i, rule := range p.Ratio[:min(len(p.Ratio), mostRatios)] {
		r.ratios = append(r.ratios, ratioRule{
			Ratio: rule, name: rule.Name(), mark: 1 << i, index: i,
			whole: place(&r.spans, rule.Window),
		})
	}
	for i, rule := range p.Sustained[:min(len(p.Sustained), mostRatios)] {
		r.sustained = append(r.sustained, sustainedRule{
			Sustained: rule, name: rule.Name(), mark: 1 << i,
			window: place(&r.callSpans, rule.Window),
		})
	}
	return r
}

// warnFrom is the whole number of events at which a robot is warned of max.
func (r *rules) warnFrom(max int) int {
	if r.WarnAt <= 0 {
		return max
	}
	return int(r.WarnAt*float64(max) + 0.999999)
}

// slow is how far apart the robot lane's bundles are at this depth, 0 if it is
// not slowed.
func (r *rules) slow(depth int) time.Duration {
	d := r.Depth
	if d.SlowFrom == 0 || depth < d.SlowFrom || d.SlowStep <= 0 {
		return 0
	}
	step := d.SlowStep
	for i := d.SlowFrom; i < depth && step < d.SlowMax; i++ {
		step *= 2
	}
	return min(step, d.SlowMax)
}

// slowing is the ratio rules that may slow a robot lane.
func (r *rules) slowing() (m marks) {
	for i := range r.ratios {
		if rule := &r.ratios[i]; rule.Respond == policies.RespondAct && !r.DryRuns(rule.name) {
			m |= rule.mark
		}
	}
	return m
}

// enforces reports whether the profile lets the rule act on its robot.
func (r *rules) enforces(rule string) bool {
	if r.DryRuns(rule) {
		return false
	}
	switch rule {
	case ruleDepth, ruleHuman:
		return r.Depth.Act > 0
	case ruleAmplification:
		return r.Amplification.PerCause > 0
	case ruleHold:
		return r.Hold.Depth > 0
	case ruleRemote:
		return r.Remote.Score > 0
	}
	return slices.ContainsFunc(r.Ratio, func(o policies.Ratio) bool { return o.Respond == policies.RespondAct })
}
