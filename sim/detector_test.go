package sim_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
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
	return run(t, named(t, scenario), sim.Options{Seed: 1, Detector: d.New, Name: d.Name, MixedLanes: d.MixedLanes})
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
		{"no-remote", "two-echo-bots", true, 1},
		{"mixed-lanes", "two-echo-bots", true, 1},
		{"mixed-lanes", "two-live-translators", true, 1}, // who hears both cannot be told to answer people only
		{"mixed-lanes", "pipeline-under-a-typist", true, 1},
		{"mixed-lanes", "busy-wave-of-helpers", true, 0},
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

// TestScore runs three scenarios under three detectors of known worth.
func TestScore(t *testing.T) {
	var results []sim.Result
	var scores []*sim.Score
	for _, detector := range []string{"weir", "ignore-bots", "none"} {
		score := sim.NewScore(detector)
		scores = append(scores, score)
		for _, name := range []string{"two-echo-bots", "polite-models", "pipeline-of-five"} {
			r := under(t, detector, name)
			results = append(results, r)
			score.Add(named(t, name), &r)
		}
	}
	var table, sums, page bytes.Buffer
	err := errors.Join(sim.WriteTable(&table, results), sim.WriteScores(&sums, scores, sim.TableForm{Bars: true}),
		sim.WriteScores(&page, scores, sim.TableForm{Markdown: true}))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(table.String(), "\n"); n != len(results)+1 || strings.Count(table.String(), "FAIL") != 5 {
		t.Errorf("%s", &table)
	}
	for _, row := range []string{
		`MEASURE +BAR +WEIR +IGNORE-BOTS +NONE`,
		`loops missed, visible lineage +0 % +0 of 2 +ok +0 of 2 +2 of 2`,
		`loops missed, stripped or forged lineage +<= 5 % +- +- +-`,
		`somebody was acted on +0 runs +0 of 1 +ok +1 of 1 +0 of 1`,
		`honest traffic +>= 1000 h +2 h +MISSED`,
		`slowest to fastest +<= 16 answers +(8|9|1[0-6]) +ok`,
		`alone, p95 +<= 1.25 +[01].[0-9]+ +ok`,
		`the same among more people, p95 +<= 2.5 +- +- +-`,
		`right robot +>= 99 % +100.0 % +ok .* +-\n`,
		`more robots were acted on than needed +0 of 2`,
		`never told +0 deltas +0 deltas +ok`,
		`announced before they were reached +>= 95 % +100.0 % +ok +- +-`,
		`came as expected +3 of 3 +[0-9] of 3 +1 of 3`,
	} {
		if !regexp.MustCompile(row).Match(sums.Bytes()) {
			t.Errorf("no row %q in\n%s", row, &sums)
		}
	}
	if lines := strings.Split(page.String(), "\n"); lines[0] != "| measure | weir | ignore-bots | none |" || lines[1] != "|---|---|---|---|" {
		t.Errorf("%s", &page)
	}
	failures := scores[2].Failures()
	if len(failures) != 2 || failures[0].Kind != "missed loop" || failures[0].Scenario != "polite-models" || failures[0].Seed != 1 {
		t.Errorf("%+v", failures)
	}
	if f := scores[1].Failures(); len(f) == 0 || f[0].Kind != "false action" {
		t.Errorf("%+v", f)
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
