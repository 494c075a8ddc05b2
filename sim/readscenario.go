package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// most is how many people, robots and restarts a scenario may have.
const most = 1024

// scenario reads a whole scenario.
func (r *reader) scenario(s *Scenario, n ast.Node) {
	r.mapping(n, "",
		key{"scenario", true, r.name(&s.Name)},
		key{"about", false, r.line(&s.About)},
		key{"truth", true, word(r, &s.Truth, Loop, Legitimate)},
		key{"duration", true, r.duration(&s.Duration, time.Second)},
		key{"humans", false, r.humans(s)},
		key{"robots", true, r.robots(s)},
		key{"faults", false, r.faultsOf(&s.Faults)},
		key{"expect", false, r.expect(s)},
	)
	for _, check := range r.later {
		check()
	}
}

func (r *reader) humans(s *Scenario) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		r.list(n, path, most, func(n ast.Node, path string) {
			h := Human{In: []string{"main"}}
			r.mapping(n, path,
				key{"name", true, r.newcomer(s, &h.Name)},
				key{"in", false, r.wavelets(&h.In)},
				key{"start", false, r.duration(&h.Start, 0)},
				key{"stop", false, r.duration(&h.Stop, 0)},
				key{"messages", false, r.messages(&h)},
				key{"typing", false, r.typing(&h)},
				key{"local", false, r.home(&h.Remote)},
			)
			if (h.Messages == nil) == (h.Typing == nil) {
				r.fault(n, path, "needs either messages or typing", "one of the two")
			}
			if h.Stop != 0 && h.Stop < h.Start {
				r.fault(n, path, fmt.Sprintf("stops at %s, before it starts at %s", h.Stop, h.Start), "start before stop")
			}
			s.Humans = append(s.Humans, h)
		})
	}
}

// newcomer reads a name that nobody else has.
func (r *reader) newcomer(s *Scenario, into *string) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		if r.name(into)(n, path); *into != "" && slices.Contains(s.everybody(), *into) {
			r.fault(n, path, fmt.Sprintf("somebody else is called %q", *into), "a name of its own for each person and robot")
		}
	}
}

func (s *Scenario) everybody() []string {
	var all []string
	for i := range s.Humans {
		all = append(all, s.Humans[i].Name)
	}
	return append(all, s.robots()...)
}

func (s *Scenario) robots() []string {
	var all []string
	for i := range s.Robots {
		all = append(all, s.Robots[i].Name)
	}
	return all
}

// often is the shortest gap in what somebody does again and again.
const often = time.Millisecond

func (r *reader) messages(h *Human) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		h.Messages = &Messages{}
		r.mapping(n, path,
			key{"every", true, r.span(&h.Messages.Every, often)},
			key{"count", false, r.whole(&h.Messages.Count, 1, 1e6)},
		)
	}
}

func (r *reader) typing(h *Human) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		h.Typing = &Typing{}
		r.mapping(n, path,
			key{"gap", true, r.span(&h.Typing.Gap, often)},
			key{"burst", true, r.span(&h.Typing.Burst, often)},
			key{"pause", true, r.span(&h.Typing.Pause, 0)},
		)
	}
}

func (r *reader) robots(s *Scenario) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		r.list(n, path, most, func(n ast.Node, path string) {
			b := Robot{
				In: []string{"main"}, Answers: Audience{Word: Everyone}, Probability: 1, Unit: PerBundle,
				Latency: Range{100 * time.Millisecond, 400 * time.Millisecond}, Via: ViaReply, Lineage: Kept, Operations: 1,
			}
			r.mapping(n, path,
				key{"name", true, r.newcomer(s, &b.Name)},
				key{"profile", false, r.profile(&b.Profile)},
				key{"in", false, r.wavelets(&b.In)},
				key{"answers", false, r.audience(s, &b.Answers)},
				key{"probability", false, r.share(&b.Probability)},
				key{"unit", false, word(r, &b.Unit, PerBundle, PerDelta)},
				key{"latency", false, r.span(&b.Latency, 0)},
				key{"via", false, word(r, &b.Via, ViaReply, ViaActive, ViaData)},
				key{"to", false, r.wavelets(&b.To)},
				key{"lineage", false, word(r, &b.Lineage, Kept, Stripped, Forged)},
				key{"operations", false, r.whole(&b.Operations, 1, 1000)},
				key{"stream", false, r.stream(&b)},
				key{"spontaneous", false, r.spontaneous(&b)},
				key{"turns", false, r.turns(s, &b)},
				key{"max_answers", false, r.whole(&b.MaxAnswers, 1, 1e6)},
				key{"local", false, r.home(&b.Remote)},
			)
			s.Robots = append(s.Robots, b)
		})
	}
}

