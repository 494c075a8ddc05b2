package gateway_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"weir/events"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// chooser is a robot that hears of some types of events.
type chooser struct {
	*recorder
	types []events.Type
}

func (c chooser) Receive(ctx context.Context, b events.Bundle) (events.Answer, error) {
	return c.receive(ctx, b)
}

func (c chooser) Wants(b events.Bundle) bool {
	return slices.ContainsFunc(b.Events, func(e events.Event) bool { return slices.Contains(c.types, e.Type) })
}

// registerChooser puts a robot into the roster that hears of some types.
func (r *rig) registerChooser(id wavelet.Participant, rec *recorder, types ...events.Type) {
	r.register(id, "default", rec.receive)
	e := r.roster.entries[id]
	e.robot = chooser{rec, types}
	r.roster.entries[id] = e
}

// submitted is who is told to have left which blip, one bundle a line.
func submitted(bundles []events.Bundle) []string {
	var list []string
	for _, b := range bundles {
		line := b.Lane.String() + ":"
		for _, e := range b.Events {
			line += fmt.Sprintf(" %s by %s at %d", e.Type, e.ModifiedBy, b.Version)
		}
		list = append(list, line)
	}
	return list
}

// TestABlipIsSubmittedOnceASession has a person type with short pauses and go
// away, and come back.
func TestABlipIsSubmittedOnceASession(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var robot recorder
		r.registerChooser(quiet, &robot, events.BlipSubmitted)
		r.start()
		defer r.stop()
		r.create(quiet)
		pause(10 * time.Second)
		if n := len(robot.all()); n != 0 {
			t.Fatalf("%q of what was there before the robot", submitted(robot.all()))
		}
		for range 5 {
			r.types(ann, "word ")
			pause(4 * time.Second)
		}
		if n := len(robot.all()); n != 0 {
			t.Fatalf("%q while she still types", submitted(robot.all()))
		}
		pause(2 * time.Second)
		if len(robot.all()) == 0 {
			t.Fatal("nothing is submitted")
		}
		last := robot.all()[0]
		if n := len(robot.all()); n != 1 || last.Version != 6 || last.Deltas != 0 || last.State.Text() != "word word word word word \n" {
			t.Errorf("%q of %q when she is idle", submitted(robot.all()), last.State.Text())
		}
		if e := last.Events[0]; len(last.Events) != 1 || e.Type != events.BlipSubmitted || e.Blip != last.State.Root() || e.ModifiedBy != ann || !slices.Equal(e.Contributors, []wavelet.Participant{ann}) {
			t.Errorf("events are %+v", last.Events)
		}
		r.types(ann, "again ")
		pause(time.Minute)
		if n := len(robot.all()); n != 2 {
			t.Fatalf("%q after a second session", submitted(robot.all()))
		}
		if ids := robot.all(); ids[0].ID == ids[1].ID {
			t.Error("two sessions have one bundle id, so that the second answer would be lost")
		}
	})
}

// TestSessionsEndEarly says that one is done, and writes in another blip.
func TestSessionsEndEarly(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var robot recorder
		r.registerChooser(quiet, &robot, events.BlipSubmitted)
		r.start()
		defer r.stop()
		r.create(quiet)
		pause(10 * time.Second)
		r.types(ann, "done ")
		r.gateway.EditDone(main, bob, r.state().Root()) // he has no session there
		r.gateway.EditDone(main, ann, "b+other")
		pause(time.Second)
		if n := len(robot.all()); n != 0 {
			t.Errorf("%q though nobody is done", submitted(robot.all()))
		}
		r.gateway.EditDone(main, ann, r.state().Root())
		pause(time.Second)
		if n := len(robot.all()); n != 1 {
			t.Errorf("%q after she was done", submitted(robot.all()))
		}
		r.types(ann, "more ")
		pause(time.Second)
		if err := r.does(ann, wavelet.CreateBlip{Blip: "b+2", Content: richtext.Delta(nil).Insert("elsewhere\n", none)}); err != nil {
			t.Fatal(err)
		}
		pause(time.Second)
		if all := robot.all(); len(all) != 2 || all[1].Events[0].Blip != r.state().Root() {
			t.Errorf("%q after she went elsewhere", submitted(robot.all()))
		}
		if err := r.does(ann, wavelet.DeleteBlip{Blip: "b+2"}); err != nil {
			t.Fatal(err)
		}
		pause(time.Minute)
		if n := len(robot.all()); n != 2 {
			t.Errorf("%q: a blip that is gone is submitted", submitted(robot.all()))
		}
	})
}

// TestSubmittedIsOnlyForThoseWhoAsk leaves out who takes everything, and tells
// of a robot's writing in the robot lane, with its lineage.
func TestSubmittedIsOnlyForThoseWhoAsk(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var asks, takesAll recorder
		answered := false
		takesAll.reply = func(_ context.Context, b events.Bundle) (events.Answer, error) {
			if answered || b.State.Text() == "\n" {
				return events.Answer{}, nil
			}
			answered = true
			return appends(b, "by a robot"), nil
		}
		r.registerChooser(quiet, &asks, events.BlipSubmitted)
		r.register(echoA, "default", takesAll.receive)
		r.start()
		defer r.stop()
		r.create(quiet, echoA)
		pause(10 * time.Second)
		r.types(ann, "x ")
		pause(time.Minute)
		if got := submitted(asks.all()); len(got) != 2 || !slices.Contains(got, "robot: BLIP_SUBMITTED by echo-a@example.com at 3") {
			t.Errorf("who asks got %q", got)
		}
		for _, b := range asks.all() {
			if b.Lane == events.RobotLane && (b.Cause.Depth != 1 || b.Cause.Parent != ann) {
				t.Errorf("the robot's writing was caused by %+v", b.Cause)
			}
		}
		for _, b := range takesAll.all() {
			if b.Events[0].Type == events.BlipSubmitted {
				t.Errorf("who takes everything got %q", submitted(takesAll.all()))
			}
		}
	})
}

// TestSessionsOutliveARestart stops the server in the middle of a session, and
// has a robot fail when it is told.
func TestSessionsOutliveARestart(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var down atomic.Bool
		robot := recorder{reply: func(_ context.Context, b events.Bundle) (events.Answer, error) {
			if down.Load() {
				return events.Answer{}, context.DeadlineExceeded
			}
			return appends(b, "thanks"), nil
		}}
		r.registerChooser(quiet, &robot, events.BlipSubmitted)
		r.start()
		r.create(quiet)
		pause(20 * time.Second)
		r.types(ann, "before ")
		pause(2 * time.Second)
		r.stop()
		r.start()
		defer func() { r.stop() }()
		down.Store(true)
		pause(20 * time.Second)
		if n := len(robot.all()); n < 2 {
			t.Fatalf("%q: it is not tried again", submitted(robot.all()))
		}
		down.Store(false)
		r.stop()
		r.start()
		pause(time.Minute)
		all := robot.all()
		for _, b := range all {
			if b.ID != all[0].ID {
				t.Errorf("a redelivery has the id %s, not %s", b.ID, all[0].ID)
			}
		}
		if text := r.state().Text(); text != "before \nthanks\n" {
			t.Errorf("the wavelet reads %q", text)
		}
	})
}
