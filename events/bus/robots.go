package bus

import (
	"context"
	"errors"
	"fmt"

	"weir/wavelet"

	"github.com/nats-io/nats.go"
)

// Why a robot could not be asked.
var (
	ErrAbsent  = errors.New("it is not connected to NATS, or has not subscribed to its bundles")
	ErrAway    = errors.New("NATS is away")
	ErrTooLong = errors.New("the bundle is too long for NATS; ask for fewer blips around events, or use HTTP")
)

// Ask brings a line to a robot and returns what it answers. The error of one that
// answers with an error is a *Failure.
func (b *Bus) Ask(ctx context.Context, robot wavelet.Participant, line []byte) ([]byte, error) {
	if b.gate != nil {
		b.gate.asked(robot)
	}
	asking, done := b.asks.begin(ctx, robot)
	defer done()
	msg, err := b.conn.RequestWithContext(asking, BundlesSubject(robot), line)
	if gone := context.Cause(asking); err != nil && ctx.Err() == nil && gone != nil {
		err = gone
	}
	switch {
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, ErrAbsent):
		b.mu.Lock()
		b.missing[robot] = true
		b.mu.Unlock()
		return nil, ErrAbsent
	case errors.Is(err, nats.ErrMaxPayload):
		return nil, fmt.Errorf("%w: it has %d bytes, and a message there at most %d", ErrTooLong, len(line), b.conn.MaxPayload())
	case errors.Is(err, ErrAway):
		return nil, ErrAway
	case err != nil && !b.conn.IsConnected():
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	case err != nil:
		return nil, fmt.Errorf("it does not answer over NATS: %w", err)
	}
	if f := failureOf(msg.Header); f != nil {
		return nil, f
	}
	return msg.Data, nil
}

// Headers of a reply by which services say over NATS that they failed.
const (
	errorHeader = "Nats-Service-Error"
	codeHeader  = "Nats-Service-Error-Code"
)

// Failure is the error of a robot that was asked and could not answer. It says so
// by the headers of its reply.
type Failure struct {
	Code string // a number as HTTP has it; "" if it gave none
	Text string // cut off where it is long
}

func (f *Failure) Error() string { return fmt.Sprintf("it failed with %q: %q", f.Code, f.Text) }

// failureOf is the failure that the headers of a reply tell of, nil if they tell of
// none.
func failureOf(h nats.Header) *Failure {
	if len(h[errorHeader])+len(h[codeHeader]) == 0 {
		return nil
	}
	code, text := h.Get(codeHeader), h.Get(errorHeader)
	return &Failure{Code: code[:min(len(code), 20)], Text: text[:min(len(text), 200)]}
}

// arrived tells of a robot that was missing and has just been heard.
func (b *Bus) arrived(robot wavelet.Participant) {
	b.mu.Lock()
	missing := b.missing[robot]
	delete(b.missing, robot)
	b.mu.Unlock()
	if missing {
		b.o.Arrived(robot)
	}
}
