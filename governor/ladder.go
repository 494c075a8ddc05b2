package governor

import (
	"slices"
	"time"

	"weir/policies"
	"weir/wavelet"
)

// conviction is a rule that an answer breaks.
type conviction struct {
	seat     *seat
	robots   bool    // it answers a robot-lane bundle
	sent     instant // when that bundle was first sent
	cause    *cause  // nil if it is not known
	depth    wavelet.Cause
	rule     string
	mark     marks
	measured float64
	limit    float64

	tests               []Test     // of the hold test: what showed that the robots depend on each other
	ratio               *ratioRule // of a ratio rule
	answered, delivered int

	remote *remote // of the rule about partners on other servers
}

// convict refuses the answer and, unless that has been done already, acts on
// the seat whose removal breaks the loop. It reports whether the answer is
// refused: a dry run refuses nothing.
func (g *Governor) convict(t instant, k *conviction, v *Verdict) bool {
	s := k.seat
	if k.ratio != nil {
		if c := g.busiest(s); c != nil {
			k.cause = c
		}
	}
	var cycle nodes
	live := g.loop(t, k, &cycle)
	chosen := g.chosen(t, k, cycle.all())
	over := k.rule == ruleAmplification && chosen != nil && chosen.silent()
	if over && !s.onCycle(t, fresh) {
		return false // what seemed to be a cycle was part of the loop that was broken
	}
	if s.robot.rules.DryRuns(k.rule) {
		if s.mark(t, k.mark<<dryShift) {
			g.decide(v, s, Decision{Time: t.time(), Rule: k.rule, Measured: k.measured, Limit: k.limit,
				Action: string(s.robot.rules.Action), Evidence: g.evidence(t, k, s, s.partners(t, cycle.all())), DryRun: true})
		}
		return false
	}
	s.mark(t, k.mark)
	v.Refuse = refuseRule(k)
	tail := k.rule != ruleHold && !live && k.cause.broken()
	if chosen == nil || over || tail || k.old() || g.authorStruck(k) || !k.proved(t) {
		g.decide(v, s, Decision{Time: t.time(), Rule: k.rule, Measured: k.measured, Limit: k.limit,
			Action: "refuse", Evidence: g.brief(k.depth.ID, k.depth.Exact, 0)})
		return true
	}
	g.act(t, k, chosen, cycle.all(), v)
	return true
}

// old reports whether the bundle was on its way when the loop was last acted on.
func (k *conviction) old() bool {
	return k.sent <= k.seat.acted || k.cause != nil && k.sent <= k.cause.acted
}

// silent reports whether the seat has answered no robot since a loop that it was
// part of was broken: whatever goes on, it is not the one that keeps it going.
func (s *seat) silent() bool { return s.acted != 0 && s.toRobots.at <= s.acted }

// proved reports whether a deep chain at the seat is more than one way of reading
// bundles that hold deltas of several robots: the seat lies on a cycle of robots
// that were seen to answer each other, or that answer everything, or on no cycle
// at all. A busy pipeline is misread so: its middle is sent what the robots before
// and after it wrote, always together. Refusing the answer breaks such a chain;
// a loop goes on when the rest pauses, and is proved then. In a storm of robots
// that name nothing none may ever be heard alone, but new chains get as deep at
// once.
func (k *conviction) proved(t instant) bool {
	switch s := k.seat; k.rule {
	case ruleDepth:
		return s.onCycle(t, likely) || !s.onCycle(t, named)
	case ruleHold:
		return s.onCycle(t, proven) || s.habit != nil && s.habit.again(t)
	}
	return true
}

