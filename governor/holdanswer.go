package governor

import (
	"math"
	"time"

	"weir/policies"
	"weir/wavelet"
)

// test is the trial whether somebody elsewhere waits for answers from here: they
// are held, some times over. An author that goes on meanwhile is independent.
// One that falls silent each time, and takes up again as soon as the answers are
// let through, is a robot that the robots here keep busy.
type test struct {
	by      *seat   // whose answer began the hold, nil if there is none to be judged
	from    instant // since when nothing on its way can have set a line off
	until   instant // when the hold ends
	let     instant // when an answer was first let through after it
	quiet   bool    // no line has come during the hold at hand
	early   int32   // lines during it that nothing here can have set off
	strange int32   // and during all holds
	heldFor instant // all holds, but for what was on its way
	tried   int32   // how many there were
	silent  int32   // during the last so many of them no line came at all
}

const (
	takeUp    = 4                // points that the alternation has to win again between two holds
	clearFor  = 30 * time.Minute // what the proof of independence is good for
	mostHolds = 8                // after so many without a verdict, there will be none
	luck      = 0.001            // how likely silence may be by chance where people here speak
)

// holdAnswer holds an answer back while it is tested whether somebody elsewhere
// waits for it.
func (g *Governor) holdAnswer(t instant, s *seat, a *Answer, v *Verdict) {
	if s == nil || s.id.Wavelet != a.Wavelet {
		s = g.seats[wavelet.Seat{Wavelet: a.Wavelet, Robot: robotOf(a.Robot)}]
	}
	if s == nil || len(s.room.remotes) == 0 || s.robot.rules.Remote.Score == 0 {
		return
	}
	for i := range s.room.remotes {
		r := &s.room.remotes[i]
		x := r.with(s)
		if x == nil || !x.suspect() {
			continue
		}
		g.beginHold(t, r, x, s.heardPeople(v.Cause.Bundle), v)
		if r.holds(t) && !s.robot.rules.DryRuns(ruleRemote) {
			v.Delay = max(v.Delay, time.Duration(r.until-t))
		}
	}
}

// holds reports whether answers are held now.
func (x *test) holds(t instant) bool { return x.by != nil && t < x.until }

// suspect reports whether the author may be waiting for the seat's answers. All
// such seats are held together, or each would keep the author going while the
// other is held.
func (x *turns) suspect() bool {
	return x.score > 0 && !x.seat.gone && x.seat.ban == nil && x.seat.robot.rules.Remote.Score > 0
}

// beginHold begins a hold if the alternation has the full score and the answer
// is one to a line of the author.
func (g *Governor) beginHold(t instant, r *remote, x *turns, heard instant, v *Verdict) {
	s := x.seat
	p := s.robot.rules.Remote
	if int(x.score) < p.Score || r.by != nil || t < r.cleared || !r.told(x, heard) || t-r.lines[0] > instant(pauseFor) {
		return
	}
	dry := s.robot.rules.DryRuns(ruleRemote)
	if dry && !s.mark(t, markRemote<<dryShift) {
		return
	}
	g.decide(v, s, Decision{Time: t.time(), Rule: ruleRemote, Action: "hold", Measured: float64(x.score), Limit: float64(p.Score), DryRun: dry,
		Evidence: Evidence{Partners: []wavelet.Participant{r.author}, Window: durationOf(p.Hold), Holds: int(r.tried) + 1}})
	if !dry {
		r.by, r.from, r.until, r.let, r.quiet, r.early = s, t, t.add(p.Hold), 0, true, 0
	}
}

// during notes a line that came during a hold.
func (r *remote) during(t instant, asked, due bool) {
	if due {
		r.from = min(t, r.until)
		return
	}
	r.quiet = false
	if asked {
		return
	}
	r.strange++
	if r.early++; int(r.early) >= r.by.robot.rules.Remote.Writes {
		r.clear(t)
	}
}

// clear takes the author for independent of the robots here.
func (r *remote) clear(t instant) {
	r.restart()
	r.cleared = t.add(clearFor)
}

// judgeHold judges a hold by the first line after it, which begins the cause line,
// and convicts if the holds so far are proof.
func (g *Governor) judgeHold(t instant, r *remote, line string, v *Verdict) {
	s, p := r.by, &r.by.robot.rules.Remote
	if s.gone || s.ban != nil {
		r.restart()
		return
	}
	held, atOnce := r.until-r.from, t-r.let < instant(p.Gap)
	if r.early > 0 && s.room.lastHuman < r.until-instant(p.Hold+2*p.Gap) { // and nothing but itself
		r.heldFor, r.strange = 0, 0
	} else if atOnce {
		r.heldFor += held
	}
	if atOnce && r.quiet && held >= instant(p.Hold/2) {
		r.silent++
	} else {
		r.silent = 0
	}
	r.by = nil
	r.tried++
	if atOnce && r.proved(t, p) {
		g.convictRemote(t, r, line, v)
		return
	}
	if r.tried >= mostHolds {
		r.clear(t)
		return
	}
	for i := range r.turns {
		x := &r.turns[i]
		x.score = min(x.score, max(0, int32(x.seat.robot.rules.Remote.Score)-takeUp))
	}
}

