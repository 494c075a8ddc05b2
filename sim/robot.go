package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"weir/events"
	"weir/gateway"
	"weir/governor"
	"weir/policies"
	"weir/wavelet"
)

// robot is a robot at work.
type robot struct {
	*Robot
	id      wavelet.Participant
	profile policies.Profile
	rnd     *rand.Rand
	given   map[string]int // answers by cause, for MaxAnswers
	out     bool           // suspended everywhere
}

// listensTo reports whether the robot answers such a delta.
func (r *robot) listensTo(at time.Duration, e *entry) bool {
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
	return slices.Contains(a.Names, e.by)
}

// answers is how many answers the robot gives to a bundle, and the deepest delta
// that it answers.
func (r *robot) answers(at time.Duration, s *seat, cause string, heard []*entry) (n int, to *entry) {
	if !s.listens {
		return 0, nil
	}
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
		if to == nil || e.truth.depth >= to.truth.depth {
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

// plan decides what the robot does about a bundle.
func (r *robot) plan(w *world, s *seat, t gateway.Take, named governor.Delivery, heard []*entry) *work {
	k := &work{robot: r, seat: s, flight: s.flight, take: t, named: named, via: r.Via}
	n, to := r.answers(w.at, s, named.Cause.ID, heard)
	if n <= 0 || t.Last {
		return k
	}
	k.truth = truth{chain: to.truth.chain, depth: to.truth.depth + 1}
	rooms := []*room{s.room}
	if r.To != nil {
		rooms = nil
		for _, name := range r.To {
			rooms = append(rooms, w.rooms[name])
		}
	}
	for range n {
		for _, in := range rooms {
			k.writes = append(k.writes, write{to: in})
		}
	}
	if fit := max(1, r.profile.Delivery.MaxOps/r.Operations); r.Via == ViaReply && len(k.writes) > fit {
		k.writes = k.writes[:fit] // the gateway takes no longer answer
	}
	k.landing = len(k.writes)
	if r.Stream != nil {
		for _, x := range k.writes[:k.landing] {
			for i := 1; i < r.Stream.Count; i++ {
				k.writes = append(k.writes, write{to: x.to, gap: r.Stream.Every.draw(r.rnd)})
			}
		}
	}
	return k
}

// beginUnasked has the robot write in groups.
func (w *world) beginUnasked(r *robot) {
	x, groups := r.Spontaneous, 0
	to := r.To
	if to == nil {
		to = r.In
	}
	var group func()
	group = func() {
		k := &work{robot: r, via: ViaActive, truth: truth{chain: w.nextID(r.Name), depth: 1}}
		for i := range x.Burst {
			for j, name := range to {
				y := write{to: w.room(name)}
				if i > 0 && j == 0 {
					y.gap = x.Spacing.draw(r.rnd)
				}
				k.writes = append(k.writes, y)
			}
		}
		w.goOn(k)
		if groups++; groups != x.Count {
			w.after(x.Every.draw(r.rnd), group)
		}
	}
	w.after(x.Every.draw(r.rnd), group)
}
