package gateway_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"weir/events"
	"weir/gateway"
	"weir/governor/decisions"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// loop is two echo robots, and a speller that answers people only.
func (r *rig) loop(a, b robotFunc) *recorder {
	speller := &recorder{reply: func(_ context.Context, b events.Bundle) (events.Answer, error) {
		if b.Lane == events.RobotLane {
			return events.Answer{}, nil
		}
		root, _ := b.State.Blip(b.State.Root())
		return events.Answer{Deltas: []events.AnswerDelta{{
			Wavelet: b.Seat.Wavelet, Author: b.Seat.Robot, Base: b.Version,
			Ops: []wavelet.Op{wavelet.EditBlip{Blip: root.ID, Delta: richtext.Delta(nil).Insert("checked ", none)}},
		}}}, nil
	}}
	r.register(echoA, "default", a)
	r.register(echoB, "default", b)
	r.register(spell, "interactive", speller.receive)
	return speller
}

// notices is the notices of evictions in the wavelet.
func (r *rig) notices() []*wavelet.Blip { return r.annotated("robot/evicted") }

// annotated is the blips that carry an annotation.
func (r *rig) annotated(key string) []*wavelet.Blip {
	var list []*wavelet.Blip
	for b := range r.state().Blips() {
		if _, ok := b.Doc.Delta()[0].Attributes().Text(key); ok {
			list = append(list, b)
		}
	}
	return list
}

func TestEchoLoopIsEvictedAndTheSpellerSpared(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a := recorder{reply: echo(200 * time.Millisecond)}
		b := recorder{reply: echo(300 * time.Millisecond)}
		speller := r.loop(a.receive, b.receive)
		r.start()
		defer r.stop()
		r.create(spell, echoA, echoB)
		pause(time.Second)
		began := time.Now()
		for range 8 {
			r.types(ann, "people go on ")
			pause(12 * time.Second)
		}
		evicted := r.happened(gateway.Evicted)
		if len(evicted) != 1 {
			t.Fatalf("%d robots evicted, want one of the pair", len(evicted))
		}
		out := evicted[0]
		if took := out.At.Sub(began); took > 30*time.Second || out.Decision.Rule != "depth" {
			t.Errorf("evicted by %s after %s", out.Decision.Rule, took)
		}
		loser := &a
		if out.Seat.Robot == echoB {
			loser = &b
		} else if out.Seat.Robot != echoA {
			t.Fatalf("%s was evicted", out.Seat.Robot)
		}
		warned := false
		for _, b := range loser.all() {
			for _, e := range b.Events {
				warned = warned || e.Type == events.RobotLimitWarning && e.Limit.Name == "depth" && e.Limit.Max == 16
			}
		}
		if !warned || r.stats(out.Seat.Robot).Warnings == 0 {
			t.Error("it was not warned")
		}
		if _, in := r.state().Role(out.Seat.Robot); in {
			t.Error("the evicted robot is still a participant")
		}
		r.checkNotice(out)
		last := loser.all()[len(loser.all())-1]
		if e := last.Events[len(last.Events)-1]; e.Type != events.WaveletSelfRemoved || e.Reason != "limit" || e.Limit.Name != "depth" || len(last.Events) != 1 {
			t.Errorf("its last event is %+v", e)
		}
		for _, h := range r.happened(gateway.Closed) {
			if h.Seat != out.Seat || h.At.Sub(out.At) > 900*time.Millisecond { // merging, and the robot's own time
				t.Errorf("the seat of %s ended %s after the eviction", h.Seat.Robot, h.At.Sub(out.At))
			}
		}
		before := len(speller.all())
		r.types(bob, "and on ")
		pause(2 * time.Second)
		if len(speller.all()) == before {
			t.Error("the speller is not served any more")
		}
		for _, b := range speller.all() {
			for _, e := range b.Events {
				if e.NewBlip != "" && e.NewBlip == r.notices()[0].ID {
					t.Error("the notice was an event")
				}
			}
		}
	})
}

// checkNotice checks what the participants are told.
func (r *rig) checkNotice(out gateway.Happening) {
	r.t.Helper()
	notices := r.notices()
	if len(notices) != 1 {
		r.t.Fatalf("%d notices, want 1", len(notices))
	}
	n := notices[0]
	if n.Creator != "weir@example.com" || n.Thread != wavelet.RootThread || n.Doc.Text() != out.Notice+"\n" {
		r.t.Errorf("notice by %s in thread %q: %q", n.Creator, n.Thread, n.Doc.Text())
	}
	for _, part := range []string{string(out.Seat.Robot), "ann@example.com"} {
		if !strings.Contains(n.Doc.Text(), part) {
			r.t.Errorf("the notice does not name %s: %s", part, n.Doc.Text())
		}
	}
	for _, op := range n.Doc.Delta() {
		who, _ := op.Attributes().Text("robot/evicted")
		rule, _ := op.Attributes().Text("robot/rule")
		decision, _ := op.Attributes().Text("robot/decision")
		if who != string(out.Seat.Robot) || rule != "depth" || !strings.Contains(decision, `"evidence"`) {
			r.t.Errorf("annotated with %q, %q, %q", who, rule, decision)
		}
	}
}

