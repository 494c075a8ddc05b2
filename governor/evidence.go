package governor

import (
	"cmp"
	"slices"
	"time"

	"weir/policies"
	"weir/wavelet"
)

// Evidence is what a decision rests on, for people and for programs. Fields
// that a rule does not measure are zero.
type Evidence struct {
	Cause     string                `json:"cause,omitzero"`      // id of the chain
	Started   Start                 `json:"started,omitzero"`    // what set the chain off
	Chain     []Link                `json:"chain,omitempty"`     // the seats that answered, most answers first
	Exchanges []Exchange            `json:"exchanges,omitempty"` // who answered whom, most first
	Partners  []wavelet.Participant `json:"partners,omitempty"`  // the robots on the cycle whom this one answers, or who answers it from another server
	Depth     int                   `json:"depth,omitzero"`      // of the answer that was refused; of a ratio rule, the deepest of the chain
	Exact     int                   `json:"exact,omitzero"`      // of these, links proved by a bundle named
	Answers   int                   `json:"answers,omitzero"`    // of all robots in the chain
	Since     time.Time             `json:"since,omitzero"`      // first answer of the chain
	Duration  policies.Duration     `json:"duration,omitzero"`   // from there to the decision
	Delivered int                   `json:"delivered,omitzero"`  // bundles in the window of a ratio rule
	Answered  int                   `json:"answered,omitzero"`   // of these; or requests in the window of a sustained limit
	Window    policies.Duration     `json:"window,omitzero"`     // of a ratio rule or sustained limit
	Holds     int                   `json:"holds,omitzero"`      // of the rule about partners on other servers: how often its answers were held, for Window each
	Spacing   policies.Duration     `json:"spacing,omitzero"`    // of the robot lane's bundles, when it is slowed
	Tests     []Test                `json:"tests,omitempty"`     // of the hold rule: what showed that robots that name nothing answer robots
	Times     int                   `json:"times,omitzero"`      // acts on this seat within half an hour, this one included
	Allowed   string                `json:"allowed,omitzero"`    // what the robot may still do
	Undo      string                `json:"undo,omitzero"`       // how a person takes it back
	Cooldown  time.Time             `json:"cooldown_until,omitzero"`
	By        wavelet.Participant   `json:"by,omitzero"`       // who readmitted
	Override  bool                  `json:"override,omitzero"` // before the cooldown was over
}

// Start is the human message, or whatever else, that set a chain off.
type Start struct {
	By      wavelet.Participant `json:"by,omitzero"`
	Wavelet string              `json:"wavelet,omitzero"`
	At      time.Time           `json:"at,omitzero"`
	Kind    string              `json:"kind,omitzero"` // human, unknown, robot
}

// Link is one seat's part in a chain.
type Link struct {
	Robot   wavelet.Participant `json:"robot"`
	Wavelet string              `json:"wavelet"` // where it heard what it answered
	Answers int                 `json:"answers"`
	Depth   int                 `json:"depth"` // of its deepest answer
}

// Exchange counts how often To answered From.
type Exchange struct {
	From  wavelet.Participant `json:"from"`
	To    wavelet.Participant `json:"to"`
	Count int                 `json:"count"`
}

// Test is how a robot was tested that does not name what it answers: what robots
// wrote was held back from it, it was silent, and wrote when it was sent it.
type Test struct {
	Robot wavelet.Participant `json:"robot"`
	Holds int                 `json:"holds"`
	Held  policies.Duration   `json:"held"` // all holds together
}

func durationOf(d time.Duration) policies.Duration { return policies.Duration(d) }

func (c *cause) start() Start {
	if c.by == "" {
		return Start{}
	}
	return Start{By: c.by, Wavelet: c.wavelet.String(), At: c.began.time(), Kind: c.kind.String()}
}

// evidence is what speaks for acting on s, which answers its partners.
func (g *Governor) evidence(t instant, k *conviction, s *seat, partners []wavelet.Participant) Evidence {
	e := Evidence{
		Cause: k.depth.ID, Depth: k.depth.Depth, Exact: k.depth.Exact,
		Partners: partners, Times: len(s.offences),
		Delivered: k.delivered, Answered: k.answered, Tests: k.tests,
	}
	if k.ratio != nil {
		e.Window, e.Depth, e.Exact = durationOf(k.ratio.Window), 0, 0
	}
	if k.remote != nil {
		k.remote.explain(t, s, &e)
	}
	if c := k.cause; c != nil {
		e.Cause = c.id
		e.Started, e.Answers, e.Since = c.start(), int(c.all), c.first.time()
		if c.first != 0 {
			e.Duration = durationOf(time.Duration(t - c.first).Round(time.Millisecond))
		}
		e.Chain, e.Exchanges = c.chain()
		for _, l := range e.Chain {
			e.Depth = max(e.Depth, l.Depth)
		}
	}
	if s.ban != nil {
		e.Cooldown = s.ban.cooldown.time()
	}
	e.Allowed, e.Undo = s.allowed(), s.undo()
	return e
}

// chain is who took part in the cause, and who answered whom.
func (c *cause) chain() ([]Link, []Exchange) {
	var chain []Link
	var pairs []Exchange
	for i := range c.links {
		l := &c.links[i]
		if l.seat.gone {
			continue
		}
		chain = append(chain, Link{Robot: l.seat.robot.id, Wavelet: l.seat.id.Wavelet.String(), Answers: int(l.answers), Depth: int(l.depth)})
		for _, p := range l.from {
			pairs = append(pairs, Exchange{From: p.from, To: l.seat.robot.id, Count: p.n})
		}
	}
	slices.SortFunc(chain, func(a, b Link) int {
		return cmp.Or(b.Answers-a.Answers, cmp.Compare(a.Robot, b.Robot), cmp.Compare(a.Wavelet, b.Wavelet))
	})
	slices.SortFunc(pairs, func(a, b Exchange) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.To, b.To), cmp.Compare(a.From, b.From))
	})
	return chain, pairs
}

// allowed says what an acted-on robot may still do.
func (s *seat) allowed() string {
	id := string(s.robot.id)
	if s.ban == nil {
		return id + " stays and goes on answering people; only what its partners write no longer reaches it."
	}
	if s.ban.kind == Suspend {
		return id + " stays a participant but hears and writes nothing here; it may go on in its other conversations."
	}
	return id + " may go on in its other conversations, and what it wrote here stays."
}

// undo says how a person takes an act back.
func (s *seat) undo() string {
	id := string(s.robot.id)
	switch {
	case s.ban == nil:
		return "Anybody who takes part can let its partners through again by readmitting " + id + "."
	case s.robot.rules.Readmit == policies.ReadmitNever:
		return "Only an explicit override brings " + id + " back."
	case s.ban.kind == Suspend:
		return "Anybody who takes part can readmit " + id + " after " + clockTime(s.ban.cooldown.time()) + ", or at once with an explicit override."
	}
	return "Anybody who takes part can add " + id + " again after " + clockTime(s.ban.cooldown.time()) + ", or at once with an explicit override."
}
