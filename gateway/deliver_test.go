package gateway_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"weir/events"
	"weir/gateway"
	"weir/wavelet"

	"github.com/google/go-cmp/cmp"
)

func TestKeystrokesAreMergedAndPaced(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var robot recorder
		r.register(quiet, "default", robot.receive)
		r.start()
		defer r.stop()
		r.create(quiet)
		pause(time.Second)
		for range 20 {
			r.types(ann, "x")
			pause(100 * time.Millisecond)
		}
		pause(time.Second)
		if diff := cmp.Diff([]string{
			"human: WAVELET_SELF_ADDED, WAVELET_PARTICIPANTS_CHANGED, WAVELET_BLIP_CREATED",
			"human: DOCUMENT_CHANGED, WAVELET_TITLE_CHANGED",
			"human: DOCUMENT_CHANGED, WAVELET_TITLE_CHANGED",
			"human: DOCUMENT_CHANGED, WAVELET_TITLE_CHANGED",
			"human: DOCUMENT_CHANGED, WAVELET_TITLE_CHANGED",
		}, robot.got()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for i := 1; i < len(robot.times()); i++ {
			if gap := robot.times()[i].Sub(robot.times()[i-1]); gap < 500*time.Millisecond {
				t.Errorf("bundle %d came %s after the one before", i, gap)
			}
		}
		st := r.stats(quiet)
		if st.HumanBundles != 5 || st.RawDeltas != 21 || st.RobotBundles != 0 || st.Waiting != 0 {
			t.Errorf("stats %+v", st)
		}
		last := robot.all()[4]
		if last.State.Text() != r.state().Text() || last.Version != r.state().Version() || len(last.Limits.Limits) == 0 {
			t.Errorf("the last bundle is at version %d with %d limits", last.Version, len(last.Limits.Limits))
		}
	})
}

func TestNothingNewNoBundle(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var robot recorder
		r.register(quiet, "default", robot.receive)
		r.start()
		defer r.stop()
		r.create(quiet)
		pause(time.Second)
		r.does(ann, wavelet.SetTag{Tag: "x"})
		r.does(ann, wavelet.SetTag{Tag: "x", Remove: true})
		pause(time.Second)
		if n := len(robot.got()); n != 1 {
			t.Errorf("%d bundles, want only the first", n)
		}
		if st := r.stats(quiet); st.Silent != 1 {
			t.Errorf("%d silent windows, want 1", st.Silent)
		}
	})
}

// deaf wants no bundle after the first.
type deaf struct{ *recorder }

func (d deaf) Receive(ctx context.Context, b events.Bundle) (events.Answer, error) {
	return d.receive(ctx, b)
}

func (d deaf) Wants(events.Bundle) bool { return len(d.all()) == 0 }

func TestUnwantedBundlesAreNotCounted(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var robot recorder
		r.register(quiet, "default", robot.receive)
		e := r.roster.entries[quiet]
		e.robot = deaf{&robot}
		r.roster.entries[quiet] = e
		r.start()
		defer r.stop()
		r.create(quiet)
		pause(time.Second)
		r.types(ann, "nobody listens")
		pause(2 * time.Second)
		if st := r.stats(quiet); len(robot.all()) != 1 || st.HumanBundles != 1 || st.Silent != 1 || st.Waiting != 0 {
			t.Errorf("%d bundles, stats %+v", len(robot.all()), st)
		}
	})
}

