package lending_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"weir/admission"
	"weir/admission/lending"
)

var publish = admission.Command{Op: admission.Publish}

// lender has the buckets of all nodes, behind a network.
type lender struct {
	mu      sync.Mutex
	account admission.Account
	rules   *admission.Rules
	rnd     *rand.Rand
	away    atomic.Pointer[time.Duration] // how long it takes to find out that it is away; nil: it is there
	trips   atomic.Int64
	nodes   int
}

func (l *lender) Nodes() int { return l.nodes }

func (l *lender) Lease(ctx context.Context, _ string, asks []admission.Ask) ([]admission.Lease, error) {
	if d := l.away.Load(); d != nil {
		select {
		case <-time.After(*d):
		case <-ctx.Done():
		}
		return nil, errors.New("away")
	}
	l.trips.Add(1)
	l.mu.Lock()
	there := time.Duration(2500+l.rnd.IntN(22_500)) * time.Microsecond
	l.mu.Unlock()
	time.Sleep(there)
	out := l.account.Lend(l.rules, time.Now(), asks)
	time.Sleep(there)
	return out, nil
}

// world is a cluster, and beside it the one account that it should be like.
type world struct {
	lender  *lender
	share   *admission.Rules
	nodes   []*admission.Account
	spender []*lending.Spender
	one     admission.Account

	asked, paid, due atomic.Int64
	slowest          atomic.Int64
}

func newWorld(t *testing.T, nodes int, c *admission.Commands, seed uint64) *world {
	full := admission.NewRules(c, time.Now())
	w := &world{lender: &lender{rules: full, rnd: rand.New(rand.NewPCG(seed, 1)), nodes: nodes}}
	for range nodes {
		w.nodes = append(w.nodes, &admission.Account{})
		s := lending.New(w.lender)
		t.Cleanup(s.Close)
		w.spender, w.share = append(w.spender, s), s.Share(full)
	}
	return w
}

// run has people ask each node at a rate for so long.
func (w *world) run(d time.Duration, rates []float64, seed uint64) {
	var people sync.WaitGroup
	for i, rate := range rates {
		for connection := range uint64(2) {
			people.Go(func() {
				rnd := rand.New(rand.NewPCG(seed, uint64(i)<<1+connection))
				next, end := time.Now(), time.Now().Add(d)
				for {
					next = next.Add(time.Duration(rnd.ExpFloat64() * 2 / rate * float64(time.Second)))
					if next.After(end) {
						return
					}
					time.Sleep(time.Until(next))
					w.ask(i)
				}
			})
		}
	}
	people.Wait()
}

func (w *world) ask(node int) {
	now := time.Now()
	if _, ok := w.one.Take(w.lender.rules, now, publish); ok {
		w.due.Add(1)
	}
	if _, ok := w.spender[node].Take("ann", w.nodes[node], w.share, now, publish); ok {
		w.paid.Add(1)
	}
	w.asked.Add(1)
	for took := int64(time.Since(now)); ; {
		if was := w.slowest.Load(); took <= was || w.slowest.CompareAndSwap(was, took) {
			return
		}
	}
}

func (w *world) off() float64 { return float64(w.paid.Load())/float64(w.due.Load()) - 1 }

func (w *world) String() string {
	return fmt.Sprintf("%d asked, %d let in, %d by one account: %+.2f %%; %d trips, %.0f decisions each; slowest %v",
		w.asked.Load(), w.paid.Load(), w.due.Load(), 100*w.off(), w.lender.trips.Load(), float64(w.asked.Load())/float64(max(1, w.lender.trips.Load())), time.Duration(w.slowest.Load()))
}

func commands(perSecond int) *admission.Commands {
	buckets := func(n int) *admission.Limit {
		return &admission.Limit{Buckets: []admission.Bucket{{Interval: time.Second, Rate: n}}}
	}
	return &admission.Commands{Enabled: true, Publish: buckets(perSecond), Total: buckets(2 * perSecond)}
}

// skewed is the demand at each node, most of it at the first.
func skewed(nodes int, all float64) []float64 {
	rates, left := make([]float64, nodes), all
	for i := range rates {
		rates[i] = left * 0.7
		left -= rates[i]
	}
	rates[nodes-1] += left
	return rates
}

func even(nodes int, all float64) []float64 {
	rates := make([]float64, nodes)
	for i := range rates {
		rates[i] = all / float64(nodes)
	}
	return rates
}

// TestAsOneAccount has nodes with a lender that is 5 to 50 ms away let in what one
// account for all of them would.
func TestAsOneAccount(t *testing.T) {
	for _, limit := range []int{400, 1000, 4000} {
		for _, nodes := range []int{1, 3, 5} {
			for _, demand := range []float64{0.5, 0.95, 1.3, 3} {
				for name, spread := range map[string]func(int, float64) []float64{"skewed": skewed, "even": even} {
					t.Run(fmt.Sprintf("%d a second, %d nodes, %g asked, %s", limit, nodes, demand, name), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							w := newWorld(t, nodes, commands(limit), uint64(limit*nodes))
							w.run(10*time.Second, spread(nodes, demand*float64(limit)), 7)
							if off := w.off(); off > 0.01 || off < -0.05 || w.asked.Load() < 20*w.lender.trips.Load() || w.slowest.Load() > int64(lending.Patience) {
								t.Error(w)
							}
							t.Log(w)
						})
					})
				}
			}
		}
	}
}
