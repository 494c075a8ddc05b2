package governor

import (
	"fmt"
	"strings"
	"time"

	"weir/wavelet"
)

// Sentences is the decision as a person reads it in the notice, a paragraph
// each: what was done, the cause, the chain, its depth, how long it took and how
// many answers, the partners, what is still allowed, and how to undo it.
func (d Decision) Sentences() []string {
	e := &d.Evidence
	out := []string{d.headline()}
	if s := e.Started; s.By != "" {
		out = append(out, "Cause: "+s.sentence())
	}
	if len(e.Exchanges) > 0 {
		out = append(out, "Chain: "+exchanges(e.Exchanges)+".")
	}
	if e.Depth > 0 {
		out = append(out, "Depth: "+d.depthSentence())
	}
	for _, x := range e.Tests {
		out = append(out, fmt.Sprintf("Test: what robots wrote was held back from %s, %s, for %s in all; it was silent meanwhile, and wrote as soon as it was sent it. "+
			"So it answers robots, although it does not say so.", x.Robot, times(x.Holds), plain(time.Duration(x.Held).Round(100*time.Millisecond))))
	}
	if e.Holds > 0 && d.Action != "hold" {
		out = append(out, d.holdSentence())
	}
	if e.Delivered > 0 {
		out = append(out, fmt.Sprintf("Ratio: %s answered %d of the %d bundles it was sent in %s, %.0f %%; the limit is %.0f %%.",
			d.Robot, e.Answered, e.Delivered, plain(time.Duration(e.Window)), 100*d.Measured, 100*d.Limit))
	}
	if len(e.Chain) > 0 {
		out = append(out, fmt.Sprintf("Duration: %s by %s in %s, from %s to %s.", count(e.Answers, "answer"), count(len(e.Chain), "robot"),
			plain(time.Duration(e.Duration)), clockTime(e.Since), clockTime(d.Time)))
	}
	if len(e.Partners) > 0 {
		out = append(out, "Partners: "+names(e.Partners)+".")
	}
	if e.Times > 1 {
		out = append(out, fmt.Sprintf("This is the %s time within 30 minutes.", ordinal(e.Times)))
	}
	if e.Spacing > 0 {
		out = append(out, "Still allowed: everything; what robots write is sent to it at most every "+plain(time.Duration(e.Spacing))+".")
	}
	if d.DryRun {
		return out
	}
	if e.Allowed != "" {
		out = append(out, "Still allowed: "+e.Allowed)
	}
	if e.Undo != "" {
		out = append(out, "Undo: "+e.Undo)
	}
	return out
}

// Reason is the decision in one sentence.
func (d Decision) Reason() string { return d.headline() }

func (d *Decision) headline() string {
	s := string(d.Robot) + " " + d.what() + d.why() + "."
	if d.DryRun {
		s = "Dry run, nothing was done: " + s
	}
	return s
}

// what is what the decision did, after the robot's name.
func (d *Decision) what() string {
	if d.Rule == ruleRemote && d.Action == "hold" {
		return "has its answers held back for " + plain(time.Duration(d.Evidence.Window))
	}
	switch d.Action {
	case "warn":
		return "was warned"
	case "hold":
		return "is sent what robots write a little later for a while"
	case "slow":
		return "is sent what other robots write less often"
	case "refuse":
		if d.Wavelet == "" {
			return "was refused a request"
		}
		return "was refused an answer"
	case "cut-off":
		return "was cut off from the API until " + clockTime(d.Evidence.Cooldown)
	case "readmit":
		s := "was readmitted by " + string(d.Evidence.By)
		if d.Evidence.Override {
			s += ", with an override"
		}
		return s
	case string(Evict):
		return "was removed from this conversation"
	case string(Cut):
		return "was cut off from " + names(d.Evidence.Partners)
	case string(Suspend):
		if d.Wavelet == "" {
			return "was suspended"
		}
		return "was suspended in this conversation"
	}
	return d.Action
}

