package governor

import (
	"slices"
	"time"

	"weir/wavelet"
)

const (
	quietFor   = 5 * time.Minute  // a cause that no robot has answered is forgotten after so long
	chainFor   = 30 * time.Minute // one that was answered, after so long without an answer
	mostCauses = 1 << 16          // and beyond so many, the oldest
	mostLinks  = 32               // seats that one cause names
	mostPairs  = 8                // robots that one seat is shown to have answered in one cause
)

// cause is what one message set off.
type cause struct {
	id       string
	kind     wavelet.CauseKind
	by       wavelet.Participant
	wavelet  wavelet.Name
	began    instant
	first    instant // first answer
	last     instant // last answer
	answers  int     // robot-lane answers that named their bundle, of all robots
	robots   int     // all robot-lane answers
	all      int     // all answers
	links    []link
	acted    instant // when a chain of it was last acted on
	chained  bool    // some robot has answered
	touched  instant
	newer    *cause
	past     *cause
	listedAs *causes
}

// link is one seat's part in a cause.
type link struct {
	seat    *seat
	answers int    // all
	robots  int    // to the robot lane
	depth   int    // of its deepest answer
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
	l.depth = max(l.depth, d.Depth)
	c.all++
	if robots {
		l.robots++
		c.robots++
		if d.Kind == wavelet.Robot {
			c.answers++
		}
	}
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
	return max(per, 4*(c.all-c.robots))
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

// causes is a list of causes in the order they were last touched.
type causes struct {
	newest, oldest *cause
}

func (l *causes) push(c *cause) {
	c.listedAs, c.past, c.newer = l, l.newest, nil
	if l.newest != nil {
		l.newest.newer = c
	} else {
		l.oldest = c
	}
	l.newest = c
}

func (l *causes) remove(c *cause) {
	if c.newer != nil {
		c.newer.past = c.past
	} else {
		l.newest = c.past
	}
	if c.past != nil {
		c.past.newer = c.newer
	} else {
		l.oldest = c.newer
	}
	c.listedAs, c.newer, c.past = nil, nil, nil
}

// cause is the record of a cause, made if there is none, and now the latest
// touched.
func (g *Governor) cause(t instant, id string, chained bool) *cause {
	c := g.causes[id]
	if c == nil {
		c = &cause{id: id, began: t}
		g.causes[id] = c
	} else {
		c.listedAs.remove(c)
	}
	c.touched = t
	c.chained = c.chained || chained
	if c.chained {
		g.chains.push(c)
	} else {
		g.quiet.push(c)
	}
	g.forgetCauses(t)
	return c
}

// forgetCauses drops causes that nothing has touched for long.
func (g *Governor) forgetCauses(t instant) {
	drop := func(l *causes, after time.Duration) {
		for c := l.oldest; c != nil && t-c.touched > instant(after); c = l.oldest {
			l.remove(c)
			delete(g.causes, c.id)
		}
	}
	drop(&g.quiet, quietFor)
	drop(&g.chains, chainFor)
	for len(g.causes) > mostCauses {
		c := g.quiet.oldest
		if c == nil {
			c = g.chains.oldest
		}
		c.listedAs.remove(c)
		delete(g.causes, c.id)
	}
}
