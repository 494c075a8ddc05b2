package gateway

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"weir/governor"
	"weir/governor/traffic"
	"weir/store"
	"weir/wavelet"
)

// Store is the part of a store.Store in which the gateway keeps the seats'
// cursors, what it is about to answer, the governor's checkpoint and the
// decisions, in the buckets "cursor", "offer", "governor" and "decisions".
type Store interface {
	Commit(ctx context.Context, b store.Batch) error
	Get(bucket string, key []byte) ([]byte, error)
	Scan(bucket string, from, to []byte) iter.Seq2[store.Record, error]
}

// Options of a Gateway. The zero value works, except that a Secret is needed
// for tokens to outlive the process.
type Options struct {
	// TimeScale makes the gateway's clock, the governor's and the pace's, run so
	// many times as fast as the real one. 0 stands for 1.
	TimeScale float64
	// Epoch is the instant at which that clock and the real one agree. A gateway
	// that takes up what another left must have its, so that time does not run
	// back. The zero Epoch: when the gateway is made.
	Epoch time.Time
	// Server is the participant in whose name evictions are written; "" stands
	// for weir@ and the domain of the wavelet.
	Server wavelet.Participant
	// Secret signs the tokens of bundles. Without one, a random one is made.
	Secret []byte
	// Feed is told what happens, as it happens, from many goroutines. It must not
	// block. nil: nobody is told.
	Feed func(Happening)
	// Suspend takes a robot out of service everywhere, when the governor says so.
	// nil: the gateway stops serving it until RobotChanged, and no more.
	Suspend func(ctx context.Context, robot wavelet.Participant, d governor.Decision) error
	// Traffic records what the governor is asked. Whoever opened it runs it, and
	// closes it when the gateway is quiet. nil: nothing is recorded.
	Traffic *traffic.Log
	// Logger gets what an operator should see. nil: nobody does.
	Logger *slog.Logger

	MaxEvents     int           // of a bundle; the rest goes in the next. 0: 500
	MaxAnswer     int           // bytes of text in an answer. 0: what the profile's MaxBody says
	InFlight      int           // bundles to one robot at a time, over all wavelets. 0: 64
	Decisions     int           // kept; older ones are forgotten. 0: 100,000
	DecisionBytes int64         // of those kept. 0: 64 MiB
	Checkpoint    time.Duration // between two savings, of real time. 0: 1 s
	ErrorSpacing  time.Duration // between two bundles that carry OPERATION_ERROR, to one seat. 0: 10 s
}

func (o Options) withDefaults() Options {
	o.TimeScale = orElse(o.TimeScale, 1)
	if o.Epoch.IsZero() {
		o.Epoch = time.Now()
	}
	o.MaxEvents = orElse(o.MaxEvents, 500)
	o.InFlight = orElse(o.InFlight, 64)
	o.Checkpoint = orElse(o.Checkpoint, time.Second)
	o.ErrorSpacing = orElse(o.ErrorSpacing, 10*time.Second)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// orElse is v, or d if v is zero.
func orElse[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}
