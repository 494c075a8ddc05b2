package sim

import (
	"fmt"
	"slices"
	"time"
)

// Variant is one way of running a scenario.
type Variant struct {
	Speed  float64 // everybody is so many times as fast
	People int     // so many more of them
	Fault  Fault
	Seed   uint64
}

// Fault is something that goes wrong all through a run.
type Fault string

// The faults.
const (
	NoFault  Fault = ""
	Restarts Fault = "restarts" // the gateway restarts, ever less often
	Loss     Fault = "loss"     // 5 % of deliveries are lost
	Jitter   Fault = "jitter"   // answers take up to 2 s more
)

// Variants is every way in which a scenario is run to judge a guard by: a loop
// at x0.3, x1 and x5, honest traffic at x0.3 and x1; with 0, 1 and 20 people
// more; under each of the faults; with the seeds from 1 on.
func (s *Scenario) Variants(faults []Fault, seeds int) []Variant {
	speeds := []float64{0.3, 1, 5}
	if s.Truth == Legitimate {
		speeds = speeds[:2]
	}
	var all []Variant
	for _, speed := range speeds {
		for _, people := range []int{0, 1, 20} {
			for _, fault := range faults {
				for seed := range seeds {
					all = append(all, Variant{speed, people, fault, uint64(seed) + 1})
				}
			}
		}
	}
	return all
}

// Play runs a scenario this way. What o says of seed and speed does not count.
func (v Variant) Play(sc *Scenario, o Options) (Result, error) {
	o.Seed, o.Speed = v.Seed, v.Speed
	r, err := Run(v.Of(sc), o)
	r.People, r.Fault = v.People, v.Fault
	return r, err
}

// Of is the scenario as it is run this way.
func (v Variant) Of(sc *Scenario) *Scenario {
	return sc.At(v.Speed).With(v.People).under(v.Fault, v.Seed)
}

// under is the scenario under a fault, with more time for what it costs: lost and
// repeated deliveries half as much again and ten seconds, a delay sixteen times
// itself. What was under way in a restart is written again.
func (s *Scenario) under(f Fault, seed uint64) *Scenario {
	if f == NoFault {
		return s
	}
	c := *s
	more := s.Expect.StoppedWithin/2 + 10*time.Second
	switch f {
	case Restarts:
		c.Faults.Restart = slices.Clone(c.Faults.Restart)
		for at := time.Duration(2000+1300*(seed%16)) * time.Millisecond; at < s.Duration; at += at * 7 / 10 {
			c.Faults.Restart = append(c.Faults.Restart, at)
		}
		slices.Sort(c.Faults.Restart)
		if m := s.Expect.WastedAtMost; m != nil {
			twice := 2 * *m
			c.Expect.WastedAtMost = &twice
		}
	case Loss:
		c.Faults.Lose = max(c.Faults.Lose, 0.05)
	case Jitter:
		c.Faults.Jitter = max(c.Faults.Jitter, 2*time.Second)
		more = 16 * c.Faults.Jitter
	}
	if c.Expect.StoppedWithin > 0 {
		c.Expect.StoppedWithin += more
	}
	return &c
}

// Sight is how much of who answers whom the labels tell.
type Sight uint8

// The sights.
const (
	Visible Sight = iota // all of it
	Hidden               // some robot does not say what it answers, or says something else
	Remote               // some robot lives on another server
)

// Sight is how much the labels tell in this scenario.
func (s *Scenario) Sight() Sight {
	switch {
	case slices.ContainsFunc(s.Robots, func(r Robot) bool { return r.Remote }):
		return Remote
	case slices.ContainsFunc(s.Robots, func(r Robot) bool { return r.Lineage != Kept && r.Lineage != "" }):
		return Hidden
	}
	return Visible
}

// With is the scenario with n people more, who write a line now and then in all
// of its wavelets in turn. A loop among people may take twice as long to stop and
// waste twice as many answers, for each of their lines sets it off anew.
func (s *Scenario) With(n int) *Scenario {
	if n == 0 {
		return s
	}
	c := *s
	c.Humans = slices.Clone(s.Humans)
	for i := range n {
		c.Humans = append(c.Humans, Human{
			Name: fmt.Sprintf("passer-by-%02d", i), In: s.wavelets(),
			Messages: &Messages{Every: Range{5 * time.Second, 60 * time.Second}},
		})
	}
	c.Expect.StoppedWithin *= 2
	if m := s.Expect.WastedAtMost; m != nil {
		twice := 2 * *m
		c.Expect.WastedAtMost = &twice
	}
	return &c
}

// wavelets is where robots listen.
func (s *Scenario) wavelets() []string {
	var all []string
	for i := range s.Robots {
		for _, name := range s.Robots[i].In {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

// Reading is the scenario with robots that read every so often, in place of being
// told: a loop may take sixteen readings longer to stop.
func (s *Scenario) Reading(every time.Duration) *Scenario {
	c := *s
	if more := 16 * every; c.Expect.StoppedWithin > 0 {
		c.Expect.StoppedWithin += more
		c.Duration = max(c.Duration, c.Expect.StoppedWithin+more)
	}
	return &c
}
