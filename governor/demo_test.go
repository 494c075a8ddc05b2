package governor_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"weir/governor"
	"weir/policies"
	"weir/wavelet"
)

// party is two echo robots, Spelly and two people typing.
func party(w *world, echo string, spelly float64) {
	w.types(ann, ms(120, 350), ms(6000, 12000), ms(1000, 3000))
	w.types(bob, ms(120, 350), ms(6000, 12000), ms(1000, 3000))
	for _, id := range []string{"echo-a", "echo-b"} {
		w.add(&bot{id: named(id), profile: echo, answers: everyone, latency: ms(10, 30)})
	}
	n := 0
	w.add(&bot{id: named("spelly"), profile: "interactive", latency: ms(10, 30), prob: spelly, answers: func(_ wavelet.Participant, robot bool) bool {
		n++
		return !robot || n%20 == 0
	}})
}

// TestEchoesCaughtByDepth is the demo: an echo is evicted within 15 s of the
// first robot answer to a robot, and Spelly, who shares the wavelet and now and
// then corrects what an echo wrote, is spared, however much it has to correct.
func TestEchoesCaughtByDepth(t *testing.T) {
	for _, spelly := range []float64{0.1, 0.5, 1} {
		for seed := range uint64(10) {
			w := newWorld(t, seed, governor.Options{})
			party(w, "default", spelly)
			w.run(time.Minute)
			if len(w.acts) == 0 {
				t.Fatalf("spelly %v seed %d: nobody was evicted", spelly, seed)
			}
			d := w.acts[0].Decision
			if took := d.Time.Sub(w.firstLoop); d.Rule != "depth" || took > 15*time.Second || d.Action != "evict" {
				t.Errorf("spelly %v seed %d: %s by %s after %v", spelly, seed, d.Action, d.Rule, took)
			}
			if slices.Contains(w.acted(), named("spelly")) {
				t.Errorf("spelly %v seed %d: acted on %v", spelly, seed, w.acted())
			}
			if d.Measured != 16 || d.Limit != 16 || w.exact > 15 {
				t.Errorf("seed %d: measured %v of %v, deepest %d", seed, d.Measured, d.Limit, w.exact)
			}
		}
	}
}

// TestEchoesCaughtByRatio is the demo with lineage off: the ratio alone convicts,
// in 2 to 6 minutes, after a warning and a slower lane.
func TestEchoesCaughtByRatio(t *testing.T) {
	for seed := range uint64(10) {
		w := newWorld(t, seed, governor.Options{RatioOnly: true})
		party(w, "wave-140", 0.5)
		w.run(7 * time.Minute)
		if len(w.acts) == 0 {
			t.Fatalf("seed %d: nobody was evicted", seed)
		}
		d := w.acts[0].Decision
		if took := d.Time.Sub(w.firstLoop); !strings.HasPrefix(d.Rule, "ratio") || took < 2*time.Minute || took > 6*time.Minute {
			t.Errorf("seed %d: by %s after %v", seed, d.Rule, took)
		}
		if slices.Contains(w.acted(), named("spelly")) {
			t.Errorf("seed %d: acted on %v", seed, w.acted())
		}
		var steps []string
		for _, x := range w.decisions {
			if x.Robot == d.Robot && x.Rule == d.Rule && len(steps) < 3 {
				steps = append(steps, x.Action)
			}
		}
		if !slices.Equal(steps, []string{"warn", "slow", "evict"}) {
			t.Errorf("seed %d: %v", seed, steps)
		}
	}
}

// TestRatioNeedsEvents lets two robots answer each other too slowly for the
// ratio's least number of bundles.
func TestRatioNeedsEvents(t *testing.T) {
	w := newWorld(t, 1, governor.Options{RatioOnly: true})
	w.says(ann, home, ms(1000, 1000), 1)
	for _, id := range []string{"slow-a", "slow-b"} {
		w.add(&bot{id: named(id), profile: "wave-140", answers: everyone, latency: ms(4000, 4500)})
	}
	w.run(20 * time.Minute)
	if len(w.acts) != 0 {
		t.Errorf("%v after %v bundles", w.acts[0].Decision, w.acts[0].Decision.Evidence.Delivered)
	}
	if r := w.g.Reading(w.now, wavelet.Seat{Wavelet: home, Robot: named("slow-a")}); r.Ratio < 0.9 || r.Delivered < 100 {
		t.Errorf("%+v: the traffic proves nothing", r)
	}
}

