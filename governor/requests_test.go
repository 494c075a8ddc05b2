package governor_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"weir/governor"
	"weir/policies"
	"weir/wavelet"
)

// limit is the one called name, of the robot as a whole or of its first seat.
func limit(l policies.Limits, name string) policies.Limit {
	for _, x := range l.Limits {
		if x.Name == name {
			return x
		}
	}
	return policies.Limit{Remaining: -1}
}

// TestSustainedCutOffAndSuspension makes two requests a second: a warning at
// 80 %, the cut-off at the 217th, free again when both windows have fallen to
// the warning level, suspended the second time.
func TestSustainedCutOffAndSuspension(t *testing.T) {
	d := newDesk(t)
	id := named("a")
	warned, cut, freed, suspended := 0.0, 0.0, 0.0, 0.0
	for at := 0.0; at < 600 && suspended == 0; at += 0.5 {
		v := d.g.Call(after(at), id, false)
		switch {
		case len(v.Acts) > 0:
			suspended = at
			if a := v.Acts[0]; a.Kind != governor.Suspend || !a.Seat.Wavelet.IsZero() || a.Seat.Robot != id {
				t.Errorf("%+v", a)
			}
		case v.Refuse != nil && cut == 0:
			cut = at
			if v.Refuse.Limit != "sustained2m" || v.Refuse.RetryAfter < 20*time.Second || v.Refuse.RetryAfter > time.Minute {
				t.Errorf("%+v", v.Refuse)
			}
			freed = at + v.Refuse.RetryAfter.Seconds()
		case v.Refuse != nil && at >= freed && freed < 200:
			t.Errorf("refused at %v s, though free from %v", at, freed)
		case v.Refuse == nil && cut > 0 && at < freed:
			t.Errorf("served at %v s during the cut-off", at)
		}
		if len(v.Warnings) > 0 && warned == 0 {
			warned = at
			if w := v.Warnings[0]; w.Limit.Name != "sustained2m" || w.Limit.Used != 173 || w.Limit.WarnAt != 173 || w.Robot != id {
				t.Errorf("%+v", w)
			}
		}
	}
	if warned != 86 || cut != 108 || suspended == 0 {
		t.Errorf("warned at %v, cut off at %v, suspended at %v", warned, cut, suspended)
	}
	if v := d.g.Call(after(3600), id, false); v.Refuse == nil || v.Refuse.Code != "suspended" {
		t.Errorf("%+v", v)
	}
	if v := d.g.Deliver(after(3600), bundle("a", "x", ann, 0, 3600)); v.Refuse == nil || v.Refuse.Code != "suspended" {
		t.Errorf("%+v", v)
	}
	if l := d.g.Limits(after(3600), id); l.Status != "suspended" {
		t.Error(l.Status)
	}
	if v := d.g.Call(after(3600), id, true); v.Refuse != nil {
		t.Errorf("a suspended robot may not ask for its limits: %v", v.Refuse)
	}
	d.g.Resume(after(3601), id)
	if v := d.g.Call(after(3601), id, false); v.Refuse != nil {
		t.Error(v.Refuse)
	}
}

// TestBurst is a timeline of requests and how long each response is held.
func TestBurst(t *testing.T) {
	d := newDesk(t)
	id := named("a")
	for i := range 17 {
		v := d.g.Call(after(0), id, false)
		if want := time.Duration(i) * 500 * time.Millisecond; v.Refuse != nil || v.Delay != want {
			t.Errorf("request %d: held %v, want %v (%v)", i, v.Delay, want, v.Refuse)
		}
		if warned := len(v.Warnings) > 0; warned != (i == 13) {
			t.Errorf("request %d: warned %v", i, warned)
		}
	}
	v := d.g.Call(after(0), id, false)
	if v.Refuse == nil || v.Refuse.Limit != "burst" || v.Refuse.RetryAfter != 500*time.Millisecond {
		t.Fatalf("%+v", v.Refuse)
	}
	if v := d.g.Call(after(0.5), id, false); v.Refuse != nil || v.Delay != 8*time.Second {
		t.Errorf("%+v", v)
	}
	if v := d.g.Call(after(20), id, false); v.Refuse != nil || v.Delay != 0 {
		t.Errorf("%+v", v)
	}
}

