package bounds_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"weir/admission"
	"weir/admission/bounds"
)

func one(waiting int) *bounds.Work {
	c := admission.DefaultConcurrency()
	c.Limit, c.Waiting, c.Wait = 1, waiting, 4*time.Second
	return bounds.NewWork(c)
}

func TestWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		work := one(1)
		var refused atomic.Int64
		work.OnRefused(func(string) { refused.Add(1) })
		ctx, leave, err := work.Enter(t.Context(), admission.WorkSearch)
		if err != nil {
			t.Fatal(err)
		}
		if _, again, err := work.Enter(ctx, admission.WorkExport); err != nil {
			t.Errorf("work within work: %v", err)
		} else {
			again()
		}
		// One waits in vain, one more is refused at once, and one goes away.
		start := time.Now()
		time.AfterFunc(time.Second, func() {
			_, _, err := work.Enter(t.Context(), admission.WorkSearch)
			if busy, ok := errors.AsType[*bounds.Busy](err); !ok || busy.Reason != "full" || busy.RetryAfter <= 0 {
				t.Errorf("one too many: %v", err)
			}
		})
		_, _, err = work.Enter(t.Context(), admission.WorkSearch)
		if busy, ok := errors.AsType[*bounds.Busy](err); !ok || busy.Reason != "waited" || time.Since(start) != 4*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		gone, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := work.Enter(gone, admission.WorkSearch); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("one who goes away: %v", err)
		}
		if refused.Load() != 2 || work.Stats().Waiting != 0 {
			t.Errorf("%d refused, %+v", refused.Load(), work.Stats())
		}
		// While it waits for something else, another may work.
		back := bounds.Aside(ctx)
		_, other, err := work.Enter(t.Context(), admission.WorkSearch)
		if err != nil {
			t.Errorf("work aside keeps its place: %v", err)
		}
		back()
		leave()
		leave()
		other()
		if s := work.Stats(); s.InFlight != 0 {
			t.Errorf("%+v", s)
		}
	})
}