// TestRestartsDoNotHelpALoop restores the governor every few seconds from a
// checkpoint of up to a second ago.
func TestRestartsDoNotHelpALoop(t *testing.T) {
	for _, sc := range scenes() {
		for _, every := range []time.Duration{3 * time.Second, 17 * time.Second} {
			if !sc.loop && every < 10*time.Second {
				continue
			}
			w := newWorld(t, 2, governor.Options{})
			sc.set(w, 1)
			w.restarts(every)
			w.run(sc.length)
			sc.judge(t, w, 1, 1)
			if t.Failed() {
				t.Fatalf("%s, restarted every %v", sc.name, every)
			}
		}
	}
}

// TestUnlimitedIsSpared puts a trusted robot on the loop: the other one is acted
// on, whoever answers more.
func TestUnlimitedIsSpared(t *testing.T) {
	for seed := range uint64(5) {
		w := newWorld(t, seed, governor.Options{})
		w.says(ann, home, ms(1000, 1000), 1)
		w.add(&bot{id: named("a-trusted"), profile: "unlimited", answers: everyone, latency: ms(100, 400)})
		w.add(&bot{id: named("echo"), profile: "default", answers: robots, latency: ms(100, 400)})
		w.run(time.Minute)
		if acted := w.acted(); !slices.Equal(acted, []wavelet.Participant{named("echo")}) {
			t.Errorf("acted on %v", acted)
		}
	}
}

// TestDryRunRecordsAndLetsGo tries the depth rule: it is decided and recorded
// once, and the loop goes on.
func TestDryRunRecordsAndLetsGo(t *testing.T) {
	w := newWorld(t, 1, governor.Options{})
	w.says(ann, home, ms(1000, 1000), 1)
	for _, id := range []string{"echo-a", "echo-b"} {
		w.add(&bot{id: named(id), profile: "default", answers: everyone, latency: ms(100, 400), change: func(p policies.Profile) policies.Profile {
			p.DryRun = []string{"depth", "amplification", "robotRatio"}
			return p
		}})
	}
	w.run(5 * time.Minute)
	if len(w.acts) != 0 || len(w.refusals) != 0 || w.exact < 100 {
		t.Errorf("acts %v, refusals %v, depth %d", w.acts, w.refusals, w.exact)
	}
	count := map[string]int{}
	for _, d := range w.decisions {
		if d.Action == "evict" {
			if !d.DryRun || d.Evidence.Answers == 0 {
				t.Errorf("%+v", d)
			}
			count[string(d.Robot)+" "+d.Rule]++
		}
	}
	if count["echo-a@example.com depth"] != 1 || count["echo-b@example.com depth"] != 1 {
		t.Errorf("recorded %v", count)
	}
}

// TestCutThenSuspendThenEvict follows the ladder of a profile that cuts: the
// robots are parted, and only one that loops on with others is put out.
func TestCutThenSuspendThenEvict(t *testing.T) {
	w := newWorld(t, 3, governor.Options{})
	w.says(ann, home, ms(20000, 20000), 0)
	for _, id := range []string{"agent-a", "agent-b", "agent-c", "agent-d"} {
		w.add(&bot{id: named(id), profile: "agent-discussion", answers: everyone, latency: ms(100, 300), change: func(p policies.Profile) policies.Profile {
			p.Depth.SlowFrom = 0
			return p
		}})
	}
	w.run(25 * time.Minute)
	kinds := map[governor.Kind]int{}
	per := map[wavelet.Participant][]governor.Kind{}
	for _, a := range w.acts {
		kinds[a.Kind]++
		per[a.Seat.Robot] = append(per[a.Seat.Robot], a.Kind)
		if a.Kind == governor.Cut && (len(a.Partners) == 0 || !w.g.Cuts(a.Seat, a.Partners[0]) && kinds[governor.Evict] == 0) {
			t.Errorf("cut from nobody: %+v", a)
		}
	}
	for robot := range per {
		shown := w.g.Limits(w.now, robot).Cuts
		for _, c := range shown {
			if name, _ := wavelet.ParseName(c.Wavelet); !w.g.Cuts(wavelet.Seat{Wavelet: name, Robot: robot}, wavelet.Participant(c.From[0])) {
				t.Errorf("%s is shown to be cut off from %v", robot, c.From)
			}
		}
		if len(shown) == 0 && per[robot][0] == governor.Cut {
			t.Errorf("%s is not shown whom it was cut off from", robot)
		}
	}
	ladder := []governor.Kind{governor.Cut, governor.Suspend, governor.Evict}
	for robot, got := range per {
		if len(got) > 3 || !slices.Equal(got, ladder[:len(got)]) {
			t.Errorf("%s: %v", robot, got)
		}
	}
	if kinds[governor.Cut] == 0 {
		t.Error("nobody was cut")
	}
	quiet := w.now.Sub(w.lastLoop)
	t.Logf("%v, last loop %v ago", per, quiet)
}
