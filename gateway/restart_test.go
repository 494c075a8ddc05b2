package gateway_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"weir/events"
	"weir/gateway"
	"weir/wavelet"

	"github.com/google/go-cmp/cmp"
)

func TestEventsMissedWhileDownAreDelivered(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var robot recorder
		r.register(quiet, "default", robot.receive)
		r.start()
		r.create(quiet)
		pause(time.Second)
		r.types(ann, "told ")
		pause(2 * time.Second)
		r.types(ann, "pending ")
		r.stop()
		r.start()
		r.stop() // a start that ends at once loses nothing
		r.start()
		defer r.stop()
		r.types(ann, "later ")
		pause(2 * time.Second)
		if n := len(robot.all()); n != 3 {
			t.Fatalf("%d bundles, want 3: %q", n, robot.got())
		}
		last := robot.all()[2]
		if last.From != 2 || last.Version != 4 || last.Deltas != 2 || last.State.Text() != "later pending told \n" {
			t.Errorf("the last bundle goes from %d to %d with %d deltas", last.From, last.Version, last.Deltas)
		}
	})
}

func TestASecondStartTellsNothingTwice(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		robot := recorder{reply: echo(0)}
		r.register(quiet, "default", robot.receive)
		r.start()
		r.create(quiet)
		pause(3 * time.Second)
		text := r.state().Text()
		for range 3 {
			r.stop()
			r.start()
			pause(5 * time.Second)
		}
		defer r.stop()
		if len(robot.all()) != 1 || r.state().Text() != text {
			t.Errorf("%d bundles, text %q", len(robot.all()), r.state().Text())
		}
	})
}

// A seat that ended and began again between two savings is there after a restart,
// and is not told again that it began.
func TestSeatThatComesBackAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.opts.Checkpoint = time.Hour
		var robot recorder
		r.register(quiet, "default", robot.receive)
		r.start()
		r.create(quiet)
		for _, op := range []wavelet.Op{wavelet.RemoveParticipant{Who: quiet}, wavelet.AddParticipant{Who: quiet}} {
			pause(2 * time.Second)
			if err := r.does(ann, op); err != nil {
				t.Fatal(err)
			}
		}
		pause(2 * time.Second)
		r.stop()
		r.start()
		defer r.stop()
		pause(2 * time.Second)
		if n := len(robot.all()); n != 3 {
			t.Errorf("%d bundles, want 3: %q", n, robot.got())
		}
	})
}

// A commit that the gateway is told of twice, once while it takes a seat up and
// once by the host, counts once.
func TestCommitsToldTwice(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var robot recorder
		r.register(quiet, "default", robot.receive)
		r.start()
		defer r.stop()
		r.create(quiet)
		pause(time.Second)
		if err := r.does(ann, wavelet.RemoveParticipant{Who: quiet}); err != nil {
			t.Fatal(err)
		}
		if err := r.does(ann, wavelet.AddParticipant{Who: quiet}); err != nil {
			t.Fatal(err)
		}
		for c, err := range r.host.Read(t.Context(), main, 1) {
			if err != nil {
				t.Fatal(err)
			}
			if c.Version == 2 {
				r.gateway.Committed(c)
			}
		}
		if err := r.does(ann, wavelet.RemoveParticipant{Who: quiet}); err != nil {
			t.Fatal(err)
		}
		pause(2 * time.Second)
		if n := r.gateway.Stats().Seats; n != 0 {
			t.Errorf("%d seats left of a robot that was removed", n)
		}
	})
}

// crash is a host between which and the gateway the process ends: nothing comes
// back from it any more, and nothing more is written down.
type crash struct {
	gateway.Host
	kv      *mortal
	early   bool // it ends before the answer is written down
	lets    int  // so many deltas of robots are committed before it ends
	commits bool // one more is, but nobody hears of it
	crashed bool
}

// answers is the crash as one of the robot, which dies when it has answered if
// that is early.
func (c *crash) answers(robot *recorder) {
	reply := robot.reply
	robot.reply = func(ctx context.Context, b events.Bundle) (events.Answer, error) {
		a, err := reply(ctx, b)
		if len(a.Deltas) > 0 && c.early && c.kv != nil && !c.crashed {
			c.kv.dead.Store(true)
		}
		return a, err
	}
}

func (c *crash) Submit(ctx context.Context, name wavelet.Name, d wavelet.Delta) (wavelet.Commit, error) {
	if d.Cause.Kind != wavelet.Robot || c.crashed {
		return c.Host.Submit(ctx, name, d)
	}
	if c.lets--; c.lets >= 0 {
		return c.Host.Submit(ctx, name, d)
	}
	c.crashed = true
	if c.commits {
		if _, err := c.Host.Submit(ctx, name, d); err != nil {
			return wavelet.Commit{}, err
		}
	}
	c.kv.dead.Store(true)
	<-ctx.Done()
	return wavelet.Commit{}, context.Cause(ctx)
}