func TestFailuresAreRetriedAndNothingIsLost(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var down atomic.Bool
		down.Store(true)
		robot := recorder{reply: func(context.Context, events.Bundle) (events.Answer, error) {
			if down.Load() {
				return events.Answer{}, errors.New("connection refused")
			}
			return events.Answer{}, nil
		}}
		r.register(quiet, "default", robot.receive)
		r.start()
		defer r.stop()
		r.create(quiet)
		pause(10 * time.Second)
		r.types(ann, "while you were down")
		pause(5 * time.Minute)
		if st := r.stats(quiet); st.Failures < 6 || st.OpenBreakers != 1 || len(r.happened(gateway.Broken)) != 1 {
			t.Errorf("%d failures, %d breakers open, opened %d times", st.Failures, st.OpenBreakers, len(r.happened(gateway.Broken)))
		}
		if n := len(robot.all()); n > 12 {
			t.Errorf("%d attempts in 5 minutes", n)
		}
		down.Store(false)
		pause(time.Minute)
		last := robot.all()[len(robot.all())-1]
		if last.ID != robot.all()[0].ID || last.Attempt != len(robot.all()) || !strings.Contains(last.State.Text(), "while you were down") {
			t.Errorf("the last attempt is %d of %d of bundle %s, first was %s", last.Attempt, len(robot.all()), last.ID, robot.all()[0].ID)
		}
		if st := r.stats(quiet); st.HumanBundles != 1 || st.OpenBreakers != 0 || st.Waiting != 0 {
			t.Errorf("afterwards %+v", st)
		}
	})
}

// A robot that hangs is called back after its timeout; fifty that hang do not
// delay the fifty-first.
func TestHangingRobotsDelayNobodyElse(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		hang := func(ctx context.Context, b events.Bundle) (events.Answer, error) {
			<-ctx.Done()
			return events.Answer{}, context.Cause(ctx)
		}
		var robots []wavelet.Participant
		for i := range 50 {
			id := wavelet.Participant("hang" + string(rune('a'+i/26)) + string(rune('a'+i%26)) + "@example.com")
			r.register(id, "default", hang)
			robots = append(robots, id)
		}
		var robot recorder
		r.register(quiet, "default", robot.receive)
		r.start()
		defer r.stop()
		r.create(append(robots, quiet)...)
		for range 30 {
			r.types(ann, "x")
			pause(700 * time.Millisecond)
		}
		pause(time.Second)
		st := r.stats(quiet)
		if st.LagMax > 500*time.Millisecond || st.HumanBundles < 15 {
			t.Errorf("the fifty-first waited %s, and got %d bundles", st.LagMax, st.HumanBundles)
		}
		if n := r.gateway.Stats().InFlight; n != 50 {
			t.Errorf("%d in flight, want the fifty that hang", n)
		}
		pause(time.Minute)
		if st := r.stats(robots[0]); st.Failures == 0 {
			t.Error("a robot that hung for a minute has not failed")
		}
	})
}

func TestBundlesToOneRobotAtATime(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.opts.InFlight = 3
		now, most, total := 0, 0, 0
		var mu = make(chan struct{}, 1)
		mu <- struct{}{}
		r.register(quiet, "default", func(ctx context.Context, b events.Bundle) (events.Answer, error) {
			<-mu
			now++
			total++
			most = max(most, now)
			mu <- struct{}{}
			time.Sleep(2 * time.Second)
			<-mu
			now--
			mu <- struct{}{}
			return events.Answer{}, nil
		})
		r.start()
		defer r.stop()
		for i := range 10 {
			name := wavelet.Name{Wave: "example.com!w+" + string(rune('a'+i)), Wavelet: main.Wavelet}
			if _, err := r.host.Create(t.Context(), name, ann, quiet); err != nil {
				t.Fatal(err)
			}
		}
		pause(20 * time.Second)
		if most != 3 || total != 10 {
			t.Errorf("at most %d at a time, %d in all; want 3 and 10", most, total)
		}
	})
}

func TestLargeWindowsGoOutInParts(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.opts.MaxEvents = 10
		var robot recorder
		r.register(quiet, "default", robot.receive)
		r.start()
		defer r.stop()
		r.create(quiet, spell)
		pause(time.Second)
		for range 25 {
			r.does(ann, wavelet.CreateBlip{Blip: wavelet.NewBlipID()})
			r.byRobot(spell, wavelet.SetTag{Tag: "x"})
		}
		pause(10 * time.Second)
		created := map[wavelet.BlipID]int{}
		from := wavelet.Version(1)
		bundles := 0
		for _, b := range robot.all()[1:] {
			if b.Lane == events.RobotLane {
				continue
			}
			bundles++
			if b.From != from {
				t.Errorf("a bundle starts at %d, the one before ended at %d", b.From, from)
			}
			if from = b.Version; from < r.state().Version() && from%2 == 0 {
				t.Errorf("a bundle ends at %d, and the next version is none of its lane's", from)
			}
			for _, e := range b.Events {
				created[e.NewBlip]++
			}
		}
		if bundles != 3 || len(created) != 25 || from != r.state().Version() {
			t.Errorf("%d bundles told of %d blips up to version %d", bundles, len(created), from)
		}
		for id, n := range created {
			if n != 1 {
				t.Errorf("blip %s was told %d times", id, n)
			}
		}
	})
}

