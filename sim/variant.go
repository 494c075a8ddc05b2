package sim

import (
	"fmt"
	"slices"
	"time"
)

// With is the scenario with n people more, who write a line now and then in all
// of its wavelets in turn. A loop among people may take twice as long to stop and
// waste twice as many answers, for each of their lines sets it off anew.
func (s *Scenario) With(n int) *Scenario {
	if n == 0 {
		return s
	}
	c := *s
	c.Humans = slices.Clone(s.Humans)
	for i := range n {
		c.Humans = append(c.Humans, Human{
			Name: fmt.Sprintf("passer-by-%02d", i), In: s.wavelets(),
			Messages: &Messages{Every: Range{5 * time.Second, 60 * time.Second}},
		})
	}
	c.Expect.StoppedWithin *= 2
	if m := s.Expect.WastedAtMost; m != nil {
		twice := 2 * *m
		c.Expect.WastedAtMost = &twice
	}
	return &c
}

// wavelets is where robots listen.
func (s *Scenario) wavelets() []string {
	var all []string
	for i := range s.Robots {
		for _, name := range s.Robots[i].In {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}
