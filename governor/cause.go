package governor

import (
	"slices"
	"time"

	"weir/wavelet"
)

const (
	quickFor   = 2 * time.Minute  // a cause whose answers come fast is forgotten so long after the last one
	slowFor    = 30 * time.Minute // and one whose answers come slowly, so long: a loop of one turn a minute is a loop
	slowGap    = 10 * time.Second // what slow means: so much between two answers
	mostCauses = 1 << 16          // beyond so many, the oldest go
	mostLinks  = 32               // seats that one cause names
	mostPairs  = 8                // robots that one seat is shown to have answered in one cause
)

// cause is what one message set off.
type cause struct {
	id      string
	kind    wavelet.CauseKind
	by      wavelet.Participant
	wavelet wavelet.Name
	began   instant // when its message began, or as far back as is known
	first   instant // first answer
	last    instant // last answer
	slow    bool    // robots answer robots, but not often
	answers int32   // robot-lane answers in chains without an assumed link, of all robots
	robots  int32   // all robot-lane answers
	all     int32   // all answers
	links   []link
	acted   instant // when a chain of it was last acted on
	touched instant
	idle    rank[cause] // in quick or slow; in neither when it is forgotten
}

// link is one seat's part in a cause.
type link struct {
	seat    *seat
	answers int32  // all
	robots  int32  // to the robot lane
	depth   int32  // of its deepest answer
	last    uint64 // hash of the bundle last answered
	from    []pair
}

// pair counts answers to one robot, or person.
type pair struct {
	from wavelet.Participant
	n    int
}

// link is the seat's part in the cause, nil if it has none.
func (c *cause) link(s *seat) *link {
	for i := range c.links {
		if c.links[i].seat == s {
			return &c.links[i]
		}
	}
	return nil
}

// answered counts an answer of the seat to a delta by from. It reports whether
// the answer was new.
func (c *cause) answered(t instant, s *seat, d *wavelet.Cause, hash uint64, robots bool) bool {
	l := c.link(s)
	if l == nil {
		c.links = slices.DeleteFunc(c.links, func(l link) bool { return l.seat.gone })
		if len(c.links) >= mostLinks {
			c.links = c.links[:copy(c.links, c.links[1:])]
		}
		c.links = append(c.links, link{seat: s})
		l = &c.links[len(c.links)-1]
	}
	if hash != 0 && l.last == hash {
		return false
	}
	l.last = hash
	l.answers++
	l.depth = max(l.depth, int32(d.Depth))
	c.all++
	if robots {
		l.robots++
		c.robots++
		if d.Kind == wavelet.Robot && d.Exact == d.Depth {
			c.answers++
		}
	}
	c.slow = c.robots > 0 && (c.first == 0 || t-c.last > instant(slowGap))
	if c.first == 0 {
		c.first = t
	}
	c.last = t
	l.count(robotOf(d.Parent))
	return true
}

// allowance is how many robot-lane answers the cause may set off where a profile
// allows per: more if it is a long message that robots answered piece by piece,
// for then each piece has its own.
func (c *cause) allowance(per int) int {
	if per == 0 {
		return 0
	}
	return max(per, 4*int(c.all-c.robots))
}

// broken reports whether somebody who answered in this cause has been acted on:
// where there is no cycle any more, a chain of it is what was still on its way.
// It accepts nil.
func (c *cause) broken() bool {
	return c != nil && slices.ContainsFunc(c.links, func(l link) bool { return l.seat.struck != 0 && !l.seat.gone })
}

func (l *link) count(from wavelet.Participant) {
	for i := range l.from {
		if l.from[i].from == from {
			l.from[i].n++
			return
		}
	}
	if len(l.from) < mostPairs {
		l.from = append(l.from, pair{from, 1})
	}
}

// spoke is the seat through which the author of a delta of this cause spoke, nil
// if the cause does not know it.
func (c *cause) spoke(author wavelet.Participant) *seat {
	for i := range c.links {
		if c.links[i].seat.id.Robot == author && !c.links[i].seat.gone {
			return c.links[i].seat
		}
	}
	return nil
}

// cause is the record of a cause, made if there is none.
func (g *Governor) cause(t instant, id string) *cause {
	c := g.causes[id]
	if c == nil {
		c = &cause{id: id, began: t, touched: t}
		c.idle.of = c
		g.causes[id] = c
		g.quick.put(&c.idle)
		g.forgetCauses(t)
	}
	return c
}

// goesOn is the record of a cause in which the seat answers, nil if there is none.
// It is mostly the one of the answer before, which need not be looked up.
func (g *Governor) goesOn(s *seat, id string) *cause {
	if c := s.cause; c != nil && c.idle.newer != nil && c.id == id {
		return c
	}
	return g.causes[id]
}

// busiest is the cause in which the seat has answered most, nil if it has in
// none: a ratio is measured over many causes, and this one explains it best.
func (g *Governor) busiest(s *seat) *cause {
	var best *cause
	most := int32(0)
	for _, l := range []*recency[cause]{g.quick, g.slow} {
		for c := range l.all() {
			if k := c.link(s); k != nil && k.answers >= max(1, most) {
				best, most = c, k.answers
			}
		}
	}
	return best
}

// touch puts the cause back to the end of the list that it belongs to now.
func (g *Governor) touch(t instant, c *cause) {
	c.touched = t
	if c.slow {
		g.slow.put(&c.idle)
	} else {
		g.quick.put(&c.idle)
	}
}

// forgetCauses drops causes that nothing has touched for long.
func (g *Governor) forgetCauses(t instant) {
	forget := func(c *cause) {
		c.idle.leave()
		delete(g.causes, c.id)
	}
	drop := func(l *recency[cause], after time.Duration) {
		for c := l.oldest(); c != nil && t-c.touched > instant(after); c = l.oldest() {
			forget(c)
		}
	}
	drop(g.quick, quickFor)
	drop(g.slow, slowFor)
	for len(g.causes) > mostCauses {
		c := g.quick.oldest()
		if c == nil {
			c = g.slow.oldest()
		}
		forget(c)
	}
}