// loop puts into out the seats on the cycle that the answer belongs to: one
// through its own seat, else one through the seat it answers, which it stands
// beside, and reports that there is one. Else it puts there all that took part in
// the cause.
func (g *Governor) loop(t instant, k *conviction, out *nodes) bool {
	if k.rule == ruleHold && k.seat.cycle(t, shown, out) {
		return true
	}
	if k.seat.cycle(t, named, out) || k.seat.cycle(t, unignored, out) {
		return true
	}
	if k.cause == nil {
		return false
	}
	if from := k.cause.spoke(robotOf(k.depth.Parent)); from != nil && (from.cycle(t, named, out) || from.cycle(t, unignored, out)) {
		return true
	}
	out.n = 0
	out.add(k.seat)
	for i := range k.cause.links {
		if s := k.cause.links[i].seat; !s.gone {
			out.add(s)
		}
	}
	return false
}

// authorStruck reports whether the delta answered is by a robot that has been
// acted on: then the loop is broken, and this is only its tail.
func (g *Governor) authorStruck(k *conviction) bool {
	author := robotOf(k.depth.Parent)
	s := g.seats[wavelet.Seat{Wavelet: k.seat.id.Wavelet, Robot: author}]
	if k.cause != nil {
		if spoke := k.cause.spoke(author); spoke != nil {
			s = spoke
		}
	}
	return s != nil && s.struck != 0
}

// chosen is the seat to act on. A ratio over all bundles convicts the robot that
// it measures; the other rules convict a cycle, of which one is chosen.
func (g *Governor) chosen(t instant, k *conviction, cycle []*seat) *seat {
	if k.ratio != nil && k.ratio.Count == policies.CountAll {
		return k.seat
	}
	return choose(t, cycle, k.rule, func(s *seat) float64 {
		if k.ratio != nil || k.cause == nil {
			return s.toRobots.now(t)
		}
		if l := k.cause.link(s); l != nil {
			return float64(l.robots * l.depth)
		}
		return 0
	})
}

// act decides what becomes of the seat and leaves the rest of the cycle alone.
func (g *Governor) act(t instant, k *conviction, s *seat, cycle []*seat, v *Verdict) {
	for _, x := range cycle {
		x.acted = t
	}
	if k.cause != nil {
		k.cause.acted = t
	}
	s.struck = t
	kind := s.offence(t)
	d := Decision{Time: t.time(), Rule: k.rule, Measured: k.measured, Limit: k.limit, Action: string(kind)}
	partners := s.partners(t, cycle)
	if k.remote != nil {
		partners = []wavelet.Participant{k.remote.author}
	}
	a := Act{Kind: kind, Seat: s.id, Partners: partners, Flush: k.depth.ID}
	if k.cause != nil {
		a.Flush = k.cause.id
	}
	for _, x := range cycle {
		a.Cycle = append(a.Cycle, x.id)
	}
	slices.SortFunc(a.Cycle, func(x, y wavelet.Seat) int {
		if less(x, y) {
			return -1
		}
		return 1
	})
	switch kind {
	case Cut:
		for _, p := range partners {
			if !slices.Contains(s.cuts, p) {
				s.cuts = append(s.cuts, p)
			}
		}
	default:
		s.ban = &ban{kind: kind, rule: k.rule, since: t, cooldown: t.add(s.robot.rules.Cooldown)}
	}
	d.Evidence = g.evidence(t, k, s, partners)
	g.decide(v, s, d)
	a.Decision = v.Decisions[len(v.Decisions)-1]
	v.Acts = append(v.Acts, a)
	if s == k.seat && s.ban != nil {
		v.Refuse = s.refuseBanned(t)
	}
}

// offence is what the profile's ladder has come to: evict, or cut first, then
// suspend in this wavelet, then evict.
func (s *seat) offence(t instant) Kind {
	s.offences = slices.DeleteFunc(s.offences, func(o instant) bool { return t-o > instant(twiceCutIn) })
	s.offences = append(s.offences, t)
	if s.robot.rules.Action != policies.ActionCut {
		return Evict
	}
	switch len(s.offences) {
	case 1:
		return Cut
	case 2:
		return Suspend
	}
	return Evict
}

