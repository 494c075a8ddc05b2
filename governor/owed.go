package governor

import (
	"slices"
	"time"

	"weir/policies"
	"weir/wavelet"
)

// owed is a bundle that its robot may still answer without naming it.
type owed struct {
	bundle  uint64 // hash of its id
	robots  bool   // robot lane
	held    bool   // it was held back before it was sent
	clean   bool   // and the robot was silent meanwhile
	settled bool   // it was answered by its name
	late    bool   // the robot would have answered by now, as far as is known
	heard
}

// debts is what a robot that writes without naming a bundle may still answer.
type debts struct {
	owed    []owed          // of the last minute
	last    heard           // the bundle that it answered last, as far as is known
	routes  []route         // what it answers elsewhere than it heard it
	holding int             // seats whose robot lane is held
	tokens  policies.Tokens // that were worth nothing
}

// owes notes a bundle that went out. Most robots name what they answer: only
// the latest bundle is kept of one that always did.
func (r *robot) owes(t instant, s *seat, d *Delivery) {
	x := r.debts
	o := owed{bundle: hashOf(d.Bundle), robots: d.RobotLane}
	switch {
	case !d.RobotLane:
		o.heard = s.hears(t, Part{d.Author, d.Cause})
	case x == nil:
		o.heard = s.deep
	default:
		o.heard = s.hears(t, s.deepest(t, d))
	}
	if x == nil {
		r.newest = o
		return
	}
	if d.RobotLane {
		o.held, o.clean = s.endHold(t)
	}
	x.age(t)
	if i := x.debt(s, o.bundle); i >= 0 { // a new attempt
		o.held, o.clean = o.held || x.owed[i].held, o.clean || x.owed[i].clean
		x.owed = slices.Delete(x.owed, i, i+1)
	}
	if len(x.owed) == mostOwed {
		x.owed[0].dropped()
		x.owed = slices.Delete(x.owed, 0, 1)
	}
	x.owed = append(x.owed, o)
}

// debt is the place of the bundle among those owed, -1 if it is not.
func (x *debts) debt(s *seat, bundle uint64) int {
	return slices.IndexFunc(x.owed, func(o owed) bool { return o.bundle == bundle && o.seat == s })
}

// settle notes that the bundle was answered by its name.
func (r *robot) settle(s *seat, bundle uint64) {
	x := r.debts
	if x == nil {
		r.newest.settled = r.newest.settled || r.newest.bundle == bundle
		return
	}
	if i := x.debt(s, bundle); i >= 0 {
		x.last = x.owed[i].heard
		x.owed = slices.Delete(x.owed, i, i+1)
	}
}

// indebt has all bundles kept from now on.
func (r *robot) indebt() *debts {
	if r.debts == nil {
		r.debts = &debts{}
		if o := r.newest; o.settled {
			r.debts.last = o.heard
		} else if o.seat != nil {
			r.debts.owed = append(r.debts.owed, o)
		}
		r.newest = owed{}
	}
	return r.debts
}

// void is the tokens of the robot that were worth nothing.
func (r *robot) void() policies.Tokens {
	if r.debts == nil {
		return policies.Tokens{}
	}
	return r.debts.tokens
}

// forget drops what concerns a seat.
func (r *robot) forget(s *seat) {
	if r.newest.seat == s {
		r.newest = owed{}
	}
	x := r.debts
	if x == nil {
		return
	}
	s.endHold(0)
	x.owed = slices.DeleteFunc(x.owed, func(o owed) bool { return o.seat == s })
	if x.last.seat == s {
		x.last = heard{}
	}
}

// age finds the bundles that the robot has not answered in its usual time, and
// drops those that it will not answer any more.
func (x *debts) age(t instant) {
	x.owed = slices.DeleteFunc(x.owed, func(o owed) bool {
		if t-o.at <= instant(assumeFor) {
			return false
		}
		o.dropped()
		return true
	})
	for i := range x.owed {
		if o := &x.owed[i]; !o.late && t-o.at > instant(o.seat.habit.patience()) {
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
	x := r.indebt()
	x.age(t)
	i := x.pick(x.source(in))
	if i < 0 {
		r.unasked(t)
		if x.last.seat == nil || t-x.last.at > instant(assumeFor) {
			return nil, false
		}
		return &x.last, false
	}
	o := x.owed[i]
	x.routed(in, o.seat)
	x.owed = slices.Delete(x.owed, i, i+1)
	x.last = o.heard
	if o.late {
		r.unasked(t)
	}
	if o.seat.unnamed(t, &o); o.robots && o.seat.independent(t) {
		x.last = heard{}
		return nil, false
	}
	return &x.last, o.robots
}

// pick is the place of the bundle that a write is taken to answer: one that was
// heard in the wavelet before one that was not, but none that is late before one
// that is not; people's before robots' but for a robot that was seen to pass
// people over; of people's the oldest, of robots' the latest, for older ones may
// have been passed over. It is -1 if none is owed.
func (x *debts) pick(in wavelet.Name) int {
	best := -1
	for i := range x.owed {
		if best < 0 || x.owed[i].before(&x.owed[best], in) {
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

// urgent reports whether the bundle is of the lane that the seat answers first.
func (o *owed) urgent() bool {
	deaf := o.seat.habit != nil && o.seat.habit.deaf
	return o.robots == deaf
}

// unasked notes a write that answers nothing that is still owed: it may belong to
// the answer before it.
func (r *robot) unasked(t instant) {
	for i := 0; r.debts.holding > 0 && i < len(r.seats); i++ {
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

func (x *debts) keep(a *archive) {
	list(a, &x.owed, func(o *owed) { o.keep(a) })
	x.last.keep(a)
	number(a, &x.tokens.Forged)
	number(a, &x.tokens.Replayed)
	number(a, &x.tokens.Stale)
	list(a, &x.routes, func(y *route) {
		a.name(&y.to)
		a.name(&y.from)
		number(a, &y.seen)
	})
	if a.reading {
		x.owed = slices.DeleteFunc(x.owed, func(o owed) bool { return o.seat == nil })
	}
}

func (o *owed) keep(a *archive) {
	o.heard.keep(a)
	number(a, &o.bundle)
	a.flag(&o.robots)
	a.flag(&o.held)
	a.flag(&o.clean)
	a.flag(&o.settled)
	a.flag(&o.late)
}

const (
	assumeFor  = 60 * time.Second       // a bundle explains what its robot writes for so long
	sameAnswer = 500 * time.Millisecond // writes closer together belong to one answer
)
