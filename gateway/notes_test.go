package gateway_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/events"
	"weir/governor"
)

// What failed of a robot's operations is told although the bundle that told it
// first did not arrive, and no more once one did.
func TestFailuresOutliveAFailedBundle(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		n := 0
		robot := recorder{reply: func(context.Context, events.Bundle) (events.Answer, error) {
			switch n++; n {
			case 1:
				return events.Answer{Failures: []events.OperationFailure{{ID: "op7", Code: 400, Message: "unknown operation"}}}, nil
			case 2, 3:
				return events.Answer{}, errors.New("lost")
			}
			return events.Answer{}, nil
		}}
		r.register(quiet, "default", robot.receive)
		r.start()
		defer r.stop()
		r.create(quiet)
		pause(5 * time.Second)
		r.types(ann, "hello ")
		pause(time.Minute)
		r.types(ann, "again ")
		pause(time.Minute)
		var told []int
		for _, b := range robot.all() {
			failures := 0
			for _, e := range b.Events {
				if e.Type == events.OperationError && e.Failure.ID == "op7" {
					failures++
				}
			}
			told = append(told, failures)
		}
		if want := []int{0, 1, 1, 1, 0}; !slices.Equal(told, want) {
			t.Errorf("told of the failure %v times, want %v", told, want)
		}
	})
}

// What failed is told after the server was killed, once, and no more of it than a
// record has room for.
func TestFailuresOutliveARestart(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		n := 0
		robot := recorder{reply: func(context.Context, events.Bundle) (events.Answer, error) {
			if n++; n > 1 {
				return events.Answer{}, nil
			}
			return events.Answer{Failures: []events.OperationFailure{
				{ID: "op7", Code: 429, Message: "too fast", Limit: events.LimitNote{Name: "burst", Max: 8}, RetryAfter: time.Second},
				{ID: "op8", Code: 400, Message: strings.Repeat("long", 2000)},
			}}, nil
		}}
		r.register(quiet, "default", robot.receive)
		r.start()
		r.create(quiet)
		for range 2 {
			pause(5 * time.Second)
			r.kv.dead.Store(true)
			r.stop()
			r.start()
		}
		defer func() { r.stop() }()
		for range 2 {
			r.types(ann, "hello ")
			pause(time.Minute)
			r.kv.dead.Store(true)
			r.stop()
			r.start()
		}
		var told []events.OperationFailure
		for _, b := range robot.all() {
			for _, e := range b.Events {
				if e.Type == events.OperationError {
					told = append(told, e.Failure)
				}
			}
		}
		if len(told) != 1 || told[0].ID != "op7" || told[0].Limit.Name != "burst" || told[0].RetryAfter != time.Second {
			t.Errorf("told of %+v", told)
		}
	})
}

// A warning is reason enough for a bundle that tells of nothing else the robot
// asks for.
func TestAWarningIsWantedForItself(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var robot recorder
		r.registerChooser(quiet, &robot, events.RobotLimitWarning)
		r.start()
		defer r.stop()
		r.create(quiet)
		pause(5 * time.Second)
		for range 173 {
			if err := r.gateway.Admit(t.Context(), quiet, false); err != nil {
				t.Fatal(err)
			}
		}
		r.types(ann, "hello ")
		pause(time.Minute)
		r.types(ann, "again ")
		pause(time.Minute)
		if got := len(robot.all()); got != 1 {
			t.Errorf("%d bundles, want one with the warning", got)
		}
	})
}

// A robot whose answer a limit stopped is told which one, with its numbers, and
// not before people write: what failed is never told in the robot lane.
func TestAFailureTellsItsLimit(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		heard := r.cutting()
		r.start()
		defer r.stop()
		r.create(spell, echoA, echoB)
		pause(time.Second)
		r.types(ann, "hello ")
		pause(time.Minute)
		cut := r.decided(governor.Cut)
		if heard[cut.Robot] == nil {
			t.Fatal("nobody was cut")
		}
		r.types(ann, "go on ")
		pause(time.Minute)
		var told []events.OperationFailure
		for _, b := range heard[cut.Robot].all() {
			for _, e := range b.Events {
				if e.Type == events.OperationError {
					told = append(told, e.Failure)
					if b.Lane != events.HumanLane {
						t.Error("told in the robot lane")
					}
				}
			}
		}
		if len(told) != 1 {
			t.Fatalf("told of %+v", told)
		}
		if f := told[0]; f.Code != 429 || f.Limit.Name != cut.Rule || f.Limit.Used != cut.Measured || f.Limit.Max != cut.Limit {
			t.Errorf("told %+v of %s, %v of %v", f, cut.Rule, cut.Measured, cut.Limit)
		}
	})
}
