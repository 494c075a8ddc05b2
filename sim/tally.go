package sim

import (
	"maps"
	"slices"
	"time"

	"weir/events"
	"weir/governor"
	"weir/wavelet"
)

// Tally measures a run while it goes on: what really happened, and what was done
// about it. Instants are since the run began. It is not safe for concurrent use.
type Tally struct {
	sc       *Scenario
	o        Options
	flooded  bool // it was given up, for robots wrote ever more
	chains   map[string]*stretch
	wasted   map[string]int // answers to robots, by robot
	byAct    map[string]int // the same, at the time of the last act; nil if there was none
	acts     []Acted
	waits    []time.Duration // of people's deltas for their bundles
	added    histogram       // the same, less what merging takes
	lost     int             // people's deltas that no bundle brought
	turns    int             // robots in a row that the profiles allow
	silence  time.Duration   // of people that they allow; 0: any
	slowed   map[string]bool // robots whose human lane was slowed
	pending  map[matter]bool // warnings that the next bundle will tell
	told     map[matter]bool
	throttle int // things that a robot should have been warned of
	expected int // of these, those that it had been
	muted    map[wavelet.Seat]bool
}

// stretch is how long robots answered each other in one chain.
type stretch struct {
	first, last time.Duration
	gap         time.Duration   // the longest between two answers
	depth       int             // of the deepest answer
	deeper      time.Duration   // when that came
	periods     []time.Duration // from one depth to the next
}

// matter is what a warning is about; the wavelet is "" if it is about the robot
// as a whole.
type matter struct {
	robot   wavelet.Participant
	wavelet string
	rule    string
}

// NewTally begins to measure a run.
func NewTally(sc *Scenario, o Options) *Tally {
	o = o.withDefaults()
	if o.Trace != nil {
		o.Trace.begin(sc, o)
	}
	return &Tally{
		sc: sc, o: o, turns: 16, chains: map[string]*stretch{}, wasted: map[string]int{}, slowed: map[string]bool{},
		pending: map[matter]bool{}, told: map[matter]bool{}, muted: map[wavelet.Seat]bool{},
	}
}

// Answered counts the commit of one of a robot's writes, of a streamed answer the
// beginning only. Seat is where it heard what it answers, zero if nobody asked.
func (t *Tally) Answered(at time.Duration, robot string, seat wavelet.Seat, w *Writes, i int) {
	if t.o.Trace != nil && i == 0 {
		t.o.Trace.answer(at, robot, seat)
	}
	if w.Origin.Depth < 2 || i >= w.Landing || at < t.sc.Expect.Onset {
		return
	}
	t.wasted[robot]++
	c := t.chains[w.Origin.Chain]
	if c == nil {
		c = &stretch{first: at, last: at, depth: w.Origin.Depth, deeper: at}
		t.chains[w.Origin.Chain] = c
	}
	if w.Origin.Depth > c.depth {
		c.periods = append(c.periods, at-c.deeper)
		c.depth, c.deeper = w.Origin.Depth, at
	}
	c.gap = max(c.gap, at-c.last)
	c.last = at
}

// Acted notes an act.
func (t *Tally) Acted(at time.Duration, a *governor.Act) {
	t.byAct = maps.Clone(t.wasted)
	t.acts = slices.DeleteFunc(t.acts, func(x Acted) bool { // it came to pass before it was told
		return a.Kind == governor.Cut && x.Action == "ignore" && x.Robot == local(a.Seat.Robot) && x.AtS == seconds(at)
	})
	t.acts = append(t.acts, Acted{
		Robot: local(a.Seat.Robot), Action: string(a.Kind), Rule: a.Decision.Rule, AtS: seconds(at), Depth: a.Decision.Evidence.Depth,
	})
}

// ignored notes that a detector keeps from a seat what it would have answered.
func (t *Tally) ignored(at time.Duration, id wavelet.Seat, depth int) {
	cut := func(a Acted) bool { return a.Robot == local(id.Robot) && a.Action == string(governor.Cut) }
	if t.muted[id] || slices.ContainsFunc(t.acts, cut) {
		return
	}
	t.muted[id] = true
	t.acts = append(t.acts, Acted{Robot: local(id.Robot), Action: "ignore", Rule: t.o.Name, AtS: seconds(at), Depth: depth})
	if t.o.Trace != nil {
		t.o.Trace.ignore(at, local(id.Robot))
	}
}