func TestRemovedRobotIsToldSo(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var robot recorder
		r.register(quiet, "default", robot.receive)
		r.start()
		defer r.stop()
		r.create(quiet)
		pause(time.Second)
		r.types(ann, "x")
		if err := r.does(ann, wavelet.RemoveParticipant{Who: quiet}); err != nil {
			t.Fatal(err)
		}
		r.types(ann, "secret")
		pause(5 * time.Second)
		if diff := cmp.Diff([]string{
			"human: WAVELET_SELF_ADDED, WAVELET_PARTICIPANTS_CHANGED, WAVELET_BLIP_CREATED",
			"human: DOCUMENT_CHANGED, WAVELET_TITLE_CHANGED, WAVELET_PARTICIPANTS_CHANGED, WAVELET_SELF_REMOVED",
		}, robot.got()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if strings.Contains(robot.all()[1].State.Text(), "secret") {
			t.Error("the robot was shown what was written after its removal")
		}
		if n := r.gateway.Stats().Seats; n != 0 {
			t.Errorf("%d seats left", n)
		}
		for rec := range r.kv.Scan("cursor", nil, nil) {
			t.Errorf("its record is left: %s", rec.Value)
		}
		if err := r.does(ann, wavelet.AddParticipant{Who: quiet}); err != nil {
			t.Fatal(err)
		}
		pause(time.Second)
		if got := robot.got(); len(got) != 3 || got[2] != "human: WAVELET_SELF_ADDED, WAVELET_PARTICIPANTS_CHANGED" {
			t.Errorf("added again: %q", got)
		}
	})
}

// A robot that takes part under two names stays until both are removed.
func TestRobotUnderTwoNames(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var robot recorder
		r.register(quiet, "default", robot.receive)
		r.start()
		defer r.stop()
		r.create(quiet, "quiet+bob@example.com")
		pause(time.Second)
		if err := r.does(ann, wavelet.RemoveParticipant{Who: quiet}); err != nil {
			t.Fatal(err)
		}
		r.types(ann, "x")
		pause(time.Second)
		if got := robot.got(); len(got) != 2 || got[1] != "human: WAVELET_PARTICIPANTS_CHANGED, DOCUMENT_CHANGED, WAVELET_TITLE_CHANGED" {
			t.Errorf("under its other name it is told %q", got)
		}
		if err := r.does(ann, wavelet.RemoveParticipant{Who: "quiet+bob@example.com"}); err != nil {
			t.Fatal(err)
		}
		pause(time.Second)
		if got := robot.got(); len(got) != 3 || !strings.HasSuffix(got[2], "WAVELET_SELF_REMOVED") || r.gateway.Stats().Seats != 0 {
			t.Errorf("and then %q, with %d seats", got, r.gateway.Stats().Seats)
		}
	})
}

