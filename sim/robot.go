package sim

import (
	"weir/gateway"
	"weir/governor"
)

// robot is a robot at work.
type robot struct {
	*Habits
	out bool // suspended everywhere
}

// plan decides what the robot does about a bundle.
func (r *robot) plan(w *world, s *seat, t gateway.Take, named governor.Delivery, heard []*Entry) *work {
	k := &work{robot: r, seat: s, flight: s.flight, take: t, named: named, via: r.Via}
	if s.listens && !t.Last {
		k.Writes = r.Answer(w.at, s.room.called, named.Cause.ID, heard)
	}
	return k
}

// beginUnasked has the robot write in groups.
func (w *world) beginUnasked(r *robot) {
	for _, name := range r.To {
		w.room(name)
	}
	groups := 0
	var group func()
	group = func() {
		w.goOn(&work{robot: r, via: ViaActive, Writes: r.Unasked(w.nextID(r.Name))})
		if groups++; groups != r.Spontaneous.Count {
			w.after(r.Pause(), group)
		}
	}
	w.after(r.Pause(), group)
}