// partners is the robots on the cycle that the seat answers.
func (s *seat) partners(t instant, cycle []*seat) []wavelet.Participant {
	var out []wavelet.Participant
	for i := range s.triggers {
		e := &s.triggers[i]
		if e.from != s && slices.Contains(cycle, e.from) && e.lives(t, s, unignored) && !slices.Contains(out, e.from.robot.id) {
			out = append(out, e.from.robot.id)
		}
	}
	slices.Sort(out)
	return out
}

// Cuts reports whether deltas of author raise no event at the seat, because the
// governor cut the two apart.
func (g *Governor) Cuts(id wavelet.Seat, author wavelet.Participant) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.seats[id]
	return s != nil && slices.Contains(s.cuts, robotOf(author))
}

// Banned reports whether the seat was evicted, or suspended in its wavelet, and
// not readmitted since.
func (g *Governor) Banned(now time.Time, id wavelet.Seat) (policies.SeatNote, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s := g.seats[id]; s != nil && s.ban != nil {
		return s.note(), true
	}
	return policies.SeatNote{}, false
}

func (s *seat) note() policies.SeatNote {
	return policies.SeatNote{Wavelet: s.id.Wavelet.String(), Rule: s.ban.rule, Action: string(s.ban.kind), Since: s.ban.since.time(), Cooldown: s.ban.cooldown.time()}
}

// MayReturn is why the robot may not be added to the wavelet now, nil if it may.
// Human tells whether a person would add it.
func (g *Governor) MayReturn(now time.Time, id wavelet.Seat, human bool) *Refusal {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s := g.seats[id]; s != nil && s.ban != nil {
		return s.mayReturn(g.clock(now), human)
	}
	return nil
}

// Readmit takes an eviction, a suspension in a wavelet or a cut back, if the
// profile and the cooldown allow it or override is set; else the error is a
// *Refusal. By is the person who asks. A seat that is free is no error, and the
// Decision then zero.
func (g *Governor) Readmit(now time.Time, id wavelet.Seat, by wavelet.Participant, override bool) (Decision, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.clock(now)
	s := g.seats[id]
	if s == nil || s.ban == nil && len(s.cuts) == 0 {
		return Decision{}, nil
	}
	if s.ban != nil && !override {
		if r := s.mayReturn(t, true); r != nil {
			return Decision{}, r
		}
	}
	var v Verdict
	g.readmit(t, s, by, override, &v)
	return v.Decisions[0], nil
}

// readmit lets a seat start afresh. Its offences are remembered.
func (g *Governor) readmit(t instant, s *seat, by wavelet.Participant, override bool, v *Verdict) {
	d := Decision{Time: t.time(), Rule: s.cutBy(), Action: "readmit", Evidence: Evidence{By: by, Override: override}}
	if s.ban != nil {
		d.Rule = s.ban.rule
		d.Measured = time.Duration(t - s.ban.since).Seconds()
		d.Limit = time.Duration(s.ban.cooldown - s.ban.since).Seconds()
	}
	s.ban, s.cuts, s.struck, s.marks = nil, nil, 0, 0
	s.over, s.slowed = [mostRatios]instant{}, 0
	s.endHold(t)
	s.hashes, s.deep, s.habit, s.depth, s.exact = [recent]uint64{}, heard{}, nil, 0, 0
	s.toHumans, s.toRobots = decayed{}, decayed{}
	s.ring = ring{}
	s.ring.fit(s.robot.rules.spans)
	g.decide(v, s, d)
}

// cutBy is the rule that last cut the seat off, "" if that is no longer known.
func (s *seat) cutBy() string {
	for _, d := range slices.Backward(s.robot.decisions) {
		if d.Action == string(Cut) && !d.DryRun && d.Wavelet == s.id.Wavelet.String() {
			return d.Rule
		}
	}
	return ""
}

// Resume ends a suspension of the whole robot.
func (g *Governor) Resume(now time.Time, id wavelet.Participant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.robot(robotOf(id))
	r.suspended, r.cut, r.marks = nil, nil, 0
	r.ring = ring{}
	r.ring.fit(r.rules.callSpans)
}