// crashes is where a process may end while it commits an answer of one delta.
func crashes() map[string]*crash {
	return map[string]*crash{
		"before it is written down": {early: true},
		"before the commit":         {},
		"after the commit":          {commits: true},
	}
}

// A stop between the robot's answer and the cursor: wherever it falls, the
// answer is written once, and the robot is told what came in between. It is
// asked again only if its answer was not written down.
func TestAnswersAreWrittenOnce(t *testing.T) {
	for what, at := range crashes() {
		t.Run(what, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				robot := recorder{reply: echo(0)}
				at.answers(&robot)
				r.register(quiet, "default", robot.receive)
				r.start()
				r.create(quiet)
				pause(3 * time.Second)
				r.stop()
				r.between = func(h gateway.Host) gateway.Host { at.Host, at.kv = h, r.kv; return at }
				r.start()
				r.types(ann, "one ")
				pause(2 * time.Second)
				if !at.crashed {
					t.Fatal("the robot has not answered")
				}
				r.types(ann, "two ")
				r.stop()
				r.between = nil
				r.start()
				defer r.stop()
				pause(20 * time.Second)
				want := []string{
					"human: WAVELET_SELF_ADDED, WAVELET_PARTICIPANTS_CHANGED, WAVELET_BLIP_CREATED",
					"human: DOCUMENT_CHANGED, WAVELET_TITLE_CHANGED",
					"human: DOCUMENT_CHANGED, WAVELET_TITLE_CHANGED",
				}
				if diff := cmp.Diff(want, robot.got()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				same := robot.all()[1].ID == robot.all()[2].ID
				if same != at.early {
					t.Errorf("the same bundle again: %v", same)
				}
				lines := strings.Count(r.state().Text(), "echo")
				if wanted := map[bool]int{true: 2, false: 3}[at.early]; lines != wanted {
					t.Errorf("%d answers written, want %d: %q", lines, wanted, r.state().Text())
				}
			})
		})
	}
}

// A robot whose answer could not be stored is not asked again: the answer waits,
// and is written once.
func TestUnstoredAnswersWait(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		robot := recorder{reply: echo(0)}
		r.register(quiet, "default", robot.receive)
		failing := &flaky{}
		r.between = func(h gateway.Host) gateway.Host { failing.Host = h; return failing }
		r.start()
		defer r.stop()
		r.create(quiet)
		pause(time.Second)
		failing.times = 3
		r.types(ann, "x")
		pause(700 * time.Millisecond)
		if st := r.stats(quiet); st.InFlight != 1 {
			t.Errorf("the answer does not wait: %+v", st)
		}
		pause(time.Minute)
		if n := strings.Count(r.state().Text(), "echo"); n != 2 {
			t.Errorf("%d answers written, want 2: %q", n, r.state().Text())
		}
		if n := len(robot.all()); n != 2 {
			t.Errorf("%d deliveries: %q", n, robot.got())
		}
		if st := r.stats(quiet); st.Answered != 2 || st.HumanBundles != 2 || st.Committed != 2 {
			t.Errorf("%+v", st)
		}
	})
}

// flaky is a host that cannot store some commits, and loses the outcome of one.
type flaky struct {
	gateway.Host
	times int
}

func (f *flaky) Submit(ctx context.Context, name wavelet.Name, d wavelet.Delta) (wavelet.Commit, error) {
	if f.times > 1 {
		f.times--
		return wavelet.Commit{}, &wavelet.Refusal{Code: wavelet.CodeDiskFull, Op: -1, Reason: "the disk is full"}
	}
	c, err := f.Host.Submit(ctx, name, d)
	if f.times > 0 {
		f.times--
		return wavelet.Commit{}, &wavelet.Refusal{Code: wavelet.CodeOutcome, Op: -1, Reason: "the outcome is not known"}
	}
	return c, err
}

func TestSeatsOfTheRemovedWhileDown(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var robot, late recorder
		r.register(quiet, "default", robot.receive)
		r.register(spell, "default", late.receive)
		r.start()
		r.create(quiet)
		pause(3 * time.Second)
		r.stop()
		delete(r.roster.entries, spell) // registered again below, while the gateway is down
		r.start()
		if err := r.does(ann, wavelet.AddParticipant{Who: spell}); err != nil {
			t.Fatal(err)
		}
		r.stop()
		r.register(spell, "default", late.receive)
		r.start()
		defer r.stop()
		pause(2 * time.Second)
		if got := late.got(); len(got) != 1 || got[0] != "human: WAVELET_SELF_ADDED, WAVELET_PARTICIPANTS_CHANGED" {
			t.Errorf("registered while down: %q", got)
		}
		var kinds []events.Type
		for _, e := range robot.all()[len(robot.all())-1].Events {
			kinds = append(kinds, e.Type)
		}
		if diff := cmp.Diff([]events.Type{events.WaveletParticipantsChanged}, kinds); diff != "" {
			t.Errorf("the other robot (-want +got):\n%s", diff)
		}
	})
}