// Decided notes a decision, and whether the robot could have known.
func (t *Tally) Decided(at time.Duration, d *governor.Decision) {
	if d.DryRun {
		return
	}
	if t.o.Trace != nil {
		t.o.Trace.decide(at, d)
	}
	switch d.Action {
	case "cut-off":
		t.acts = append(t.acts, Acted{Robot: local(d.Robot), Action: d.Action, Rule: d.Rule, AtS: seconds(at)})
	case "slow", "refuse", string(governor.Evict), string(governor.Cut), string(governor.Suspend):
	default:
		return
	}
	t.throttled(matter{d.Robot, d.Wavelet, d.Rule})
}

func (t *Tally) throttled(m matter) {
	t.throttle++
	if t.told[m] {
		t.expected++
	}
}

// Refused notes a refusal. Most are told by decisions; that of one request too
// many at once is not.
func (t *Tally) Refused(at time.Duration, robot wavelet.Participant, limit string) {
	if limit == "burst" {
		t.throttled(matter{robot: robot, rule: limit})
	}
	if t.o.Trace != nil {
		t.o.Trace.refuse(at, robot)
	}
}

// Warned keeps a warning for the next bundle.
func (t *Tally) Warned(w *governor.Warning) {
	m := matter{robot: w.Robot, rule: w.Limit.Name}
	if !w.Wavelet.IsZero() {
		m.wavelet = w.Wavelet.String()
	}
	t.pending[m] = true
}

// Delivered notes a bundle that reached its robot, with all warnings for it.
func (t *Tally) Delivered(at time.Duration, seat wavelet.Seat) {
	if t.o.Trace != nil {
		t.o.Trace.deliver(at, seat)
	}
	if len(t.pending) == 0 {
		return
	}
	in := seat.Wavelet.String()
	for m := range t.pending {
		if m.robot == seat.Robot && (m.wavelet == "" || m.wavelet == in) {
			t.told[m] = true
			delete(t.pending, m)
		}
	}
}

// Delayed notes that the detector put a bundle off. The pace may do that a
// little; a human lane that is put off longer is slowed.
func (t *Tally) Delayed(at time.Duration, r *Habits, lane events.Lane, d time.Duration) {
	if t.o.Trace != nil {
		t.o.Trace.delay(at, r.Name)
	}
	if lane == events.HumanLane && d > r.Profile.Pace.MinInterval {
		t.slowed[r.Name] = true
	}
}

// Waited notes how long a person's delta waited for its bundle, less what the
// robot's own answer took.
//
// What is added to it by others than the robot is counted from the merging on.
func (t *Tally) Waited(d, merge time.Duration) {
	t.waits = append(t.waits, d)
	t.added.add(d - merge)
}

// Committed notes a delta.
func (t *Tally) Committed(at time.Duration, e *Entry) {
	if t.o.Trace != nil {
		t.o.Trace.commit(at, e)
	}
}

// Restarted notes that the gateway forgot what it had not written down.
func (t *Tally) Restarted(at time.Duration) {
	clear(t.pending)
	if t.o.Trace != nil {
		t.o.Trace.restart(at)
	}
}

// Missing notes a person's delta that was never told to a robot that is still
// there.
func (t *Tally) Missing() { t.lost++ }

// slowness is the longest that any chain took to stop, in shares of what it may
// take: sixteen turns of its own, or as many as the robots' profiles allow, and
// never less than sixteen seconds.
func (t *Tally) slowness() float64 {
	most := 0.0
	for _, c := range t.chains {
		allowed := max(quickest, time.Duration(t.turns)*median(c.periods), t.silence)
		most = max(most, float64(c.last-c.first)/float64(allowed))
	}
	return most
}

// longest is the longest time for which robots answered each other in one chain,
// and whether that chain was still going on at the end.
func (t *Tally) longest(end time.Duration) (took time.Duration, going bool) {
	for _, c := range t.chains {
		d, on := c.last-c.first, end-c.last <= c.gap+c.gap/2+time.Second
		if d > took || d == took && on {
			took, going = d, on
		}
	}
	return took, going
}
