package gateway

import (
	"context"
	"time"
)

// clock runs scale times as fast as the real one from base on. All instants of
// the gateway, the governor and the lanes are its; only timers are real.
type clock struct {
	base  time.Time
	scale float64
}

func (c clock) now() time.Time {
	if c.scale == 1 {
		return time.Now()
	}
	return c.base.Add(time.Duration(float64(time.Since(c.base)) * c.scale))
}

// real is how long d lasts on a real clock.
func (c clock) real(d time.Duration) time.Duration {
	return time.Duration(float64(d) / c.scale)
}

// sleep waits for d, or until ctx ends, and then returns its cause.
func (c clock) sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(c.real(d))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
