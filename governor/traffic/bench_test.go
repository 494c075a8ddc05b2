package traffic_test

import (
	"fmt"
	"testing"
	"time"

	"weir/governor"
	"weir/governor/traffic"
	"weir/policies"
	"weir/wavelet"
)

// BenchmarkRecorder times a delivery and its answer with and without a record of
// them, taken in turns, and reports the ratio and what a row takes.
func BenchmarkRecorder(b *testing.B) {
	log, err := traffic.Open(b.TempDir(), traffic.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	var cost [2]time.Duration
	recorders := [2]*traffic.Recorder{traffic.Record(governor.New(governor.Options{}), nil), traffic.Record(governor.New(governor.Options{}), log)}
	bundles := make([]string, 1<<16)
	answers := make([]wavelet.DeltaID, len(bundles))
	for i := range bundles {
		bundles[i] = fmt.Sprintf("%032x", i*7919)
		answers[i] = wavelet.DeltaID(bundles[i] + "/0")
	}
	seat := wavelet.Seat{Wavelet: main, Robot: "echo@example.com"}
	now, n := epoch, 0
	const turn = 256
	b.ReportAllocs()
	for b.Loop() {
		for i, r := range recorders {
			began := time.Now()
			for k := range turn {
				at := now.Add(time.Duration(k) * 600 * time.Millisecond)
				id := (n + k) % len(bundles)
				d := governor.Delivery{Seat: seat, Bundle: bundles[id], RobotLane: true, Author: "b@example.com", Sent: at,
					Cause: wavelet.Cause{ID: "c1", Depth: 3, Exact: 3, Parent: "echo@example.com", Bundle: bundles[max(0, id-1)], Kind: wavelet.Robot}}
				r.Deliver(at, d)
				r.Answer(at, governor.Answer{Robot: seat.Robot, Wavelet: main, Delta: answers[id], Named: d})
			}
			cost[i] += time.Since(began)
		}
		now, n = now.Add(turn*600*time.Millisecond), n+turn
		if err := log.Flush(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cost[1])/float64(cost[0]), "x-unrecorded")
	b.ReportMetric(float64((cost[1]-cost[0]).Nanoseconds())/float64(2*n), "ns/row")
	b.ReportMetric(float64(log.Stats().Bytes)/float64(2*n), "bytes/row")
}

// BenchmarkTry times a comparison by the row.
func BenchmarkTry(b *testing.B) {
	log, err := traffic.Open(b.TempDir(), traffic.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	r := traffic.Record(governor.New(governor.Options{}), log)
	const rows = 100_000
	seat := wavelet.Seat{Wavelet: main, Robot: "echo@example.com"}
	for n := range rows / 2 {
		at := epoch.Add(time.Duration(n) * 600 * time.Millisecond)
		d := governor.Delivery{Seat: seat, Bundle: fmt.Sprintf("%032x", n), Cause: wavelet.Cause{ID: fmt.Sprintf("ann/%d", n), Kind: wavelet.Human}, Author: "ann@example.com", Sent: at}
		r.Deliver(at, d)
		r.Answer(at, governor.Answer{Robot: seat.Robot, Wavelet: main, Delta: wavelet.DeltaID(d.Bundle + "/0"), Named: d})
	}
	p := traffic.Policies{Rules: func(wavelet.Participant) (none policies.Profile) { return none }}
	for b.Loop() {
		if _, err := log.Try(b.Context(), traffic.Question{InForce: p, Tried: p, Since: epoch}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
