package sim_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/policies"
	"weir/sim"
)

func TestFaultsSayWhereAndWhatIsAllowed(t *testing.T) {
	const head = "scenario: x\ntruth: loop\nduration: 1m\n"
	human := func(rest string) string { return head + "robots: []\nhumans:\n  - {name: ann, " + rest + "}\n" }
	robot := func(rest string) string { return head + "robots:\n  - {name: bot, " + rest + "}\n" }
	expect := func(rest string) string { return head + "robots: [{name: bot}]\nexpect: {" + rest + "}\n" }
	for _, c := range []struct{ name, file, fault string }{
		{"empty", "", "f:1:1: empty; allowed: a mapping that starts with scenario:"},
		{"not YAML", "a: [", "f:1:4: not YAML: "},
		{"a list", "- a\n", "f:1:1: not a mapping; allowed: key: value, of scenario"},
		{"no truth", "scenario: x\nduration: 1m\nrobots: []\n", "f:1:1: truth: missing"},
		{"twice", "scenario: x\nscenario: y\n", "f:2:1: not YAML: mapping key \"scenario\" already defined"},
		{"unknown key", head + "robots: []\nrobot: 1\n", "f:5:1: robot: unknown key; allowed: scenario, about, truth, duration, humans, robots, faults, expect"},
		{"name", strings.Replace(head, "x", "a b", 1) + "robots: []\n", `f:1:11: scenario: "a b" is not a name`},
		{"duration", strings.Replace(head, "1m", "1", 1) + "robots: []\n", `f:3:11: duration: "1" is not a duration; allowed: a duration from 1s to 168h0m0s`},
		{"long", strings.Replace(head, "1m", "200h", 1) + "robots: []\n", "f:3:11: duration: 200h is out of range"},
		{"neither", human("local: true"), "humans[0]: needs either messages or typing"},
		{"both", human("messages: {every: [1s, 1s]}, typing: {gap: [1s, 1s], burst: [1s, 1s], pause: [1s, 1s]}"), "needs either messages or typing"},
		{"every", human("messages: {every: 1s}"), "f:6:35: humans[0].messages.every: not a pair of durations"},
		{"backwards", human("messages: {every: [2s, 1s]}"), "f:6:35: humans[0].messages.every: 2s is above 1s; allowed: [min, max], the smaller one first"},
		{"no gap", human("messages: {every: [0s, 1s]}"), "humans[0].messages.every[0]: 0s is out of range; allowed: a duration from 1ms"},
		{"count", human("messages: {every: [1s, 1s], count: 0}"), "humans[0].messages.count: 0 is out of range; allowed: a whole number from 1 to 1000000"},
		{"typing", human("typing: {gap: [1s, 1s], burst: [1s, 1s]}"), "humans[0].typing.pause: missing"},
		{"stop", human("start: 20s, stop: 10s, messages: {every: [1s, 1s]}"), "humans[0]: stops at 10s, before it starts at 20s"},
		{"local", human("local: perhaps, messages: {every: [1s, 1s]}"), "f:6:24: humans[0].local: neither true nor false"},
		{"wavelets", human("in: [], messages: {every: [1s, 1s]}"), "humans[0].in: no wavelet; allowed: at least one"},
		{"profile", robot("profile: rude"), `robots[0].profile: no profile is called "rude"; allowed: agent-discussion, batch, default`},
		{"answers", robot("answers: some"), `f:5:26: robots[0].answers: "some" is nobody to answer; allowed: everyone, humans, robots, nobody, or a list of names`},
		{"stranger", robot("answers: [bot, eve]"), `f:5:32: robots[0].answers[1]: no person or robot is called "eve"; allowed: bot`},
		{"probability", robot("probability: 1.5"), "robots[0].probability: 1.5 is out of range; allowed: a number from 0 to 1"},
		{"unit", robot("unit: word"), `robots[0].unit: "word" is not known; allowed: bundle, delta`},
		{"via", robot("via: mail"), `robots[0].via: "mail" is not known; allowed: reply, active, data`},
		{"lineage", robot("lineage: lost"), `robots[0].lineage: "lost" is not known; allowed: kept, stripped, forged`},
		{"stream", robot("stream: {count: 3}"), "robots[0].stream.every: missing"},
		{"spontaneous", robot("spontaneous: {burst: 3}"), "robots[0].spontaneous.every: missing"},
		{"turns", robot("turns: {at: 1h}"), "robots[0].turns.answers: missing"},
		{"namesake", head + "humans: [{name: bot, messages: {every: [1s, 1s]}}]\nrobots: [{name: bot}]\n", `f:5:17: robots[0].name: somebody else is called "bot"`},
		{"lose", head + "robots: []\nfaults: {lose: 2}\n", "f:5:16: faults.lose: 2 is out of range"},
		{"restart", head + "robots: []\nfaults: {restart: 5s}\n", "faults.restart: not a list"},
		{"acted on", expect("acted_on: {any_of: [rob]}"), `f:5:30: expect.acted_on.any_of[0]: no robot is called "rob"; allowed: bot`},
		{"untouched", expect("untouched: [ann]"), `expect.untouched[0]: no robot is called "ann"`},
		{"at most", expect("acted_on: {any_of: [bot], at_most: 0}"), "expect.acted_on.at_most: 0 is out of range"},
		{"alias", head + "robots: &r []\nhumans: *r\n", "robots: not a list"},
		{"deep", strings.Repeat("[", 100), "f:1:1: nested too deeply"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := sim.Read([]byte(c.file), "f", policies.Builtin())
			var faults policies.Faults
			if !errors.As(err, &faults) {
				t.Fatalf("no faults but %v", err)
			}
			if !strings.Contains(err.Error(), c.fault) {
				t.Errorf("want %s\n got %v", c.fault, err)
			}
		})
	}
}

