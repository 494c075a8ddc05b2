package sim_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/governor"
	"weir/policies"
	"weir/sim"
	"weir/wavelet"
)

// watch is a governor that is looked over the shoulder.
type watch struct {
	*governor.Governor
	fail  func(format string, args ...any)
	paces map[wavelet.Participant]time.Duration
	sent  map[wavelet.Seat]time.Time
	out   map[wavelet.Seat]bool
	heads map[wavelet.Name]wavelet.Version
	ids   map[wavelet.DeltaID]bool
}

func (w *watch) SetProfile(id wavelet.Participant, p policies.Profile) {
	w.paces[id] = p.Pace.MinInterval
	w.Governor.SetProfile(id, p)
}

func (w *watch) see(v governor.Verdict) governor.Verdict {
	for _, a := range v.Acts {
		if a.Kind == governor.Evict {
			w.out[a.Seat] = true
		}
	}
	return v
}

func (w *watch) Deliver(now time.Time, d governor.Delivery) governor.Verdict {
	v := w.see(w.Governor.Deliver(now, d))
	if w.out[d.Seat] && v.Refuse == nil {
		w.fail("a bundle to %s, which is evicted", d.Seat.Robot)
	}
	if v.Refuse != nil || v.Delay > 0 {
		return v
	}
	if last, ok := w.sent[d.Seat]; ok && now.Sub(last) < w.paces[d.Seat.Robot] {
		w.fail("bundles to %s only %s apart", d.Seat.Robot, now.Sub(last))
	}
	w.sent[d.Seat] = now
	return v
}

func (w *watch) Answer(now time.Time, a governor.Answer) governor.Verdict {
	return w.see(w.Governor.Answer(now, a))
}

func (w *watch) Commit(now time.Time, c wavelet.Commit) governor.Verdict {
	if w.heads[c.Wavelet]++; c.Version != w.heads[c.Wavelet] {
		w.fail("version %d of %s after %d", c.Version, c.Wavelet, w.heads[c.Wavelet]-1)
	}
	if w.ids[c.Delta.ID] {
		w.fail("delta %s is written twice", c.Delta.ID)
	}
	w.ids[c.Delta.ID] = true
	if w.out[wavelet.Seat{Wavelet: c.Wavelet, Robot: c.Delta.Author}] {
		w.fail("%s writes though it is evicted", c.Delta.Author)
	}
	return w.see(w.Governor.Commit(now, c))
}

// watched makes governors that share one memory of what they saw, so that a
// restart is looked over too. The pace may forget the last second then.
func watched(fail func(format string, args ...any)) func(policies.Profile) sim.Detector {
	w := watch{
		fail: fail, paces: map[wavelet.Participant]time.Duration{}, sent: map[wavelet.Seat]time.Time{}, out: map[wavelet.Seat]bool{},
		heads: map[wavelet.Name]wavelet.Version{}, ids: map[wavelet.DeltaID]bool{},
	}
	return func(fallback policies.Profile) sim.Detector {
		clear(w.sent)
		v := w
		v.Governor = governor.New(governor.Options{Default: fallback})
		return &v
	}
}

// TestInvariants and FuzzTraffic run random traffic.
func TestInvariants(t *testing.T) { rapid.Check(t, invariants) }

func FuzzTraffic(f *testing.F) { f.Fuzz(rapid.MakeFuzz(invariants)) }

// invariants is what holds whatever the traffic: bundles keep their pace, there
// is never one on its way while another one is, none of what people write is
// passed over, who is evicted is silent, and nothing is written twice.
func invariants(t *rapid.T) {
	sc := randomScenario(t)
	o := sim.Options{Seed: rapid.Uint64().Draw(t, "seed"), Detector: watched(t.Errorf), Profiles: builtin()}
	r, err := sim.RunWatched(sc, o, t.Errorf)
	if err != nil {
		t.Fatal(err)
	}
	if r.HumanLaneP95MS > 60_000 && sc.Faults.Lose == 0 && sc.Faults.Restart == nil {
		t.Errorf("people waited %v ms", r.HumanLaneP95MS)
	}
}

