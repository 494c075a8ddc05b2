package governor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/governor"
	"weir/policies"
	"weir/wavelet"
)

const far = wavelet.Participant("far@example.org")

// duel is a robot here and somebody elsewhere who write in turns.
type duel struct {
	*desk
	now       float64
	justHeld  bool
	unnamed   bool // the robot's answers name no bundle
	restarts  bool // after everything
	change    func(*policies.Profile)
	decisions []governor.Decision
	acts      []governor.Act
	holds     []time.Duration
	during    func(until float64) // a hold, nil for nothing
}

func newDuel(t *testing.T, change func(*policies.Profile)) *duel {
	d := &duel{desk: newDesk(t), change: change}
	d.enlist()
	return d
}

func (d *duel) enlist() {
	p := profile("default")
	if d.change != nil {
		d.change(&p)
	}
	d.g.SetProfile(named("near"), p)
}

func (d *duel) take(v governor.Verdict) governor.Verdict {
	d.decisions = append(d.decisions, v.Decisions...)
	d.acts = append(d.acts, v.Acts...)
	if d.restarts {
		saved := d.g.Checkpoint()
		d.g = governor.New(governor.Options{Default: profile("default")})
		if err := d.g.Restore(saved); err != nil {
			d.t.Fatal(err)
		}
		d.enlist()
	}
	return v
}

// line comes from elsewhere, or from somebody here.
func (d *duel) line(at float64, author wavelet.Participant) {
	d.n++
	id := fmt.Sprint("line", d.n)
	kind := wavelet.Unknown
	if author != far {
		kind = wavelet.Human
	}
	d.take(d.g.Commit(after(at), wavelet.Commit{Wavelet: home, Delta: wavelet.Delta{ID: wavelet.DeltaID(id), Author: author, Cause: wavelet.Cause{ID: id, Kind: kind}}}))
}

// turn is a line from elsewhere and the robot's answer to it, 0.5 s for the
// bundle and 1 s for the answer. What elsewhere is written while the answer is
// held, so long after the hold began, is in meanwhile.
func (d *duel) turn(gap float64, meanwhile ...float64) {
	d.t.Helper()
	d.now += gap
	d.line(d.now, far)
	if len(d.acts) > 0 {
		return
	}
	d.n++
	cause := wavelet.Cause{ID: fmt.Sprint("line", d.n-1), Kind: wavelet.Unknown}
	b := governor.Delivery{Seat: seatOf("near"), Bundle: fmt.Sprint("b", d.n), Cause: cause, Author: far, Sent: after(d.now + 0.5)}
	d.take(d.g.Deliver(b.Sent, b))
	d.now += 1.5
	a := governor.Answer{Robot: named("near"), Wavelet: home, Delta: wavelet.DeltaID(fmt.Sprint("answer", d.n)), Door: governor.Call, Named: b}
	if d.unnamed {
		a.Named = governor.Delivery{}
	}
	v := d.take(d.g.Answer(after(d.now), a))
	if v.Refuse != nil {
		d.t.Fatalf("at %v s: %v", d.now, v.Refuse)
	}
	if v.Delay > 0 {
		d.holds = append(d.holds, v.Delay)
		for _, m := range meanwhile {
			d.line(d.now+m, far)
		}
		if d.during != nil {
			d.during(d.now + v.Delay.Seconds())
		}
		d.now += v.Delay.Seconds()
	}
	d.take(d.g.Commit(after(d.now), wavelet.Commit{Wavelet: home, Delta: wavelet.Delta{ID: a.Delta, Author: a.Robot, Cause: v.Cause}}))
}

// steps is the rule and action of each decision.
func (d *duel) steps() []string {
	var out []string
	for _, x := range d.decisions {
		s := x.Rule + " " + x.Action
		if x.DryRun {
			s += ", tried"
		}
		out = append(out, s)
	}
	return out
}

// TestRemotePartner is what comes of turns with somebody elsewhere, who writes
// gap seconds after each answer, late after one that was held, and at these
// seconds of each hold.
func TestRemotePartner(t *testing.T) {
	convicted := []string{"remote warn", "remote hold", "remote hold", "remote evict"}
	for name, c := range map[string]struct {
		gap       float64
		turns     int
		late      float64
		meanwhile []float64
		unnamed   bool
		change    func(*policies.Profile)
		want      []string
	}{
		"falls silent twice and goes on at once": {gap: 2, turns: 30, want: convicted},
		"so, but slower":                         {gap: 5.9, turns: 30, want: convicted},
		"is a little too slow":                   {gap: 6.1, turns: 200},
		"goes on too late":                       {gap: 2, turns: 30, late: 7, want: []string{"remote warn", "remote hold", "remote hold", "remote hold"}},
		"writes all the time":                    {gap: 2, turns: 300, meanwhile: []float64{5, 10, 15}, want: []string{"remote warn", "remote hold"}},
		"writes once in each hold": {gap: 2, turns: 300, meanwhile: []float64{24}, want: append([]string{"remote warn"},
			slices.Repeat([]string{"remote hold"}, 8)...)},
		"names no bundle":        {gap: 2, turns: 100, unnamed: true},
		"is not tested":          {gap: 2, turns: 100, change: func(p *policies.Profile) { p.Remote.Score = 0 }},
		"is tested on the quiet": {gap: 2, turns: 100, change: func(p *policies.Profile) { p.DryRun = []string{"remote"} }, want: []string{"remote warn, tried", "remote hold, tried"}},
		"needs one hold":         {gap: 2, turns: 30, change: func(p *policies.Profile) { p.Remote.Holds = 1 }, want: []string{"remote warn", "remote hold", "remote evict"}},
		"is cut off":             {gap: 2, turns: 30, change: func(p *policies.Profile) { p.Action = policies.ActionCut }, want: []string{"remote warn", "remote hold", "remote hold", "remote cut"}},
	} {
		for _, restarts := range []bool{false, true} {
			d := newDuel(t, c.change)
			d.unnamed, d.restarts = c.unnamed, restarts
			d.line(0, ann)
			for range c.turns {
				gap, held := c.gap, len(d.holds)
				if c.late > 0 && d.justHeld {
					gap = c.late
				}
				d.turn(gap, c.meanwhile...)
				d.justHeld = len(d.holds) > held
				if len(d.acts) > 0 {
					break
				}
			}
			if diff := cmp.Diff(c.want, d.steps()); diff != "" {
				t.Errorf("%s (restarts %v): %s", name, restarts, diff)
			}
			for _, h := range d.holds {
				if h != 25*time.Second {
					t.Errorf("%s: held for %v", name, h)
				}
			}
			if c.want != nil && strings.HasSuffix(c.want[len(c.want)-1], "tried") && len(d.holds) > 0 {
				t.Errorf("%s: a dry run held %v", name, d.holds)
			}
		}
	}
}