func TestEveryKeyIsRead(t *testing.T) {
	sc, err := sim.Read([]byte(`
scenario: all
about: "Everything there is."
truth: legitimate
duration: 10m
humans:
  - {name: ann, in: [a, b], start: 5s, stop: 2m, messages: {every: [1s, 2s], count: 3}}
  - {name: bob, local: false, typing: {gap: [1ms, 2ms], burst: [3s, 4s], pause: [5s, 6s]}}
robots:
  - name: bot
    profile: strict
    in: [a]
    answers: [ann, bob]
    probability: 0.5
    unit: delta
    latency: [1s, 2s]
    via: active
    to: [b]
    lineage: forged
    operations: 4
    stream: {count: 5, every: [6ms, 7ms]}
    spontaneous: {every: [8s, 9s], burst: 10, spacing: [11ms, 12ms], count: 13}
    turns: {at: 14s, answers: robots}
    max_answers: 15
    local: false
  - {name: plain}
faults: {restart: [60s, 2m], lose: 0.05, jitter: 2s}
expect:
  stopped_within: 15s
  at_least: 80s
  onset: 1m
  wasted_at_most: 0
  acted_on: {any_of: [bot], at_most: 1}
  untouched: [plain]
  human_lane_p95: 1500ms
`), "all", policies.Builtin())
	if err != nil {
		t.Fatal(err)
	}
	zero := 0
	s, ms := time.Second, time.Millisecond
	want := &sim.Scenario{
		Name: "all", About: "Everything there is.", Truth: sim.Legitimate, Duration: 600 * s,
		Humans: []sim.Human{
			{Name: "ann", In: []string{"a", "b"}, Start: 5 * s, Stop: 120 * s, Messages: &sim.Messages{Every: sim.Range{Min: s, Max: 2 * s}, Count: 3}},
			{Name: "bob", In: []string{"main"}, Remote: true, Typing: &sim.Typing{
				Gap: sim.Range{Min: ms, Max: 2 * ms}, Burst: sim.Range{Min: 3 * s, Max: 4 * s}, Pause: sim.Range{Min: 5 * s, Max: 6 * s}}},
		},
		Robots: []sim.Robot{
			{
				Name: "bot", Profile: "strict", In: []string{"a"}, To: []string{"b"}, Answers: sim.Audience{Names: []string{"ann", "bob"}},
				Probability: 0.5, Unit: sim.PerDelta, Latency: sim.Range{Min: s, Max: 2 * s}, Via: sim.ViaActive, Lineage: sim.Forged, Operations: 4,
				Stream:      &sim.Stream{Count: 5, Every: sim.Range{Min: 6 * ms, Max: 7 * ms}},
				Spontaneous: &sim.Spontaneous{Every: sim.Range{Min: 8 * s, Max: 9 * s}, Burst: 10, Spacing: sim.Range{Min: 11 * ms, Max: 12 * ms}, Count: 13},
				Turns:       &sim.Turns{At: 14 * s, Answers: sim.Audience{Word: sim.Robots}}, MaxAnswers: 15, Remote: true,
			},
			{
				Name: "plain", In: []string{"main"}, Answers: sim.Audience{Word: sim.Everyone}, Probability: 1, Unit: sim.PerBundle,
				Latency: sim.Range{Min: 100 * ms, Max: 400 * ms}, Via: sim.ViaReply, Lineage: sim.Kept, Operations: 1,
			},
		},
		Faults: sim.Faults{Restart: []time.Duration{60 * s, 120 * s}, Lose: 0.05, Jitter: 2 * s},
		Expect: sim.Expect{
			StoppedWithin: 15 * s, AtLeast: 80 * s, Onset: 60 * s, WastedAtMost: &zero, ActedOn: &sim.ActedOn{AnyOf: []string{"bot"}, AtMost: 1},
			Untouched: []string{"plain"}, HumanLaneP95: 1500 * ms,
		},
	}
	if diff := cmp.Diff(want, sc); diff != "" {
		t.Error(diff)
	}
}

