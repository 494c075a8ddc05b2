package governor

import (
	"testing"
	"time"

	"weir/wavelet"
)

// TestResentBundleTellsNothing: the first attempt at a bundle holds the deltas of
// one robot, and is lost; the second holds another's too, and is answered. That
// does not show that the first robot is heeded.
func TestResentBundleTellsNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		second []string // who is in the second attempt
		heeds  bool
	}{{"the same again", []string{"after"}, true}, {"more in it", []string{"before", "after"}, false}} {
		t.Run(c.name, func(t *testing.T) {
			g := New(Options{})
			now := time.Unix(1_772_366_400, 0)
			seat := wavelet.Seat{Wavelet: wavelet.Name{Wave: "example.com!w+1", Wavelet: "example.com!conv+root"}, Robot: "middle@example.com"}
			attempt := func(authors ...string) Delivery {
				d := Delivery{Seat: seat, Bundle: "b1", RobotLane: true, Sent: now}
				for _, name := range authors {
					p := Part{wavelet.Participant(name + "@example.com"), wavelet.Cause{ID: "c-" + name, Depth: 1, Exact: 1, Kind: wavelet.Robot}}
					d.Parts, d.Author, d.Cause = append(d.Parts, p), p.Author, p.Cause
				}
				if v := g.Deliver(now, d); v.Refuse != nil || v.Delay > 0 {
					t.Fatalf("%+v", v)
				}
				now = now.Add(time.Second)
				return d
			}
			attempt("after")
			named := attempt(c.second...)
			v := g.Answer(now, Answer{Robot: seat.Robot, Wavelet: seat.Wavelet, Delta: "d1", Named: named})
			g.Commit(now, wavelet.Commit{Wavelet: seat.Wavelet, Version: 1, Delta: wavelet.Delta{ID: "d1", Author: seat.Robot, Cause: v.Cause}})
			s := g.seats[seat]
			if s.heeds("after@example.com") != c.heeds {
				t.Errorf("heeded: %v", !c.heeds)
			}
			if n := s.unheeded(s.known("after@example.com")); n != 0 {
				t.Errorf("%d bundles unheeded", n)
			}
		})
	}
}