func TestRobotsThatChange(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.start()
		defer r.stop()
		r.create(quiet)
		r.types(ann, "before it was registered")
		pause(time.Second)
		var robot recorder
		r.register(quiet, "default", robot.receive)
		r.gateway.RobotChanged(quiet)
		pause(time.Second)
		if got := robot.got(); len(got) != 1 || !strings.HasPrefix(got[0], "human: WAVELET_SELF_ADDED") {
			t.Errorf("after registering: %q", got)
		}
		set := func(change func(e *entry)) {
			r.roster.mu.Lock()
			e := r.roster.entries[quiet]
			change(&e)
			r.roster.entries[quiet] = e
			r.roster.mu.Unlock()
			r.gateway.RobotChanged(quiet)
		}
		set(func(e *entry) { e.out = true })
		r.types(ann, "while suspended")
		pause(time.Minute)
		if n := len(robot.got()); n != 1 {
			t.Errorf("%d bundles, one of them while suspended", n)
		}
		set(func(e *entry) { e.out = false; e.profile.Pace.Merge = 5 * time.Second })
		pause(time.Second)
		if n := len(robot.got()); n != 2 {
			t.Errorf("%d bundles after it was resumed, want 2", n)
		}
		r.types(ann, "at the new pace")
		pause(4 * time.Second)
		if n := len(robot.got()); n != 2 {
			t.Errorf("%d bundles, the new pace is not in force", n)
		}
		pause(2 * time.Second)
		if n := len(robot.got()); n != 3 {
			t.Errorf("%d bundles, want 3", n)
		}
		r.roster.mu.Lock()
		delete(r.roster.entries, quiet)
		r.roster.mu.Unlock()
		r.gateway.RobotChanged(quiet)
		synctest.Wait()
		if n := r.gateway.Stats().Seats; n != 0 {
			t.Errorf("%d seats of a robot that is registered no more", n)
		}
	})
}

func TestFailedOperationsAreToldInTheHumanLane(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		first := true
		robot := recorder{reply: func(_ context.Context, b events.Bundle) (events.Answer, error) {
			if !first {
				return events.Answer{}, nil
			}
			first = false
			a := appends(b, "good")
			bad := a.Deltas[0]
			bad.Ops = []wavelet.Op{wavelet.DeleteBlip{Blip: "b+nowhere"}}
			a.Deltas = append(a.Deltas, bad)
			a.Failures = []events.OperationFailure{{ID: "op7", Code: 400, Message: "unknown operation"}}
			return a, nil
		}}
		r.register(quiet, "default", robot.receive)
		r.start()
		defer r.stop()
		r.create(quiet, spell)
		pause(2 * time.Second)
		if !strings.Contains(r.state().Text(), "good") {
			t.Error("the good operation was lost with the bad one")
		}
		if n := len(robot.got()); n != 1 {
			t.Errorf("%d bundles; failures must not make one", n)
		}
		r.byRobot(spell, wavelet.SetTag{Tag: "x"})
		pause(time.Second)
		if got := robot.got(); len(got) != 2 || got[1] != "robot: WAVELET_TAGS_CHANGED" {
			t.Errorf("in the robot lane it is told %q", got)
		}
		r.types(ann, "x")
		pause(time.Second)
		var told []events.OperationFailure
		for _, e := range robot.all()[2].Events {
			if e.Type == events.OperationError {
				told = append(told, e.Failure)
			}
		}
		if len(told) != 2 || told[0].ID != "op7" || told[1].Code != 404 {
			t.Errorf("told of %+v", told)
		}
	})
}

// A warning that was lost with its bundle is told with the next attempt, and no
// more after that.
func TestWarningsOutliveAFailedBundle(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		fails := 0
		robot := recorder{reply: func(context.Context, events.Bundle) (events.Answer, error) {
			if fails--; fails >= 0 {
				return events.Answer{}, errors.New("lost")
			}
			return events.Answer{}, nil
		}}
		r.register(quiet, "default", robot.receive)
		r.start()
		defer r.stop()
		r.create(quiet)
		pause(5 * time.Second)
		for range 173 {
			if err := r.gateway.Admit(t.Context(), quiet, false); err != nil {
				t.Fatal(err)
			}
		}
		fails = 2
		before := len(robot.all())
		r.types(ann, "hello ")
		pause(time.Minute)
		r.types(ann, "again ")
		pause(5 * time.Second)
		var warned []int
		for _, b := range robot.all()[before:] {
			n := 0
			for _, e := range b.Events {
				if e.Type == events.RobotLimitWarning {
					n++
				}
			}
			warned = append(warned, n)
		}
		if !slices.Equal(warned, []int{1, 1, 1, 0}) {
			t.Errorf("warnings in the bundles: %v", warned)
		}
	})
}
