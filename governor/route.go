package governor

import (
	"slices"

	"weir/wavelet"
)

// route says that what a robot writes in one wavelet answers what it hears in
// another one, as far as could be seen when nothing else was owed.
type route struct {
	to, from wavelet.Name
	seen     uint8
}

// mostRoutes is how many routes of one robot are remembered.
const mostRoutes = 8

// source is where the robot hears what it answers in the wavelet.
func (d *debts) source(to wavelet.Name) wavelet.Name {
	for i := range d.routes {
		if d.routes[i].to == to {
			return d.routes[i].from
		}
	}
	return to
}

// routed notes a write that answers what was heard at s, if it can answer nothing
// heard elsewhere.
func (d *debts) routed(to wavelet.Name, s *seat) {
	from := s.id.Wavelet
	i := slices.IndexFunc(d.routes, func(x route) bool { return x.to == to })
	if i < 0 && from == to || slices.ContainsFunc(d.owed, func(o owed) bool { return !o.late && o.seat != s }) {
		return
	}
	if i < 0 {
		if len(d.routes) == mostRoutes {
			d.routes = slices.Delete(d.routes, 0, 1)
		}
		d.routes = append(d.routes, route{to, from, 1})
		return
	}
	x := &d.routes[i]
	if x.from == from {
		x.seen = min(x.seen+1, mostSeen)
	} else if x.seen--; x.seen == 0 {
		d.routes = slices.Delete(d.routes, i, i+1)
	}
}

// mostSeen is how much a route may be taken for granted.
const mostSeen = 8
