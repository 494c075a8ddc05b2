package governor_test

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"weir/governor"
	"weir/policies"
	"weir/wavelet"
)

var zero = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func after(s float64) time.Time {
	return zero.Add(time.Duration(math.Round(s*1000)) * time.Millisecond)
}

// desk drives one governor by hand.
type desk struct {
	t *testing.T
	g *governor.Governor
	n int
}

func newDesk(t *testing.T) *desk {
	return &desk{t: t, g: governor.New(governor.Options{Default: profile("default")})}
}

func seatOf(id string) wavelet.Seat { return wavelet.Seat{Wavelet: home, Robot: named(id)} }

// bundle is one with a delta of author, who spoke at this exact depth.
func bundle(to, id string, author wavelet.Participant, depth int, at float64) governor.Delivery {
	c := wavelet.Cause{ID: "c1", Depth: depth, Exact: depth, Kind: wavelet.Robot, Bundle: "x"}
	if depth == 0 {
		c = wavelet.Cause{ID: "c1", Kind: wavelet.Human}
	}
	return governor.Delivery{Seat: seatOf(to), Bundle: id, RobotLane: depth > 0, Cause: c, Author: author, Sent: after(at)}
}

// deliver sends a bundle, which must go out.
func (d *desk) deliver(b governor.Delivery) governor.Verdict {
	d.t.Helper()
	v := d.g.Deliver(b.Sent, b)
	if v.Refuse != nil || v.Delay > 0 {
		d.t.Fatalf("bundle %s: %+v", b.Bundle, v)
	}
	return v
}

// answer asks for an answer, and commits it if it is let through.
func (d *desk) answer(at float64, robot string, door governor.Door, b governor.Delivery) governor.Verdict {
	d.n++
	a := governor.Answer{Robot: named(robot), Wavelet: home, Delta: wavelet.DeltaID(fmt.Sprint("delta", d.n)), Door: door, Named: b}
	v := d.g.Answer(after(at), a)
	if v.Refuse == nil {
		d.g.Commit(after(at), wavelet.Commit{Wavelet: home, Delta: wavelet.Delta{ID: a.Delta, Author: a.Robot, Cause: v.Cause}})
	}
	return v
}

// TestLineage is GOVERNOR.md 2 as a timeline: what a robot writes, and the label
// it gets.
func TestLineage(t *testing.T) {
	d := newDesk(t)
	human := bundle("a", "h1", ann, 0, 0)
	d.deliver(human)
	steps := []struct {
		at    float64
		send  *governor.Delivery // first
		door  governor.Door
		named governor.Delivery
		want  wavelet.Cause
	}{
		{at: 1, door: governor.Reply, named: human, want: wavelet.Cause{ID: "c1", Depth: 1, Exact: 1, Parent: ann, Bundle: "h1", Kind: wavelet.Robot}},
		{at: 30, door: governor.Call, named: human, // used and old, but nothing newer came from a robot
			want: wavelet.Cause{ID: "c1", Depth: 1, Exact: 1, Parent: ann, Bundle: "h1", Kind: wavelet.Robot}},
		{at: 31, send: new(bundle("a", "r1", named("b"), 4, 31)), door: governor.Call, named: human, // now it is no alibi
			want: wavelet.Cause{ID: "c1", Depth: 5, Exact: 4, Parent: named("b"), Kind: wavelet.Assumed}},
		{at: 32, door: governor.Call, named: bundle("a", "r1", named("b"), 4, 31),
			want: wavelet.Cause{ID: "c1", Depth: 5, Exact: 5, Parent: named("b"), Bundle: "r1", Kind: wavelet.Robot}},
		{at: 33, send: new(bundle("a", "r2", named("b"), 2, 33)), door: governor.Call, named: bundle("a", "r1", named("b"), 4, 31), // used again: it answers the new one
			want: wavelet.Cause{ID: "c1", Depth: 3, Exact: 2, Parent: named("b"), Kind: wavelet.Assumed}},
		{at: 34, door: governor.Call, want: wavelet.Cause{ID: "c1", Depth: 3, Exact: 2, Parent: named("b"), Kind: wavelet.Assumed}}, // and goes on
		{at: 92, door: governor.Call, want: wavelet.Cause{ID: "c1", Depth: 3, Exact: 2, Parent: named("b"), Kind: wavelet.Assumed}},
		{at: 94, door: governor.Call, want: wavelet.Cause{ID: "delta8", Depth: 1, Kind: wavelet.Robot}}, // on its own
	}
	for _, s := range steps {
		if s.send != nil {
			d.deliver(*s.send)
		}
		if v := d.answer(s.at, "a", s.door, s.named); v.Cause != s.want || v.Refuse != nil {
			t.Errorf("at %v s: %+v, want %+v", s.at, v.Cause, s.want)
		}
	}
	if r := d.g.Reading(after(100), seatOf("a")); r.Delivered != 3 || r.Answered != 2 {
		t.Errorf("%+v", r)
	}
	if n := d.g.Limits(after(100), named("a")).Tokens; n != (policies.Tokens{Replayed: 1, Stale: 1}) {
		t.Errorf("%+v", n)
	}
}