// TestSpeed checks that every duration of a file is divided, and no other.
func TestSpeed(t *testing.T) {
	sc := named(t, "turns-bad-after-an-hour")
	fast := sc.At(4)
	e := fast.Expect
	if fast.Duration != sc.Duration/4 || e.Onset != 15*time.Minute || e.StoppedWithin != 90*time.Second/4 || fast.Robots[0].Turns.At != 15*time.Minute {
		t.Errorf("%+v", fast)
	}
	if e := sc.At(10).Expect; e.StoppedWithin != 16*time.Second {
		t.Errorf("stopped within %s, not 16s at least", e.StoppedWithin)
	}
	if e := named(t, "forgetful-pair").At(10).Expect; e.StoppedWithin != 40*time.Second {
		t.Errorf("stopped within %s, not at_least", e.StoppedWithin)
	}
	if e := named(t, "two-echo-bots").Expect; e.StoppedWithin != 15*time.Second {
		t.Errorf("stopped within %s at the file's own speed", e.StoppedWithin)
	}
	typist := named(t, "loop-under-a-typist").At(0.5)
	if g := typist.Humans[0].Typing.Gap; g.Min != 240*time.Millisecond || typist.Expect.HumanLaneP95 != 1500*time.Millisecond {
		t.Errorf("%+v", typist)
	}
	faulty := named(t, "busy-wave-of-helpers").At(2).Faults
	if faulty.Jitter != 500*time.Millisecond || faulty.Restart[0] != time.Minute || faulty.Lose != 0.02 {
		t.Errorf("%+v", faulty)
	}
	if sc.Duration != 70*time.Minute || sc.Robots[0].Turns.At != time.Hour {
		t.Error("the scenario itself changed")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("scenario: x\ntruth: loop\nduration: 1m\nrobots: [{name: a}]\nexpect: {acted_on: {any_of: [a]}}\n"))
	f.Add([]byte("humans:\n  - &a {name: *a, <<: {in: []}}\n"))
	f.Add([]byte("robots: [{answers: [[]], stream: 1, turns: {at: -1s}}]\n"))
	set := policies.Builtin()
	f.Fuzz(func(t *testing.T, data []byte) {
		sc, err := sim.Read(data, "f", set)
		var faults policies.Faults
		switch {
		case err == nil && (sc.Name == "" || sc.Duration <= 0):
			t.Errorf("accepted without name or duration: %+v", sc)
		case err == nil && len(sc.Humans)+len(sc.Robots) < 20:
			sc.Duration = min(sc.Duration, time.Second)
			for _, v := range sc.Variants(everyFault, 1)[:8] {
				if _, err := v.Play(sc, sim.Options{Profiles: set}); err != nil {
					t.Errorf("accepted, but not to be played: %v", err)
				}
			}
		case !errors.As(err, &faults) || len(faults) == 0 || faults[0].Line < 1 || faults[0].Column < 1:
			t.Errorf("a fault without a place: %v", err)
		}
	})
}
