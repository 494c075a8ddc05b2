package gateway_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"weir/events"
	"weir/gateway"
	"weir/governor"
	"weir/policies"
	"weir/wavelet"
)

// call is a submission of quiet's that creates a blip.
func (r *rig) call(token string) gateway.Submission {
	return gateway.Submission{Robot: quiet, Via: gateway.ViaActive, Token: token, Delta: events.AnswerDelta{
		Wavelet: main, Author: quiet, Base: r.state().Version(), Ops: []wavelet.Op{wavelet.CreateBlip{Blip: wavelet.NewBlipID()}},
	}}
}

func TestLineageOfCalls(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var robot recorder
		r.register(quiet, "default", robot.receive)
		r.start()
		defer r.stop()
		r.create(quiet)
		pause(time.Second)
		b := robot.all()[0]
		got, err := r.gateway.Submit(t.Context(), r.call(b.Token))
		if err != nil {
			t.Fatal(err)
		}
		if c := got.Commit.Delta.Cause; c.Kind != wavelet.Robot || c.Depth != 1 || c.Exact != 1 || c.Bundle != b.ID || c.ID != b.Cause.ID || c.Parent != ann || got.Forged {
			t.Errorf("with its token: %+v", c)
		}
		for what, token := range map[string]string{
			"changed":        strings.Replace(b.Token, b.Token[:8], "AAAAAAAA", 1),
			"cut off":        b.Token[:len(b.Token)-3],
			"not signed":     b.Token[:strings.Index(b.Token, ".")+1],
			"nonsense":       "token",
			"far too long":   strings.Repeat("x", 100_000),
			"of other bytes": "\xff\xfe.\xff",
		} {
			got, err := r.gateway.Submit(t.Context(), r.call(token))
			if c := got.Commit.Delta.Cause; err != nil || !got.Forged || c.Kind != wavelet.Assumed || c.Bundle != "" {
				t.Errorf("token %s: %+v, forged %v, %v", what, c, got.Forged, err)
			}
		}
		pause(2 * time.Minute)
		got, err = r.gateway.Submit(t.Context(), r.call(""))
		if c := got.Commit.Delta.Cause; err != nil || c.Kind != wavelet.Robot || c.Bundle != "" || got.Forged {
			t.Errorf("without a token, much later: %+v, %v", c, err)
		}
	})
}

func TestAnothersTokenIsForged(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var robot recorder
		r.register(quiet, "default", robot.receive)
		r.register(spell, "default", (&recorder{}).receive)
		r.start()
		defer r.stop()
		r.create(quiet, spell)
		pause(time.Second)
		sub := r.call(robot.all()[0].Token)
		sub.Robot, sub.Delta.Author = spell, spell
		if got, err := r.gateway.Submit(t.Context(), sub); err != nil || !got.Forged {
			t.Errorf("another robot's token: forged %v, %v", got.Forged, err)
		}
	})
}

func TestCallsThatAreRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.register(quiet, "default", (&recorder{}).receive)
		r.register(spell, "default", (&recorder{}).receive)
		r.start()
		defer r.stop()
		r.create(quiet)
		for what, c := range map[string]struct {
			change func(s *gateway.Submission)
			want   wavelet.Code
		}{
			"not a participant": {func(s *gateway.Submission) { s.Robot, s.Delta.Author = spell, spell }, wavelet.CodeNotParticipant},
			"another's name":    {func(s *gateway.Submission) { s.Delta.Author = ann }, wavelet.CodeNoAccess},
			"no such wavelet":   {func(s *gateway.Submission) { s.Delta.Wavelet.Wave = "example.com!w+none" }, wavelet.CodeNotFound},
			"no such blip":      {func(s *gateway.Submission) { s.Delta.Ops = []wavelet.Op{wavelet.DeleteBlip{Blip: "b+none"}} }, wavelet.CodeUnknownBlip},
			"base in future":    {func(s *gateway.Submission) { s.Delta.Base = 99 }, wavelet.CodePastHead},
		} {
			sub := r.call("")
			c.change(&sub)
			_, err := r.gateway.Submit(t.Context(), sub)
			if code(err) != c.want {
				t.Errorf("%s: %v, want %s", what, err, c.want)
			}
			if f := gateway.FailureOf("op1", err); f.ID != "op1" || f.Code < 400 || f.Code > 429 || f.Message == "" {
				t.Errorf("%s: the robot is told %+v", what, f)
			}
		}
		if n := r.stats(quiet).Refused + r.stats(spell).Refused; n != 5 {
			t.Errorf("%d refusals counted, want 5", n)
		}
	})
}

func TestCallsWithAnIDAreWrittenOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.register(quiet, "default", (&recorder{}).receive)
		r.start()
		defer r.stop()
		r.create(quiet)
		sub := r.call("")
		sub.ID = "call/1"
		first, err := r.gateway.Submit(t.Context(), sub)
		if err != nil {
			t.Fatal(err)
		}
		second, err := r.gateway.Submit(t.Context(), sub)
		if err != nil || second.Commit.Version != first.Commit.Version {
			t.Errorf("again: version %d, want %d, %v", second.Commit.Version, first.Commit.Version, err)
		}
	})
}