func randomScenario(t *rapid.T) *sim.Scenario {
	rooms := []string{"main", "side"}
	between := func(name string, lo, hi time.Duration) sim.Range {
		a := time.Duration(rapid.Int64Range(int64(lo), int64(hi)).Draw(t, name))
		b := time.Duration(rapid.Int64Range(int64(lo), int64(hi)).Draw(t, name))
		return sim.Range{Min: min(a, b), Max: max(a, b)}
	}
	some := func(name string) []string {
		return rooms[rapid.IntRange(0, 1).Draw(t, name):][:1]
	}
	sc := &sim.Scenario{Name: "random", Truth: sim.Loop, Duration: 2 * time.Minute}
	for i := range rapid.IntRange(1, 3).Draw(t, "people") {
		h := sim.Human{Name: fmt.Sprint("p", i), In: some("in"), Remote: rapid.Bool().Draw(t, "remote")}
		if rapid.Bool().Draw(t, "types") {
			h.Typing = &sim.Typing{Gap: between("gap", 50*time.Millisecond, time.Second), Burst: between("burst", time.Second, 30*time.Second), Pause: between("pause", 0, 20*time.Second)}
		} else {
			h.Messages = &sim.Messages{Every: between("every", time.Second, 30*time.Second)}
		}
		sc.Humans = append(sc.Humans, h)
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "robots") {
		b := sim.Robot{
			Name: fmt.Sprint("r", i), In: some("in"), Unit: sim.PerBundle, Operations: 1,
			Profile:     rapid.SampledFrom(builtin().Names()).Draw(t, "profile"),
			Answers:     sim.Audience{Word: rapid.SampledFrom([]string{sim.Everyone, sim.Humans, sim.Robots, sim.Nobody}).Draw(t, "answers")},
			Probability: rapid.SampledFrom([]float64{0.3, 0.9, 1}).Draw(t, "probability"),
			Latency:     between("latency", 0, 5*time.Second),
			Via:         rapid.SampledFrom([]sim.Via{sim.ViaReply, sim.ViaActive, sim.ViaData}).Draw(t, "via"),
			Lineage:     rapid.SampledFrom([]sim.Lineage{sim.Kept, sim.Stripped, sim.Forged}).Draw(t, "lineage"),
			Remote:      rapid.IntRange(0, 9).Draw(t, "remote") == 0,
		}
		if rapid.Bool().Draw(t, "elsewhere") {
			b.To = some("to")
		}
		if rapid.IntRange(0, 3).Draw(t, "unasked") == 0 {
			b.Spontaneous = &sim.Spontaneous{Every: between("every", 200*time.Millisecond, 20*time.Second), Burst: rapid.IntRange(1, 5).Draw(t, "burst"), Spacing: between("spacing", 0, time.Second)}
		}
		sc.Robots = append(sc.Robots, b)
	}
	if rapid.Bool().Draw(t, "faulty") {
		sc.Faults = sim.Faults{
			Restart: []time.Duration{between("restart", 0, time.Minute).Max, between("restart", 0, 2*time.Minute).Max},
			Lose:    rapid.Float64Range(0, 0.3).Draw(t, "lose"), Jitter: between("jitter", 0, 3*time.Second).Max,
		}
	}
	return sc
}

// TestRunsRepeat: a run is a function of scenario and seed.
func TestRunsRepeat(t *testing.T) {
	for _, name := range []string{"broadcast-storm", "busy-wave-of-helpers", "two-streaming-models", "echo-through-restarts"} {
		sc := named(t, name)
		text := func(seed uint64) string {
			r := run(t, sc, sim.Options{Seed: seed})
			b, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		if a, b := text(7), text(7); a != b {
			t.Errorf("one seed, two runs:\n%s\n%s", a, b)
		}
	}
	sc := named(t, "two-echo-bots")
	stops := map[float64]bool{}
	for seed := range uint64(5) {
		stops[*run(t, sc, sim.Options{Seed: seed}).StoppedAtS] = true
	}
	if len(stops) < 3 {
		t.Errorf("five seeds, %d different runs", len(stops))
	}
}
