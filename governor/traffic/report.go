package traffic

import (
	"cmp"
	"math"
	"slices"
	"time"

	"weir/wavelet"
)

// Report compares what two replays decided.
type Report struct {
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until,omitzero"`
	Rows    Counts    `json:"rows"`
	First   time.Time `json:"first,omitzero"` // of the rows in this time
	Last    time.Time `json:"last,omitzero"`
	Starts  int       `json:"starts"`  // of a server in this time; each may have lost the second before it
	Gaps    int       `json:"gaps"`    // in the record
	Missing uint64    `json:"missing"` // rows in these gaps, as far as it is known
	Lines   []Line    `json:"lines"`
	LeftOff int       `json:"left_off,omitzero"` // lines that were too many
	InForce Sum       `json:"in_force"`
	Tried   Sum       `json:"tried"`
}

// Counts is what was recorded in the time that is compared.
type Counts struct {
	Commits    uint64 `json:"commits"`
	Deliveries uint64 `json:"deliveries"`
	Answers    uint64 `json:"answers"`
	Requests   uint64 `json:"requests"`
}

// Sum is what a replay came to: how often each action was taken, and what of the
// record did not happen in it.
type Sum struct {
	Actions map[string]int `json:"actions"`
	Absent  uint64         `json:"absent"` // deliveries and answers that no longer came about
}

// Change tells how the outcomes of the two replays differ.
type Change string

// The changes.
const (
	New     Change = "new"     // only under the policies that are tried
	Gone    Change = "gone"    // only under those in force
	Changed Change = "changed" // another count, time, measure or limit
	Same    Change = "same"
)

// Line is one outcome for a robot in a wavelet: a decision of the governor (warn,
// slow, hold, refuse, cut, suspend, evict, readmit and so on), or what came of
// decisions: "held" bundles, answers or requests, and "refused" ones.
type Line struct {
	Robot   wavelet.Participant `json:"robot"`
	Wavelet string              `json:"wavelet,omitzero"` // "" for a limit of the robot as a whole
	Action  string              `json:"action"`
	Rule    string              `json:"rule"` // of a decision; else "bundles", "answers" or "requests"
	DryRun  bool                `json:"dry_run,omitzero"`
	Change  Change              `json:"change"`
	InForce *Times              `json:"in_force,omitempty"` // nil: it did not happen
	Tried   *Times              `json:"tried,omitempty"`
}

