package governor

import (
	"math/bits"
	"slices"
	"time"
)

// habit is how a seat's robot answers what robots write without naming it.
type habit struct {
	lags   [habitLags]time.Duration // from a robot-lane bundle to the write that is taken to answer it, the latest ones
	known  uint8                    // how many of these
	next   uint8                    // where the next one goes
	bundle uint8                    // robot-lane bundles in heeded
	heeded uint8                    // a bit for each, the latest lowest: a write is taken to answer it
	last   instant                  // latest such write

	// A robot that answers robots but no people seems to miss a bundle for each
	// of theirs.
	deaf    bool    // it passes people over
	excused uint8   // writes taken to answer people
	misses  uint8   // robot-lane bundles not answered meanwhile
	hears   instant // until when it is taken to answer people, come what may

	// The test; see Governor.holdBack.
	held  instant       // since when the robot lane is held, 0 if it is not
	quiet instant       // since when the robot is silent in this hold
	extra uint8         // writes in this hold that answer nothing
	doubt float64       // how likely chance alone would have passed the tests; 1 before the first
	tests uint8         // passed
	long  time.Duration // of these, all holds together
	shown instant       // until when the robot counts as one that depends on robots
	free  instant       // until when it counts as one that does not
}

const (
	habitLags  = 8
	enoughLags = 3 // that a hold needs to know
	mostMisses = 1 // of eight bundles, by a robot that answers all
	fewMisses  = 3 // that make a robot seem deaf
	hearsFor   = 10 * time.Minute
	freeFor    = 30 * time.Minute

	patienceMin     = time.Second
	patienceAtFirst = 10 * time.Second
)

// longest is the longest of the lags known.
func (h *habit) longest() time.Duration { return slices.Max(h.lags[:]) }

// patience is how long after a bundle an answer to it may still come.
func (h *habit) patience() time.Duration {
	if h == nil || h.known < enoughLags {
		return patienceAtFirst
	}
	return min(2*h.longest()+patienceMin, assumeFor)
}

// unnamed notes a write that is taken to answer a bundle.
func (s *seat) unnamed(t instant, o *owed) {
	h := s.habit
	if !o.robots {
		if h != nil {
			h.excused = min(h.excused+1, 1<<7)
			if h.deaf {
				s.robot.unasked(t)
			}
		}
		return
	}
	if h == nil {
		h = &habit{doubt: 1}
		s.habit = h
	}
	if b := s.find(o.bundle); b != nil {
		s.heed(b.only)
	}
	lag := time.Duration(t - o.at)
	if o.held {
		h.passed(t, lag)
	}
	h.lags[h.next] = lag
	h.next = (h.next + 1) % habitLags
	h.known = min(h.known+1, habitLags)
	h.took(1)
	h.last = t
	if h.held != 0 {
		h.quiet = t
	}
	if h.deaf && h.misses > 0 && h.heeded == 0xff {
		h.misses = 0
	}
}

// missed notes that the seat did not answer a robot-lane bundle in its time.
func (s *seat) missed(t instant, o *owed) {
	h := s.habit
	if h == nil || !o.counts() {
		return
	}
	if o.held {
		o.held = false
		h.failed()
	}
	h.misses++
	switch {
	case h.deaf && h.misses > mostMisses:
		h.deaf, h.hears, h.misses, h.excused = false, t.add(hearsFor), 0, 0
	case !h.deaf && h.misses >= fewMisses && t >= h.hears:
		h.deaf = 4*h.misses >= 3*h.excused && h.misses <= 2*h.excused
		h.misses, h.excused = 0, 0
	}
}

// passesOver reports whether the bundle holds only what a robot wrote that the
// seat never answers, though it answers others.
func (s *seat) passesOver(o *owed) bool {
	v := s.known(robotOf(o.author))
	return v != nil && v.heeded == 0 && slices.ContainsFunc(s.voices, func(v voice) bool { return v.heeded > 0 })
}

// took counts a robot-lane bundle, answered or not.
func (h *habit) took(bit uint8) {
	h.heeded = h.heeded<<1 | bit
	h.bundle = min(h.bundle+1, 8)
}

// answersUnnamed reports whether the seat was seen to answer nearly all robot-lane
// bundles of late, though it names none.
func (s *seat) answersUnnamed() bool {
	h, missed := s.habit, 0
	for i := range s.robot.owed {
		if o := &s.robot.owed[i]; o.late && o.seat == s && o.counts() {
			missed++
		}
	}
	return h.known >= enoughLags && missed+int(h.bundle)-bits.OnesCount8(h.heeded) <= mostMisses
}

// independent reports whether a hold has shown that the robot writes on its own
// here.
func (s *seat) independent(t instant) bool { return s.habit != nil && t < s.habit.free }

func keepHabit(a *archive, s *seat) {
	there := s.habit != nil
	if a.flag(&there); !there {
		s.habit = nil
		return
	}
	if a.reading {
		s.habit = &habit{}
	}
	h := s.habit
	for i := range h.lags {
		number(a, &h.lags[i])
	}
	number(a, &h.known)
	number(a, &h.next)
	number(a, &h.bundle)
	number(a, &h.heeded)
	number(a, &h.last)
	a.flag(&h.deaf)
	number(a, &h.excused)
	number(a, &h.misses)
	number(a, &h.hears)
	number(a, &h.held)
	number(a, &h.quiet)
	number(a, &h.extra)
	a.fraction(&h.doubt)
	number(a, &h.tests)
	number(a, &h.long)
	number(a, &h.shown)
	number(a, &h.free)
	if a.reading {
		h.next %= habitLags
		if h.held != 0 {
			s.robot.holding++
		}
	}
}
