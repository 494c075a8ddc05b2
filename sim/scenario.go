package sim

import (
	"slices"
	"time"
)

// Truth is what is really going on in a scenario.
type Truth string

// The truths.
const (
	Loop       Truth = "loop"       // robots keep each other busy
	Legitimate Truth = "legitimate" // nobody does anything wrong
)

// Scenario is traffic of a known kind and what is expected of a guard.
type Scenario struct {
	Name     string
	About    string
	Truth    Truth
	Duration time.Duration
	Humans   []Human
	Robots   []Robot
	Faults   Faults
	Expect   Expect
}

// Range is an interval from which values are drawn uniformly, both ends
// included.
type Range struct{ Min, Max time.Duration }

// Human is a source of what a person writes. Either Messages or Typing is set.
type Human struct {
	Name     string
	In       []string // the wavelets, in turn
	Start    time.Duration
	Stop     time.Duration // 0: at the end of the scenario
	Messages *Messages
	Typing   *Typing
	Remote   bool // arrives from another server, of unknown origin
}

// Messages is whole lines, one delta each.
type Messages struct {
	Every Range
	Count int // 0: as many as fit
}

// Typing is one delta for each key: bursts with pauses between them.
type Typing struct{ Gap, Burst, Pause Range }

// Robot is a robot's habits.
type Robot struct {
	Name        string
	Profile     string // "" for the default
	In          []string
	To          []string // where it writes; none: where it heard
	Answers     Audience
	Probability float64 // for each unit
	Unit        Unit
	Latency     Range
	Via         Via
	Lineage     Lineage
	Operations  int // of one answer
	Stream      *Stream
	Spontaneous *Spontaneous
	Turns       *Turns
	MaxAnswers  int  // to one cause; 0: any number
	Remote      bool // lives on another server; what it writes arrives like a remote person's
}

// Audience is whose deltas a robot answers: a word, or names.
type Audience struct {
	Word  string // everyone, humans, robots, nobody; "" if Names counts
	Names []string
}

// The words of an Audience. Who is human goes by the lane, which is all that a
// robot is told: what comes from another server passes for a person's.
const (
	Everyone = "everyone"
	Humans   = "humans"
	Robots   = "robots"
	Nobody   = "nobody"
)

// Unit is what a robot gives one answer to.
type Unit string

// The units.
const (
	PerBundle Unit = "bundle"
	PerDelta  Unit = "delta" // each delta merged in the bundle
)

// Via is the way a robot answers.
type Via string

// The ways.
const (
	ViaReply  Via = "reply" // in the response to the bundle
	ViaActive Via = "active"
	ViaData   Via = "data"
)

// Lineage is what a robot says about what it answers. It matters for the active
// and data API only: a response always names its bundle.
type Lineage string

// The lineages.
const (
	Kept     Lineage = "kept"     // it echoes the token
	Stripped Lineage = "stripped" // it never does
	Forged   Lineage = "forged"   // it echoes the first human-lane token it was given, for ever
)

// Stream makes an answer that many edits, so far apart.
type Stream struct {
	Count int
	Every Range
}

// Spontaneous is what a robot writes unasked: groups of Burst deltas.
type Spontaneous struct {
	Every   Range
	Burst   int
	Spacing Range
	Count   int // groups; 0: as many as fit
}

// Turns changes a robot's behaviour.
type Turns struct {
	At      time.Duration
	Answers Audience
}

// Faults is what goes wrong.
type Faults struct {
	Restart []time.Duration // the gateway restarts
	Lose    float64         // share of deliveries that are lost
	Jitter  time.Duration   // extra latency, up to
}

// Expect is what is expected. The zero value expects nothing; a legitimate
// scenario always expects that nobody is acted on.
type Expect struct {
	StoppedWithin time.Duration // 0: not expected
	AtLeast       time.Duration
	Onset         time.Duration
	WastedAtMost  *int
	ActedOn       *ActedOn
	Untouched     []string
	HumanLaneP95  time.Duration // 0: not expected
}

// ActedOn limits who may be evicted, cut off or suspended.
type ActedOn struct {
	AnyOf  []string
	AtMost int // 0: all of them
}

// quickest is what stopped_within never falls below when a scenario is sped up:
// what the pace alone takes for sixteen turns, and some.
const quickest = 16 * time.Second

// At is the scenario with everybody speed times as fast: every duration of the
// file is divided by speed, but human_lane_p95, which is about the server's
// constants.
func (s *Scenario) At(speed float64) *Scenario {
	if speed == 1 {
		return s
	}
	c := *s
	by := func(d time.Duration) time.Duration { return time.Duration(float64(d) / speed) }
	both := func(r Range) Range { return Range{by(r.Min), by(r.Max)} }
	c.Duration = by(s.Duration)
	c.Humans = slices.Clone(s.Humans)
	for i := range c.Humans {
		h := &c.Humans[i]
		h.Start, h.Stop = by(h.Start), by(h.Stop)
		if m := h.Messages; m != nil {
			h.Messages = &Messages{Every: both(m.Every), Count: m.Count}
		}
		if t := h.Typing; t != nil {
			h.Typing = &Typing{Gap: both(t.Gap), Burst: both(t.Burst), Pause: both(t.Pause)}
		}
	}
	c.Robots = slices.Clone(s.Robots)
	for i := range c.Robots {
		r := &c.Robots[i]
		r.Latency = both(r.Latency)
		if x := r.Stream; x != nil {
			r.Stream = &Stream{Count: x.Count, Every: both(x.Every)}
		}
		if x := r.Spontaneous; x != nil {
			r.Spontaneous = &Spontaneous{Every: both(x.Every), Burst: x.Burst, Spacing: both(x.Spacing), Count: x.Count}
		}
		if x := r.Turns; x != nil {
			r.Turns = &Turns{At: by(x.At), Answers: x.Answers}
		}
	}
	c.Faults.Restart = nil
	for _, at := range s.Faults.Restart {
		c.Faults.Restart = append(c.Faults.Restart, by(at))
	}
	c.Faults.Jitter = by(s.Faults.Jitter)
	c.Expect.Onset = by(s.Expect.Onset)
	if w := s.Expect.StoppedWithin; w > 0 {
		c.Expect.StoppedWithin = max(by(w), quickest, s.Expect.AtLeast)
	}
	return &c
}
