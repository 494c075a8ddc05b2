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
			if e := d.Evidence; e.Exact != 0 || e.Depth < 12 || time.Duration(e.Held) < 10*time.Second || e.Usual < 8 || !e.Silent {
				t.Errorf("evidence %+v", e)
			}
			text := strings.Join(d.Sentences(), "\n")
			for _, want := range []string{"it fell silent", "all are assumed", "Cause: it began with what ann", "Undo: "} {
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
