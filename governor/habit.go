package governor

import (
	"math/bits"
	"slices"
	"time"
)

const (
	habitWrites = 8                // writes from which a robot's own rate is taken
	enoughKnown = 4                // of these, that a rate needs
	mostBundles = 8                // robot-lane bundles from which it is seen whether they are answered
	fastGap     = 2 * time.Second  // mean gap of writes up to which a steady habit needs no second hold
	fastRun     = 5                // such writes in a row
	freeFor     = 30 * time.Minute // for how long a robot that proved independent is not suspected
)

// habit is how a seat's robot writes without naming what it answers. What comes
// right after a human-lane bundle is taken to answer it, and is no part of it.
type habit struct {
	writes  rhythm  // that robots may have set off
	all     rhythm  // those after a human-lane bundle too
	bundles uint8   // robot-lane bundles seen, up to mostBundles
	heeded  uint8   // a bit for each of them, the latest lowest: the robot wrote before the next
	named   uint8   // the same bits: the robot named one as it wrote
	run     uint8   // writes in a row that were the first after a robot-lane bundle
	quick   instant // of that run, the shortest time from the bundle to the write
	long    instant // and the longest
	last    instant // when it last wrote, to whomever
	retest  instant // no new test before
	silent  instant // when it last fell silent in a hold while its partners went on
	free    instant // until when it counts as independent
}

// rhythm is the latest writes, in a ring.
type rhythm struct {
	at   [habitWrites]instant
	next uint8
}

func (r *rhythm) add(t instant) {
	r.at[r.next] = t
	r.next = (r.next + 1) % habitWrites
}

// gap is the mean time between two writes, 0 if too few are known.
func (r *rhythm) gap() time.Duration {
	n, first, last := 0, instant(0), instant(0)
	for _, t := range r.at {
		if t == 0 {
			continue
		}
		if n++; first == 0 || t < first {
			first = t
		}
		last = max(last, t)
	}
	if n < enoughKnown {
		return 0
	}
	return time.Duration(last-first) / time.Duration(n-1)
}

func (r *rhythm) keep(a *archive) {
	for i := range r.at {
		number(a, &r.at[i])
	}
	if number(a, &r.next); a.reading {
		r.next %= habitWrites
	}
}

// wrote notes a write that named no bundle. It reports whether robots may have
// set it off.
func (s *seat) wrote(t instant) bool {
	if s.habit == nil {
		s.habit = &habit{}
	}
	h := s.habit
	human, robots := s.latest[humanDelivered], s.latest[robotDelivered]
	before := h.last
	h.last = t
	h.all.add(t)
	if human > robots && human > before {
		h.run = 0
		return false
	}
	if h.bundles > 0 {
		h.heeded |= 1
	}
	if lag := t - robots; robots <= before {
		h.run = 0
	} else if h.run == 0 {
		h.run, h.quick, h.long = 1, lag, lag
	} else {
		h.run, h.quick, h.long = min(h.run+1, 100), min(h.quick, lag), max(h.long, lag)
	}
	h.writes.add(t)
	return true
}

// sent notes that a robot-lane bundle goes out.
func (h *habit) sent() {
	h.heeded <<= 1
	h.named <<= 1
	h.bundles = min(h.bundles+1, mostBundles)
}

// answers reports whether the robot may depend on robots: on a cycle of so many
// seats it writes after nearly every robot-lane bundle, or after its share of
// them, and mostly does not name it. One that names it, and streams the rest of
// its answer, is judged by the links that it proves. The latest bundle may be on
// its way.
func (h *habit) answers(seats int) bool {
	known := int(min(h.bundles, mostBundles)) - 1
	heeded := bits.OnesCount8(h.heeded >> 1)
	return 2*bits.OnesCount8(h.named) < int(h.bundles) && 5*heeded*max(1, seats-1) >= 4*known
}

// steady reports whether the robot writes fast, once after each bundle, and
// always after about the same time: no robot that writes on its own does that for
// long.
func (h *habit) steady() bool {
	gap := h.writes.gap()
	return gap > 0 && gap <= fastGap && h.run >= fastRun && h.long <= 3*h.quick+instant(time.Second)
}

func (h *habit) keep(a *archive) {
	h.writes.keep(a)
	h.all.keep(a)
	number(a, &h.bundles)
	number(a, &h.heeded)
	number(a, &h.named)
	number(a, &h.run)
	number(a, &h.quick)
	number(a, &h.long)
	number(a, &h.last)
	number(a, &h.retest)
	number(a, &h.silent)
	number(a, &h.free)
}

// independent reports whether a hold has shown that the robot writes on its own
// here.
func (s *seat) independent(t instant) bool { return s.habit != nil && t < s.habit.free }

// keepTrials keeps the holds under way.
func (g *Governor) keepTrials(a *archive) {
	list(a, &g.trials, func(p **trial) {
		if a.reading {
			*p = &trial{}
		}
		x := *p
		a.seat(&x.seat)
		list(a, &x.among, func(s **seat) { a.seat(s) })
		number(a, &x.phase)
		number(a, &x.round)
		number(a, &x.began)
		number(a, &x.until)
		number(a, &x.gap)
		number(a, &x.long)
		number(a, &x.allGap)
		number(a, &x.writes)
		number(a, &x.all)
		number(a, &x.asked)
		number(a, &x.others)
		number(a, &x.told)
		a.flag(&x.steady)
		x.among = slices.DeleteFunc(x.among, func(s *seat) bool { return s == nil })
	})
	if a.reading {
		g.trials = slices.DeleteFunc(g.trials, func(x *trial) bool { return x.seat == nil || x.seat.habit == nil || x.gap <= 0 || x.allGap <= 0 })
	}
}

func keepHabit(a *archive, p **habit) {
	there := *p != nil
	a.flag(&there)
	if !there {
		*p = nil
		return
	}
	if a.reading {
		*p = &habit{}
	}
	(*p).keep(a)
}
