package gateway_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"weir/gateway"
	"weir/governor"
	"weir/policies"
	"weir/wavelet"
)

// cutting is a loop under a profile that cuts before it evicts.
func (r *rig) cutting() map[wavelet.Participant]*recorder {
	heard := map[wavelet.Participant]*recorder{
		echoA: {reply: echo(200 * time.Millisecond)},
		echoB: {reply: echo(300 * time.Millisecond)},
	}
	r.loop(heard[echoA].receive, heard[echoB].receive)
	for _, id := range []wavelet.Participant{echoA, echoB} {
		e := r.roster.entries[id]
		e.profile.Action = policies.ActionCut
		r.roster.entries[id] = e
	}
	return heard
}

// decided is the latest decision with an action.
func (r *rig) decided(action governor.Kind) (last governor.Decision) {
	for _, h := range r.happened(gateway.Decided) {
		if h.Decision.Action == string(action) {
			last = *h.Decision
		}
	}
	return last
}

// checkAnnounced checks the notice of an act that removes nobody.
func (r *rig) checkAnnounced(d governor.Decision, key string) {
	r.t.Helper()
	list := r.annotated(key)
	if len(list) != 1 {
		r.t.Fatalf("%d notices with %s, want 1", len(list), key)
	}
	n := list[0]
	for _, part := range []string{string(d.Robot), string(ann), "Chain:", "Depth:", "Duration:", "Still allowed:", "Undo:"} {
		if !strings.Contains(n.Doc.Text(), part) {
			r.t.Errorf("the notice does not say %q: %s", part, n.Doc.Text())
		}
	}
	if rule, _ := n.Doc.Delta()[0].Attributes().Text("robot/rule"); rule != d.Rule || n.Creator != "weir@example.com" {
		r.t.Errorf("by %s, about the rule %q", n.Creator, rule)
	}
}

// A pair whose profile asks for it is cut apart and not evicted: the one no
// longer hears of the other, both go on to hear people, the participants are
// told, and a restart changes nothing. A person can take it back.
func TestCut(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		heard := r.cutting()
		r.start()
		r.create(spell, echoA, echoB)
		pause(time.Second)
		r.types(ann, "hello ")
		pause(time.Minute)
		cut := r.decided(governor.Cut)
		one := heard[cut.Robot]
		if one == nil || len(r.happened(gateway.Evicted)) != 0 {
			t.Fatalf("nobody was cut, or somebody evicted: %+v", cut)
		}
		r.checkAnnounced(cut, "robot/cut")
		for _, h := range r.happened(gateway.Announced) {
			if h.At.Sub(cut.Time) > 2*time.Second {
				t.Errorf("shown after %s", h.At.Sub(cut.Time))
			}
		}
		r.stop()
		r.start()
		defer r.stop()
		partner := cut.Evidence.Partners[0]
		before, otherBefore := len(one.all()), len(heard[partner].all())
		r.types(ann, "go on ")
		pause(time.Minute)
		for _, b := range one.all()[before:] {
			for _, e := range b.Events {
				if slices.Contains(e.Contributors, partner) {
					t.Errorf("it hears %s of %v", e.Type, e.Contributors)
				}
			}
		}
		if len(one.all()) == before || len(heard[partner].all()) <= otherBefore+1 {
			t.Error("they hear less than they should")
		}
		notice := r.annotated("robot/cut")
		if len(notice) != 1 {
			t.Fatalf("%d notices after a restart", len(notice))
		}
		for _, x := range heard {
			for _, b := range x.all() {
				for _, e := range b.Events {
					if e.Blip == notice[0].ID || e.NewBlip == notice[0].ID {
						t.Error("the notice was an event")
					}
				}
			}
		}
		if err := r.gateway.Readmit(t.Context(), wavelet.Seat{Wavelet: main, Robot: cut.Robot}, ann, false); err != nil {
			t.Fatal(err)
		}
		before = len(one.all())
		r.types(ann, "once more ")
		pause(10 * time.Second)
		again := false
		for _, b := range one.all()[before:] {
			for _, e := range b.Events {
				again = again || slices.Contains(e.Contributors, partner)
			}
		}
		if !again || len(r.happened(gateway.Readmitted)) != 1 {
			t.Error("readmitted, and still cut off")
		}
	})
}

// An end between the cut and its notice: the next start writes it, once.
func TestNoticeOfACutSurvivesARestart(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.between = func(h gateway.Host) gateway.Host {
			return &full{Host: h, times: 1 << 30, first: func() { r.kv.dead.Store(true) }}
		}
		r.cutting()
		r.start()
		r.create(spell, echoA, echoB)
		pause(time.Second)
		r.types(ann, "hello ")
		pause(time.Minute)
		cut := r.decided(governor.Cut)
		r.stop()
		r.between = nil
		for range 2 {
			r.start()
			pause(5 * time.Second)
			r.checkAnnounced(cut, "robot/cut")
			r.stop()
		}
	})
}

// Who loops on after a cut is suspended in the wavelet: it stays a participant,
// is sent nothing and writes nothing, until a person readmits it.
func TestSuspendedInAWavelet(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		heard := r.cutting()
		r.start()
		defer r.stop()
		r.create(spell, echoA, echoB)
		pause(time.Second)
		for range 3 {
			r.types(ann, "hello ")
			pause(time.Minute)
			if r.decided(governor.Suspend).Robot != "" {
				break
			}
			for id := range heard {
				if err := r.gateway.Readmit(t.Context(), wavelet.Seat{Wavelet: main, Robot: id}, ann, false); err != nil {
					t.Fatal(err)
				}
			}
		}
		d := r.decided(governor.Suspend)
		if d.Robot == "" || len(r.happened(gateway.Evicted)) != 0 {
			t.Fatal("nobody was suspended, or somebody evicted")
		}
		r.checkAnnounced(d, "robot/suspended")
		seat := wavelet.Seat{Wavelet: main, Robot: d.Robot}
		one := heard[d.Robot]
		before := len(one.all())
		r.types(bob, "anybody there? ")
		pause(5 * time.Second)
		if len(one.all()) != before {
			t.Error("it is sent bundles")
		}
		sub := gateway.Submission{Robot: d.Robot, Via: gateway.ViaActive, Delta: appends(one.all()[before-1], "still here").Deltas[0]}
		if _, err := r.gateway.Submit(t.Context(), sub); code(err) != wavelet.CodeEvicted {
			t.Errorf("the active door says %v", err)
		}
		if err := r.gateway.Readmit(t.Context(), seat, ann, false); code(err) != wavelet.CodeCooldown {
			t.Errorf("readmitting it too early: %v", err)
		}
		if err := r.gateway.Readmit(t.Context(), seat, ann, true); err != nil {
			t.Fatal(err)
		}
		r.types(bob, "and now? ")
		pause(2 * time.Second)
		if len(one.all()) == before {
			t.Error("readmitted, and not served")
		}
	})
}
