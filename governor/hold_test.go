package governor_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"weir/governor"
)

// forgetful adds robots that answer everybody by calls that name nothing.
func (w *world) forgetful(latency [2]time.Duration, ids ...string) {
	for _, id := range ids {
		w.add(&bot{id: named(id), answers: everyone, latency: latency, call: true, lineage: "stripped"})
	}
}

func TestHoldConvictsOneOfAPair(t *testing.T) {
	for name, every := range map[string]time.Duration{"undisturbed": 0, "through restarts": 7 * time.Second} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1, governor.Options{})
			w.says(ann, home, ms(1000, 1000), 1)
			w.forgetful(ms(300, 900), "a", "b")
			if every > 0 {
				w.restarts(every)
			}
			w.run(5 * time.Minute)
			if len(w.acts) != 1 {
				t.Fatalf("%d acts", len(w.acts))
			}
			d := w.acts[0].Decision
			if took := w.lastLoop.Sub(w.firstLoop); d.Rule != "hold" || took > time.Minute {
				t.Errorf("by %s, after %v", d.Rule, took)
			}
			e := d.Evidence
			if e.Exact != 0 || e.Depth < 12 || len(e.Tests) != 2 {
				t.Errorf("evidence %+v", e)
			}
			for _, x := range e.Tests {
				if held := time.Duration(x.Held); x.Holds < 2 || held < time.Duration(x.Holds)*time.Second || held > time.Minute {
					t.Errorf("%+v", x)
				}
			}
			text := strings.Join(d.Sentences(), "\n")
			for _, want := range []string{"it was silent meanwhile, and wrote as soon as it was sent it", "the others are assumed", "Cause: it began with what ann", "Undo: "} {
				if !strings.Contains(text, want) {
					t.Errorf("the notice does not say %q:\n%s", want, text)
				}
			}
			warned := slices.IndexFunc(w.decisions, func(x governor.Decision) bool {
				return x.Action == "warn" && x.Rule == "hold" && x.Robot == d.Robot
			})
			if warned < 0 {
				t.Error("it was not warned")
			}
		})
	}
}

func TestHoldClearsWhoWritesOnItsOwn(t *testing.T) {
	w := newWorld(t, 1, governor.Options{})
	w.says(ann, home, ms(60_000, 120_000), 0)
	w.add(&bot{id: named("ticker"), answers: nobody, every: 3 * time.Second, latency: ms(100, 200)})
	w.add(&bot{id: named("helper"), answers: only(named("ticker")), prob: 1, latency: ms(200, 400), call: true, lineage: "stripped"})
	w.run(40 * time.Minute)
	if len(w.acts) != 0 {
		t.Errorf("acted on %v: %s", w.acted(), w.acts[0].Decision.Reason())
	}
	if !slices.ContainsFunc(w.decisions, func(d governor.Decision) bool { return d.Action == "hold" && d.Robot == named("ticker") }) {
		t.Error("the ticker was never tested")
	}
	held := slices.DeleteFunc(slices.Clone(w.decisions), func(d governor.Decision) bool { return d.Action != "hold" })
	if len(held) > 6 {
		t.Errorf("%d holds in 40 minutes", len(held))
	}
}

// TestHoldNeedsProof has two robots that answer each other half of the time.
func TestHoldNeedsProof(t *testing.T) {
	for seed := range uint64(5) {
		w := newWorld(t, seed, governor.Options{})
		w.says(ann, home, ms(5_000, 40_000), 0)
		for _, id := range []string{"m1", "m2"} {
			w.add(&bot{id: named(id), answers: everyone, prob: 0.5, latency: ms(1000, 4000), call: true, lineage: "stripped"})
		}
		w.run(2 * time.Hour)
		if len(w.acts) != 0 {
			t.Errorf("seed %d: acted on %v: %s", seed, w.acted(), w.acts[0].Decision.Reason())
		}
	}
}

func TestHoldOnTrial(t *testing.T) {
	p := profile("default")
	p.DryRun = []string{"hold"}
	w := newWorld(t, 1, governor.Options{})
	w.says(ann, home, ms(1000, 1000), 1)
	w.forgetful(ms(300, 900), "a", "b")
	for _, id := range []string{"a", "b"} {
		w.g.SetProfile(named(id), p)
	}
	w.run(time.Minute)
	tried := 0
	for _, d := range w.decisions {
		if d.Action == "hold" && d.DryRun {
			tried++
		}
	}
	if len(w.acts) != 0 || tried == 0 || tried > 2 {
		t.Errorf("%d acts, tried %d times", len(w.acts), tried)
	}
}
