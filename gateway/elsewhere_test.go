package gateway_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/events"
	"weir/gateway"
	"weir/governor"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

var (
	right = wavelet.Name{Wave: "example.com!w+right", Wavelet: "example.com!conv+root"}
	third = wavelet.Name{Wave: "example.com!w+third", Wavelet: "example.com!conv+root"}
)

// open makes another wavelet of ann's.
func (r *rig) open(name wavelet.Name, others ...wavelet.Participant) {
	r.t.Helper()
	if _, err := r.host.Create(r.t.Context(), name, ann, others...); err != nil {
		r.t.Fatal(err)
	}
}

// lines is a delta that writes a line into a wavelet as the robot finds it; none
// if it finds nothing.
func (r *rig) lines(robot wavelet.Participant, in wavelet.Name, line string) []events.AnswerDelta {
	s, err := r.gateway.Find(context.Background(), wavelet.Seat{Wavelet: in, Robot: robot})
	if err != nil {
		return nil
	}
	return []events.AnswerDelta{{Wavelet: in, Author: robot, Base: s.Version(), Ops: []wavelet.Op{
		wavelet.EditBlip{Blip: s.Root(), Delta: richtext.Delta(nil).Insert(line+"\n", none)}}}}
}

// TestAnAnswerGoesToAnotherWavelet has a robot answer what it hears in one
// wavelet there, in another one, and in one where it does not take part.
func TestAnAnswerGoesToAnotherWavelet(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		robot := recorder{reply: func(_ context.Context, b events.Bundle) (events.Answer, error) {
			if b.Seat.Wavelet != main || b.Events[0].Type == events.WaveletSelfAdded {
				return events.Answer{}, nil
			}
			a := appends(b, "here")
			a.Deltas = append(r.lines(quiet, third, "nowhere"), append(r.lines(quiet, right, "there"), a.Deltas...)...)
			return a, nil
		}}
		r.register(quiet, "default", robot.receive)
		r.start()
		defer r.stop()
		r.open(right, quiet)
		r.open(third, bob)
		r.create(quiet)
		pause(2 * time.Second)
		said := r.types(ann, "go ")
		pause(2 * time.Second)
		if r.read(main) != "go \nhere\n" || r.read(right) != "there\n\n" || r.read(third) != "\n" {
			t.Errorf("they read %q, %q, %q", r.read(main), r.read(right), r.read(third))
		}
		if list := r.happened(gateway.Refused); len(list) != 1 || code(list[0].Err) != wavelet.CodeNotParticipant || list[0].Seat.Wavelet != third {
			t.Errorf("refused: %+v", list)
		}
		var causes []wavelet.Cause
		for _, name := range []wavelet.Name{main, right} {
			for c, err := range r.host.Read(t.Context(), name, 1) {
				if err != nil {
					t.Fatal(err)
				}
				if c.Delta.Author == quiet {
					causes = append(causes, c.Delta.Cause)
				}
			}
		}
		if len(causes) != 2 || causes[0] != causes[1] || causes[0].ID != said.Delta.Cause.ID || causes[0].Depth != 1 || causes[0].Parent != ann || causes[0].Kind != wavelet.Robot {
			t.Errorf("the causes are %+v, want that of %+v twice", causes, said.Delta.Cause)
		}
		r.types(ann, "on ")
		pause(2 * time.Second)
		var told []string
		for _, b := range robot.all() {
			for _, e := range b.Events {
				if e.Type == events.OperationError {
					told = append(told, fmt.Sprint(b.Seat.Wavelet == main, e.Failure.Code))
				}
			}
		}
		if len(told) != 1 || told[0] != "true 403" {
			t.Errorf("it was told of failures: %q", told)
		}
	})
}

