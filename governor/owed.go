package governor

import (
	"slices"
	"time"

	"weir/wavelet"
)

// owed is a bundle that its robot may still answer without naming it.
type owed struct {
	heard
	bundle uint64 // hash of its id
	robots bool   // robot lane
	held   bool   // it was held back before it was sent
	clean  bool   // and the robot was silent meanwhile
	late   bool   // the robot would have answered by now, as far as is known
}

// owes notes a bundle that went out. Most robots name what they answer: only
// the latest bundle is kept of one that always did.
func (r *robot) owes(t instant, s *seat, d *Delivery) {
	o := owed{bundle: hashOf(d.Bundle), robots: d.RobotLane}
	if d.RobotLane {
		o.heard = s.deep
	} else {
		o.heard = heard{at: t, cause: d.Cause.ID, depth: d.Cause.Depth, exact: d.Cause.Exact, author: d.Author, seat: s}
	}
	if !r.forgetful {
		r.owed = append(r.owed[:0], o)
		return
	}
	if d.RobotLane {
		o.held, o.clean = s.endHold(t)
	}
	r.age(t)
	if i := r.debt(s, o.bundle); i >= 0 { // a new attempt
		o.held, o.clean = o.held || r.owed[i].held, o.clean || r.owed[i].clean
		r.owed = slices.Delete(r.owed, i, i+1)
	}
	if len(r.owed) == mostOwed {
		r.owed[0].dropped()
		r.owed = slices.Delete(r.owed, 0, 1)
	}
	r.owed = append(r.owed, o)
}

// debt is the place of the bundle among those owed, -1 if it is not.
func (r *robot) debt(s *seat, bundle uint64) int {
	return slices.IndexFunc(r.owed, func(o owed) bool { return o.bundle == bundle && o.seat == s })
}

// settle notes that the bundle was answered by its name.
func (r *robot) settle(s *seat, bundle uint64) {
	if i := r.debt(s, bundle); i >= 0 {
		r.last = r.owed[i].heard
		r.owed = slices.Delete(r.owed, i, i+1)
	}
}

// age finds the bundles that the robot has not answered in its usual time, and
// drops those that it will not answer any more.
func (r *robot) age(t instant) {
	r.owed = slices.DeleteFunc(r.owed, func(o owed) bool {
		if t-o.at <= instant(assumeFor) {
			return false
		}
		o.dropped()
		return true
	})
	for i := range r.owed {
		if o := &r.owed[i]; !o.late && t-o.at > instant(o.seat.habit.patience()) {
			o.late = true
			o.seat.missed(t, o)
		}
	}
}

// dropped notes that the bundle was not answered.
func (o *owed) dropped() {
	if h := o.seat.habit; h != nil && o.counts() {
		h.took(0)
	}
}

// counts reports whether the bundle counts in its seat's habit: robots that the
// seat never answers, though it answers others, do not.
func (o *owed) counts() bool { return o.robots && !o.seat.passesOver(o) }

// assumed is the bundle that explains what the robot writes into the wavelet
// without naming one, nil if nothing does; first reports whether this is the
// first such write after a robot-lane bundle.
func (r *robot) assumed(t instant, in wavelet.Name) (h *heard, first bool) {
	r.forgetful = true
	r.age(t)
	i := r.pick(r.source(in))
	if i < 0 {
		r.unasked(t)
		if r.last.seat == nil || t-r.last.at > instant(assumeFor) {
			return nil, false
		}
		return &r.last, false
	}
	o := r.owed[i]
	r.routed(in, o.seat)
	r.owed = slices.Delete(r.owed, i, i+1)
	r.last = o.heard
	if o.late {
		r.unasked(t)
	}
	if o.seat.unnamed(t, &o); o.robots && o.seat.independent(t) {
		r.last = heard{}
		return nil, false
	}
	return &r.last, o.robots
}

// pick is the place of the bundle that a write is taken to answer: one that was
// heard in the wavelet before one that was not, but none that is late before one
// that is not; people's before
// robots' but for a robot that was seen to pass people over; of people's the
// oldest, of robots' the latest, for older ones may have been passed over. It is
// -1 if none is owed.
func (r *robot) pick(in wavelet.Name) int {
	best := -1
	for i := range r.owed {
		if best < 0 || r.owed[i].before(&r.owed[best], in) {
			best = i
		}
	}
	return best
}

func (o *owed) before(p *owed, in wavelet.Name) bool {
	if o.late != p.late {
		return p.late
	}
	if here, there := o.seat.id.Wavelet == in, p.seat.id.Wavelet == in; here != there {
		return here
	}
	if a, b := o.urgent(), p.urgent(); a != b {
		return a
	}
	return o.robots // o is the later one
}

// route says that what a robot writes in one wavelet answers what it hears in
// another one, as far as could be seen when nothing else was owed.
type route struct {
	to, from wavelet.Name
	seen     uint8
}

// mostRoutes is how many routes of one robot are remembered.
const mostRoutes = 8

// source is where the robot hears what it answers in the wavelet.
func (r *robot) source(to wavelet.Name) wavelet.Name {
	for i := range r.routes {
		if r.routes[i].to == to {
			return r.routes[i].from
		}
	}
	return to
}

// routed notes a write that answers what was heard at s, if it can answer nothing
// heard elsewhere.
func (r *robot) routed(to wavelet.Name, s *seat) {
	from := s.id.Wavelet
	i := slices.IndexFunc(r.routes, func(x route) bool { return x.to == to })
	if i < 0 && from == to || slices.ContainsFunc(r.owed, func(o owed) bool { return !o.late && o.seat != s }) {
		return
	}
	if i < 0 {
		if len(r.routes) == mostRoutes {
			r.routes = slices.Delete(r.routes, 0, 1)
		}
		r.routes = append(r.routes, route{to, from, 1})
		return
	}
	x := &r.routes[i]
	if x.from == from {
		x.seen = min(x.seen+1, mostSeen)
	} else if x.seen--; x.seen == 0 {
		r.routes = slices.Delete(r.routes, i, i+1)
	}
}

// mostSeen is how much a route may be taken for granted.
const mostSeen = 8

// urgent reports whether the bundle is of the lane that the seat answers first.
func (o *owed) urgent() bool {
	deaf := o.seat.habit != nil && o.seat.habit.deaf
	return o.robots == deaf
}

// unasked notes a write that answers nothing that is still owed: it may belong to
// the answer before it.
func (r *robot) unasked(t instant) {
	for i := 0; r.holding > 0 && i < len(r.seats); i++ {
		s := r.seats[i]
		h := s.habit
		if h == nil || h.held == 0 {
			continue
		}
		if h.quiet = t; t-h.last >= instant(sameAnswer) {
			h.extra++
		}
		if h.wrote(t); h.extra > mostExtra {
			s.goesOn(t)
		}
	}
}

func (o *owed) keep(a *archive) {
	o.heard.keep(a)
	number(a, &o.bundle)
	a.flag(&o.robots)
	a.flag(&o.held)
	a.flag(&o.clean)
	a.flag(&o.late)
}

const (
	assumeFor  = 60 * time.Second       // a bundle explains what its robot writes for so long
	sameAnswer = 500 * time.Millisecond // writes closer together belong to one answer
)
