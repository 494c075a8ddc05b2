package sim_test

import (
	"slices"
	"testing"
	"time"

	"weir/sim"
)

// restarted is the scenario with a restart of the gateway at each of the
// instants and at no other.
func restarted(sc *sim.Scenario, at ...time.Duration) *sim.Scenario {
	c := *sc
	c.Faults.Restart = at
	if c.Expect.StoppedWithin > 0 { // what was under way is written again
		c.Expect.StoppedWithin += c.Expect.StoppedWithin/2 + 10*time.Second
		c.Expect.WastedAtMost = nil
	}
	return &c
}

// TestRestartsChangeNoVerdict restarts the gateway again and again.
func TestRestartsChangeNoVerdict(t *testing.T) {
	for _, name := range []string{"two-echo-bots", "ring-of-three", "across-two-wavelets", "loop-by-the-active-api", "short-hand-off", "spelly-and-a-bad-speller"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sc := named(t, name)
			for every := 3 * time.Second; every <= 30*time.Second; every += 9 * time.Second {
				var all []time.Duration
				for at := every; at < min(sc.Duration, 5*time.Minute); at += every {
					all = append(all, at)
				}
				for seed := range uint64(2) {
					r := run(t, restarted(sc, all...), sim.Options{Seed: seed, Detector: watched(t.Errorf)})
					if !r.OK {
						t.Errorf("every %s, seed %d: %s", every, seed, r.Why)
					}
				}
			}
		})
	}
}

// TestRestartAtAnyInstant restarts the gateway at each of many instants, all
// through what leads to an act, and around the act itself; and again later, with
// what the first restart left. The same comes of it as without: it is stopped,
// the same number of robots is acted on, in the same way, people are served as
// before, and who is out stays out.
func TestRestartAtAnyInstant(t *testing.T) {
	for _, c := range []struct {
		name  string
		until time.Duration
	}{
		{"two-echo-bots", 30 * time.Second},
		{"loop-under-a-typist", 40 * time.Second},
		{"ring-of-three", 40 * time.Second},
		{"across-two-wavelets", 40 * time.Second},
		{"loop-by-the-active-api", 40 * time.Second},
		{"discussion-without-end", 2 * time.Minute},
		{"pipeline-of-ten", 2 * time.Minute},
		{"two-live-translators", time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sc := named(t, c.name)
			sc.Duration = min(sc.Duration, 10*time.Minute)
			plain := run(t, sc, sim.Options{Seed: 1})
			var instants []time.Duration
			for at := c.until / 40; at <= c.until; at += c.until / 40 {
				instants = append(instants, at)
			}
			for _, a := range plain.ActedOn {
				for d := -time.Second; d <= time.Second; d += 150 * time.Millisecond {
					instants = append(instants, max(0, time.Duration(a.AtS*1e9)+d))
				}
			}
			for _, at := range instants {
				r := run(t, restarted(sc, at, at+40*time.Second), sim.Options{Seed: 1, Detector: watched(t.Errorf)})
				if !r.OK {
					t.Errorf("restart at %s: %s", at, r.Why)
				}
				if a, b := kinds(&plain), kinds(&r); !slices.Equal(a, b) {
					t.Errorf("restart at %s: %v, without %v", at, b, a)
				}
				if more := r.HumanLaneP95MS - plain.HumanLaneP95MS; more > 500 {
					t.Errorf("restart at %s: people wait %.0f ms longer", at, more)
				}
			}
		})
	}
}

// kinds is what was done to robots, in order, with the robot left out: which of
// two alike it was is up to chance.
func kinds(r *sim.Result) []string {
	var all []string
	for _, a := range r.ActedOn {
		all = append(all, a.Action+" by "+a.Rule)
	}
	return all
}
