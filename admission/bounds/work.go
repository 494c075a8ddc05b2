package bounds

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"weir/admission"
)

// Busy says that work was not begun, and when to come again.
type Busy struct {
	RetryAfter time.Duration
	Reason     string // "full": no more may wait; "waited": its turn did not come in time
}

func (b *Busy) Error() string {
	return fmt.Sprintf("the server has as much work as it can do; come again in %v", b.RetryAfter.Round(time.Millisecond))
}

// Work is the room for work under way, shared by all doors. A nil *Work has no
// bounds.
type Work struct {
	limit   *admission.Concurrency
	refused atomic.Pointer[func(reason string)]
}

// NewWork makes the room for work on this machine's processors.
func NewWork(c admission.ConcurrencyConfig) *Work {
	return &Work{limit: admission.NewConcurrency(runtime.GOMAXPROCS(0), c)}
}

// Set puts a configuration in force.
func (w *Work) Set(c admission.ConcurrencyConfig) { w.limit.Set(time.Now(), c) }

// Stats is how it stands.
func (w *Work) Stats() admission.ConcurrencyStats { return w.limit.Stats() }

// OnRefused has f called for each piece of work that is refused, with the reason
// of its Busy.
func (w *Work) OnRefused(f func(reason string)) { w.refused.Store(&f) }

// Enter waits for the places that work of a kind takes. It works under the
// context that is returned, and calls leave at its end. The error is a *Busy, or
// why ctx ended. Work that is part of other work needs no places of its own.
func (w *Work) Enter(ctx context.Context, kind admission.WorkKind) (_ context.Context, leave func(), err error) {
	if w == nil || ctx.Value(workKey{}) != nil {
		return ctx, func() {}, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	c := w.limit.Config()
	places, exempt := c.Places(kind)
	work, retry := w.limit.Ask(time.Now(), places, exempt)
	if work == nil {
		return nil, nil, w.busy(retry, "full")
	}
	end := sync.OnceFunc(func() { w.limit.End(time.Now(), work) })
	inside := context.WithValue(ctx, workKey{}, under{w.limit, work})
	select {
	case <-work.Began():
		return inside, end, nil
	default:
	}
	patience := time.NewTimer(c.Patience())
	defer patience.Stop()
	select {
	case <-work.Began():
		return inside, end, nil
	case <-ctx.Done():
		end()
		return nil, nil, context.Cause(ctx)
	case <-patience.C:
		end()
		return nil, nil, w.busy(c.Patience(), "waited")
	}
}

func (w *Work) busy(retry time.Duration, reason string) *Busy {
	if f := w.refused.Load(); f != nil {
		(*f)(reason)
	}
	return &Busy{RetryAfter: retry, Reason: reason}
}

// under is the work that a context is of.
type under struct {
	limit *admission.Concurrency
	work  *admission.Work
}

type workKey struct{}

// Aside lets others have the places of the work that ctx is of, if it is of any,
// until back is called: it waits for what takes no processor.
func Aside(ctx context.Context) (back func()) {
	u, ok := ctx.Value(workKey{}).(under)
	if !ok {
		return func() {}
	}
	u.limit.Aside(time.Now(), u.work)
	return func() { u.limit.Back(time.Now(), u.work) }
}