func TestForgedTokenCountsAsNone(t *testing.T) {
	d := newDesk(t)
	d.deliver(bundle("a", "r1", named("b"), 9, 0))
	v := d.g.Answer(after(1), governor.Answer{Robot: named("a"), Wavelet: home, Delta: "x", Door: governor.Call, Named: bundle("a", "h1", ann, 0, 0), Forged: true})
	if v.Cause.Depth != 10 || v.Cause.Exact != 9 || v.Cause.Kind != wavelet.Assumed {
		t.Errorf("%+v", v.Cause)
	}
	if n := d.g.Limits(after(1), named("a")).Tokens; n != (policies.Tokens{Forged: 1}) {
		t.Errorf("%+v", n)
	}
}

func TestAliasesAreOneRobot(t *testing.T) {
	d := newDesk(t)
	b := bundle("a", "r1", "b+bob@example.com", 3, 0)
	d.deliver(b)
	v := d.answer(0.2, "a", governor.Reply, b)
	d.g.Commit(after(0.3), wavelet.Commit{Wavelet: home, Delta: wavelet.Delta{ID: "x", Author: "a+bob@example.com", Cause: v.Cause}})
	if r := d.g.Reading(after(1), seatOf("a")); r.Answered != 1 || r.RobotRatio != 1 {
		t.Errorf("an alias counts apart: %+v", r)
	}
}

// TestBundleIsAnsweredOnce commits several deltas that name one bundle, by both
// doors, and sends the bundle twice.
func TestBundleIsAnsweredOnce(t *testing.T) {
	d := newDesk(t)
	b := bundle("a", "r1", named("b"), 1, 0)
	d.deliver(b)
	if v := d.g.Deliver(after(2), b); v.Refuse != nil || v.Delay != 0 {
		t.Fatalf("a second attempt: %+v", v)
	}
	for i := range 3 {
		d.answer(2.1+float64(i)/10, "a", governor.Door(i%2), b)
	}
	if r := d.g.Reading(after(3), seatOf("a")); r.Delivered != 1 || r.Answered != 1 || r.Ratio != 1 {
		t.Errorf("%+v", r)
	}
}

// TestPaceAndSlowLane is a timeline of bundles and how long each has to wait.
func TestPaceAndSlowLane(t *testing.T) {
	d := newDesk(t)
	p := profile("agent-discussion") // slow from 16: 0.5 s, doubled with each link, at most a minute
	d.g.SetProfile(named("a"), p)
	for i, step := range []struct {
		at    float64
		depth int // of the delta in it; the answer would be one deeper
		wait  time.Duration
	}{
		{0, 0, 0},
		{0.2, 0, 300 * time.Millisecond},
		{0.5, 1, 0},
		{1.0, 16, 0}, // depth 17: 1 s after the last robot-lane bundle, half of it gone
		{1.5, 16, 0},
		{2.0, 0, 0},
		{2.5, 18, time.Second * 3}, // depth 19: 4 s after 1.5
		{3.0, 0, 0},                // people are served on
		{5.5, 18, 0},
		{6.0, 30, 59500 * time.Millisecond},
	} {
		b := bundle("a", fmt.Sprint("b", i), ann, step.depth, step.at)
		want := step.wait
		if i == 3 {
			want = 500 * time.Millisecond
		}
		if v := d.g.Deliver(after(step.at), b); v.Delay != want || v.Refuse != nil {
			t.Errorf("at %v s: wait %v, want %v", step.at, v.Delay, want)
		}
	}
	if l := d.g.Limits(after(6), named("a")); l.Status != "slowed" || l.Decisions[0].Action != "slow" {
		t.Errorf("%s %+v", l.Status, l.Decisions)
	}
}

