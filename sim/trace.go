package sim

import (
	"time"

	"weir/governor"
	"weir/wavelet"
)

// Trace is what happened in a run, for a plot. The zero Trace is ready to be
// filled by one run.
type Trace struct {
	title   string
	length  time.Duration
	robots  []string // in the order of the scenario
	deltas  []dot    // value: robots since a person, 0 for a person's own
	bundles []dot    // value: seconds since the robot's bundle before it, 0 for the first
	ratios  []dot    // value: share of the bundles of the last two minutes that were answered
	marks   []mark

	seats map[wavelet.Seat]*ratioSeat
	last  map[string]time.Duration
}

// dot is a value at an instant; robot is "" for people.
type dot struct {
	at    time.Duration
	robot string
	value float64
}

// mark is something that was done to a robot, or to all if robot is "".
type mark struct {
	at    time.Duration
	robot string
	what  string // warn, slow, refuse, evict, cut, suspend, cut-off, hold, ignore, restart
	rule  string
}

func (t *Trace) begin(sc *Scenario, o Options) {
	*t = Trace{title: sc.Name, length: sc.Duration, seats: map[wavelet.Seat]*ratioSeat{}, last: map[string]time.Duration{}}
	if o.Name != "weir" {
		t.title += " under " + o.Name
	}
	t.robots = sc.robots()
}

func (t *Trace) commit(at time.Duration, e *Entry) {
	switch {
	case e.By == "":
	case e.Person:
		t.deltas = append(t.deltas, dot{at: at})
	default:
		t.deltas = append(t.deltas, dot{at, e.By, float64(max(1, e.Origin.Depth))})
	}
}

// deliver notes a bundle that reached its robot.
func (t *Trace) deliver(at time.Duration, s wavelet.Seat) {
	name := local(s.Robot)
	since := 0.0
	if last, ok := t.last[name]; ok {
		since = (at - last).Seconds()
	}
	t.last[name] = at
	t.bundles = append(t.bundles, dot{at, name, since})
	x := t.seats[s]
	if x == nil {
		x = &ratioSeat{}
		t.seats[s] = x
	}
	x.delivered.add(began.Add(at), 2*time.Minute)
	t.ratio(at, name, s)
}

// answer notes an answer; of those to one bundle the first counts.
func (t *Trace) answer(at time.Duration, robot string, s wavelet.Seat) {
	if x := t.seats[s]; x != nil {
		x.answered.add(began.Add(at), 2*time.Minute)
		t.ratio(at, robot, s)
	}
}

func (t *Trace) ratio(at time.Duration, robot string, s wavelet.Seat) {
	x := t.seats[s]
	x.delivered.drop(began.Add(at), 2*time.Minute)
	x.answered.drop(began.Add(at), 2*time.Minute)
	t.ratios = append(t.ratios, dot{at, robot, min(1, float64(len(x.answered))/float64(max(1, len(x.delivered))))})
}

// decide notes a decision.
func (t *Trace) decide(at time.Duration, d *governor.Decision) {
	t.marks = append(t.marks, mark{at, local(d.Robot), d.Action, d.Rule})
}

// refuse notes a request that was refused without a decision.
func (t *Trace) refuse(at time.Duration, robot wavelet.Participant) {
	t.marks = append(t.marks, mark{at, local(robot), "refuse", ""})
}

// delay notes that the detector put a bundle off.
func (t *Trace) delay(at time.Duration, robot string) {
	t.marks = append(t.marks, mark{at, robot, "hold", ""})
}

// ignore notes that a robot was kept from hearing another.
func (t *Trace) ignore(at time.Duration, robot string) {
	t.marks = append(t.marks, mark{at, robot, "ignore", ""})
}

func (t *Trace) restart(at time.Duration) {
	t.marks = append(t.marks, mark{at: at, what: "restart"})
}
