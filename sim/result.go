package sim

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"weir/wavelet"
)

// Acted is one act: a robot was evicted, cut off from its partners or from the
// API, or suspended; "ignore" means that a detector never let it hear robots.
type Acted struct {
	Robot  string  `json:"robot"`
	Action string  `json:"action"`
	Rule   string  `json:"rule"`
	AtS    float64 `json:"at_s"` // since the run began
	Depth  int     `json:"depth"`
}

// Result is what came of one run.
type Result struct {
	Scenario        string   `json:"scenario"`
	Detector        string   `json:"detector"`
	Seed            uint64   `json:"seed"`
	Speed           float64  `json:"speed"`
	People          int      `json:"people,omitzero"` // more than the scenario has
	Fault           Fault    `json:"fault,omitzero"`  // beside those of the scenario
	Truth           Truth    `json:"truth"`
	StoppedAtS      *float64 `json:"stopped_at_s"` // the longest any chain went on from its first answer of a robot to a robot; null: it still goes on
	Wasted          int      `json:"wasted"`       // answers of robots to robots, from the onset to the last act
	ActedOn         []Acted  `json:"acted_on"`
	UntouchedOK     bool     `json:"untouched_ok"`
	HumanLaneP95MS  float64  `json:"human_lane_p95_ms"`
	WarnedBeforePct float64  `json:"warned_before_pct"` // of throttles; 100 if there was none
	OK              bool     `json:"ok"`
	Why             string   `json:"why"` // what was expected and did not come, "" if ok

	Stopped    bool           `json:"-"` // no chain went on longer than expected
	Missed     bool           `json:"-"` // one went on for more than twice as long, or to the end
	Slowness   float64        `json:"-"` // the longest that a chain took, in shares of max(16 s, 16 of its turns)
	WastedBy   map[string]int `json:"-"`
	Deepest    int            `json:"-"` // the most answers of robots in a chain
	TooMany    int            `json:"-"` // robots that were acted on beyond what breaking the loop takes
	RobotHours float64        `json:"-"`
	PeopleLost int            `json:"-"` // people's deltas that were never told to a robot that is there
	Throttles  int            `json:"-"`
	Announced  int            `json:"-"` // of these

	added histogram // what people's deltas waited for their bundles beyond the merging
}

func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }

// local is a participant's name in the scenario.
func local(p wavelet.Participant) string {
	name, _, _ := strings.Cut(string(p), "@")
	return name
}

// Result holds what was measured against what is expected, when the run ends.
func (t *Tally) Result(end time.Duration) Result {
	r := Result{
		Scenario: t.sc.Name, Detector: t.o.Name, Seed: t.o.Seed, Speed: t.o.Speed, Truth: t.sc.Truth,
		ActedOn: t.acts, HumanLaneP95MS: math.Round(float64(quantile(t.waits, 95)) / 1e6), WarnedBeforePct: 100,
		Throttles: t.throttle, Announced: t.expected, PeopleLost: t.lost, Slowness: t.slowness(), added: t.added,
	}
	if r.ActedOn == nil {
		r.ActedOn = []Acted{}
	}
	for _, c := range t.chains {
		r.Deepest = max(r.Deepest, c.depth)
	}
	for i := range t.sc.Robots {
		if !t.sc.Robots[i].Remote {
			r.RobotHours += end.Hours()
		}
	}
	if t.throttle > 0 {
		r.WarnedBeforePct = math.Round(1000*float64(t.expected)/float64(t.throttle)) / 10
	}
	why := slices.Concat(t.stopping(&r, end), t.acting(&r), t.serving(&r))
	r.OK, r.Why = len(why) == 0, strings.Join(why, "; ")
	return r
}

// stopping is about the time and the answers it took.
func (t *Tally) stopping(r *Result, end time.Duration) (why []string) {
	e := &t.sc.Expect
	took, going := t.longest(end)
	r.Stopped = !t.flooded && (e.StoppedWithin == 0 || took <= e.StoppedWithin)
	r.Missed = !r.Stopped && (t.flooded || going || took > 2*e.StoppedWithin)
	switch {
	case t.flooded:
		why = append(why, fmt.Sprintf("a flood: robots wrote ever more, until the run was given up at %s", end.Round(time.Second)))
	case !r.Stopped && going:
		why = append(why, fmt.Sprintf("never stopped: robots went on answering each other for %s, to the end", took.Round(time.Millisecond)))
	default:
		s := seconds(took)
		r.StoppedAtS = &s
		if !r.Stopped {
			why = append(why, fmt.Sprintf("stopped after %s, not within %s", took.Round(time.Millisecond), e.StoppedWithin.Round(time.Millisecond)))
		}
	}
	if r.WastedBy = t.wasted; r.Stopped && t.byAct != nil {
		r.WastedBy = t.byAct
	}
	for _, n := range r.WastedBy {
		r.Wasted += n
	}
	if e.WastedAtMost != nil && r.Wasted > *e.WastedAtMost {
		why = append(why, fmt.Sprintf("%d wasted answers, not at most %d", r.Wasted, *e.WastedAtMost))
	}
	return why
}

// acting is about who was acted on.
func (t *Tally) acting(r *Result) (why []string) {
	r.UntouchedOK = true
	var robots []string
	for _, a := range r.ActedOn {
		if !slices.Contains(robots, a.Robot) {
			robots = append(robots, a.Robot)
		}
		if t.sc.Truth == Legitimate || slices.Contains(t.sc.Expect.Untouched, a.Robot) {
			r.UntouchedOK = false
			why = append(why, fmt.Sprintf("%s of %s by %s at %.1f s, who does nothing wrong", a.Action, a.Robot, a.Rule, a.AtS))
		}
	}
	for _, name := range t.sc.Expect.Untouched {
		if t.slowed[name] {
			r.UntouchedOK = false
			why = append(why, "the human lane of "+name+" was slowed")
		}
	}
	e := t.sc.Expect.ActedOn
	if e == nil {
		return why
	}
	for _, name := range robots {
		if !slices.Contains(e.AnyOf, name) && !slices.Contains(t.sc.Expect.Untouched, name) {
			why = append(why, fmt.Sprintf("%s was acted on, who is none of %s", name, listed(e.AnyOf)))
		}
	}
	if e.AtMost > 0 && len(robots) > e.AtMost {
		r.TooMany = len(robots) - e.AtMost
		why = append(why, fmt.Sprintf("%d robots were acted on, not at most %d", len(robots), e.AtMost))
	}
	return why
}

// serving is about people's lane.
func (t *Tally) serving(r *Result) (why []string) {
	limit := t.sc.Expect.HumanLaneP95
	if limit != 0 && r.HumanLaneP95MS > float64(limit.Milliseconds()) {
		why = append(why, fmt.Sprintf("people's deltas waited %.0f ms for their bundles (p95), not at most %d ms", r.HumanLaneP95MS, limit.Milliseconds()))
	}
	if t.lost > 0 {
		why = append(why, fmt.Sprintf("%d of people's deltas were never told to a robot that is there", t.lost))
	}
	return why
}
