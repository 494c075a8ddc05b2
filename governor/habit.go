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
	last   instant                  // latest write that answers no people
	gaps   [habitGaps]time.Duration // between two such writes with no hold between them, the latest ones
	gap    uint8                    // where the next one goes
	broken bool                     // there was a hold since the latest

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
	loud  uint8         // holds in a row with such a write
	spoke bool          // it wrote in this hold, but what may answer people
	doubt float64       // how likely chance alone would have passed the tests; 1 before the first
	tests uint8         // passed
	long  time.Duration // of these, all holds together
	shown instant       // until when the robot counts as one that depends on robots
	free  instant       // until when it counts as one that does not
	deep  decayed       // chains that reached the limit at this seat
}

const (
	habitGaps  = 4
	habitLags  = 8
	enoughLags = 3 // that a hold needs to know
	mostMisses = 1 // of eight bundles, by a robot that answers all
	fewMisses  = 3 // that make a robot seem deaf
	hearsFor   = 10 * time.Minute
	freeFor    = 30 * time.Minute

	patienceMin     = time.Second
	patienceAtFirst = 20 * time.Second
)

// longest is the longest of the lags known.
func (h *habit) longest() time.Duration { return slices.Max(h.lags[:]) }

// usual is the median of the lags known.
func (h *habit) usual() time.Duration {
	lags := h.lags
	slices.Sort(lags[:])
	return lags[habitLags-1-h.known/2]
}

// pause is the median of the gaps known between two writes, 0 if there are none.
func (h *habit) pause() time.Duration {
	gaps := h.gaps
	slices.Sort(gaps[:])
	none := 0
	for none < habitGaps-1 && gaps[none] == 0 {
		none++
	}
	return gaps[none+(habitGaps-1-none)/2]
}

// wrote notes a write that answers no people.
func (h *habit) wrote(t instant) {
	if h.last != 0 && !h.broken {
		h.gaps[h.gap] = time.Duration(t - h.last)
		h.gap = (h.gap + 1) % habitGaps
	}
	h.last, h.broken = t, h.held != 0
}

// patience is how long after a bundle an answer to it may still come.
func (h *habit) patience() time.Duration {
	if h == nil || h.known < enoughLags {
		return patienceAtFirst
	}
	return min(2*h.longest()+patienceMin, assumeFor)
}

// unnamed notes a write that is taken to answer a bundle.
func (s *seat) unnamed(t instant, o *owed) {
	if s.habit == nil {
		s.habit = &habit{doubt: 1}
	}
	h := s.habit
	if !o.robots {
		h.excused = min(h.excused+1, 1<<7)
		h.spoke = h.spoke || h.held != 0
		if h.deaf {
			s.robot.unasked(t)
		}
		return
	}
	if b := s.find(o.bundle); b != nil {
		s.heed(b.only)
	}
	lag := time.Duration(t - o.at)
	if o.clean {
		h.passed(t, lag)
	}
	if !o.held { // a hold may fall into step with what the robot writes on its own
		h.learn(lag)
	}
	h.took(1)
	h.wrote(t)
	if h.held != 0 {
		h.quiet = t
	}
	if h.deaf && h.misses > 0 && h.heeded == 0xff {
		h.misses = 0
	}
}

// learn notes a lag.
func (h *habit) learn(lag time.Duration) {
	h.lags[h.next] = lag
	h.next = (h.next + 1) % habitLags
	h.known = min(h.known+1, habitLags)
}

// missed notes that the seat did not answer a robot-lane bundle in its time.
func (s *seat) missed(t instant, o *owed) {
	h := s.habit
	if h == nil || !o.counts() {
		return
	}
	if o.clean {
		o.clean = false
		h.failed()
	}
	h.misses++
	switch {
	case h.deaf && h.misses > fewMisses:
		h.deaf, h.hears, h.misses, h.excused = false, t.add(hearsFor), 0, 0
	case !h.deaf && h.misses >= fewMisses && t >= h.hears:
		h.deaf = 4*h.misses >= 3*h.excused
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
	for i := range s.robot.debts.owed {
		if o := &s.robot.debts.owed[i]; o.late && o.seat == s && o.counts() {
			missed++
		}
	}
	return h.known >= enoughLags && missed+int(h.bundle)-bits.OnesCount8(h.heeded) <= mostMisses
}

// independent reports whether a hold has shown that the robot writes on its own
// here.
func (s *seat) independent(t instant) bool { return s.habit != nil && t < s.habit.free }

func (h *habit) keep(a *archive, s *seat) {
	for i := range h.lags {
		number(a, &h.lags[i])
	}
	number(a, &h.known)
	number(a, &h.next)
	number(a, &h.bundle)
	number(a, &h.heeded)
	number(a, &h.last)
	for i := range h.gaps {
		number(a, &h.gaps[i])
	}
	number(a, &h.gap)
	a.flag(&h.broken)
	a.flag(&h.deaf)
	number(a, &h.excused)
	number(a, &h.misses)
	number(a, &h.hears)
	number(a, &h.held)
	number(a, &h.quiet)
	number(a, &h.extra)
	number(a, &h.loud)
	a.flag(&h.spoke)
	a.fraction(&h.doubt)
	number(a, &h.tests)
	number(a, &h.long)
	number(a, &h.shown)
	number(a, &h.free)
	h.deep.keep(a)
	if a.reading {
		h.known, h.next, h.gap = min(h.known, habitLags), h.next%habitLags, h.gap%habitGaps
		if x := s.robot.indebt(); h.held != 0 {
			x.holding++
		}
	}
}
