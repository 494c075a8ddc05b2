package admissionbench

import (
	"cmp"
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"weir"
	"weir/admission"
)

// CapOptions say what knocks at a maximum. The zero value is a hundred at fifty
// places, two hundred times over.
type CapOptions struct {
	CostOptions
	Knocking int // 0: 100
	Places   int // 0: 50
	Repeat   int // 0: 200
}

// tally is what was seen of a maximum.
type tally struct {
	most    int64 // inside at once
	away    int64 // turned away though there was a place
	astray  int64 // places taken beside dials that were made and not closed
	entered int64 // let in
	refused int64
}

// Caps has many knock at a maximum of connections at once, and those inside leave
// at random and come again: never may there be more than the maximum, nobody may
// be turned away while a place is free, and a place is taken for each dial that is
// open, and for no other.
func Caps(ctx context.Context, o CapOptions) (Report, error) {
	began := time.Now()
	knocking, places := cmp.Or(o.Knocking, 100), cmp.Or(o.Places, 50)
	var sum tally
	for i := range cmp.Or(o.Repeat, 200) {
		if err := ctx.Err(); err != nil {
			return Report{}, err
		}
		rush(&sum, uint64(i), knocking, places)
	}
	figures := []weir.Figure{
		{Name: "most connections at once", Value: float64(sum.most), Bar: float64(places), HasBar: true, Measured: true},
		{Name: "turned away from a free place", Value: float64(sum.away), HasBar: true, Measured: true},
		{Name: "places taken beside open dials", Value: float64(sum.astray), HasBar: true, Measured: true},
		{Name: "admissions", Value: float64(sum.entered), Measured: true},
		{Name: "refusals", Value: float64(sum.refused), Measured: true},
	}
	var adds atomic.Int64
	var c admission.Connections
	c.SetMaximum(1 << 60)
	full := &admission.Connections{}
	full.SetMaximum(1)
	full.Enter()
	costs, err := against(ctx, o.CostOptions, []task{
		{name: "atomic add", do: func(n int) {
			for range n {
				adds.Add(1)
			}
		}},
		{name: "a place taken", bar: barEnter, do: func(n int) {
			for range n {
				c.Enter()
			}
		}},
		{name: "a place refused", bar: barEnter, do: func(n int) {
			for range n {
				full.Enter()
			}
		}},
	})
	return Report{append(figures, costs...), time.Since(began)}, err
}

// rush has everybody knock once, and as many as there are places leave and come
// again, each as often as any.
func rush(sum *tally, seed uint64, knocking, places int) {
	var c admission.Connections
	c.SetMaximum(places)
	var inside, most, in, out, away atomic.Int64
	enter := func() bool {
		if !c.Enter() {
			return false
		}
		in.Add(1)
		n := inside.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		return true
	}
	together(knocking, func(int) {
		if !enter() {
			out.Add(1)
		}
	})
	if free := int64(places) - in.Load(); free > 0 && out.Load() > 0 {
		away.Add(min(free, out.Load()))
	}
	together(int(in.Load()), func(i int) {
		rnd := rand.New(rand.NewPCG(seed, uint64(i)))
		for range 20 {
			inside.Add(-1)
			c.Leave()
			for range rnd.IntN(3) {
				c.Active()
			}
			if !enter() {
				away.Add(1)
				return
			}
		}
	})
	sum.most = max(sum.most, most.Load(), int64(c.Active()))
	sum.away += away.Load()
	if astray := int64(c.Active()) - inside.Load(); astray != 0 {
		sum.astray += max(astray, -astray)
	}
	sum.entered += in.Load()
	sum.refused += out.Load()
}

func together(n int, f func(int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}
