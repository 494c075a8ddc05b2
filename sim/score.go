package sim

import (
	"cmp"
	"fmt"
	"slices"

	"weir"
)

// Score is how a detector did over many runs.
type Score struct {
	Detector string
	Runs     int
	Failed   int // something that was expected did not come

	loops        [Remote + 1]tries
	honest       tries // runs of legitimate scenarios; missed: somebody was acted on
	crowded      tries // loops in which somebody was acted on; missed: more robots than needed
	acts, right  int   // acts in loops, and of these those on robots that may be acted on
	robotHours   float64
	wasted       map[float64][]int     // by each robot in a loop, by speed
	alone, among [Remote + 1][]float64 // slowness of loops that were stopped, without and with people more
	added        histogram             // to what people's deltas wait in loops
	lost         int                   // people's deltas
	throttles    int
	announced    int
	failures     []Failure
}

// tries counts how often something was tried, and how often it was missed.
type tries struct{ all, missed int }

func (t *tries) add(missed bool) {
	if t.all++; missed {
		t.missed++
	}
}

func (t tries) percent() float64 { return percent(t.missed, t.all) }

func percent(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

// Failure is a run in which something that was expected did not come.
type Failure struct {
	Kind     string  `json:"kind"` // "missed loop", "false action", or "other"
	Scenario string  `json:"scenario"`
	Speed    float64 `json:"speed"`
	People   int     `json:"people"`
	Fault    Fault   `json:"fault"`
	Seed     uint64  `json:"seed"`
	Why      string  `json:"why"`
}

// NewScore is the score of a detector before its first run.
func NewScore(detector string) *Score {
	return &Score{Detector: detector, wasted: map[float64][]int{}}
}

// Add adds the result of a run of the scenario. In which order they are added
// makes no difference to the Figures.
func (s *Score) Add(sc *Scenario, r *Result) {
	s.Runs++
	s.throttles += r.Throttles
	s.announced += r.Announced
	s.lost += r.PeopleLost
	if r.Truth == Legitimate {
		s.robotHours += r.RobotHours
		s.honest.add(len(r.ActedOn) > 0)
	} else {
		s.addLoop(sc, r)
	}
	if !r.OK {
		s.Failed++
		f := Failure{"other", r.Scenario, r.Speed, r.People, r.Fault, r.Seed, r.Why}
		switch {
		case r.Missed:
			f.Kind = "missed loop"
		case r.Truth == Legitimate && len(r.ActedOn) > 0:
			f.Kind = "false action"
		}
		s.failures = append(s.failures, f)
	}
}

func (s *Score) addLoop(sc *Scenario, r *Result) {
	sight := sc.Sight()
	s.loops[sight].add(r.Missed)
	for _, n := range r.WastedBy {
		s.wasted[r.Speed] = append(s.wasted[r.Speed], n)
	}
	switch {
	case r.Missed:
	case r.People > 0:
		s.among[sight] = append(s.among[sight], r.Slowness)
	default:
		s.alone[sight] = append(s.alone[sight], r.Slowness)
	}
	s.added.merge(&r.added)
	if len(r.ActedOn) > 0 {
		s.crowded.add(r.TooMany > 0)
	}
	for _, a := range r.ActedOn {
		if s.acts++; sc.Expect.ActedOn != nil && slices.Contains(sc.Expect.ActedOn.AnyOf, a.Robot) {
			s.right++
		}
	}
}

// Figures is the score beside the bar, the same lines for every detector.
func (s *Score) Figures() []weir.Figure {
	most, tail, note := s.wastedAnswers()
	return []weir.Figure{
		s.loops[Visible].figure("loops missed, visible lineage", 0),
		s.loops[Hidden].figure("loops missed, stripped or forged lineage", 5),
		{Name: "loops missed, a partner on another server", Value: s.loops[Remote].percent(), Unit: "%", Measured: s.loops[Remote].all > 0, Note: s.loops[Remote].of()},
		{Name: "honest runs in which somebody was acted on", Value: float64(s.honest.missed), Unit: "runs", HasBar: true, Measured: s.honest.all > 0, Note: s.honest.of()},
		{Name: "robot-hours of honest traffic", Value: s.robotHours, Unit: "h", Bar: 1000, HasBar: true, AtLeast: true, Measured: s.honest.all > 0, Note: fmt.Sprintf("%.0f h", s.robotHours)},
		{Name: "wasted answers of a robot in a loop, median, slowest to fastest", Value: most, Unit: "answers", Bar: 16, HasBar: true, Measured: most >= 0, Note: note},
		{Name: "the same, p95 over all speeds", Value: tail, Unit: "answers", Measured: most >= 0},
		slowness("time to stop / max(16 s, 16 turns), visible lineage, alone, p95", s.alone[Visible], 1.25),
		slowness("the same among more people, p95", s.among[Visible], 2.5),
		slowness("the same, stripped or forged lineage, alone, p95", s.alone[Hidden], 0),
		slowness("the same among more people, p95", s.among[Hidden], 0),
		{Name: "acts in loops on the right robot", Value: percent(s.right, s.acts), Unit: "%", Bar: 99, HasBar: true, AtLeast: true, Measured: s.acts > 0},
		{Name: "loops in which more robots were acted on than needed", Value: s.crowded.percent(), Unit: "%", Measured: s.crowded.all > 0, Note: s.crowded.of()},
		{Name: "people's deltas that a robot was never told", Value: float64(s.lost), Unit: "deltas", HasBar: true, Measured: true},
		{Name: "what people's deltas wait beyond the merging, in loops, p95", Value: float64(s.added.p95().Milliseconds()), Unit: "ms", Bar: 500, HasBar: true, Measured: s.added.n > 0},
		{Name: "limits that were announced before they were reached", Value: percent(s.announced, s.throttles), Unit: "%", Bar: 95, HasBar: true, AtLeast: true, Measured: s.throttles > 0},
		{Name: "runs in which all came as expected", Value: percent(s.Runs-s.Failed, s.Runs), Unit: "%", Measured: s.Runs > 0, Note: tries{s.Runs, s.Runs - s.Failed}.of()},
	}
}

func (t tries) of() string { return fmt.Sprintf("%d of %d", t.missed, t.all) }

func (t tries) figure(name string, bar float64) weir.Figure {
	return weir.Figure{Name: name, Value: t.percent(), Unit: "%", Bar: bar, HasBar: true, Measured: t.all > 0, Note: t.of()}
}

// wastedAnswers is the highest of the speeds' medians, and p95 of all; the
// medians are -1 if there are none.
func (s *Score) wastedAnswers() (most, tail float64, note string) {
	most = -1
	var all []int
	var speeds []float64
	for speed := range s.wasted {
		speeds = append(speeds, speed)
	}
	slices.Sort(speeds)
	for _, speed := range speeds {
		m := median(s.wasted[speed])
		most = max(most, float64(m))
		if note != "" {
			note += " / "
		}
		note += fmt.Sprint(m)
		all = append(all, s.wasted[speed]...)
	}
	return most, float64(quantile(all, 95)), note
}

func slowness(name string, list []float64, bar float64) weir.Figure {
	return weir.Figure{Name: name, Value: quantile(list, 95), Unit: "x", Bar: bar, HasBar: bar > 0, Measured: len(list) > 0}
}

func median[T cmp.Ordered](list []T) T { return quantile(list, 50) }

// quantile is what so many of a hundred do not exceed; 0 if there are none.
func quantile[T cmp.Ordered](list []T, percent int) (q T) {
	if len(list) > 0 {
		sorted := slices.Sorted(slices.Values(list))
		q = sorted[(len(sorted)*percent+99)/100-1]
	}
	return q
}

// Failures is the runs in which something that was expected did not come: missed
// loops first, then false actions.
func (s *Score) Failures() []Failure {
	slices.SortFunc(s.failures, func(a, b Failure) int {
		return cmp.Or(a.rank()-b.rank(), cmp.Compare(a.Scenario, b.Scenario), cmp.Compare(a.Speed, b.Speed),
			a.People-b.People, cmp.Compare(a.Fault, b.Fault), cmp.Compare(a.Seed, b.Seed))
	})
	return s.failures
}

func (f *Failure) rank() int {
	return slices.Index([]string{"missed loop", "false action", "other"}, f.Kind)
}

// SameCell reports whether the two runs differ in their seeds only.
func (f *Failure) SameCell(o *Failure) bool {
	return f.Kind == o.Kind && f.Scenario == o.Scenario && f.Speed == o.Speed && f.People == o.People && f.Fault == o.Fault
}
