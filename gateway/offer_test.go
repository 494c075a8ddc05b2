package gateway_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/events"
	"weir/gateway"
	"weir/wavelet"
)

// everywhere is a robot that answers what people write in main with a line in
// right, one in third and one in main. Each time it answers something else.
type everywhere struct {
	recorder
	answers atomic.Int64
}

func (r *rig) everywhere() *everywhere {
	e := &everywhere{}
	e.reply = func(_ context.Context, b events.Bundle) (events.Answer, error) {
		if b.Seat.Wavelet != main || b.State.Text() == "\n" {
			return events.Answer{}, nil
		}
		line := fmt.Sprintf("answer %d", e.answers.Add(1))
		a := events.Answer{Deltas: append(r.lines(quiet, right, line), r.lines(quiet, third, line)...)}
		a.Deltas = append(a.Deltas, appends(b, line).Deltas...)
		return a, nil
	}
	return e
}

// stops is where a process may end while it commits an answer of three deltas.
func stops() map[string]*crash {
	all := map[string]*crash{}
	for n := range 3 {
		all[fmt.Sprintf("killed after %d deltas", n)] = &crash{lets: n}
		all[fmt.Sprintf("killed after %d deltas, and one that nobody heard of", n)] = &crash{lets: n, commits: true}
		all[fmt.Sprintf("stopped after %d deltas", n)] = &crash{lets: n, kv: &mortal{}}
	}
	return all
}

// TestAnAnswerIsFinished has the process end between the deltas of an answer. What
// is missing is committed after the next start, by the same lineage and against what
// people wrote since, and the robot is not asked again.
func TestAnAnswerIsFinished(t *testing.T) {
	for what, at := range stops() {
		for name, types := range map[string][]events.Type{"changes": nil, "ends": {events.BlipSubmitted}} {
			t.Run(what+", "+name, func(t *testing.T) {
				inBubble(t, func(t *testing.T, r *rig) { testFinished(t, r, *at, types) })
			})
		}
	}
}

func testFinished(t *testing.T, r *rig, at crash, types []events.Type) {
	robot := r.everywhere()
	if r.register(quiet, "default", robot.receive); types != nil {
		r.registerChooser(quiet, &robot.recorder, types...)
	}
	r.start()
	r.open(right, quiet)
	r.open(third, quiet)
	r.create(quiet)
	pause(3 * time.Second)
	r.stop()
	if at.kv == nil {
		at.kv = r.kv
	}
	r.between = func(h gateway.Host) gateway.Host { at.Host = h; return &at }
	r.start()
	said := r.types(ann, "one ")
	pause(8 * time.Second)
	if !at.crashed {
		t.Fatal("the robot has not answered")
	}
	for _, name := range []wavelet.Name{right, third} {
		if _, err := r.host.SubmitHuman(t.Context(), name, wavelet.Delta{Author: ann, Base: 1, Ops: r.lines(quiet, name, "hers")[0].Ops}); err != nil {
			t.Fatal(err)
		}
	}
	r.stop()
	r.between = nil
	r.comeBack()
	defer r.stop()
	for _, name := range []wavelet.Name{main, right, third} {
		if text := r.read(name); strings.Count(text, "answer 1\n") != 1 || strings.Count(text, "answer") != 1 {
			t.Errorf("%s reads %q", name, text)
		}
		for c, err := range r.host.Read(t.Context(), name, 1) {
			if err != nil {
				t.Fatal(err)
			}
			if cause := c.Delta.Cause; c.Delta.Author == quiet && (cause.ID != said.Delta.Cause.ID || cause.Depth != 1 || cause.Exact != 1 || cause.Parent != ann) {
				t.Errorf("the cause in %s is %+v", name, cause)
			}
		}
	}
	if n := robot.answers.Load(); n != 1 {
		t.Errorf("the robot has answered %d times: %q", n, robot.got())
	}
	r.types(ann, "two ")
	pause(10 * time.Second)
	if n := strings.Count(r.read(right), "answer"); n != 2 {
		t.Errorf("it is not asked any more: %q reads %q", robot.got(), r.read(right))
	}
}

// TestWhatWasRefusedStaysRefused has a part of an answer refused, and let in only
// after the answer is done with: a start much later does not write it.
func TestWhatWasRefusedStaysRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		robot := r.everywhere()
		r.register(quiet, "default", robot.receive)
		r.start()
		r.open(right, quiet)
		r.open(third, bob)
		r.create(quiet)
		pause(3 * time.Second)
		r.types(ann, "one ")
		pause(3 * time.Second)
		if list := r.happened(gateway.Refused); len(list) != 1 || list[0].Seat.Wavelet != third {
			t.Fatalf("refused: %+v", list)
		}
		if _, err := r.host.SubmitHuman(t.Context(), third, wavelet.Delta{Author: ann, Base: 1, Ops: []wavelet.Op{wavelet.AddParticipant{Who: quiet}}}); err != nil {
			t.Fatal(err)
		}
		pause(3 * time.Second)
		r.kv.dead.Store(true)
		r.stop()
		r.start()
		defer r.stop()
		pause(20 * time.Second)
		if text := r.read(third); strings.Contains(text, "answer") {
			t.Errorf("it reads %q", text)
		}
	})
}

// TestANewWaveIsFinished has the process end between what makes a wave and what
// speaks of it.
func TestANewWaveIsFinished(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		at := &crash{lets: 1, kv: r.kv}
		robot := recorder{reply: func(_ context.Context, b events.Bundle) (events.Answer, error) {
			if strings.HasPrefix(b.State.Text(), "make") {
				return creates(b, "made", ann), nil
			}
			return events.Answer{}, nil
		}}
		r.register(echoA, "default", robot.receive)
		r.between = func(h gateway.Host) gateway.Host { at.Host = h; return at }
		r.start()
		r.create(echoA)
		pause(3 * time.Second)
		r.types(ann, "make ")
		pause(3 * time.Second)
		if !at.crashed {
			t.Fatal("the robot has not answered")
		}
		r.stop()
		r.between = nil
		r.start()
		defer r.stop()
		pause(10 * time.Second)
		name := robot.all()[1].NewWavelet("example.com", 0)
		if n := len(robot.all()); n != 2 || r.read(name) != "made\n" || r.read(main) != "make \nmade\n" {
			t.Errorf("%d bundles; the new wave reads %q, the old one %q", n, r.read(name), r.read(main))
		}
	})
}
