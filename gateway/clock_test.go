package gateway

import (
	"testing"
	"time"

	"weir/governor"
	"weir/store"
)

// TestAGatewayAfterAnotherGoesOnByItsClock restarts a gateway whose clock has run
// ahead of the real one.
func TestAGatewayAfterAnotherGoesOnByItsClock(t *testing.T) {
	o := Options{TimeScale: 100, Epoch: time.Now().Add(-time.Minute)}
	now := func(o Options) time.Time {
		return New(nil, nil, governor.New(governor.Options{}), store.NewMemory(), o).clock.now()
	}
	first := now(o)
	if ahead := time.Until(first); ahead < 98*time.Minute {
		t.Errorf("after a minute at 100 times the speed the clock is %s ahead", ahead)
	}
	if again := now(o); again.Before(first) {
		t.Errorf("the clock went back from %s to %s", first, again)
	}
	if fresh := now(Options{TimeScale: 100}); fresh.After(first) {
		t.Errorf("without an epoch the clock begins at %s", fresh)
	}
}
