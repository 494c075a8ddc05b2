package admission_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/admission"
)

const most = 50

// TestExactlyAsManyAsThereMayBe has a hundred knock at once, and those inside
// leave at random while others knock, two hundred times over.
func TestExactlyAsManyAsThereMayBe(t *testing.T) {
	for range 200 {
		var c admission.Connections
		c.SetMaximum(most)
		var in, out atomic.Int64
		all(2*most, func(int) {
			if c.Enter() {
				in.Add(1)
			} else {
				out.Add(1)
			}
		})
		if in.Load() != most || out.Load() != most || c.Active() != most {
			t.Fatalf("%d in, %d turned away, %d active", in.Load(), out.Load(), c.Active())
		}
		// Whoever leaves comes again: as there are no more of them than places, none
		// may be turned away.
		var dialled, inside, refused atomic.Int64
		inside.Store(most)
		all(most, func(i int) {
			rnd := rand.New(rand.NewPCG(1, uint64(i)))
			for range 20 {
				inside.Add(-1)
				c.Leave()
				for range rnd.IntN(3) {
					c.Active()
				}
				if !c.Enter() {
					refused.Add(1)
					return
				}
				dialled.Add(1)
				if n := inside.Add(1); n > most {
					t.Errorf("%d inside", n)
				}
			}
		})
		if refused.Load() > 0 || dialled.Load() != 20*most || c.Active() != most {
			t.Fatalf("%d of %d turned away from a free place, %d active", refused.Load(), most, c.Active())
		}
	}
}

// TestNeverMoreThanThereMayBe has twice as many knock as there are places, all
// the time, with those inside leaving at random.
func TestNeverMoreThanThereMayBe(t *testing.T) {
	var c admission.Connections
	c.SetMaximum(most)
	var inside, entered, left atomic.Int64
	all(2*most, func(i int) {
		rnd := rand.New(rand.NewPCG(2, uint64(i)))
		for range 500 {
			if !c.Enter() {
				continue
			}
			entered.Add(1)
			if n := inside.Add(1); n > most {
				t.Errorf("%d inside", n)
			}
			for range rnd.IntN(20) {
				c.Active()
			}
			inside.Add(-1)
			left.Add(1)
			c.Leave()
		}
	})
	if c.Active() != 0 || entered.Load() != left.Load() || entered.Load() == 0 {
		t.Errorf("%d entered, %d left, %d active", entered.Load(), left.Load(), c.Active())
	}
}

// all runs f so many times at once, and waits.
func all(n int, f func(int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func TestTheMaximumCanChange(t *testing.T) {
	var c admission.Connections
	for range 3000 {
		if !c.Enter() {
			t.Fatal("turned away without a maximum")
		}
	}
	if c.SetMaximum(most); c.Enter() || c.Maximum() != most || c.Active() != 3000 {
		t.Error("let in over a new maximum")
	}
	for range 3000 - most + 1 {
		c.Leave()
	}
	if !c.Enter() || c.Enter() {
		t.Error("one place is free, no more and no less")
	}
	defer func() {
		if recover() == nil {
			t.Error("more left than entered, and nobody noticed")
		}
	}()
	for range most + 1 {
		c.Leave()
	}
}

// TestRefusalsAreToldOnceASecond counts what is told and what is not.
func TestRefusalsAreToldOnceASecond(t *testing.T) {
	var c admission.Connections
	begin := time.Unix(1_700_000_000, 0)
	for _, step := range []struct {
		after  time.Duration
		tell   bool
		untold int
	}{
		{0, true, 0}, {0, false, 0}, {999 * time.Millisecond, false, 0}, {time.Second, true, 2}, {time.Second, false, 0}, {time.Hour, true, 1},
	} {
		if untold, tell := c.Refused(begin.Add(step.after)); tell != step.tell || untold != step.untold {
			t.Errorf("after %v: tell %t, %d untold; want %+v", step.after, tell, untold, step)
		}
	}
	var told, untold atomic.Int64
	all(100, func(int) {
		if n, tell := c.Refused(begin.Add(2 * time.Hour)); tell {
			told.Add(1)
			untold.Add(int64(n))
		}
	})
	n, tell := c.Refused(begin.Add(3 * time.Hour))
	if told.Load() != 1 || !tell || untold.Load()+int64(n) != 99 {
		t.Errorf("told %d times, %d untold", told.Load(), untold.Load()+int64(n))
	}
}

func BenchmarkEnter(b *testing.B) {
	var c admission.Connections
	c.SetMaximum(1 << 62)
	for b.Loop() {
		c.Enter()
	}
}

func BenchmarkAtomicAdd(b *testing.B) {
	var n atomic.Int64
	for b.Loop() {
		n.Add(1)
	}
}
