package sim

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"weir/policies"
)

// TestHonestRobotsFallSilent holds the label of every legitimate scenario
// against what happens, with no detector at all, when people fall silent half
// way, and the robots that write unasked: then all robots do, before long.
func TestHonestRobotsFallSilent(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sc, err := Read(data, file, policies.Builtin())
		if err != nil {
			t.Fatal(err)
		}
		if sc.Truth != Legitimate {
			continue
		}
		half := sc.Duration / 2
		for i := range sc.Humans {
			sc.Humans[i].Stop = half
		}
		for i := range sc.Robots {
			if x := sc.Robots[i].Spontaneous; x != nil {
				x.Count = int(half / x.Every.Max)
			}
		}
		w, err := newWorld(sc, Options{Seed: 1, Profiles: policies.Builtin(), Detector: func(policies.Profile) Detector { return nothing{} }})
		if err != nil {
			t.Fatal(err)
		}
		w.run()
		last := time.Duration(0)
		for _, in := range w.list {
			for _, e := range in.log {
				if e.By != "" && !e.Person {
					last = e.At.Sub(began)
				}
			}
		}
		if quiet := half + 3*time.Minute; last > quiet {
			t.Errorf("%s: robots still write at %s, people stopped at %s", sc.Name, last, half)
		}
	}
}

// TestMeasures plays a scenario whose every instant is known.
func TestMeasures(t *testing.T) {
	second := Range{time.Second, time.Second}
	sc := &Scenario{
		Name: "known", Truth: Loop, Duration: 30 * time.Second,
		Humans: []Human{{Name: "ann", In: []string{"main"}, Messages: &Messages{Every: Range{5 * time.Second, 5 * time.Second}, Count: 2}}},
		Robots: []Robot{
			{Name: "a", In: []string{"main"}, Answers: Audience{Names: []string{"ann"}}, Probability: 1, Unit: PerBundle, Latency: second, Via: ViaReply, Operations: 1},
			{Name: "b", In: []string{"main"}, Answers: Audience{Names: []string{"a"}}, Probability: 1, Unit: PerBundle, Latency: second, Via: ViaReply, Operations: 1},
			{Name: "c", In: []string{"main"}, Answers: Audience{Names: []string{"b"}}, Probability: 1, Unit: PerBundle, Latency: second, Via: ViaReply, Operations: 1},
		},
		Expect: Expect{StoppedWithin: 1400 * time.Millisecond, WastedAtMost: new(int), HumanLaneP95: 499 * time.Millisecond},
	}
	var trace Trace
	r, err := Run(sc, Options{Seed: 1, Trace: &trace, Detector: func(policies.Profile) Detector { return nothing{} }})
	if err != nil {
		t.Fatal(err)
	}
	// Each delta takes half a second to its bundle and a second to its answer. When
	// ann writes again, a has just been sent what c wrote, and looks at it first.
	var at []time.Duration
	for _, d := range trace.deltas {
		at = append(at, d.at)
	}
	s, ms := time.Second, time.Millisecond
	if want := []time.Duration{5 * s, 6500 * ms, 8 * s, 9500 * ms, 10 * s, 12 * s, 13500 * ms, 15 * s}; !slices.Equal(at, want) {
		t.Errorf("deltas at %v, not %v", at, want)
	}
	if r.Wasted != 4 || r.WastedBy["b"] != 2 || *r.StoppedAtS != 1.5 || r.HumanLaneP95MS != 500 || r.OK || r.Stopped {
		t.Errorf("%+v", r)
	}
	if want := "stopped after 1.5s, not within 1.4s; 4 wasted answers, not at most 0; people's deltas waited 500 ms for their bundles (p95), not at most 499 ms"; r.Why != want {
		t.Errorf("why: %s", r.Why)
	}
	sc.Expect = Expect{Onset: 12 * time.Second, StoppedWithin: time.Minute}
	if r, err = Run(sc, Options{Seed: 1, Detector: func(policies.Profile) Detector { return nothing{} }}); err != nil || r.Wasted != 2 || *r.StoppedAtS != 1.5 || !r.OK {
		t.Errorf("from the onset on: %+v, %v", r, err)
	}
}