// why is the rule behind it, "" if there is nothing to add.
func (d *Decision) why() string {
	if d.Action == "readmit" {
		return ""
	}
	warned := d.Action == "warn"
	switch {
	case d.Rule == ruleDepth && d.Action == "slow":
		return fmt.Sprintf(": the chain of robots answering robots is %.0f deep", d.Measured)
	case d.Rule == ruleDepth && warned:
		return fmt.Sprintf(": its answer is number %.0f in a row of robots to robots, and number %.0f is refused", d.Measured, d.Limit)
	case d.Rule == ruleDepth:
		return fmt.Sprintf(": robots answered each other %.0f times in a row without a person", d.Measured-1)
	case d.Rule == ruleHold && (warned || d.Action == "hold"):
		return fmt.Sprintf(": it does not name what it answers, and seems to be number %.0f in a row of robots answering robots; at %.0f such a row is a loop if tests show that the robots depend on each other", d.Measured, d.Limit)
	case d.Rule == ruleHold:
		return fmt.Sprintf(": robots answered each other %.0f times in a row without a person, and without saying so", d.Measured-1)
	case d.Rule == ruleAmplification:
		return fmt.Sprintf(": one message has set off %.0f answers of robots to robots, and %.0f are allowed", d.Measured, d.Limit)
	case d.Rule == ruleHuman:
		return fmt.Sprintf(": robots went on for %s without a person, and %s are allowed", plain(seconds(d.Measured)), plain(seconds(d.Limit)))
	case d.Rule == ruleRemote && d.Action == "hold":
		return fmt.Sprintf(": it and %s, who writes from another server, answer each other without pause; whether %s goes on by itself will show",
			names(d.Evidence.Partners), names(d.Evidence.Partners))
	case d.Rule == ruleRemote && warned:
		return fmt.Sprintf(": it and somebody who writes from another server have answered each other at once %.0f times, and at %.0f its answers are held back", d.Measured, d.Limit)
	case d.Rule == ruleRemote:
		return fmt.Sprintf(": %s on another server answers whatever it writes, and it answers that", names(d.Evidence.Partners))
	case strings.HasPrefix(d.Rule, "robotRatio"):
		return fmt.Sprintf(": it answered %.0f %% of what robots wrote, over a limit of %.0f %%", 100*d.Measured, 100*d.Limit)
	case strings.HasPrefix(d.Rule, "ratio"):
		return fmt.Sprintf(": it answered %.0f %% of what it was sent, and the limit is %.0f %%", 100*d.Measured, 100*d.Limit)
	}
	return fmt.Sprintf(": %s is at %.0f, and the limit is %.0f", d.Rule, d.Measured, d.Limit)
}

func (s Start) sentence() string {
	switch s.Kind {
	case wavelet.Human.String():
		return fmt.Sprintf("it began with what %s wrote at %s.", s.By, clockTime(s.At))
	case wavelet.Unknown.String():
		return fmt.Sprintf("it began with what came in from elsewhere as %s at %s.", s.By, clockTime(s.At))
	}
	return fmt.Sprintf("no person began it; %s wrote unasked at %s.", s.By, clockTime(s.At))
}

// holdSentence is what holding the answers has shown.
func (d *Decision) holdSentence() string {
	e := &d.Evidence
	return fmt.Sprintf("Test: %s its answers were held back for %s. %s fell silent meanwhile, but for what people here may have set off, and went on as soon as they came.",
		times(e.Holds), plain(time.Duration(e.Window)), names(e.Partners))
}

func (d *Decision) depthSentence() string {
	e := &d.Evidence
	switch {
	case d.Rule == ruleHold && (d.Action == "hold" || d.Action == "refuse"):
		return fmt.Sprintf("answer number %d in a row of robots to robots; the links are assumed.", e.Depth)
	case d.Rule == ruleHold:
		return fmt.Sprintf("up to %s in a row of robots to robots; %d of them are proved by the message that each one named, the others are assumed from what the robot was sent before it wrote.", count(e.Depth, "answer"), e.Exact)
	case d.Rule == ruleRemote:
		return "not known, for what comes from another server does not say what it answers."
	case d.Action == "slow" || d.Action == "refuse":
		return fmt.Sprintf("answer number %d in a row of robots to robots.", e.Depth)
	case e.Exact == 0:
		return fmt.Sprintf("up to %s in a row of robots to robots.", count(e.Depth, "answer"))
	case e.Exact < e.Depth:
		return fmt.Sprintf("answer number %d in a row of robots to robots was refused; %d of them are proved by the message each one named, the others assumed.", e.Depth, e.Exact)
	}
	return fmt.Sprintf("answer number %d in a row of robots to robots was refused; all of them are proved by the message each one named.", e.Depth)
}

// exchanges lists at most six pairs.
func exchanges(pairs []Exchange) string {
	parts := make([]string, 0, 7)
	for i, p := range pairs {
		if i == 6 {
			parts = append(parts, count(len(pairs)-i, "more pair"))
			break
		}
		parts = append(parts, fmt.Sprintf("%s answered %s %s", p.To, p.From, times(p.Count)))
	}
	return series(parts)
}

func names(ps []wavelet.Participant) string {
	parts := make([]string, len(ps))
	for i, p := range ps {
		parts[i] = string(p)
	}
	return series(parts)
}

// series joins with commas and a last "and".
func series(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

func ordinal(n int) string {
	switch n {
	case 2:
		return "second"
	case 3:
		return "third"
	}
	return fmt.Sprintf("%dth", n)
}

// clockTime is a time of day, as notices write it.
func clockTime(t time.Time) string { return t.UTC().Format("15:04:05 UTC") }

// plain writes a duration in words: 12.5 seconds, 2 minutes, 1 hour.
func plain(d time.Duration) string {
	unit := func(of time.Duration, name string) string {
		n := d.Round(of/10).Seconds() / of.Seconds()
		s := strings.TrimSuffix(fmt.Sprintf("%.1f", n), ".0")
		if s == "1" {
			return "1 " + name
		}
		return s + " " + name + "s"
	}
	switch {
	case d >= 2*time.Hour:
		return unit(time.Hour, "hour")
	case d >= 2*time.Minute:
		return unit(time.Minute, "minute")
	}
	return unit(time.Second, "second")
}