// TestStreamCountsOncePerInterval edits every 250 ms under the profile for it.
func TestStreamCountsOncePerInterval(t *testing.T) {
	d := newDesk(t)
	id := named("a")
	d.g.SetProfile(id, profile("stream"))
	for i := range 280 {
		if v := d.g.Call(after(float64(i)/4), id, false); v.Refuse != nil || v.Delay > 250*time.Millisecond {
			t.Fatalf("edit %d: %+v", i, v)
		}
	}
	if used := limit(d.g.Limits(after(70), id), "sustained2m").Used; used != 140 {
		t.Errorf("280 edits in 70 s count as %v", used)
	}
}

func TestLimitsQueryHasItsOwnCap(t *testing.T) {
	d := newDesk(t)
	id := named("a")
	for i := range 60 {
		if v := d.g.Call(after(float64(i)/10), id, true); v.Refuse != nil || v.Delay != 0 {
			t.Fatalf("query %d: %+v", i, v)
		}
	}
	v := d.g.Call(after(6), id, true)
	if v.Refuse == nil || v.Refuse.Limit != "limitsQuery" || v.Refuse.RetryAfter != 54*time.Second {
		t.Errorf("%+v", v.Refuse)
	}
	if v := d.g.Call(after(60), id, true); v.Refuse != nil {
		t.Error(v.Refuse)
	}
	if used := limit(d.g.Limits(after(60), id), "sustained2m").Used; used != 0 {
		t.Errorf("limits queries count as requests: %v", used)
	}
}

func TestSustainedDryRun(t *testing.T) {
	d := newDesk(t)
	p := profile("default")
	p.DryRun, p.Burst = []string{"sustained", "burst"}, policies.Burst{}
	d.g.SetProfile(named("a"), p)
	recorded := 0
	for i := range 600 {
		v := d.g.Call(after(float64(i)/10), named("a"), false)
		if v.Refuse != nil || len(v.Acts) > 0 {
			t.Fatalf("request %d: %v", i, v.Refuse)
		}
		for _, x := range v.Decisions {
			if x.Action == "cut-off" && x.DryRun {
				recorded++
			}
		}
	}
	if recorded != 2 {
		t.Errorf("%d records, want one for each window", recorded)
	}
}

// TestLimitsAgreeWithWhatIsEnforced asks for the limits before every call of
// random traffic, and holds the governor to them.
func TestLimitsAgreeWithWhatIsEnforced(t *testing.T) {
	refused := map[string]int{}
	for seed := range uint64(8) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		d := newDesk(t)
		id, at := named("a"), 0.0
		rate := []float64{0.05, 0.3, 0.6, 2}[seed%4]
		for i := range 3000 {
			at += rnd.ExpFloat64() * rate
			l := d.g.Limits(after(at), id)
			left := func(names ...string) bool {
				for _, n := range names {
					if limit(l, n).Remaining == 0 {
						return false
					}
				}
				return l.Status != "suspended"
			}
			query := rnd.IntN(3) == 0
			free := left("sustained2m", "sustained5m", "burst")
			if query {
				free = limit(l, "limitsQuery").Remaining > 0
			}
			v := d.g.Call(after(at), id, query)
			if free != (v.Refuse == nil) {
				t.Fatalf("seed %d call %d (query %v) at %v: the limits say %v, the governor %v\n%+v", seed, i, query, at, free, v.Refuse, l.Limits)
			}
			if v.Refuse != nil {
				refused[v.Refuse.Limit]++
				if l.Status == "suspended" {
					d.g.Resume(after(at), id)
				}
			}
		}
	}
	for _, name := range []string{"sustained2m", "burst", "limitsQuery"} {
		if refused[name] == 0 {
			t.Errorf("%s was never refused: the traffic shows little (%v)", name, refused)
		}
	}
}