// loop plays two echo robots by hand until somebody is acted on.
func (d *desk) loop(start float64, cause string) (governor.Act, float64) {
	d.t.Helper()
	pair := []string{"a", "b"}
	at := start
	b := bundle(pair[0], cause+"-0", ann, 0, at)
	b.Cause.ID = cause
	for i := range 40 {
		d.deliver(b)
		v := d.answer(at+0.1, pair[i%2], governor.Reply, b)
		if len(v.Acts) > 0 {
			return v.Acts[0], at + 0.1
		}
		if v.Refuse != nil {
			d.t.Fatalf("turn %d: %v", i, v.Refuse)
		}
		at++
		b = governor.Delivery{Seat: seatOf(pair[(i+1)%2]), Bundle: fmt.Sprint(cause, "-", i+1), RobotLane: true, Cause: v.Cause, Author: named(pair[i%2]), Sent: after(at)}
	}
	d.t.Fatal("the loop went on")
	return governor.Act{}, 0
}

// TestEvictionAndReadmission follows one seat from its eviction to its return.
func TestEvictionAndReadmission(t *testing.T) {
	d := newDesk(t)
	act, at := d.loop(0, "c1")
	seat := act.Seat
	if act.Kind != governor.Evict || act.Flush != "c1" || len(act.Cycle) != 2 {
		t.Fatalf("%+v", act)
	}
	note, out := d.g.Banned(after(at), seat)
	if !out || note.Rule != "depth" || note.Action != "evict" || note.Cooldown.Sub(note.Since) != 10*time.Minute {
		t.Errorf("%+v %v", note, out)
	}
	robot := string(seat.Robot[:1])
	late := bundle(robot, "late", ann, 0, at)
	if v := d.g.Deliver(after(at+1), late); v.Refuse == nil || v.Refuse.Code != "evicted" {
		t.Errorf("a bundle went to an evicted seat: %+v", v)
	}
	if v := d.answer(at+1, robot, governor.Reply, late); v.Refuse == nil || v.Refuse.Code != "evicted" {
		t.Errorf("a late answer was taken: %+v", v)
	}
	if l := d.g.Limits(after(at+1), seat.Robot); l.Status != "evicted" || len(l.Evicted) != 1 || l.Decisions[0].Action != "evict" {
		t.Errorf("%+v", l)
	}
	var early *governor.Refusal
	if _, err := d.g.Readmit(after(at+60), seat, ann, false); !errors.As(err, &early) || early.Code != "cooldown" || early.RetryAfter != 9*time.Minute {
		t.Errorf("readmitted during the cooldown: %v", err)
	}
	add := func(at float64, kind wavelet.CauseKind) governor.Verdict {
		return d.g.Commit(after(at), wavelet.Commit{Wavelet: home, Delta: wavelet.Delta{Author: ann, Cause: wavelet.Cause{ID: "add", Kind: kind},
			Ops: []wavelet.Op{wavelet.AddParticipant{Who: seat.Robot}}}})
	}
	d.g.Commit(after(at+2), wavelet.Commit{Wavelet: home, Delta: wavelet.Delta{Cause: wavelet.Cause{Kind: wavelet.System}, Ops: []wavelet.Op{wavelet.RemoveParticipant{Who: seat.Robot}}}})
	if v := add(at+500, wavelet.Human); len(v.Decisions) != 0 {
		t.Errorf("added during the cooldown: %+v", v)
	}
	if r := d.g.MayReturn(after(at+601), seat, false); r == nil {
		t.Error("a robot may bring a robot back")
	}
	if v := add(at+601, wavelet.Robot); len(v.Decisions) != 0 {
		t.Errorf("added by a robot: %+v", v)
	}
	v := add(at+602, wavelet.Human)
	if len(v.Decisions) != 1 || v.Decisions[0].Action != "readmit" || v.Decisions[0].Evidence.By != ann {
		t.Errorf("a person could not add it: %+v", v)
	}
	if _, out := d.g.Banned(after(at+603), seat); out {
		t.Error("still banned")
	}
	d.deliver(bundle(robot, "new", ann, 0, at+604))
	again, at := d.loop(at+610, "c2")
	if again.Decision.Evidence.Times != 2 && again.Seat == seat {
		t.Errorf("a second eviction within half an hour is not told: %+v", again.Decision.Evidence)
	}
	if dec, err := d.g.Readmit(after(at+1), again.Seat, bob, true); err != nil || !dec.Evidence.Override || dec.Evidence.By != bob {
		t.Errorf("an override was refused: %v", err)
	}
}