// TestRemotePartnerIsExplained reads the notice, and what the robot is told
// before and while its answers are held.
func TestRemotePartnerIsExplained(t *testing.T) {
	d := newDuel(t, nil)
	limit := func() (policies.Limit, string) {
		l := d.g.Limits(after(d.now), named("near"))
		i := slices.IndexFunc(l.Limits, func(x policies.Limit) bool { return x.Name == "remote" })
		if i < 0 {
			t.Fatalf("no limit is called remote: %+v", l.Limits)
		}
		return l.Limits[i], l.Status
	}
	d.line(0, ann)
	for range 10 {
		d.turn(2)
	}
	if l, status := limit(); l.Used != 8 || l.Max != 16 || l.Remaining != 8 || l.WarnAt != 13 || !l.ResetsAt.IsZero() || status != "ok" {
		t.Errorf("after ten turns %+v, %s", l, status)
	}
	d.during = func(until float64) {
		d.line(d.now+10, ann) // clears nothing
		if l, status := limit(); l.Used != 16 || !l.ResetsAt.Equal(after(until)) || status != "held" {
			t.Errorf("while held %+v, %s; now is %v", l, status, after(d.now))
		}
	}
	for len(d.acts) == 0 && len(d.holds) < 3 {
		d.turn(2)
	}
	if len(d.acts) != 1 || d.acts[0].Kind != governor.Evict || d.acts[0].Seat != seatOf("near") {
		t.Fatalf("acts %+v after %d holds", d.acts, len(d.holds))
	}
	if _, out := d.g.Banned(after(d.now), seatOf("near")); !out {
		t.Error("it is not banned")
	}
	text := strings.Join(d.acts[0].Decision.Sentences(), "\n")
	for _, want := range []string{"near@example.com was removed", "from elsewhere as far@example.org", "Chain: ", "Depth: not known", "twice", "25 seconds",
		"Partners: far@example.org", "Duration: ", "Still allowed:", "Undo:"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the notice:\n%s", want, text)
		}
	}
	if e := d.acts[0].Decision.Evidence; e.Cause == "" || e.Answers < 16 || e.Holds != 2 || time.Duration(e.Window) != 25*time.Second {
		t.Errorf("%+v", e)
	}
}

// TestRemotePartnerIsCutOff goes on after a cut: what the robot answers then is
// people, though lines come in from elsewhere between.
func TestRemotePartnerIsCutOff(t *testing.T) {
	d := newDuel(t, func(p *policies.Profile) { p.Action = policies.ActionCut })
	for len(d.acts) == 0 && len(d.holds) < 3 {
		d.turn(2)
	}
	if len(d.acts) != 1 || d.acts[0].Kind != governor.Cut || !slices.Equal(d.acts[0].Partners, []wavelet.Participant{far}) || !d.g.Cuts(seatOf("near"), far) {
		t.Fatalf("%+v", d.acts)
	}
	d.acts = nil
	for range 100 {
		d.turn(2)
	}
	if len(d.acts) != 0 || len(d.holds) != 2 {
		t.Errorf("held %v, acted %+v though it hears nothing from elsewhere", d.holds, d.acts)
	}
}

// TestRemoteAnswersCostNothing counts what the decision about an answer
// allocates where lines come in from elsewhere.
func TestRemoteAnswersCostNothing(t *testing.T) {
	d := newDuel(t, nil)
	for range 10 {
		d.turn(2)
	}
	b := governor.Delivery{Seat: seatOf("near"), Bundle: "b", Cause: wavelet.Cause{ID: "line", Kind: wavelet.Unknown}, Author: far, Sent: after(d.now)}
	a := governor.Answer{Robot: named("near"), Wavelet: home, Delta: "answer", Named: b}
	d.line(d.now, far)
	if n := testing.AllocsPerRun(100, func() {
		d.now++
		d.g.Deliver(after(d.now), b)
		d.g.Answer(after(d.now), a)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