// TestAnEvictedRobotWritesNothingThere has the governor put a robot out of the
// other wavelet: it finds nothing there any more, and what it had found before
// comes to nothing; what it writes elsewhere is written.
func TestAnEvictedRobotWritesNothingThere(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var before []events.AnswerDelta
		r.register(quiet, "default", func(_ context.Context, b events.Bundle) (events.Answer, error) {
			if b.Seat.Wavelet != main || before == nil {
				return events.Answer{}, nil
			}
			return events.Answer{Deltas: append(before, appends(b, "here").Deltas...)}, nil
		})
		r.start()
		defer r.stop()
		r.open(right, quiet)
		r.create(quiet)
		pause(2 * time.Second)
		before = r.lines(quiet, right, "there")
		seat := wavelet.Seat{Wavelet: right, Robot: quiet}
		deep := governor.Delivery{Seat: seat, Bundle: "b", RobotLane: true, Author: echoA, Sent: time.Now(),
			Cause: wavelet.Cause{ID: "c", Depth: 15, Exact: 15, Kind: wavelet.Robot}}
		if v := r.gov.Answer(time.Now(), governor.Answer{Robot: quiet, Wavelet: right, Delta: "x", Named: deep}); len(v.Acts) != 1 {
			t.Fatalf("%+v", v)
		}
		if s, err := r.gateway.Find(t.Context(), seat); s != nil || code(err) != wavelet.CodeEvicted {
			t.Errorf("it finds %v, %v", s, err)
		}
		r.types(ann, "go ")
		pause(2 * time.Second)
		if r.read(main) != "go \nhere\n" || r.read(right) != "\n" {
			t.Errorf("they read %q and %q", r.read(main), r.read(right))
		}
		if list := r.happened(gateway.Refused); len(list) != 1 || code(list[0].Err) != wavelet.CodeEvicted {
			t.Errorf("refused: %+v", list)
		}
	})
}

// TestAnswersElsewhereAreWrittenOnce has the process end before and after an
// answer is committed in another wavelet.
func TestAnswersElsewhereAreWrittenOnce(t *testing.T) {
	for what, at := range crashes() {
		t.Run(what, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				robot := recorder{reply: func(_ context.Context, b events.Bundle) (events.Answer, error) {
					if b.Seat.Wavelet != main || b.Events[0].Type == events.WaveletSelfAdded {
						return events.Answer{}, nil
					}
					return events.Answer{Deltas: r.lines(quiet, right, "there")}, nil
				}}
				at.answers(&robot)
				r.register(quiet, "default", robot.receive)
				r.start()
				r.open(right, quiet)
				r.create(quiet)
				pause(3 * time.Second)
				r.stop()
				r.between = func(h gateway.Host) gateway.Host { at.Host, at.kv = h, r.kv; return at }
				r.start()
				before := len(robot.all())
				r.types(ann, "one ")
				pause(2 * time.Second)
				if !at.crashed {
					t.Fatal("the robot has not answered")
				}
				r.stop()
				r.between = nil
				r.comeBack()
				defer r.stop()
				if r.read(right) != "there\n\n" {
					t.Errorf("it reads %q", r.read(right))
				}
				if n, want := len(robot.all())-before, map[bool]int{true: 2, false: 1}[at.early]; n != want {
					t.Errorf("the bundle was sent %d times, want %d", n, want)
				}
			})
		})
	}
}

// TestALoopOverTwoWaveletsIsCaught has two robots that take part in both of two
// wavelets: what one hears in the first it answers in the second, and the other
// one the other way round. A person has begun it once.
func TestALoopOverTwoWaveletsIsCaught(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		across := func(self wavelet.Participant, from, to wavelet.Name) *recorder {
			n := 0
			return &recorder{reply: func(_ context.Context, b events.Bundle) (events.Answer, error) {
				if b.Seat.Wavelet != from || b.Events[0].Type == events.WaveletSelfAdded {
					return events.Answer{}, nil
				}
				n++
				return events.Answer{Deltas: r.lines(self, to, fmt.Sprint("echo ", n))}, nil
			}}
		}
		a, b := across(echoA, main, right), across(echoB, right, main)
		r.register(echoA, "default", a.receive)
		r.register(echoB, "default", b.receive)
		r.start()
		defer r.stop()
		r.open(right, echoA, echoB)
		r.create(echoA, echoB)
		pause(2 * time.Second)
		r.types(ann, "hello ")
		pause(time.Minute)
		written := strings.Count(r.read(main)+r.read(right), "echo ")
		if written < 10 || written > 34 {
			t.Errorf("%d answers were written", written)
		}
		evicted := r.happened(gateway.Evicted)
		if len(evicted) != 1 || evicted[0].Decision.Rule != "depth" {
			t.Fatalf("evicted: %+v", evicted)
		}
		for _, who := range []string{"echo-a@example.com", "echo-b@example.com"} {
			if !strings.Contains(evicted[0].Notice, who) {
				t.Errorf("the notice does not name %s: %s", who, evicted[0].Notice)
			}
		}
		pause(5 * time.Minute)
		if n := strings.Count(r.read(main)+r.read(right), "echo "); n != written {
			t.Errorf("it goes on: %d answers, then %d", written, n)
		}
	})
}
