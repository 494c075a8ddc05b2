package governor

import (
	"slices"
	"time"

	"weir/wavelet"
)

// remote is somebody on another server whose lines come into a wavelet, of
// unknown origin. A person there and a robot there look alike; what tells them
// apart is what becomes of the lines when the robots here that answer them are
// silent for a while.
//
// An alternation wins a point each time the author writes within the profile's
// gap of a robot's answer, and loses the penalty when it took longer, or wrote
// though nothing was answered and nobody here spoke. At the full score the
// robot's answers are held: see test.
type remote struct {
	author  wavelet.Participant
	lines   [3]instant // its latest, the latest first
	answer  instant    // the latest answer of a robot that alternates with it
	owing   int32      // answers that it may still write a line after
	spoken  int32      // people's lines from here that it may still write one after
	turns   []turns
	since   instant // when the alternation began
	free    int32   // lines since then, outside of holds, that nobody here can have set off
	cleared instant // until then it is taken for independent
	test
}

// turns is the alternation of one seat with a remote author.
type turns struct {
	seat  *seat
	score int32
	all   int32      // answers
	heard instant    // when the latest bundle was sent that was answered
	open  [2]instant // the answers that the author has not written after, the earlier one first
}

const (
	mostRemotes = 8               // authors that one wavelet is watched for
	mostTurns   = 4               // seats that one of them alternates with
	underway    = 3               // lines that may be under way, set off by what was written before
	pauseFor    = 2 * time.Minute // an alternation that pauses longer is over
)

// arrived takes note of a line of unknown origin, and convicts a robot if the
// line is the last piece of proof.
func (g *Governor) arrived(t instant, c *wavelet.Commit, v *Verdict) {
	in := g.rooms[c.Wavelet]
	if in == nil || g.ratioOnly {
		return
	}
	r := in.remote(c.Delta.Author)
	if t-r.lines[0] > instant(pauseFor) && t > r.until.add(pauseFor) {
		r.restart()
	}
	held := r.by != nil && r.let == 0
	due := r.owing > 0 && r.answer > r.lines[2] // a robot here may have set it off
	if due {
		r.owing--
	}
	if held && t-r.answer >= 2*instant(r.by.robot.rules.Remote.Gap) {
		due = false
	}
	asked := r.spoken > 0 && !(held && due) // a person here may have
	if asked {
		r.spoken--
	}
	r.lines = [3]instant{t, r.lines[0], r.lines[1]}
	if held {
		r.during(t, asked, due)
		return
	}
	r.count(t, asked)
	if r.by != nil {
		g.judgeHold(t, r, c.Delta.Cause.ID, v)
	}
	g.foretellHold(t, r, v)
}

// count scores a line that came while nothing was held.
func (r *remote) count(t instant, asked bool) {
	best := int32(0)
	for i := range r.turns {
		x := &r.turns[i]
		x.score = x.scored(t, asked)
		best = max(best, x.score)
	}
	if best == 0 || r.since == 0 {
		r.since, r.free, r.heldFor, r.strange, r.silent = t, 0, 0, 0, 0
	} else if !asked {
		r.free++
	}
}

// scored is the score after a line of the author. Two answers may be on their
// way to it at once, and two lines to the robot.
func (x *turns) scored(t instant, asked bool) int32 {
	p := &x.seat.robot.rules.Remote
	broken := !asked
	for x.open[0] != 0 {
		after := x.open[0]
		x.open[0], x.open[1] = x.open[1], 0
		if t-after < instant(p.Gap) {
			return min(x.score+1, int32(p.Score))
		}
		broken = true
	}
	if !broken {
		return x.score
	}
	return max(0, x.score-int32(p.Penalty))
}

// restart forgets the alternation and what holds have shown.
func (r *remote) restart() {
	clear(r.turns)
	*r = remote{author: r.author, lines: r.lines, turns: r.turns[:0], cleared: r.cleared}
}

// spoke takes note of a person's line.
func (in *room) spoke(t instant) {
	in.lastHuman = t
	for i := range in.remotes {
		r := &in.remotes[i]
		r.spoken = min(r.spoken+1, underway)
	}
}

