package governor

import (
	"slices"
	"time"

	"weir/wavelet"
)

const (
	edgeFor   = 30 * time.Minute // who-triggers-whom outlives its half-life: a loop of one turn a minute is a loop
	mostEdges = 32               // partners that one seat remembers
	mostNodes = 64               // seats that one cycle is looked for among
)

// edge says that a seat answers what another one wrote. Seats are the nodes, not
// robots: two robots that meet in one wavelet this way and in another that way
// are no cycle, and two that write into each other's wavelets are.
type edge struct {
	from  *seat
	count decayed
	exact instant // when the last answer that named its bundle was given
}

// trigger counts an answer of s to something that from wrote.
func (s *seat) trigger(t instant, from *seat, exact bool) {
	i := slices.IndexFunc(s.triggers, func(e edge) bool { return e.from == from })
	if i < 0 {
		s.triggers = slices.DeleteFunc(s.triggers, func(e edge) bool { return e.from.gone || t-e.count.at > instant(edgeFor) })
		if len(s.triggers) >= mostEdges {
			weakest := 0
			for j := range s.triggers {
				if s.triggers[j].count.now(t) < s.triggers[weakest].count.now(t) {
					weakest = j
				}
			}
			s.triggers = slices.Delete(s.triggers, weakest, weakest+1)
		}
		s.triggers = append(s.triggers, edge{from: from})
		i = len(s.triggers) - 1
	}
	e := &s.triggers[i]
	e.count.inc(t)
	if exact {
		e.exact = t
	}
}

// proof is what an edge needs to count.
type proof uint8

const (
	unignored proof = iota // some answer, to a robot that the seat does not ignore when it is alone
	fresh                  // and more than what bundles of several robots suggest of a loop that was broken since
	shown                  // an answer that named its bundle, or by a seat that tests have shown to depend on robots, and likely on this one
	proven                 // and was seen to answer this one when it is alone
	named                  // an answer that named its bundle
	likely                 // and was heeded, or both seats answer whatever robots write
	heeded                 // and one to a bundle that held nobody else's deltas
)

// lives reports whether the edge to s still stands, as far as the proof goes. A
// robot that was put out, or cut off from s, triggers nothing any more.
func (e *edge) lives(t instant, s *seat, by proof) bool {
	if e.from.gone || e.from.ban != nil || slices.Contains(s.cuts, e.from.robot.id) {
		return false
	}
	if by == fresh && e.count.at <= s.acted && !e.likely(t, s) {
		return false
	}
	if by <= fresh {
		return t-e.count.at <= instant(edgeFor) && !s.ignores(t, e.from.robot.id)
	}
	if by <= proven && s.habit != nil && t < s.habit.shown {
		return t-e.count.at <= instant(edgeFor) && s.heedsMostly(e.from.robot.id) && (by == shown || s.heeds(e.from.robot.id))
	}
	if e.exact == 0 || t-e.exact > instant(edgeFor) {
		return false
	}
	return by <= named || s.heeds(e.from.robot.id) || by == likely && e.likely(t, s)
}

// likely reports whether s was seen to answer the robot, or both answer whatever
// robots write.
func (e *edge) likely(t instant, s *seat) bool {
	return s.heeds(e.from.robot.id) || s.answersAll(t) && e.from.answersAll(t)
}

// nodes is a small set of seats that needs no memory of its own.
type nodes struct {
	list [mostNodes]*seat
	n    int
}

func (s *nodes) all() []*seat { return s.list[:s.n] }

func (s *nodes) add(x *seat) bool {
	if s.n == mostNodes || slices.Contains(s.all(), x) {
		return false
	}
	s.list[s.n] = x
	s.n++
	return true
}

// cycle puts into out the seats that lie on cycles through s, s first: those
// that s answers, however indirectly, and that answer s. It reports whether
// there is a cycle.
func (s *seat) cycle(t instant, by proof, out *nodes) bool {
	var back nodes // all that s answers, and s
	back.add(s)
	for i := 0; i < back.n; i++ {
		x := back.list[i]
		for j := range x.triggers {
			if e := &x.triggers[j]; e.lives(t, x, by) {
				back.add(e.from)
			}
		}
	}
	out.n = 0
	out.add(s)
	for grown := true; grown; { // of these, all that answer s
		grown = false
		for _, x := range back.all() {
			for j := range x.triggers {
				if e := &x.triggers[j]; e.lives(t, x, by) && slices.Contains(out.all(), e.from) {
					grown = out.add(x) || grown
				}
			}
		}
	}
	return out.n > 1 || s.answersItself(t, by)
}

// answersItself reports whether the seat answers what it wrote itself, by way
// of another wavelet.
func (s *seat) answersItself(t instant, by proof) bool {
	return slices.ContainsFunc(s.triggers, func(e edge) bool { return e.from == s && e.lives(t, s, by) })
}

// choose is the seat to act on so that the loop breaks with the fewest
// removals: the one with the highest score; of those within a quarter of it the
// one with the fewest recent answers to people. Nil if the rule may act on none.
func choose(t instant, among []*seat, rule string, score func(*seat) float64) *seat {
	var best float64
	for _, s := range among {
		if s.canBeStruck(rule) {
			best = max(best, score(s))
		}
	}
	var chosen *seat
	for _, s := range among {
		if !s.canBeStruck(rule) || score(s) < 0.75*best {
			continue
		}
		if chosen == nil || s.before(chosen, t, score) {
			chosen = s
		}
	}
	return chosen
}

func (s *seat) canBeStruck(rule string) bool {
	return s.ban == nil && s.robot.suspended == nil && s.robot.rules.enforces(rule)
}

// before puts the seats of a tie in order: fewest answers to people, then the
// higher score, then by name so that a replay chooses the same.
func (s *seat) before(o *seat, t instant, score func(*seat) float64) bool {
	const alike = 0.5 // counts decay, so equal ones differ a little
	if a, b := s.toHumans.now(t), o.toHumans.now(t); a < b-alike || a > b+alike {
		return a < b
	}
	if a, b := score(s), score(o); a != b {
		return a > b
	}
	return less(s.id, o.id)
}

func less(a, b wavelet.Seat) bool {
	if a.Robot != b.Robot {
		return a.Robot < b.Robot
	}
	return a.Wavelet.String() < b.Wavelet.String()
}
