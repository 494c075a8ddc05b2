package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"weir/events"
	"weir/policies"
	"weir/wavelet"
)

// Habits is what a robot does, as the scenario says. Make them with NewHabits.
type Habits struct {
	*Robot
	Address wavelet.Participant
	Profile policies.Profile

	rnd   *rand.Rand
	given map[string]int // answers by cause, for MaxAnswers
}

// NewHabits makes the habits of a robot of a scenario, held under a profile,
// whose chance goes by the seed.
func NewHabits(sc *Scenario, b *Robot, seed uint64, p policies.Profile) *Habits {
	return &Habits{Robot: b, Address: address(b.Name, b.Remote), Profile: p, rnd: chance(sc, seed, "robot", b.Name), given: map[string]int{}}
}

// Origin is what a delta really goes back to.
type Origin struct {
	Chain string // named after the delta it began with
	Depth int    // robots since a person; a robot's first word is 1
}

// Entry is a commit, and what only the scenario knows about it.
type Entry struct {
	wavelet.Commit
	By     string // who wrote it, by the scenario's name; "" is the server
	Person bool   // a person did
	Origin Origin
}

// Writes is what a robot writes in one go, one after the other.
type Writes struct {
	Origin  Origin
	List    []Write
	Landing int // the response to the bundle ends before this one
}

// Write is one delta, written so long after the one before it was begun.
type Write struct {
	To  string // the wavelet, as the scenario calls it
	Gap time.Duration
}

// Takes is how long the robot takes for its next answer.
func (r *Habits) Takes() time.Duration { return r.Latency.draw(r.rnd) }

// listensTo reports whether the robot answers such a delta.
func (r *Habits) listensTo(at time.Duration, e *Entry) bool {
	a := &r.Answers
	if r.Turns != nil && at >= r.Turns.At {
		a = &r.Turns.Answers
	}
	lane, ok := events.LaneOf(e.Delta.Cause)
	switch {
	case !ok || a.Word == Nobody:
		return false
	case a.Word == Everyone:
		return true
	case a.Word == Humans:
		return lane == events.HumanLane
	case a.Word == Robots:
		return lane == events.RobotLane
	}
	return slices.Contains(a.Names, e.By)
}

// answers is how many answers the robot gives to what it heard, and the deepest
// delta that it answers.
func (r *Habits) answers(at time.Duration, cause string, heard []*Entry) (n int, to *Entry) {
	for _, e := range heard {
		if !r.listensTo(at, e) {
			continue
		}
		if r.Unit == PerBundle {
			n = 1
		} else if r.rnd.Float64() < r.Probability {
			n++
		} else {
			continue
		}
		if to == nil || e.Origin.Depth >= to.Origin.Depth {
			to = e
		}
	}
	if n > 0 && r.Unit == PerBundle && r.rnd.Float64() >= r.Probability {
		n = 0
	}
	if r.MaxAnswers > 0 {
		n = min(n, r.MaxAnswers-r.given[cause])
	}
	if n > 0 {
		r.given[cause] += n
	}
	return n, to
}

// Answer is what the robot writes about a bundle: in is the wavelet it is from,
// cause the chain that it is labelled with, and heard the deltas in it.
func (r *Habits) Answer(at time.Duration, in, cause string, heard []*Entry) (w Writes) {
	n, to := r.answers(at, cause, heard)
	if n <= 0 {
		return w
	}
	w.Origin = Origin{Chain: to.Origin.Chain, Depth: to.Origin.Depth + 1}
	rooms := r.To
	if rooms == nil {
		rooms = []string{in}
	}
	for range n {
		for _, name := range rooms {
			w.List = append(w.List, Write{To: name})
		}
	}
	if fit := max(1, r.Profile.Delivery.MaxOps/r.Operations); r.Via == ViaReply && len(w.List) > fit {
		w.List = w.List[:fit] // the gateway takes no longer answer
	}
	w.Landing = len(w.List)
	if r.Stream != nil {
		for _, x := range w.List[:w.Landing] {
			for i := 1; i < r.Stream.Count; i++ {
				w.List = append(w.List, Write{To: x.To, Gap: r.Stream.Every.draw(r.rnd)})
			}
		}
	}
	return w
}

// Pause is how long it takes until the robot writes unasked, or does so again.
func (r *Habits) Pause() time.Duration { return r.Spontaneous.Every.draw(r.rnd) }

// Unasked is a group of what the robot writes unasked. Chain names it.
func (r *Habits) Unasked(chain string) Writes {
	to := r.To
	if to == nil {
		to = r.In
	}
	w := Writes{Origin: Origin{Chain: chain, Depth: 1}}
	for i := range r.Spontaneous.Burst {
		for j, name := range to {
			y := Write{To: name}
			if i > 0 && j == 0 {
				y.Gap = r.Spontaneous.Spacing.draw(r.rnd)
			}
			w.List = append(w.List, y)
		}
	}
	return w
}
