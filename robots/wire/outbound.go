package wire

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"weir/events"
	"weir/wavelet"
)

// Ask hands the JSON of a bundle to a robot that has connected to this server,
// and returns what it answers. Its error wraps ErrUnreachable if the robot is not
// there or does not answer, and ErrStatus if it answers that it failed.
type Ask func(ctx context.Context, line []byte) ([]byte, error)

// OutboundOptions are what an Outbound needs to know and to tell.
type OutboundOptions struct {
	RPCServerURL string // where robots call the active API, told in each bundle
	// Capabilities are those in force, asked for each bundle.
	Capabilities func() Capabilities
	Surroundings Surroundings // of the operations in its answers
	// Find is the newest state of another wavelet than a bundle's, or a
	// *wavelet.Refusal with code "evicted"; nil: there are no others.
	Find func(context.Context, wavelet.Name) (*wavelet.State, error)
	// Announced is called with the capabilities that come with an answer; nil:
	// nobody wants to know.
	Announced func(Capabilities)
	// Heard is called after each bundle with what went wrong, nil if nothing did;
	// nil: nobody wants to know.
	Heard func(error)
}

// Outbound is a robot that has no address to call: it connects to this server,
// and bundles go to it over that connection. It implements the gateway's Robot,
// keeps nothing open, and is safe for concurrent use.
type Outbound struct {
	answerer
	address wavelet.Participant
	ask     Ask
	options OutboundOptions
}

// NewOutbound makes the transport to the robot at address.
func NewOutbound(address wavelet.Participant, ask Ask, o OutboundOptions) *Outbound {
	return &Outbound{answerer: answerer{surroundings: o.Surroundings, find: o.Find}, address: address, ask: ask, options: o}
}

// Close has nothing to let go of: what is under way ends with its context.
func (*Outbound) Close() {}

// Wants reports whether Receive would send the bundle.
func (o *Outbound) Wants(b events.Bundle) bool { return len(o.options.Capabilities().filter(b)) > 0 }

// Receive sends a bundle and returns the robot's answer, as Passive's does.
func (o *Outbound) Receive(ctx context.Context, b events.Bundle) (events.Answer, error) {
	answer, err := o.receive(ctx, b)
	if o.options.Heard != nil && !errors.Is(err, context.Canceled) {
		o.options.Heard(err)
	}
	if err != nil {
		return events.Answer{}, fmt.Errorf("deliver to %s: %w", o.address, err)
	}
	return answer, nil
}

func (o *Outbound) receive(ctx context.Context, b events.Bundle) (events.Answer, error) {
	caps := o.options.Capabilities()
	line, err := Encode(b, caps, o.options.RPCServerURL)
	if err != nil || line == nil {
		return events.Answer{}, err
	}
	body, err := o.ask(ctx, line)
	if err != nil {
		return events.Answer{}, err
	}
	ops, err := o.decode(body)
	if err != nil {
		return events.Answer{Failures: []events.OperationFailure{*fail(http.StatusBadRequest, "%v", err)}}, nil
	}
	if n := NoticeOf(ops); n.Capabilities != nil && o.options.Announced != nil {
		o.options.Announced(*n.Capabilities)
	}
	return o.apply(ctx, b, caps.Dialect(), ops), nil
}
