package admission

import (
	"math"
	"runtime/metrics"
	"time"
)

// Reading is what a Signal read off the machine.
type Reading struct {
	SchedulerLatency time.Duration // 99th percentile since the reading before; 0: too few samples
	Samples          uint64        // goroutines that were scheduled since then
	Runnable         float64       // goroutines that wait for a processor, to a processor
	CPUShare         float64       // used by this process since then, of its processors
}

// pressed reports whether a reading means overload. A share of the processors
// alone is a poor sign, for it stays low where neighbours hold the rest.
func (t Triggers) pressed(r Reading) bool {
	return t.SchedulerLatency > 0 && r.SchedulerLatency > t.SchedulerLatency ||
		t.Runnable > 0 && r.Runnable > t.Runnable ||
		t.CPUShare > 0 && r.CPUShare > t.CPUShare
}

// enough is how many samples a percentile is told of.
const enough = 100

// Signal reads from the Go runtime how busy the machine is. It is not safe for
// concurrent use.
type Signal struct {
	samples [3]metrics.Sample
	counts  []uint64 // of the reading before
	at      time.Time
	cpu     time.Duration
}

// NewSignal makes a signal. Its first reading has no percentile and no share.
func NewSignal() *Signal {
	s := &Signal{}
	s.samples[0].Name = "/sched/latencies:seconds"
	s.samples[1].Name = "/sched/goroutines/runnable:goroutines"
	s.samples[2].Name = "/sched/gomaxprocs:threads"
	return s
}

// Read reads; cpu is the processor time that the process has used so far.
func (s *Signal) Read(now time.Time, cpu time.Duration) Reading {
	metrics.Read(s.samples[:])
	procs := 1.0
	if v := s.samples[2].Value; v.Kind() == metrics.KindUint64 {
		procs = float64(v.Uint64())
	}
	var r Reading
	if v := s.samples[1].Value; v.Kind() == metrics.KindUint64 {
		r.Runnable = float64(v.Uint64()) / procs
	}
	if v := s.samples[0].Value; v.Kind() == metrics.KindFloat64Histogram {
		h := v.Float64Histogram()
		if len(s.counts) == len(h.Counts) {
			r.SchedulerLatency, r.Samples = percentile(h.Buckets, s.counts, h.Counts)
		}
		s.counts = append(s.counts[:0], h.Counts...)
	}
	if took := now.Sub(s.at); !s.at.IsZero() && took > 0 {
		r.CPUShare = max(0, (cpu-s.cpu).Seconds()/(took.Seconds()*procs))
	}
	s.at, s.cpu = now, cpu
	return r
}

// percentile is the 99th of what was counted between two readings of a
// histogram, and how much that was.
func percentile(buckets []float64, before, after []uint64) (time.Duration, uint64) {
	var n uint64
	for i := range after {
		n += after[i] - before[i]
	}
	if n < enough {
		return 0, n
	}
	rest := n / 100 // above the percentile
	for i := len(after) - 1; i >= 0; i-- {
		d := after[i] - before[i]
		if d > rest {
			edge := buckets[i+1]
			if math.IsInf(edge, 1) {
				edge = buckets[i]
			}
			return time.Duration(edge * float64(time.Second)), n
		}
		rest -= d
	}
	return 0, n
}
