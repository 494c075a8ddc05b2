package governor_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"weir/governor"
	"weir/wavelet"
)

// BenchmarkDecision times a delivery and its answer beside one clock read, one
// mutex and one map load each, taken in turns, and reports the ratio.
func BenchmarkDecision(b *testing.B) {
	g := governor.New(governor.Options{Default: profile("default")})
	seat := seatOf("a")
	table := map[wavelet.Seat]int{seat: 1}
	ids := make([]string, 64)
	for i := range ids {
		ids[i] = "bundle-" + strconv.Itoa(i)
	}
	author := named("b")
	var mu sync.Mutex
	var base, cost time.Duration
	now, n, found := zero, 0, 0
	const turn = 256
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		for range 2 * turn {
			if t := time.Now(); !t.IsZero() {
				mu.Lock()
				found += table[seat]
				mu.Unlock()
			}
		}
		base += time.Since(began)
		began = time.Now()
		for range turn {
			n++
			now = now.Add(600 * time.Millisecond)
			d := governor.Delivery{Seat: seat, Bundle: ids[n%64], RobotLane: true, Author: author, Sent: now,
				Cause: wavelet.Cause{ID: "c1", Depth: 3, Exact: 3, Kind: wavelet.Robot}}
			g.Deliver(now, d)
			g.Answer(now, governor.Answer{Robot: seat.Robot, Wavelet: home, Delta: "d", Named: d})
		}
		cost += time.Since(began)
	}
	if found == 0 {
		b.Fatal("nothing was looked up")
	}
	b.ReportMetric(float64(cost)/float64(base), "x-primitives")
	b.ReportMetric(float64(cost.Nanoseconds())/float64(2*n), "ns/decision")
}
