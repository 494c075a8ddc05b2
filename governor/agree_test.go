package governor_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"weir/policies"
	"weir/wavelet"
)

// TestSeatLimitsAgreeWithWhatIsEnforced lets a pair loop at random speed, with
// people who let in again whoever was put out, and before every delivery and
// every return holds the governor to what it says about pace, evictions,
// cooldowns, cuts and suspensions.
func TestSeatLimitsAgreeWithWhatIsEnforced(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		d := newDesk(t)
		for _, id := range []string{"a", "b"} {
			p := profile("default")
			if seed%2 == 1 {
				p.Action = policies.ActionCut
			}
			d.g.SetProfile(named(id), p)
		}
		pair := [2]string{"a", "b"}
		at, turn, cause := 0.0, 0, wavelet.Cause{ID: "c0", Kind: wavelet.Human}
		author := ann
		for i := range 2000 {
			at += rnd.Float64()
			to := pair[turn]
			b := bundle(to, fmt.Sprint(i), author, cause.Depth, at)
			b.Cause, b.RobotLane = cause, author != ann
			l := d.g.Limits(after(at), named(to))
			out := len(l.Evicted) > 0
			cut := len(l.Cuts) > 0 && l.Cuts[0].From[0] == string(author)
			if cut != d.g.Cuts(seatOf(to), author) || cut && l.Status != "cut" && !out {
				t.Fatalf("seed %d at %v: status %s, cuts %v", seed, at, l.Status, l.Cuts)
			}
			v := d.g.Deliver(after(at), b)
			if out != (v.Refuse != nil) || !out && (limit(l, "pace").Remaining == 0) != (v.Delay > 0) {
				t.Fatalf("seed %d at %v: evicted %v, pace %+v; the governor: %v, wait %v", seed, at, l.Evicted, limit(l, "pace"), v.Refuse, v.Delay)
			}
			switch {
			case out:
				seen[l.Evicted[0].Action]++
				at += rnd.Float64() * 400
				early := after(at).Before(l.Evicted[0].Cooldown)
				if r := d.g.MayReturn(after(at), seatOf(to), true); early != (r != nil) {
					t.Fatalf("seed %d at %v: cooling down until %v, and %v", seed, at, l.Evicted[0].Cooldown, r)
				}
				if !early {
					if _, err := d.g.Readmit(after(at), seatOf(to), ann, false); err != nil {
						t.Fatal(err)
					}
				}
				continue
			case v.Delay > 0:
				seen["pace"]++
				continue
			case cut:
				seen["cut"]++
				if _, err := d.g.Readmit(after(at), seatOf(to), ann, false); err != nil {
					t.Fatal(err)
				}
			}
			a := d.answer(at+0.01, to, 0, b)
			if a.Refuse != nil || rnd.IntN(60) == 0 { // a person speaks
				cause, author, turn = wavelet.Cause{ID: fmt.Sprint("c", i), Kind: wavelet.Human}, ann, rnd.IntN(2)
				d.g.Commit(after(at), wavelet.Commit{Wavelet: home, Delta: wavelet.Delta{Author: ann, Cause: cause}})
				continue
			}
			cause, author, turn = a.Cause, named(to), 1-turn
		}
	}
	for _, what := range []string{"pace", "evict", "cut", "suspend"} {
		if seen[what] == 0 {
			t.Errorf("%s never happened: the traffic shows little (%v)", what, seen)
		}
	}
}