func TestRequestsAreSpacedAndCapped(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.register(quiet, "default", (&recorder{}).receive)
		r.start()
		defer r.stop()
		r.create(quiet)
		pause(time.Second)
		began := time.Now()
		for range 3 {
			if err := r.gateway.Admit(t.Context(), quiet, false); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("three requests took %s, want 1s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := r.gateway.Admit(ctx, quiet, false); err == nil {
			t.Error("a request was not given up with its context")
		}
		var err error
		for range 400 {
			if err = r.gateway.Admit(t.Context(), quiet, false); err != nil {
				break
			}
		}
		var refused *wavelet.Refusal
		if code(err) != wavelet.CodeRate {
			t.Fatalf("nothing caps the requests: %v", err)
		}
		if refused = err.(*wavelet.Refusal); refused.RetryAfter <= 0 || refused.Limit == "" {
			t.Errorf("refused with %+v", refused)
		}
		if err := r.gateway.Admit(t.Context(), quiet, true); err != nil {
			t.Errorf("the limits query is refused with the rest: %v", err)
		}
		if st := r.stats(quiet); st.Calls < 216 || st.CallsRefused != 1 {
			t.Errorf("%d calls, %d refused", st.Calls, st.CallsRefused)
		}
		l := r.gateway.Limits(quiet)
		if l.Profile != "default" || len(l.Limits) == 0 {
			t.Errorf("limits %+v", l)
		}
	})
}

// A robot that is cut off again and again is suspended everywhere, by whoever
// can, and serves again once somebody resumes it.
// TestSuspensionSurvivesARestart ends between the verdict and the suspension: the
// next start carries it out.
func TestSuspensionSurvivesARestart(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var rules []string
		r.opts.Suspend = func(_ context.Context, who wavelet.Participant, d governor.Decision) error {
			rules = append(rules, d.Rule)
			return context.Canceled
		}
		var robot recorder
		r.register(quiet, "default", robot.receive)
		r.start()
		r.create(quiet)
		for range 2 {
			for range 300 {
				if r.gateway.Admit(t.Context(), quiet, false) != nil {
					break
				}
			}
			pause(4 * time.Minute)
		}
		r.stop()
		r.start()
		defer r.stop()
		pause(time.Second)
		if len(rules) != 2 || rules[0] != rules[1] || !strings.HasPrefix(rules[0], "sustained") {
			t.Errorf("suspended by %q, want twice by one rule", rules)
		}
	})
}

func TestSuspension(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var robot recorder
		out := func(is bool) {
			r.roster.mu.Lock()
			e := r.roster.entries[quiet]
			e.out = is
			r.roster.entries[quiet] = e
			r.roster.mu.Unlock()
			r.gateway.RobotChanged(quiet)
		}
		suspended := 0
		r.opts.Suspend = func(_ context.Context, who wavelet.Participant, d governor.Decision) error {
			if suspended++; who != quiet || d.Action != "suspend" {
				t.Errorf("%s is to be suspended by %+v", who, d)
			}
			out(true)
			return nil
		}
		r.register(quiet, "default", robot.receive)
		r.start()
		defer r.stop()
		r.create(quiet)
		pause(time.Second)
		for range 2 {
			for range 300 {
				if r.gateway.Admit(t.Context(), quiet, false) != nil {
					break
				}
			}
			pause(4 * time.Minute)
		}
		if suspended != 1 {
			t.Fatalf("suspended %d times", suspended)
		}
		if err := r.gateway.Admit(t.Context(), quiet, false); code(err) != wavelet.CodeSuspended {
			t.Errorf("a suspended robot is let in: %v", err)
		}
		r.types(ann, "meanwhile ")
		pause(time.Minute)
		if n := len(robot.all()); n != 1 {
			t.Errorf("%d bundles to a suspended robot", n)
		}
		out(false)
		pause(time.Second)
		if err := r.gateway.Admit(t.Context(), quiet, false); err != nil {
			t.Errorf("after it was resumed: %v", err)
		}
		if n := len(robot.all()); n != 2 {
			t.Errorf("%d bundles after it was resumed, want 2", n)
		}
	})
}

func TestAnswersThatAreTooLong(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		robot := recorder{reply: func(_ context.Context, b events.Bundle) (events.Answer, error) {
			var a events.Answer
			for range 3 {
				d := events.AnswerDelta{Wavelet: main, Author: quiet, Base: b.Version}
				for range 40 {
					d.Ops = append(d.Ops, wavelet.CreateBlip{Blip: wavelet.NewBlipID()})
				}
				a.Deltas = append(a.Deltas, d)
			}
			return a, nil
		}}
		p, _ := policies.Builtin().Profile("default")
		p.Delivery.MaxOps = 100
		r.roster.entries[quiet] = entry{robot: robotFunc(robot.receive), profile: p}
		r.start()
		defer r.stop()
		r.create(quiet)
		pause(2 * time.Second)
		n := 0
		for range r.state().Blips() {
			n++
		}
		if n != 81 {
			t.Errorf("%d blips, want the first two deltas and the root", n)
		}
		robot.mu.Lock()
		robot.reply = nil
		robot.mu.Unlock()
		r.types(ann, "x")
		pause(time.Second)
		last := robot.all()[len(robot.all())-1]
		if e := last.Events[len(last.Events)-1]; e.Type != events.OperationError || !strings.Contains(e.Failure.Message, "100 operations") {
			t.Errorf("the robot is told %+v", e)
		}
	})
}

// A scaled clock runs pace and governor so many times as fast.
func TestTimeScale(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.opts.TimeScale = 10
		var robot recorder
		r.register(quiet, "default", robot.receive)
		r.start()
		defer r.stop()
		began := time.Now()
		r.create(quiet)
		pause(100 * time.Millisecond)
		if len(robot.times()) != 1 || robot.times()[0].Sub(began) != 50*time.Millisecond {
			t.Fatalf("bundles at %v, want one after 50ms", robot.times())
		}
		if lag := r.stats(quiet).LagMax; lag != 500*time.Millisecond {
			t.Errorf("it waited %s by the gateway's clock, want 500ms", lag)
		}
	})
}
