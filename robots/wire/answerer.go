package wire

import (
	"context"
	"fmt"
	"sync"

	"weir/events"
	"weir/policies"
	"weir/wavelet"
)

// answerer makes changes of what a robot answers to a bundle, by whatever
// transport the answer came. It is safe for concurrent use.
type answerer struct {
	surroundings Surroundings
	find         func(context.Context, wavelet.Name) (*wavelet.State, error)

	limiting sync.Mutex
	delivery policies.Delivery
}

// Limit sets the bounds of the profile in force: how long an answer may be, in
// bytes and operations. Zeros stand for MaxBody and MaxOperations, which are
// never exceeded.
func (a *answerer) Limit(d policies.Delivery) {
	a.limiting.Lock()
	defer a.limiting.Unlock()
	a.delivery = d
}

// decode reads an answer within the bounds of the profile.
func (a *answerer) decode(body []byte) ([]Operation, error) {
	a.limiting.Lock()
	d := a.delivery
	a.limiting.Unlock()
	if d.MaxBody > 0 && len(body) > d.MaxBody {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrAnswer, d.MaxBody)
	}
	ops, err := Decode(body)
	if err == nil && d.MaxOps > 0 && len(ops) > d.MaxOps {
		return nil, fmt.Errorf("%w: %d operations, at most %d", ErrAnswer, len(ops), d.MaxOps)
	}
	return ops, err
}

// apply carries out the operations of an answer to b against the states that the
// robot was shown.
func (a *answerer) apply(ctx context.Context, b events.Bundle, d events.Dialect, ops []Operation) events.Answer {
	robot := b.Seat.Robot.Robot()
	call := Call{
		Robot: robot, State: b.State, Dialect: d, Find: a.find,
		NewName: func(n int) wavelet.Name { return b.NewWavelet(robot.Domain(), n) },
		Limits:  func() policies.Limits { return b.Limits },

		Surroundings: a.surroundings,
	}
	return call.Apply(ctx, ops).Answer
}