// convict lets the pair loop until one of them is convicted.
func (r *rig) convict() gateway.Happening {
	r.t.Helper()
	r.types(ann, "hello ")
	for range 60 {
		pause(500 * time.Millisecond)
		for _, h := range r.happened(gateway.Decided) {
			if h.Decision.Action == "evict" {
				return h
			}
		}
	}
	r.t.Fatal("nobody was convicted")
	return gateway.Happening{}
}

func TestEvictedMeansSilent(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.loop(echo(200*time.Millisecond), echo(300*time.Millisecond))
		r.start()
		defer r.stop()
		r.create(spell, echoA, echoB)
		pause(time.Second)
		out := r.convict()
		pause(3 * time.Second)
		head := r.state().Version()

		sub := gateway.Submission{Robot: out.Seat.Robot, Via: gateway.ViaActive, Delta: events.AnswerDelta{
			Wavelet: main, Author: out.Seat.Robot, Base: head, Ops: []wavelet.Op{wavelet.CreateBlip{Blip: "b+late"}},
		}}
		if _, err := r.gateway.Submit(t.Context(), sub); code(err) != wavelet.CodeEvicted {
			t.Errorf("the active door says %v", err)
		}
		_, err := r.host.Submit(t.Context(), main, wavelet.Delta{Author: out.Seat.Robot, Base: head, Ops: sub.Delta.Ops, Cause: wavelet.Cause{Kind: wavelet.Robot}})
		if code(err) != wavelet.CodeEvicted {
			t.Errorf("the guard says %v", err)
		}
		err = r.does(ann, wavelet.AddParticipant{Who: out.Seat.Robot})
		if code(err) != wavelet.CodeCooldown {
			t.Errorf("adding it again: %v", err)
		}
		if err := r.gateway.Readmit(t.Context(), out.Seat, ann, false); code(err) != wavelet.CodeCooldown {
			t.Errorf("readmitting it too early: %v", err)
		}
		if err := r.gateway.Readmit(t.Context(), out.Seat, ann, true); err != nil {
			t.Fatal(err)
		}
		pause(2 * time.Second)
		if _, in := r.state().Role(out.Seat.Robot); !in || len(r.happened(gateway.Readmitted)) != 1 {
			t.Error("the override did not bring it back")
		}
		if st := r.stats(out.Seat.Robot); st.Seats != 1 || st.Banned != 0 {
			t.Errorf("after the override %+v", st)
		}
		if _, err := r.gateway.Submit(t.Context(), sub); err != nil {
			t.Errorf("after the override it cannot write: %v", err)
		}
	})
}

func TestReadmissionAfterTheCooldown(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.loop(echo(200*time.Millisecond), echo(300*time.Millisecond))
		r.start()
		defer r.stop()
		r.create(spell, echoA, echoB)
		pause(time.Second)
		out := r.convict()
		pause(11 * time.Minute)
		_, err := r.host.Submit(t.Context(), main, wavelet.Delta{Author: spell, Base: r.state().Version(),
			Ops: []wavelet.Op{wavelet.AddParticipant{Who: out.Seat.Robot}}, Cause: wavelet.Cause{ID: "c", Depth: 1, Kind: wavelet.Robot}})
		if code(err) != wavelet.CodeCooldown {
			t.Errorf("a robot brought it back: %v", err)
		}
		if err := r.does(ann, wavelet.AddParticipant{Who: out.Seat.Robot}); err != nil {
			t.Fatalf("after the cooldown: %v", err)
		}
		pause(2 * time.Second)
		if st := r.stats(out.Seat.Robot); st.Seats != 1 || st.Banned != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// A robot convicted while a bundle to it is still under way: the bundle is called
// back.
func TestEvictionCallsTheFlightBack(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		causes := make(chan error, 1)
		caller := func(ctx context.Context, b events.Bundle) (events.Answer, error) {
			d := appends(b, "call").Deltas[0]
			time.Sleep(300 * time.Millisecond) // both are under way by then
			r.gateway.Submit(ctx, gateway.Submission{Robot: b.Seat.Robot, Via: gateway.ViaActive, Token: b.Token, Delta: d})
			select {
			case <-time.After(600 * time.Millisecond):
				return events.Answer{}, nil
			case <-ctx.Done():
				causes <- context.Cause(ctx)
				return events.Answer{}, context.Cause(ctx)
			}
		}
		r.loop(caller, caller)
		r.start()
		defer r.stop()
		r.create(spell, echoA, echoB)
		pause(time.Second)
		began := time.Now()
		r.convict()
		pause(5 * time.Second)
		if n := len(r.happened(gateway.Evicted)); n != 1 || time.Since(began) > 40*time.Second {
			t.Errorf("%d evicted after %s", n, time.Since(began))
		}
		select {
		case err := <-causes:
			if !errors.Is(err, gateway.ErrEvicted) {
				t.Errorf("called back with %v", err)
			}
		default:
			t.Error("the flight was not called back")
		}
	})
}