// turn takes note of what a robot wrote: an answer to a line from elsewhere if
// the bundle that it names held one. What names no bundle convicts nobody: a
// ticker that somebody elsewhere comments on looks no different.
func (g *Governor) turn(t instant, c *wavelet.Commit) {
	in := g.rooms[c.Wavelet]
	if in == nil || len(in.remotes) == 0 {
		return
	}
	s := g.seats[wavelet.Seat{Wavelet: c.Wavelet, Robot: robotOf(c.Delta.Author)}]
	if s == nil || s.robot.rules.Remote.Score == 0 {
		return
	}
	heard := s.heardPeople(c.Delta.Cause.Bundle)
	for i := range in.remotes {
		r := &in.remotes[i]
		if slices.Contains(s.cuts, r.author) { // it was not told
			continue
		}
		x := r.with(s)
		if x != nil && x.score > 0 {
			r.owing, r.answer = min(r.owing+1, underway), t
			if r.by != nil && r.let == 0 && t.add(tick) >= r.until {
				r.let = t
			}
		}
		if x == nil && heard != 0 && heard >= r.lines[0] {
			x = r.begin(s)
		}
		if x != nil && r.told(x, heard) {
			x.answers(t, heard)
		}
	}
}

// answers notes an answer to a bundle that held a line of the author.
func (x *turns) answers(t, heard instant) {
	x.heard = heard
	x.all++
	switch {
	case x.open[0] == 0:
		x.open[0] = t
	case x.open[1] == 0:
		x.open[1] = t
	default:
		x.open[0], x.open[1] = x.open[1], t
	}
}

// told reports whether a bundle that was sent then held a line of the author
// that no bundle held which the seat has answered.
func (r *remote) told(x *turns, sent instant) bool {
	return sent >= r.lines[0] && r.lines[0] > x.heard || sent >= r.lines[1] && r.lines[1] > x.heard
}

// heardPeople is when the human-lane bundle with this id was sent, 0 if there is
// none.
func (s *seat) heardPeople(bundle string) instant {
	if bundle == "" {
		return 0
	}
	if b := s.find(hashOf(bundle)); b != nil && !b.robots {
		return b.at
	}
	return 0
}

// remote is the record of an author, made if there is none; then the one that
// has been silent longest may go.
func (in *room) remote(author wavelet.Participant) *remote {
	oldest := 0
	for i := range in.remotes {
		r := &in.remotes[i]
		if r.author == author {
			return r
		}
		if r.lines[0] < in.remotes[oldest].lines[0] {
			oldest = i
		}
	}
	if len(in.remotes) < mostRemotes {
		in.remotes = append(in.remotes, remote{author: author})
		return &in.remotes[len(in.remotes)-1]
	}
	in.remotes[oldest] = remote{author: author}
	return &in.remotes[oldest]
}

// with is the alternation with a seat, nil if there is none.
func (r *remote) with(s *seat) *turns {
	for i := range r.turns {
		if r.turns[i].seat == s {
			return &r.turns[i]
		}
	}
	return nil
}

// begin makes the alternation with a seat, in the place of the weakest if there
// are many.
func (r *remote) begin(s *seat) *turns {
	r.tidy()
	if len(r.turns) == mostTurns {
		low := 0
		for i := range r.turns {
			if r.turns[i].score < r.turns[low].score {
				low = i
			}
		}
		r.turns = slices.Delete(r.turns, low, low+1)
	}
	r.turns = append(r.turns, turns{seat: s})
	return &r.turns[len(r.turns)-1]
}

// tidy drops what is about seats that are gone.
func (r *remote) tidy() {
	if r.by != nil && r.by.gone {
		r.restart()
	}
	r.turns = slices.DeleteFunc(r.turns, func(x turns) bool { return x.seat.gone })
}

func (r *remote) keep(a *archive) {
	if !a.reading {
		r.tidy()
	}
	text(a, &r.author)
	for i := range r.lines {
		number(a, &r.lines[i])
	}
	number(a, &r.answer)
	number(a, &r.owing)
	number(a, &r.spoken)
	list(a, &r.turns, func(x *turns) {
		a.seat(&x.seat)
		number(a, &x.score)
		number(a, &x.all)
		number(a, &x.heard)
		number(a, &x.open[0])
		number(a, &x.open[1])
	})
	number(a, &r.since)
	number(a, &r.free)
	number(a, &r.cleared)
	r.test.keep(a)
	if a.reading {
		r.turns = slices.DeleteFunc(r.turns, func(x turns) bool { return x.seat == nil })
	}
}
