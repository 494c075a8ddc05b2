package gateway_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"weir/events"
	"weir/gateway"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// creates is an answer that makes a wave with others in it, and writes a line in
// the wavelet that the bundle is about.
func creates(b events.Bundle, line string, others ...wavelet.Participant) events.Answer {
	a := appends(b, line)
	opening := wavelet.Opening(b.Seat.Robot, others...)
	root := opening[len(opening)-1].(wavelet.CreateBlip)
	root.Content = richtext.Delta(nil).Insert(line+"\n", none)
	opening[len(opening)-1] = root
	a.Deltas = append(a.Deltas, events.AnswerDelta{Wavelet: b.NewWavelet("example.com", 0), Author: b.Seat.Robot, Ops: opening})
	return a
}

// read is the text of a wavelet, "" if there is none.
func (r *rig) read(name wavelet.Name) string {
	s, err := r.host.Snapshot(r.t.Context(), name, gateway.Head)
	if err != nil {
		return ""
	}
	return s.Text()
}

// TestAnAnswerMakesAWave has a robot answer with a new wave, in which another
// robot is told that it was added, with the lineage of what began it.
func TestAnAnswerMakesAWave(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var guest recorder
		maker := recorder{reply: func(_ context.Context, b events.Bundle) (events.Answer, error) {
			if strings.HasPrefix(b.State.Text(), "make") {
				return creates(b, "made", quiet, ann), nil
			}
			return events.Answer{}, nil
		}}
		r.register(echoA, "default", maker.receive)
		r.register(quiet, "default", guest.receive)
		r.start()
		defer r.stop()
		r.create(echoA)
		pause(time.Second)
		r.types(ann, "make ")
		pause(3 * time.Second)
		name := maker.all()[1].NewWavelet("example.com", 0)
		if r.read(name) != "made\n" || r.state().Text() != "make \nmade\n" {
			t.Errorf("the new wave reads %q, the old one %q", r.read(name), r.state().Text())
		}
		if n := len(guest.all()); n != 1 || guest.all()[0].Lane != events.RobotLane || guest.all()[0].Seat.Wavelet != name {
			t.Fatalf("the guest got %q", guest.got())
		}
		if c := guest.all()[0].Cause; c.Depth != 1 || c.Parent != ann || c.Kind != wavelet.Robot {
			t.Errorf("the new wave was caused by %+v", c)
		}
		if n := len(maker.all()); n != 2 {
			t.Errorf("the robot is told about its own wave: %q", maker.got())
		}
	})
}

// TestARedeliveryMakesNoSecondWave has the process die after an answer was
// committed, with nothing of it written down.
func TestARedeliveryMakesNoSecondWave(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		maker := recorder{reply: func(_ context.Context, b events.Bundle) (events.Answer, error) {
			if strings.HasPrefix(b.State.Text(), "make") {
				return creates(b, "made", ann), nil
			}
			return events.Answer{}, nil
		}}
		r.register(echoA, "default", maker.receive)
		r.start()
		r.create(echoA)
		pause(2 * time.Second)
		r.kv.dead.Store(true)
		r.types(ann, "make ")
		pause(2 * time.Second)
		r.stop()
		r.start()
		defer r.stop()
		pause(5 * time.Second)
		waves := 0
		for name, err := range r.host.Of(t.Context(), echoA) {
			if err != nil {
				t.Fatal(err)
			}
			if name != main {
				waves++
			}
		}
		if n := len(maker.all()); n != 3 || waves != 1 || r.state().Text() != "make \nmade\n" {
			t.Errorf("%d bundles made %d waves; the old one reads %q", n, waves, r.state().Text())
		}
	})
}

// TestANewWaveIsNobodyElses refuses to write, as if it were new, in a wave that
// is there and in which the robot does not take part.
func TestANewWaveIsNobodyElses(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		other := wavelet.Name{Wave: "example.com!w+other", Wavelet: "example.com!conv+root"}
		r.register(echoA, "default", func(_ context.Context, b events.Bundle) (events.Answer, error) {
			a := creates(b, "made")
			a.Deltas[1].Wavelet = other
			return a, nil
		})
		r.start()
		defer r.stop()
		if _, err := r.host.Create(t.Context(), other, bob); err != nil {
			t.Fatal(err)
		}
		before := r.read(other)
		r.create(echoA)
		pause(2 * time.Second)
		if r.read(other) != before || r.state().Text() == "\n" {
			t.Errorf("another's wave reads %q, the robot's %q", r.read(other), r.state().Text())
		}
		if n := len(r.happened(gateway.Refused)); n != 1 {
			t.Errorf("%d refusals, want 1", n)
		}
	})
}

// TestWavesThatBeginWavesAreALoop has two robots answer each new wave with
// another one, in which the other is. People began it once.
func TestWavesThatBeginWavesAreALoop(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		with := func(other wavelet.Participant) robotFunc {
			return func(_ context.Context, b events.Bundle) (events.Answer, error) {
				if b.Events[0].Type != events.WaveletSelfAdded {
					return events.Answer{}, nil
				}
				return creates(b, "on we go", other), nil
			}
		}
		r.register(echoA, "default", with(echoB))
		r.register(echoB, "default", with(echoA))
		r.start()
		defer r.stop()
		r.create(echoA)
		pause(5 * time.Minute)
		waves := 0
		for _, err := range r.host.Of(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			waves++
		}
		if waves < 10 || waves > 18 || len(r.happened(gateway.Decided)) == 0 {
			t.Errorf("%d waves, %d decisions", waves, len(r.happened(gateway.Decided)))
		}
	})
}
