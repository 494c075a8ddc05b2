package gateway_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"weir/admission/bounds"
	"weir/events"
	"weir/gateway"
)

// TestNoRoomForAnAnswer has a robot whose answers cannot be read for want of
// room: it is asked again, and its breaker stays closed.
func TestNoRoomForAnAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var full atomic.Bool
		var released atomic.Int64
		full.Store(true)
		robot := recorder{reply: func(context.Context, events.Bundle) (events.Answer, error) {
			if full.Load() {
				return events.Answer{}, fmt.Errorf("read the answer: %w", bounds.ErrFull)
			}
			return events.Answer{Release: func() { released.Add(1) }}, nil
		}}
		r.register(quiet, "default", robot.receive)
		r.start()
		defer r.stop()
		r.create(quiet)
		pause(time.Minute)
		if st := r.stats(quiet); len(robot.all()) < 10 || st.Failures != 0 || st.OpenBreakers != 0 || len(r.happened(gateway.Interrupted)) == 0 {
			t.Errorf("%d attempts, stats %+v", len(robot.all()), st)
		}
		full.Store(false)
		pause(10 * time.Second)
		all := robot.all()
		if st := r.stats(quiet); st.HumanBundles != 1 || st.Waiting != 0 || all[len(all)-1].ID != all[0].ID || released.Load() != 1 {
			t.Errorf("afterwards %+v, %d released", st, released.Load())
		}
	})
}