// proved reports whether the author waits for what is written here: it wrote
// nothing during enough holds in a row. Where people here speak it may answer
// them; then, of its lines that nobody here can have set off, fewer came during
// the holds than luck explains.
func (r *remote) proved(t instant, p *policies.Remote) bool {
	if int(r.silent) >= p.Holds || int(r.tried) < p.Holds {
		return int(r.silent) >= p.Holds
	}
	share := float64(r.heldFor) / float64(t-r.since)
	return share < 1 && atMost(int(r.strange), int(r.strange+r.free), share) < luck
}

// atMost is how likely at most k of n lines fall into a share of the time, if
// they come at random.
func atMost(k, n int, share float64) float64 {
	sum, term := 0.0, math.Pow(1-share, float64(n))
	for i := 0; i <= k; i++ {
		sum += term
		term *= float64(n-i) / float64(i+1) * share / (1 - share)
	}
	return sum
}

// convictRemote acts on the robot that answered the author most.
func (g *Governor) convictRemote(t instant, r *remote, line string, v *Verdict) {
	var among []*seat
	for i := range r.turns {
		if x := &r.turns[i]; x.suspect() && !x.seat.robot.rules.DryRuns(ruleRemote) {
			among = append(among, x.seat)
		}
	}
	s := choose(t, among, ruleRemote, func(s *seat) float64 { return float64(r.with(s).all) })
	if s == nil {
		r.clear(t)
		return
	}
	k := &conviction{seat: s, rule: ruleRemote, mark: markRemote, depth: wavelet.Cause{ID: line},
		measured: float64(r.tried), limit: float64(s.robot.rules.Remote.Holds), remote: r}
	g.act(t, k, s, []*seat{s}, v)
	r.restart()
}

// explain adds to the evidence what speaks for a robot elsewhere.
func (r *remote) explain(t instant, s *seat, e *Evidence) {
	p, n := &s.robot.rules.Remote, int(r.with(s).all)
	id, name := s.robot.id, s.id.Wavelet.String()
	e.Started = Start{By: r.author, Wavelet: name, At: r.since.time(), Kind: wavelet.Unknown.String()}
	e.Chain = []Link{{Robot: id, Wavelet: name, Answers: n, Depth: 1}}
	e.Exchanges = []Exchange{{From: r.author, To: id, Count: n}, {From: id, To: r.author, Count: n}}
	e.Answers, e.Since, e.Duration = n, r.since.time(), durationOf(time.Duration(t-r.since).Round(time.Millisecond))
	e.Depth, e.Holds, e.Window = 1, int(r.tried), durationOf(p.Hold)
}

// foretellHold warns the robots whose alternation nears the full score.
func (g *Governor) foretellHold(t instant, r *remote, v *Verdict) {
	for i := range r.turns {
		x := &r.turns[i]
		p := x.seat.robot.rules
		if int(x.score) >= p.warnFrom(p.Remote.Score) && x.suspect() && t >= r.cleared {
			g.warn(t, v, x.seat, markRemote, ruleRemote, float64(x.score), float64(p.Remote.Score), "")
		}
	}
}

// remoteScore is the seat's highest score, and until when its answers are held,
// 0 if they are not.
func (s *seat) remoteScore(t instant) (score int, until instant) {
	for i := range s.room.remotes {
		r := &s.room.remotes[i]
		x := r.with(s)
		if x == nil || !x.suspect() || t < r.cleared {
			continue
		}
		score = max(score, int(x.score))
		if r.holds(t) && !s.robot.rules.DryRuns(ruleRemote) {
			until = max(until, r.until)
		}
	}
	return score, until
}

// heldBack reports whether the seat's answers are held.
func (s *seat) heldBack(t instant) bool {
	_, until := s.remoteScore(t)
	return until != 0
}

func (x *test) keep(a *archive) {
	a.seat(&x.by)
	number(a, &x.from)
	number(a, &x.until)
	number(a, &x.let)
	a.flag(&x.quiet)
	number(a, &x.early)
	number(a, &x.strange)
	number(a, &x.heldFor)
	number(a, &x.tried)
	number(a, &x.silent)
}
