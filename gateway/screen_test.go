package gateway_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"weir/events"
	"weir/gateway"
	"weir/wavelet"
)

// TestAnAnswerIsNotLostForOneWhoMayNotReturn has a robot add one that was put
// out, beside a line of its own. The line is written, and it is told why the
// other did not come.
func TestAnAnswerIsNotLostForOneWhoMayNotReturn(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var out wavelet.Participant
		adder := recorder{reply: func(_ context.Context, b events.Bundle) (events.Answer, error) {
			if b.Lane == events.RobotLane || out == "" {
				return events.Answer{}, nil
			}
			a := appends(b, "welcome back")
			a.Deltas[0].Ops = append([]wavelet.Op{
				wavelet.AddParticipant{Who: out}, wavelet.SetRole{Who: out, Role: wavelet.Read},
			}, a.Deltas[0].Ops...)
			return a, nil
		}}
		r.loop(echo(200*time.Millisecond), echo(300*time.Millisecond))
		r.register(quiet, "default", adder.receive)
		r.start()
		defer r.stop()
		r.create(quiet, echoA, echoB)
		pause(time.Second)
		r.types(ann, "go ")
		pause(30 * time.Second)
		evicted := r.happened(gateway.Evicted)
		if len(evicted) != 1 {
			t.Fatalf("%d robots evicted, want 1", len(evicted))
		}
		out = evicted[0].Seat.Robot
		r.types(ann, "call them ")
		pause(2 * time.Second)
		if _, in := r.state().Role(out); in || !strings.Contains(r.state().Text(), "welcome back") {
			t.Errorf("the robot is back: %t; the wavelet reads %q", in, r.state().Text())
		}
		pause(30 * time.Second)
		r.types(ann, "and ")
		pause(2 * time.Second)
		told := ""
		for _, b := range adder.all() {
			for _, e := range b.Events {
				if e.Type == events.OperationError {
					told = e.Failure.Message
				}
			}
		}
		if !strings.Contains(told, string(out)+" was put out") {
			t.Errorf("the robot is told %q", told)
		}
	})
}