// TestDepthLeftAgreesWithWhatIsEnforced does the same for chains.
func TestDepthLeftAgreesWithWhatIsEnforced(t *testing.T) {
	refused := map[string]int{}
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(seed, 6))
		d := newDesk(t)
		for _, id := range []string{"a", "b", "c"} {
			p := profile([]string{"default", "strict", "agent-discussion"}[seed%3])
			p.Pace.MinInterval, p.Depth.SlowFrom = 0, 0
			d.g.SetProfile(named(id), p)
		}
		at := 0.0
		for i := range 4000 {
			at += rnd.Float64()
			to, from := []string{"a", "b", "c"}[rnd.IntN(3)], named([]string{"a", "b", "c"}[rnd.IntN(3)])
			depth := 1 + rnd.IntN(18)
			b := bundle(to, fmt.Sprint(i), from, depth, at)
			b.Cause.ID = fmt.Sprint("c", i/120)
			if v := d.g.Deliver(after(at), b); v.Refuse != nil {
				d.g.Readmit(after(at), b.Seat, ann, true)
				continue
			}
			l := d.g.SeatLimits(after(at), b.Seat)
			v := d.answer(at, to, governor.Reply, b)
			deep := limit(l, "depth")
			if deep.Used+deep.Remaining != deep.Max && deep.Remaining != 0 || deep.Used != float64(depth+1) {
				t.Fatalf("%+v at depth %d", deep, depth)
			}
			out := v.Refuse != nil && (v.Refuse.Limit == "depth" || v.Refuse.Code == "evicted" && len(v.Acts) > 0 && v.Acts[0].Decision.Rule == "depth")
			if (deep.Remaining == 0) != out {
				t.Fatalf("seed %d: depth left %v, refused %v", seed, deep.Remaining, v.Refuse)
			}
			if v.Refuse != nil {
				refused[v.Refuse.Limit]++
				if v.Refuse.Limit == "amplification" && limit(l, "amplification").Remaining != 0 {
					t.Fatalf("refused with %+v left", limit(l, "amplification"))
				}
			}
		}
	}
	if refused["depth"] == 0 || refused["amplification"] == 0 {
		t.Errorf("refused %v: the traffic shows little", refused)
	}
}

// TestForgetsIdleThings runs a busy day in many wavelets and checks that what is
// kept does not grow.
func TestForgetsIdleThings(t *testing.T) {
	g := governor.New(governor.Options{Default: profile("interactive")})
	size := map[int]int{}
	at := 0.0
	for hour := range 12 {
		for minute := range 60 {
			at += 60
			for k := range 8 {
				in := wavelet.Name{Wave: fmt.Sprintf("example.com!w+%d-%d", hour, minute), Wavelet: "example.com!conv+root"}
				cause := wavelet.Cause{ID: fmt.Sprintf("%d-%d-%d", hour, minute, k), Kind: wavelet.Human}
				g.Commit(after(at), wavelet.Commit{Wavelet: in, Delta: wavelet.Delta{Author: ann, Cause: cause}})
				b := governor.Delivery{Seat: wavelet.Seat{Wavelet: in, Robot: named("a")}, Bundle: cause.ID, Cause: cause, Author: ann, Sent: after(at)}
				g.Deliver(after(at), b)
				v := g.Answer(after(at), governor.Answer{Robot: named("a"), Wavelet: in, Delta: wavelet.DeltaID(cause.ID), Named: b})
				g.Commit(after(at), wavelet.Commit{Wavelet: in, Delta: wavelet.Delta{ID: wavelet.DeltaID(cause.ID), Author: named("a"), Cause: v.Cause}})
			}
		}
		size[hour] = len(g.Checkpoint())
	}
	if size[11] > size[2]+size[2]/10 {
		t.Errorf("after 3 hours %d bytes, after 12 %d", size[2], size[11])
	}
	g.Forget(named("a"))
	if n := len(g.Limits(after(at), named("a")).Limits); n > 4 {
		t.Errorf("%d limits of a forgotten robot", n)
	}
}

// TestProfileChangeKeepsCounts puts a robot under another profile while its
// windows are half full.
func TestProfileChangeKeepsCounts(t *testing.T) {
	d := newDesk(t)
	id := named("a")
	for i := range 100 {
		b := bundle("a", fmt.Sprint(i), named("b"), 1, float64(i))
		d.deliver(b)
		d.g.Call(after(float64(i)), id, false)
		d.answer(float64(i)+0.1, "a", governor.Reply, b)
	}
	before := d.g.Limits(after(100), id)
	p, err := profile("wave-140").With("sustained", "[{window: 1m, max: 50}, {window: 2m, max: 120}]")
	if err != nil {
		t.Fatal(err)
	}
	d.g.SetProfile(id, p)
	l := d.g.Limits(after(100), id)
	if l.Profile != "wave-140" || limit(l, "ratio2m").Used != limit(before, "ratio2m").Used || limit(l, "ratio2m").Used == 0 {
		t.Errorf("%+v", limit(l, "ratio2m"))
	}
	if a, b := limit(l, "sustained2m"), limit(l, "sustained1m"); a.Used != 100 || a.Max != 120 || b.Used != 59 || b.Remaining != 0 {
		t.Errorf("%+v %+v", a, b)
	}
	if v := d.g.Call(after(100), id, false); v.Refuse == nil || v.Refuse.Limit != "sustained1m" {
		t.Errorf("the new limit is not enforced: %+v", v)
	}
}
