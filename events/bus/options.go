package bus

import (
	"context"
	"crypto/tls"
	"iter"
	"log/slog"
	"net/netip"
	"time"

	"weir/governor"
	"weir/policies"
	"weir/wavelet"

	"github.com/nats-io/nats.go"
)

// Options of a Bus. One of Listen and URL must be set, and Enter, Operator and
// Call.
type Options struct {
	Listen string        // HOST:PORT of a NATS server of its own; port 0 picks a free one
	TLS    *tls.Config   // of that server; nil: connections are in the clear
	URL    string        // of another NATS server
	Access []nats.Option // how to log in there

	// Enter lets a robot in at the server's own NATS; see robots.Directory.
	Enter func(robot wavelet.Participant, key string) (stays func() bool, leave func(), err error)
	// Barred reports whether nobody is let in at the server's own NATS from an
	// address. Nil: everybody is.
	Barred func(from netip.Addr) bool
	// Operator reports whether a password is the operators'.
	Operator func(password string) bool
	// Call answers a call of a robot.
	Call func(ctx context.Context, robot wavelet.Participant, body []byte) Reply
	// Standing is how a robot stands now; nil: nobody is told of changes.
	Standing func(robot wavelet.Participant) Standing
	// Arrived is told of a robot that can be asked now and was missing, or is new.
	// Nil: nobody wants to know.
	Arrived func(robot wavelet.Participant)
	// Refused is told what was turned away here, by layer and reason; nil: nobody
	// counts.
	Refused func(layer, reason string)

	Domain    string    // of this server, told with each decision
	Decisions Decisions // the log that the feed follows; nil: there is no feed
	Logger    *slog.Logger

	Messages  float64       // that a robot may publish in a second, over a while. 0: 500
	Bytes     float64       // of these. 0: 4 MiB
	Look      time.Duration // between two looks at who is connected. 0: 200 ms
	Reconnect time.Duration // between two attempts to reach another NATS. 0: 1 s
}

// Reply is what becomes of a robot's call.
type Reply struct {
	Status     int             // as over HTTP
	Body       any             // to be written as JSON
	RetryAfter time.Duration   // 0: waiting does not help
	Limits     policies.Limits // of the robot after the call
}

// Decisions is the log that the feed follows, and the mark of how far it came.
type Decisions interface {
	// Changed returns a channel that is closed when there is more.
	Changed() <-chan struct{}
	// After yields the decisions with numbers above number, in order.
	After(number uint64) iter.Seq2[Decision, error]
	// Published is the number of the last decision that was told, as Told left it.
	Published() (uint64, error)
	// Told keeps that number.
	Told(ctx context.Context, number uint64) error
}

// Decision is a decision and its number in the log.
type Decision struct {
	Number uint64
	governor.Decision
}

func (o Options) withDefaults() Options {
	if o.Refused == nil {
		o.Refused = func(string, string) {}
	}
	if o.Barred == nil {
		o.Barred = func(netip.Addr) bool { return false }
	}
	if o.Arrived == nil {
		o.Arrived = func(wavelet.Participant) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Messages == 0 {
		o.Messages = 500
	}
	if o.Bytes == 0 {
		o.Bytes = 4 << 20
	}
	if o.Look == 0 {
		o.Look = 200 * time.Millisecond
	}
	if o.Reconnect == 0 {
		o.Reconnect = time.Second
	}
	return o
}
