package governor

import (
	"fmt"
	"time"

	"weir/policies"
	"weir/wavelet"
)

func refuseSuspended(id wavelet.Participant, b *ban) *Refusal {
	return &Refusal{Code: "suspended", Limit: b.rule,
		Reason: fmt.Sprintf("%s is suspended since %s (%s)", id, clockTime(b.since.time()), b.rule),
		Remedy: "ask the operator to resume it"}
}

// refuseBanned is what a robot is told in a wavelet that it was put out of.
func (s *seat) refuseBanned(t instant) *Refusal {
	what := "evicted from"
	if s.ban.kind == Suspend {
		what = "suspended in"
	}
	r := &Refusal{Code: "evicted", Limit: s.ban.rule,
		Reason: fmt.Sprintf("%s was %s this wavelet at %s (%s)", s.robot.id, what, clockTime(s.ban.since.time()), s.ban.rule),
		Remedy: "a person who takes part can add it again after " + clockTime(s.ban.cooldown.time()) + ", or at once with an override"}
	if wait := s.ban.cooldown - t; wait > 0 && s.robot.rules.Readmit != policies.ReadmitNever {
		r.RetryAfter = time.Duration(wait)
	}
	return r
}

// mayReturn is why a banned seat may not be readmitted without an override.
func (s *seat) mayReturn(t instant, human bool) *Refusal {
	r := &Refusal{Code: "cooldown", Limit: s.ban.rule,
		Reason: fmt.Sprintf("%s was put out of this wavelet at %s (%s)", s.robot.id, s.ban.since.time().UTC().Format(time.RFC3339), s.ban.rule)}
	switch mode := s.robot.rules.Readmit; {
	case mode == policies.ReadmitNever:
		r.Remedy = "its profile " + s.robot.rules.Name + " lets it come back only by an explicit override"
	case !human && mode != policies.ReadmitAuto:
		r.Remedy = "a person has to add it"
	case t < s.ban.cooldown:
		r.RetryAfter = time.Duration(s.ban.cooldown - t)
		r.Remedy = "wait until " + s.ban.cooldown.time().UTC().Format(time.RFC3339) + ", or bring it back with an explicit override"
	default:
		return nil
	}
	return r
}

// refuseRule is what a robot is told of an answer that breaks a rule.
func refuseRule(k *conviction) *Refusal {
	r := &Refusal{Code: "limit", Limit: k.rule, Measured: k.measured, Max: k.limit, Remedy: "wait until a person writes"}
	switch {
	case k.ratio != nil:
		r.Reason = fmt.Sprintf("%d of %d bundles in %s were answered, more than %.0f %%", k.answered, k.delivered, plain(k.ratio.Window), 100*k.limit)
		r.Remedy = "answer fewer bundles"
	case k.rule == ruleDepth:
		r.Reason = fmt.Sprintf("this would be answer number %.0f in a row of robots to robots, and number %.0f is refused", k.measured, k.limit)
	case k.rule == ruleAmplification:
		r.Reason = fmt.Sprintf("this would be robot answer number %.0f to one message, and %.0f are allowed", k.measured, k.limit)
	case k.rule == ruleHold:
		r.Reason = fmt.Sprintf("robots answer each other without saying so, %.0f times in a row, and %.0f are allowed", k.measured, k.limit-1)
	case k.rule == ruleHuman:
		r.Reason = fmt.Sprintf("no person has written here for %s, and %s are allowed", plain(seconds(k.measured)), plain(seconds(k.limit)))
	}
	return r
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