// full is a host whose disk is full for the server's own deltas.
type full struct {
	gateway.Host
	times int
	first func() // called at the first one
}

func (f *full) Submit(ctx context.Context, name wavelet.Name, d wavelet.Delta) (wavelet.Commit, error) {
	if d.Cause.Kind == wavelet.System && f.times > 0 {
		f.times--
		if f.first != nil {
			f.first()
			f.first = nil
		}
		return wavelet.Commit{}, &wavelet.Refusal{Code: wavelet.CodeDiskFull, Op: -1, Reason: "the disk is full"}
	}
	return f.Host.Submit(ctx, name, d)
}

func TestEvictionIsTriedUntilItIsCommitted(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.between = func(h gateway.Host) gateway.Host { return &full{Host: h, times: 4} }
		r.loop(echo(200*time.Millisecond), echo(300*time.Millisecond))
		r.start()
		defer r.stop()
		r.create(spell, echoA, echoB)
		pause(time.Second)
		out := r.convict()
		if len(r.happened(gateway.Evicted)) != 0 || r.gateway.Stats().Evicting != 1 {
			t.Error("evicted though the disk is full")
		}
		wrote := r.stats(out.Seat.Robot).Committed
		pause(30 * time.Second)
		if len(r.happened(gateway.Evicted)) != 1 || len(r.notices()) != 1 {
			t.Error("not evicted after the disk had room again")
		}
		if n := r.stats(out.Seat.Robot).Committed; n != wrote {
			t.Errorf("%d deltas of the convicted robot were committed while its removal waited", n-wrote)
		}
	})
}

// An end between the verdict and the removal: the next start carries it out,
// with the evidence, and once.
func TestEvictionSurvivesARestart(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.between = func(h gateway.Host) gateway.Host {
			return &full{Host: h, times: 1 << 30, first: func() { r.kv.dead.Store(true) }}
		}
		r.loop(echo(200*time.Millisecond), echo(300*time.Millisecond))
		r.start()
		r.create(spell, echoA, echoB)
		pause(time.Second)
		out := r.convict()
		r.stop()
		r.between = nil
		r.start()
		defer func() { r.stop() }()
		pause(5 * time.Second)
		evicted := r.happened(gateway.Evicted)
		if len(evicted) != 1 || evicted[0].Seat != out.Seat || evicted[0].Decision.Evidence.Cause != out.Decision.Evidence.Cause {
			t.Fatalf("evicted %+v, want %s with its evidence", evicted, out.Seat.Robot)
		}
		r.checkNotice(evicted[0])
		r.stop()
		r.start()
		pause(5 * time.Second)
		if n := len(r.notices()); n != 1 {
			t.Errorf("%d notices after another restart", n)
		}
	})
}

func TestDecisionsAreKept(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.opts.Decisions = 2
		r.loop(echo(200*time.Millisecond), echo(300*time.Millisecond))
		r.start()
		r.create(spell, echoA, echoB)
		pause(time.Second)
		out := r.convict()
		pause(3 * time.Second)
		r.stop()
		r.start()
		defer r.stop()
		var kept []string
		for d, err := range r.gateway.Decisions().After(0, decisions.Filter{}) {
			if err != nil {
				t.Fatal(err)
			}
			kept = append(kept, d.Action)
		}
		if len(kept) != 2 {
			t.Errorf("decisions kept: %q, want the last 2", kept)
		}
		for d, err := range r.gateway.Decisions().Before(0, decisions.Filter{Robot: out.Seat.Robot, Wavelet: main, Since: out.At, Action: "evict"}) {
			if err != nil || d.Action != "evict" || d.Evidence.Cause != out.Decision.Evidence.Cause {
				t.Errorf("the last decision about it is %+v, %v", d, err)
			}
		}
		for range r.gateway.Decisions().After(0, decisions.Filter{Robot: spell}) {
			t.Error("a decision about the speller")
		}
	})
}

// code is the code of a refusal, "" for any other error or none.
func code(err error) wavelet.Code {
	var r *wavelet.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}
