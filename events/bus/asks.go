package bus

import (
	"context"
	"maps"
	"slices"
	"sync"

	"weir/wavelet"
)

// asks is the robots that are asked and have not answered yet. The zero value is
// ready.
type asks struct {
	mu   sync.Mutex
	next uint64
	of   map[wavelet.Participant]map[uint64]context.CancelCauseFunc
}

// begin is the context of asking a robot, which ends with ctx, or when there is
// nobody to answer any more. Call done when it is over.
func (a *asks) begin(ctx context.Context, robot wavelet.Participant) (asking context.Context, done func()) {
	asking, cancel := context.WithCancelCause(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of == nil {
		a.of = map[wavelet.Participant]map[uint64]context.CancelCauseFunc{}
	}
	if a.of[robot] == nil {
		a.of[robot] = map[uint64]context.CancelCauseFunc{}
	}
	a.next++
	number := a.next
	a.of[robot][number] = cancel
	return asking, func() {
		cancel(nil)
		a.mu.Lock()
		defer a.mu.Unlock()
		if delete(a.of[robot], number); len(a.of[robot]) == 0 {
			delete(a.of, robot)
		}
	}
}

// end has those who ask a robot give up.
func (a *asks) end(robot wavelet.Participant, why error) {
	a.mu.Lock()
	list := slices.Collect(maps.Values(a.of[robot]))
	a.mu.Unlock()
	for _, cancel := range list {
		cancel(why)
	}
}

// endAll has everybody who asks give up.
func (a *asks) endAll(why error) {
	a.mu.Lock()
	robots := slices.Collect(maps.Keys(a.of))
	a.mu.Unlock()
	for _, robot := range robots {
		a.end(robot, why)
	}
}