// TestReadmitModes is who may bring a robot back after the cooldown.
func TestReadmitModes(t *testing.T) {
	for _, mode := range []policies.Readmit{policies.ReadmitHuman, policies.ReadmitAuto, policies.ReadmitNever} {
		d := newDesk(t)
		p := profile("default")
		p.Readmit = mode
		d.g.SetProfile(named("a"), p)
		d.g.SetProfile(named("b"), p)
		act, at := d.loop(0, "c1")
		if d.g.MayReturn(after(at+599), act.Seat, true) == nil {
			t.Errorf("%s: before the cooldown", mode)
		}
		human, robot := d.g.MayReturn(after(at+601), act.Seat, true) == nil, d.g.MayReturn(after(at+601), act.Seat, false) == nil
		if human != (mode != policies.ReadmitNever) || robot != (mode == policies.ReadmitAuto) {
			t.Errorf("%s: human %v, robot %v", mode, human, robot)
		}
		if _, err := d.g.Readmit(after(at+601), act.Seat, ann, true); err != nil {
			t.Errorf("%s: override: %v", mode, err)
		}
	}
}

// TestOnlyTheTailAfterAnAct checks that bundles which were on their way at the
// act are refused when too deep, and nobody else is acted on for them.
func TestOnlyTheTailAfterAnAct(t *testing.T) {
	d := newDesk(t)
	act, at := d.loop(0, "c1")
	other := "a"
	if act.Seat.Robot == named("a") {
		other = "b"
	}
	deep := func(id string, author wavelet.Participant, sent float64) governor.Delivery {
		return governor.Delivery{Seat: seatOf(other), Bundle: id, RobotLane: true, Author: author, Sent: after(sent),
			Cause: wavelet.Cause{ID: "c1", Depth: 15, Exact: 15, Kind: wavelet.Robot}}
	}
	for name, b := range map[string]governor.Delivery{"on its way": deep("old", named("c"), at-0.6), "by the evicted": deep("tail", act.Seat.Robot, at+1)} {
		v := d.g.Answer(after(at+1.5), governor.Answer{Robot: named(other), Wavelet: home, Delta: "x", Named: b})
		if v.Refuse == nil || v.Refuse.Limit != "depth" || len(v.Acts) != 0 {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// TestAssumedLinksInAChain answers at many depths where some links before are
// assumed: one assumed link among many that are exact hides no loop, and a robot
// that writes on its own again and again makes none.
func TestAssumedLinksInAChain(t *testing.T) {
	for _, c := range []struct {
		assumed, exact int // of the answer
		refused        bool
	}{
		{0, 15, false}, {0, 16, true}, {1, 16, false}, {1, 30, false}, {1, 31, true}, {2, 45, false}, {2, 46, true}, {40, 41, false},
	} {
		d := newDesk(t)
		b := bundle("a", "r1", named("b"), c.exact-1, 0)
		b.Cause.Depth += c.assumed
		d.deliver(b)
		left := limit(d.g.Limits(after(0), named("a")), "depth")
		v := d.answer(0.1, "a", governor.Reply, b)
		if (v.Refuse != nil) != c.refused || (left.Remaining == 0) != c.refused {
			t.Errorf("%d exact, %d assumed links: %v, with %v left of %v", c.exact, c.assumed, v.Refuse, left.Remaining, left.Max)
		}
	}
}

// TestTheRestOfABrokenRing evicts one of two robots; a third one answers, later,
// what a partner of theirs wrote at the end of another chain. No cycle is left:
// the answer is refused, and nobody is acted on.
func TestTheRestOfABrokenRing(t *testing.T) {
	d := newDesk(t)
	tail := bundle("a", "tail-0", named("b"), 12, 0)
	tail.Cause.ID = "c2"
	d.deliver(tail)
	d.answer(0.1, "a", governor.Reply, tail)
	other := bundle("b", "tail-1", named("a"), 12, 0.1)
	other.Cause.ID = "c2"
	d.deliver(other)
	d.answer(0.2, "b", governor.Reply, other)
	act, at := d.loop(1, "c1")
	rest := bundle("c", "rest", named("a"), 15, at+10)
	if act.Seat.Robot == named("a") {
		rest.Author = named("b")
	}
	rest.Cause.ID = "c2"
	d.deliver(rest)
	if v := d.answer(at+10.1, "c", governor.Reply, rest); v.Refuse == nil || v.Refuse.Limit != "depth" || len(v.Acts) != 0 {
		t.Errorf("%+v", v)
	}
}
