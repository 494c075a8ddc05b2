package sim_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"weir/policies"
	"weir/sim"
)

// under runs a scenario under a detector.
func under(t *testing.T, detector, scenario string) sim.Result {
	t.Helper()
	d, err := sim.FindDetector(detector)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, named(t, scenario), sim.Options{Seed: 1, Detector: d.New, Name: d.Name})
}

// TestGuardsFromElsewhere shows what each of them is known to do and to miss.
func TestGuardsFromElsewhere(t *testing.T) {
	for _, c := range []struct {
		detector, scenario string
		stopped            bool
		acted              int // at least
	}{
		{"ratio-slots", "two-echo-bots", false, 0}, // 0.75 s a turn is 2 of 3 slots
		{"ratio-slots", "polite-models", false, 0},
		{"ratio-delivered", "polite-models", false, 0}, // under 60 bundles in two minutes
		{"ratio-delivered", "spelly-and-a-bad-speller", true, 1},
		{"pair-guard", "two-echo-bots", true, 1},
		{"pair-guard", "slow-loop", false, 0},
		{"pair-guard", "two-helpers-one-human", true, 0},
		{"ignore-bots", "two-echo-bots", true, 1},
		{"ignore-bots", "pipeline-of-five", true, 1},
		{"ignore-bots", "two-live-translators", true, 0},
		{"depth-only", "polite-models", true, 1},
		{"depth-only", "pipeline-of-five", true, 0},
		{"no-amplification", "two-echo-bots", true, 1},
		{"no-hold", "two-echo-bots", true, 1},
		{"no-profiles", "two-echo-bots", true, 1},
		{"none", "two-echo-bots", false, 0},
	} {
		r := under(t, c.detector, c.scenario)
		if r.Stopped != c.stopped || len(r.ActedOn) < c.acted || c.acted == 0 && len(r.ActedOn) > 0 {
			t.Errorf("%s, %s: stopped %v, acted on %v", c.detector, c.scenario, r.Stopped, r.ActedOn)
		}
	}
}

// TestEvictionByRatio holds the windows of the guard by delivered bundles against
// when they can first be full.
func TestEvictionByRatio(t *testing.T) {
	r := under(t, "ratio-delivered", "spelly-and-a-bad-speller")
	if a := r.ActedOn[0]; a.Rule != "ratio2m" || a.AtS < 108 || a.AtS > 121 {
		t.Errorf("%+v: deliveries reach the first tenth of two minutes after 108 s", a)
	}
}

func TestSummary(t *testing.T) {
	var results []sim.Result
	scenarios := map[string]*sim.Scenario{}
	for _, name := range []string{"two-echo-bots", "polite-models", "pipeline-of-five"} {
		scenarios[name] = named(t, name)
		for _, detector := range []string{"weir", "ignore-bots", "none"} {
			results = append(results, under(t, detector, name))
		}
	}
	sums := sim.Summarise(results, scenarios)
	if len(sums) != 3 || sums[0].Detector != "weir" {
		t.Fatalf("%+v", sums)
	}
	w, i, n := sums[0], sums[1], sums[2]
	if w.Missed != 0 || w.FalseRuns != 0 || w.Failed != 0 || w.Loops != 2 || w.Legitimate != 1 || w.RightRobots != 2 || w.Acts != 2 ||
		w.Wasted < 8 || w.Wasted > 16 || w.Stop < 5 || w.RobotHours < 1.6 || w.RobotHours > 1.7 {
		t.Errorf("weir: %+v", w)
	}
	if i.Missed != 0 || i.FalseRuns != 1 || n.Missed != 2 || n.FalseRuns != 0 {
		t.Errorf("ignore-bots: %+v, none: %+v", i, n)
	}
	var table, sum bytes.Buffer
	if err := errors.Join(sim.WriteTable(&table, results), sim.WriteSummary(&sum, sums)); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(table.String(), "\n"); n != len(results)+1 || strings.Count(table.String(), "FAIL") != 5 {
		t.Errorf("%s", &table)
	}
	if strings.Count(sum.String(), "\n") != 4 {
		t.Errorf("%s", &sum)
	}
}

func TestPlot(t *testing.T) {
	sc := named(t, "loop-beside-honest-robots")
	sc.Robots[0].Name = "<translator>" // no name that Read lets through needs escaping
	sc.Expect = sim.Expect{}
	var trace sim.Trace
	run(t, sc, sim.Options{Seed: 1, Trace: &trace})
	var svg bytes.Buffer
	if err := trace.WriteSVG(&svg); err != nil {
		t.Fatal(err)
	}
	shapes := map[string]int{}
	var words []string
	for d := xml.NewDecoder(&svg); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			shapes[x.Name.Local]++
		case xml.CharData:
			words = append(words, string(x))
		}
	}
	all := strings.Join(words, "\n")
	for _, want := range []string{"loop-beside-honest-robots", "echo-a", "echo-b", "<translator>", "depth", "ratio", "pace", "evict depth at ", "warn depth at ", "10m0s"} {
		if !strings.Contains(all, want) {
			t.Errorf("the plot does not say %q", want)
		}
	}
	if shapes["svg"] != 1 || shapes["circle"] < 100 || shapes["polyline"] < 4 || shapes["rect"] < 100 {
		t.Errorf("%v", shapes)
	}
}

func TestUnknownProfile(t *testing.T) {
	sc := named(t, "two-echo-bots")
	sc.Robots[0].Profile = "missing"
	if _, err := sim.Run(sc, sim.Options{}); err == nil || !strings.Contains(err.Error(), `robot echo-a: no profile is called "missing"`) {
		t.Error(err)
	}
	set, err := policies.Parse([]byte("version: 1\nprofiles: {missing: {depth: {act: 5}}}\n"), "p")
	if err != nil {
		t.Fatal(err)
	}
	if r := run(t, sc, sim.Options{Profiles: set}); r.ActedOn[0].Depth > 6 {
		t.Errorf("the profile from the file is not in force: %+v", r.ActedOn)
	}
}

// BenchmarkFullHouse is an hour of fifty people and twelve robots.
func BenchmarkFullHouse(b *testing.B) {
	sc := named(b, "a-full-house")
	b.ReportAllocs()
	for b.Loop() {
		run(b, sc, sim.Options{Seed: 1})
	}
	b.ReportMetric(float64(sc.Duration)/float64(b.Elapsed())*float64(b.N), "times-real-time")
}
