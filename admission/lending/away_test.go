package lending_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"weir/admission"
	"weir/admission/lending"
)

// TestTheLenderIsAwayForAWhile has it fail at once, late, or not answer at all.
// Nobody waits long, each node lets in its share, and nothing is let in twice
// after it.
func TestTheLenderIsAwayForAWhile(t *testing.T) {
	const limit, nodes = 1000, 5
	for name, spread := range map[string]func(int, float64) []float64{"skewed": skewed, "even": even} {
		for _, takes := range []time.Duration{0, 30 * time.Millisecond, time.Hour} {
			t.Run(fmt.Sprintf("%s, found out after %v", name, takes), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, nodes, commands(limit), 11)
					rates := spread(nodes, 1.3*limit)
					w.run(5*time.Second, rates, 1)
					w.lender.away.Store(&takes)
					before := w.paid.Load()
					w.run(10*time.Second, rates, 2)
					during := float64(w.paid.Load() - before)
					w.lender.away.Store(nil)
					due, paid := w.due.Load(), w.paid.Load()
					w.run(10*time.Second, rates, 3)
					after := float64(w.paid.Load()-paid)/float64(w.due.Load()-due) - 1
					t.Logf("%v; %.0f while it was away; after it %+.2f %%", w, during, 100*after)

					want := 0.0 // what the nodes' shares let through
					for _, rate := range rates {
						want += 10 * min(rate, limit/nodes)
					}
					if during < 0.95*want || during > 1.05*want+limit/nodes {
						t.Errorf("%.0f while the lender was away, want %.0f", during, want)
					}
					if w.off() > 0.01 || after < -0.05 || w.slowest.Load() > int64(lending.Patience) {
						t.Error(w)
					}
				})
			})
		}
	}
}

// TestOneNodeDecidesByItself is a Spender without a lender: as an account.
func TestOneNodeDecidesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := admission.NewRules(commands(3), time.Now())
		s := lending.New(nil)
		var a, same admission.Account
		for range 100 {
			now := time.Now()
			wait, ok := s.Take("ann", &a, r, now, publish)
			if w, o := same.Take(r, now, publish); w != wait || o != ok {
				t.Fatalf("%v, %t; an account says %v, %t", wait, ok, w, o)
			}
			time.Sleep(70 * time.Millisecond)
		}
	})
}

// TestAfterCloseTheNodeDecides, without waiting for anybody.
func TestAfterCloseTheNodeDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, commands(10), 5)
		w.spender[0].Close()
		for range 20 {
			w.ask(0)
		}
		if w.paid.Load() != 5 || w.slowest.Load() != 0 || w.lender.trips.Load() != 0 {
			t.Error(w)
		}
	})
}

// TestSpendingAllocatesNothing, a trip for some ten thousand decisions aside.
func TestSpendingAllocatesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, commands(1_000_000), 3)
		take := func() { w.spender[0].Take("ann", w.nodes[0], w.share, time.Now(), publish) }
		for range 16 { // each time more is asked for
			for range 40_000 {
				take()
			}
			synctest.Wait()
			time.Sleep(time.Second)
		}
		if n := testing.AllocsPerRun(5000, take); n > 0 {
			t.Errorf("%v allocations", n)
		}
		one := lending.New(nil)
		if n := testing.AllocsPerRun(1000, func() { one.Take("ann", &w.one, w.share, time.Now(), publish) }); n > 0 {
			t.Errorf("%v allocations on one node", n)
		}
	})
}
