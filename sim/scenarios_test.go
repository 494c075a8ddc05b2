package sim_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"weir/policies"
	"weir/sim"
)

// builtin is policies.Builtin, read once.
var builtin = sync.OnceValue(policies.Builtin)

// load reads all scenarios of the package.
func load(t testing.TB) []*sim.Scenario {
	t.Helper()
	files, err := filepath.Glob("testdata/scenarios/*.yaml")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d scenarios, %v", len(files), err)
	}
	var list []*sim.Scenario
	for _, file := range files {
		list = append(list, read(t, file))
	}
	return list
}

func read(t testing.TB, file string) *sim.Scenario {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sc, err := sim.Read(data, file, builtin())
	if err != nil {
		t.Fatal(err)
	}
	if sc.Name != strings.TrimSuffix(filepath.Base(file), ".yaml") {
		t.Errorf("%s is called %s inside", file, sc.Name)
	}
	return sc
}

func named(t testing.TB, name string) *sim.Scenario {
	t.Helper()
	return read(t, filepath.Join("testdata", "scenarios", name+".yaml"))
}

func run(t testing.TB, sc *sim.Scenario, o sim.Options) sim.Result {
	t.Helper()
	if len(o.Profiles.Names()) == 0 {
		o.Profiles = builtin()
	}
	r, err := sim.Run(sc, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// speeds is how fast the people and robots of a scenario are also tried.
func speeds(sc *sim.Scenario) []float64 {
	if sc.Truth == sim.Loop {
		return []float64{0.3, 1, 5}
	}
	return []float64{0.3, 1}
}

// saturated says that people keep a robot elsewhere so busy that it writes as
// often while the answers of its partner here are held.
const saturated = "people here keep the one elsewhere as busy as its partner does"

// hard is the cells that the governor does not master for every seed, though it
// masters the scenario elsewhere.
var hard = map[string]string{
	"remote-echo, x0.3, 20 people more":                 saturated,
	"remote-echo-and-a-visitor, x0.3, 20 people more":   saturated,
	"remote-echo-cut, x0.3, 20 people more":             saturated,
	"remote-trio, x0.3, 20 people more":                 saturated,
	"remote-echo-over-a-bad-line, x0.3, 20 people more": saturated,
	"remote-echo-over-a-bad-line, x1, 20 people more":   saturated,
}

// TestScenarios runs everything at all speeds, alone and among people.
// WEIR_SOAK=1 takes thirty seeds of each.
func TestScenarios(t *testing.T) {
	seeds := 1
	if os.Getenv("WEIR_SOAK") != "" {
		seeds = 30
	}
	for _, sc := range load(t) {
		t.Run(sc.Name, func(t *testing.T) {
			t.Parallel()
			for _, speed := range speeds(sc) {
				for _, people := range []int{0, 1, 20} {
					cell, mastered := fmt.Sprintf("x%g, %d people more", speed, people), true
					reason, isHard := hard[sc.Name+", "+cell]
					for seed := range uint64(seeds) {
						r := run(t, sc.At(speed).With(people), sim.Options{Seed: seed + 1, Speed: speed})
						if mastered = mastered && r.OK; !isHard {
							check(t, fmt.Sprintf("%s, seed %d", cell, seed+1), &r)
						}
					}
					if isHard && mastered && seeds > 1 {
						t.Errorf("%s: is mastered now: it need no longer be hard (%s)", cell, reason)
					}
				}
			}
		})
	}
}

// TestSecondThoughts is single runs in which a loop that had been broken seemed to
// go on, because of what was still on its way or of bundles that had held
// several robots' deltas, or in which one assumed link hid a long chain.
func TestSecondThoughts(t *testing.T) {
	for _, c := range []struct {
		scenario string
		speed    float64
		people   int
		seed     uint64
	}{
		{"loop-beside-a-pipeline", 5, 0, 3},
		{"loop-beside-a-pipeline", 5, 1, 3},
		{"ring-over-three-wavelets", 0.3, 20, 4},
		{"ring-over-three-wavelets", 0.3, 20, 11},
		{"loop-beside-honest-robots", 0.3, 20, 3},
		{"loop-beside-honest-robots", 0.3, 20, 22},
	} {
		r := run(t, named(t, c.scenario).At(c.speed).With(c.people), sim.Options{Seed: c.seed, Speed: c.speed})
		check(t, fmt.Sprintf("%s x%g, %d people more, seed %d", c.scenario, c.speed, c.people, c.seed), &r)
	}
}

func check(t *testing.T, cell string, r *sim.Result) {
	t.Helper()
	if !r.OK {
		t.Errorf("%s: %s; acted on %v", cell, r.Why, r.ActedOn)
	}
}

// TestLoopsGoOn holds the label of every loop against what happens when nobody
// stops it.
func TestLoopsGoOn(t *testing.T) {
	none, err := sim.FindDetector("none")
	if err != nil {
		t.Fatal(err)
	}
	for _, sc := range load(t) {
		if sc.Truth != sim.Loop {
			continue
		}
		t.Run(sc.Name, func(t *testing.T) {
			t.Parallel()
			for _, speed := range speeds(sc) {
				for _, people := range []int{0, 1} {
					r := run(t, sc.At(speed).With(people), sim.Options{Seed: 1, Speed: speed, Detector: none.New, Name: none.Name})
					if r.Stopped {
						t.Errorf("x%g, %d people more: it ends by itself, after %d answers", speed, people, r.Wasted)
					}
				}
			}
		})
	}
}