func (r *reader) profile(into *string) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		text, _ := scalar(n)
		if _, ok := r.profiles.Profile(text); !ok || text == "" {
			r.fault(n, path, fmt.Sprintf("no profile is called %q", text), listed(r.profiles.Names()))
			return
		}
		*into = text
	}
}

// audience reads everyone, humans, robots, nobody or a list of names.
func (r *reader) audience(s *Scenario, into *Audience) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		if _, ok := n.(*ast.SequenceNode); ok {
			*into = Audience{Names: []string{}}
			r.known(&into.Names, "person or robot", s.everybody)(n, path)
			return
		}
		text, _ := scalar(n)
		if !slices.Contains([]string{Everyone, Humans, Robots, Nobody}, text) {
			r.fault(n, path, fmt.Sprintf("%q is nobody to answer", text), "everyone, humans, robots, nobody, or a list of names")
			return
		}
		*into = Audience{Word: text}
	}
}

func (r *reader) stream(b *Robot) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		b.Stream = &Stream{}
		r.mapping(n, path,
			key{"count", true, r.whole(&b.Stream.Count, 1, 1e5)},
			key{"every", true, r.span(&b.Stream.Every, often)},
		)
	}
}

func (r *reader) spontaneous(b *Robot) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		b.Spontaneous = &Spontaneous{Burst: 1, Spacing: Range{300 * time.Millisecond, 400 * time.Millisecond}}
		r.mapping(n, path,
			key{"every", true, r.span(&b.Spontaneous.Every, often)},
			key{"burst", false, r.whole(&b.Spontaneous.Burst, 1, 1e5)},
			key{"spacing", false, r.span(&b.Spontaneous.Spacing, 0)},
			key{"count", false, r.whole(&b.Spontaneous.Count, 1, 1e6)},
		)
	}
}

func (r *reader) turns(s *Scenario, b *Robot) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		b.Turns = &Turns{}
		r.mapping(n, path,
			key{"at", true, r.duration(&b.Turns.At, 0)},
			key{"answers", true, r.audience(s, &b.Turns.Answers)},
		)
	}
}

func (r *reader) faultsOf(f *Faults) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		r.mapping(n, path,
			key{"restart", false, func(n ast.Node, path string) {
				r.list(n, path, most, func(n ast.Node, path string) {
					var at time.Duration
					r.duration(&at, 0)(n, path)
					f.Restart = append(f.Restart, at)
				})
			}},
			key{"lose", false, r.share(&f.Lose)},
			key{"jitter", false, r.duration(&f.Jitter, 0)},
		)
	}
}

func (r *reader) expect(s *Scenario) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		e := &s.Expect
		r.mapping(n, path,
			key{"stopped_within", false, r.duration(&e.StoppedWithin, often)},
			key{"at_least", false, r.duration(&e.AtLeast, 0)},
			key{"onset", false, r.duration(&e.Onset, 0)},
			key{"wasted_at_most", false, func(n ast.Node, path string) {
				e.WastedAtMost = new(int)
				r.whole(e.WastedAtMost, 0, 1e6)(n, path)
			}},
			key{"acted_on", false, func(n ast.Node, path string) {
				e.ActedOn = &ActedOn{}
				r.mapping(n, path,
					key{"any_of", true, r.known(&e.ActedOn.AnyOf, "robot", s.robots)},
					key{"at_most", false, r.whole(&e.ActedOn.AtMost, 1, most)},
				)
			}},
			key{"untouched", false, r.known(&e.Untouched, "robot", s.robots)},
			key{"human_lane_p95", false, r.duration(&e.HumanLaneP95, often)},
		)
	}
}
