package sim_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"weir/governor"
	"weir/governor/traffic"
	"weir/policies"
	"weir/sim"
	"weir/wavelet"
)

// recorded is a governor whose traffic is recorded, and the decisions it took.
type recorded struct {
	*traffic.Recorder
	took *[]governor.Decision
}

func (r recorded) noted(v governor.Verdict) governor.Verdict {
	*r.took = append(*r.took, v.Decisions...)
	return v
}

func (r recorded) Commit(now time.Time, c wavelet.Commit) governor.Verdict {
	return r.noted(r.Recorder.Commit(now, c))
}

func (r recorded) Deliver(now time.Time, d governor.Delivery) governor.Verdict {
	return r.noted(r.Recorder.Deliver(now, d))
}

func (r recorded) Answer(now time.Time, a governor.Answer) governor.Verdict {
	return r.noted(r.Recorder.Answer(now, a))
}

func (r recorded) Call(now time.Time, id wavelet.Participant, limitsQuery bool) governor.Verdict {
	return r.noted(r.Recorder.Call(now, id, limitsQuery))
}

// record plays a scenario, recording its traffic, and gives what was decided.
func record(t *testing.T, sc *sim.Scenario, seed uint64) (*traffic.Log, []governor.Decision) {
	t.Helper()
	log, err := traffic.Open(t.TempDir(), traffic.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	var took []governor.Decision
	run(t, sc, sim.Options{Seed: seed, Detector: func(fallback policies.Profile) sim.Detector {
		return recorded{traffic.Record(governor.New(governor.Options{Default: fallback}), log), &took}
	}})
	return log, took
}

// rulesOf is the profiles of a scenario's robots.
func rulesOf(t *testing.T, sc *sim.Scenario) traffic.Rules {
	byName := map[wavelet.Participant]policies.Profile{}
	for _, r := range sc.Robots {
		id := r.Name + "@example.com"
		p, ok := builtin().For(id, r.Profile)
		if !ok {
			t.Fatalf("no profile %q", r.Profile)
		}
		byName[wavelet.Participant(id)] = p
	}
	return func(id wavelet.Participant) policies.Profile { return byName[id] }
}

func replay(t *testing.T, log *traffic.Log, rules traffic.Rules) (took []governor.Decision, rows int) {
	t.Helper()
	fallback, _ := builtin().Profile("")
	p := traffic.NewReplay(fallback, rules, func(e traffic.Event) { took = append(took, e.Verdict.Decisions...) })
	var last time.Time
	for row, err := range log.Rows(t.Context(), time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		if row.Kind == traffic.Gap {
			t.Errorf("%d rows are missing", row.Missing)
		}
		p.Take(row)
		last = row.At
		rows++
	}
	p.Until(last.Add(time.Minute))
	return took, rows
}

// same tells how two lists of decisions differ, "" if they are the same ones, each
// within a second.
func same(want, got []governor.Decision) string {
	for i := range want {
		if i >= len(got) {
			return fmt.Sprintf("%d decisions, not %d; the first that is missing is %+v", len(got), len(want), want[i])
		}
		a, b := want[i], got[i]
		if a.Robot != b.Robot || a.Wavelet != b.Wavelet || a.Rule != b.Rule || a.Action != b.Action || a.DryRun != b.DryRun ||
			math.Abs(a.Measured-b.Measured) > 1e-4 || a.Limit != b.Limit || a.Time.Sub(b.Time).Abs() > time.Second {
			return fmt.Sprintf("decision %d is\n%+v, not\n%+v", i, b, a)
		}
	}
	if len(got) > len(want) {
		return fmt.Sprintf("%d decisions, not %d; the first one more is %+v", len(got), len(want), got[len(want)])
	}
	return ""
}

// TestReplaysDecideTheSame holds the law of package traffic: under the same
// profiles, a record gives the decisions of the run again. A restart forgets up to
// a second, of which the record knows nothing; then the acts are the same.
func TestReplaysDecideTheSame(t *testing.T) {
	for _, sc := range load(t) {
		t.Run(sc.Name, func(t *testing.T) {
			t.Parallel()
			for _, people := range []int{0, 1} {
				log, want := record(t, sc.With(people), 1)
				got, rows := replay(t, log, rulesOf(t, sc))
				if len(sc.Faults.Restart) > 0 {
					want, got = acts(want), acts(got)
				}
				if d := same(want, got); d != "" {
					t.Errorf("%d people more: %s", people, d)
				}
				if size := float64(log.Stats().Bytes) / float64(rows); size > 60 {
					t.Errorf("%.1f bytes a row", size)
				}
			}
		})
	}
}

// acts is the decisions by which a robot is put out or cut off.
func acts(list []governor.Decision) []governor.Decision {
	return slices.DeleteFunc(list, func(d governor.Decision) bool {
		return !slices.Contains([]string{"evict", "cut", "suspend", "cut-off"}, d.Action)
	})
}

// held is a scenario with all its robots under another profile.
func held(sc *sim.Scenario, profile string) *sim.Scenario {
	other := *sc
	other.Robots = slices.Clone(sc.Robots)
	for i := range other.Robots {
		other.Robots[i].Profile = profile
	}
	return &other
}

// TestTriedIsNearTheTruth records loops, replays them under a stricter profile, and
// holds that against runs under it: the same rule acts, at about the same time.
func TestTriedIsNearTheTruth(t *testing.T) {
	for _, name := range []string{
		"across-two-wavelets", "broadcast-storm", "discussion-without-end", "echo-over-a-bad-line", "four-agents-let-loose", "hub-and-spokes",
		"loop-beside-a-pipeline", "loop-by-the-active-api", "loop-under-a-typist", "one-turn-a-minute", "ring-of-five", "ring-over-three-wavelets",
		"slow-loop", "turns-bad-after-an-hour", "two-echo-bots", "two-mirrors", "wordy-duel",
	} {
		sc := named(t, name)
		log, was := record(t, sc, 1)
		all, _ := replay(t, log, rulesOf(t, held(sc, "strict")))
		got := acts(all)
		_, all = record(t, held(sc, "strict"), 1)
		want := acts(all)
		if len(got) == 0 || len(want) == 0 {
			t.Errorf("%s: %d acts in the replay, %d in truth", name, len(got), len(want))
			continue
		}
		began := time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)
		at, truly := got[0].Time.Sub(began), want[0].Time.Sub(began)
		if d := (at - truly).Abs(); got[0].Rule != want[0].Rule || got[0].Action != want[0].Action || d > max(4*time.Second, truly/10) {
			t.Errorf("%s: %s by %s after %s, in truth %s by %s after %s", name, got[0].Action, got[0].Rule, at, want[0].Action, want[0].Rule, truly)
		}
		if at >= acts(was)[0].Time.Sub(began) {
			t.Errorf("%s: the stricter profile acts no earlier", name)
		}
	}
}