// Times is how often something happened, and what it was the first time.
type Times struct {
	Count    int       `json:"count"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Measured float64   `json:"measured"` // of what is held, the seconds in all
	Limit    float64   `json:"limit"`    // 0 for what is held or refused
}

// mostLines is how many lines a report has.
const mostLines = 10_000

const (
	inForce = 0
	tried   = 1
)

// matter is what a line is about.
type matter struct {
	robot   wavelet.Participant
	wavelet string
	action  string
	rule    string
	dryRun  bool
}

// comparison collects what two replays decide.
type comparison struct {
	q     *Question
	out   Report // without its lines
	lines map[matter]*[2]*Times
	held  [2]map[lane]string // the bundle that was held last
}

func newComparison(q *Question) *comparison {
	c := &comparison{q: q, lines: map[matter]*[2]*Times{}, held: [2]map[lane]string{{}, {}}}
	c.out = Report{Since: q.Since, Until: q.Until, Lines: []Line{}}
	c.out.InForce.Actions, c.out.Tried.Actions = map[string]int{}, map[string]int{}
	return c
}

// count counts a row of the record.
func (c *comparison) count(r *Row) {
	out := &c.out
	if r.At.Before(c.q.Since) {
		return
	}
	if out.First.IsZero() {
		out.First = r.At
	}
	out.Last = r.At
	switch r.Kind {
	case Start:
		out.Starts++
	case Gap:
		out.Gaps++
		out.Missing += r.Missing
	case Commit:
		out.Rows.Commits++
	case Deliver:
		out.Rows.Deliveries++
	case Answer:
		out.Rows.Answers++
	case Call:
		out.Rows.Requests++
	}
}

// take notes what came of a row in one of the replays.
func (c *comparison) take(which int, e *Event) {
	if e.At.Before(c.q.Since) || c.q.beyond(e.At) {
		return
	}
	for i := range e.Verdict.Decisions {
		d := &e.Verdict.Decisions[i]
		c.add(which, matter{d.Robot, d.Wavelet, d.Action, d.Rule, d.DryRun}, d.Time, d.Measured, d.Limit)
	}
	r := e.Row
	switch r.Kind {
	case Deliver:
		if e.Absent {
			c.absent(which, r.Delivery.Seat)
			return
		}
		here := lane{r.Delivery.Seat, r.Delivery.RobotLane}
		again := c.held[which][here] == r.Delivery.Bundle
		if e.Verdict.Delay > 0 {
			c.held[which][here] = r.Delivery.Bundle
		}
		c.came(which, e, r.Delivery.Seat, "bundles", again)
	case Answer:
		if e.Absent {
			c.absent(which, wavelet.Seat{Wavelet: r.Answer.Wavelet, Robot: r.Answer.Robot})
			return
		}
		c.came(which, e, wavelet.Seat{Wavelet: r.Answer.Wavelet, Robot: r.Answer.Robot}, "answers", false)
	case Call:
		c.came(which, e, wavelet.Seat{Robot: r.Robot}, "requests", false)
	}
}

// absent counts what did not come about.
func (c *comparison) absent(which int, seat wavelet.Seat) {
	if c.wants(seat.Robot, seat.Wavelet.String()) {
		c.sum(which).Absent++
	}
}

// came notes that something was held or refused; again: it was held before.
func (c *comparison) came(which int, e *Event, seat wavelet.Seat, what string, again bool) {
	in := ""
	if !seat.Wavelet.IsZero() {
		in = seat.Wavelet.String()
	}
	switch {
	case e.Refused || e.Verdict.Refuse != nil:
		c.add(which, matter{seat.Robot, in, "refused", what, false}, e.At, 0, 0)
	case e.Verdict.Delay > 0:
		t := c.add(which, matter{seat.Robot, in, "held", what, false}, e.At, 0, 0)
		if t == nil {
			return
		}
		t.Measured = math.Round(1000*(t.Measured+e.Verdict.Delay.Seconds())) / 1000
		if again {
			t.Count--
			c.sum(which).Actions["held"]--
		}
	}
}

func (c *comparison) sum(which int) *Sum {
	if which == inForce {
		return &c.out.InForce
	}
	return &c.out.Tried
}

// wants reports whether the question is about this robot and wavelet.
func (c *comparison) wants(robot wavelet.Participant, in string) bool {
	return (c.q.Robot == "" || c.q.Robot == robot) && (c.q.Wavelet.IsZero() || c.q.Wavelet.String() == in)
}

// add counts an outcome, nil if the question is not about it.
func (c *comparison) add(which int, m matter, at time.Time, measured, limit float64) *Times {
	if !c.wants(m.robot, m.wavelet) {
		return nil
	}
	both := c.lines[m]
	if both == nil {
		both = &[2]*Times{}
		c.lines[m] = both
	}
	t := both[which]
	if t == nil {
		t = &Times{First: at, Measured: measured, Limit: limit}
		both[which] = t
	}
	t.Count++
	t.Last = at
	name := m.action
	if m.dryRun {
		name += " (dry run)"
	}
	c.sum(which).Actions[name]++
	return t
}

// report is the comparison.
func (c *comparison) report() Report {
	out := c.out
	for m, both := range c.lines {
		out.Lines = append(out.Lines, Line{
			Robot: m.robot, Wavelet: m.wavelet, Action: m.action, Rule: m.rule, DryRun: m.dryRun,
			Change: change(both[inForce], both[tried]), InForce: both[inForce], Tried: both[tried],
		})
	}
	slices.SortFunc(out.Lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Robot, b.Robot), cmp.Compare(a.Wavelet, b.Wavelet), a.first().Compare(b.first()),
			cmp.Compare(a.Action, b.Action), cmp.Compare(a.Rule, b.Rule))
	})
	if n := len(out.Lines); n > mostLines {
		out.Lines, out.LeftOff = out.Lines[:mostLines], n-mostLines
	}
	return out
}

// first is when the outcome first came about in either replay.
func (l *Line) first() time.Time {
	if l.InForce == nil || l.Tried != nil && l.Tried.First.Before(l.InForce.First) {
		return l.Tried.First
	}
	return l.InForce.First
}

func change(was, is *Times) Change {
	switch {
	case was == nil:
		return New
	case is == nil:
		return Gone
	case was.Count != is.Count || was.Measured != is.Measured || was.Limit != is.Limit || was.First.Sub(is.First).Abs() > time.Second:
		return Changed
	}
	return Same
}
