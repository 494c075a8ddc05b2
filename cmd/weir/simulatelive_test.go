package main

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"weir/policies"
	"weir/robots"
	"weir/sim"
	"weir/sim/live"
)

// scene is a scenario of a test, with who is acted on in the end; none: nobody may
// be.
type scene struct {
	name, text string
	acted      []string
}

// scenes are short scenarios of each kind of actor. Loops are given a hundred times
// as long as they take, for machines that are busy, and end soon after somebody has
// been acted on, or has fallen silent.
var scenes = []scene{
	{"two echoes beside a speller", `
scenario: echo-and-speller
truth: loop
duration: 20m
humans:
  - {name: ann, typing: {gap: [150ms, 300ms], burst: [10s, 20s], pause: [2s, 5s]}}
robots:
  - {name: echo-a, answers: everyone}
  - {name: echo-b, answers: everyone}
  - {name: spelly, profile: interactive, answers: humans, probability: 0.7}
expect: {stopped_within: 19m, acted_on: {any_of: [echo-a, echo-b], at_most: 2}, untouched: [spelly]}
`, []string{"echo-a", "echo-b"}},
	{"a pair by the robots' API", `
scenario: active-pair
truth: loop
duration: 20m
humans:
  - {name: ann, in: [one], messages: {every: [1s, 1s], count: 1}}
robots:
  - {name: left, in: [one], to: [two], answers: everyone, via: active, latency: [100ms, 300ms]}
  - {name: right, in: [two], to: [one], answers: everyone, via: data, latency: [100ms, 300ms]}
  - {name: ann-s-clerk, in: [one], answers: humans, via: active}
expect: {stopped_within: 19m, acted_on: {any_of: [left, right], at_most: 2}, untouched: [ann-s-clerk]}
`, []string{"left", "right"}},
	{"somebody elsewhere and a robot that writes unasked", `
scenario: elsewhere
truth: legitimate
duration: 60s
humans:
  - {name: zoe, local: false, messages: {every: [3s, 6s]}}
robots:
  - {name: helper, answers: everyone, probability: 0.8}
  - {name: ticker, answers: nobody, spontaneous: {every: [4s, 6s], burst: 2}}
  - {name: far, local: false, answers: humans, probability: 0.3, max_answers: 1}
expect: {untouched: [helper, ticker]}
`, nil},
	{"a stream through a restart on a bad line", `
scenario: bad-line
truth: legitimate
duration: 60s
humans:
  - {name: bob, messages: {every: [6s, 9s]}}
robots:
  - {name: model, profile: stream, answers: humans, stream: {count: 8, every: [250ms, 250ms]}}
  - {name: wordy, answers: [bob], unit: delta, operations: 3, lineage: stripped}
faults: {restart: [25s], lose: 0.1, jitter: 300ms}
expect: {untouched: [model, wordy]}
`, nil},
}

// askers are short scenes for robots that are not called.
var askers = []scene{
	{"two echoes beside a speller", `
scenario: echoes
truth: loop
duration: 20m
humans:
  - {name: ann, messages: {every: [4s, 8s], count: 3}}
robots:
  - {name: echo-a, answers: everyone, latency: [100ms, 400ms]}
  - {name: echo-b, answers: everyone, latency: [100ms, 400ms]}
  - {name: spelly, profile: interactive, answers: humans, probability: 0.97, latency: [50ms, 200ms]}
expect: {stopped_within: 19m, acted_on: {any_of: [echo-a, echo-b], at_most: 1}, untouched: [spelly]}
`, []string{"echo-a", "echo-b"}},
	{"two polite models", `
scenario: models
truth: loop
duration: 20m
humans:
  - {name: ann, messages: {every: [1s, 1s], count: 1}}
robots:
  - {name: model-a, answers: everyone, latency: [1s, 3s]}
  - {name: model-b, answers: everyone, latency: [1s, 3s]}
expect: {stopped_within: 19m, acted_on: {any_of: [model-a, model-b], at_most: 1}}
`, []string{"model-a", "model-b"}},
	{"agents with a moderator, and one that streams, through a restart on a bad line", `
scenario: moderated
truth: legitimate
duration: 90s
humans:
  - {name: mod, messages: {every: [10s, 20s]}}
robots:
  - {name: agent-a, profile: agent-discussion, answers: everyone, probability: 0.38, latency: [2s, 4s]}
  - {name: agent-b, profile: agent-discussion, answers: everyone, probability: 0.38, latency: [2s, 4s]}
  - {name: model, profile: stream, answers: humans, stream: {count: 12, every: [500ms, 500ms]}}
  - {name: wordy, answers: [mod], operations: 3, lineage: stripped}
  - {name: ticker, answers: nobody, spontaneous: {every: [8s, 12s], burst: 2}}
faults: {restart: [35s], lose: 0.1, jitter: 300ms}
expect: {untouched: [agent-a, agent-b, model, wordy, ticker]}
`, nil},
}

// TestLiveVerdictsAreThoseOfVirtualTime plays each scene in virtual time, and live
// by the doors that it is for.
func TestLiveVerdictsAreThoseOfVirtualTime(t *testing.T) {
	long(t)
	for _, x := range scenes {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			x.through(t, live.OverHTTP)
			x.through(t, live.OverNATS)
		})
	}
	for _, x := range askers {
		t.Run("asking, "+x.name, func(t *testing.T) {
			t.Parallel()
			x.through(t, live.OverActive)
			x.through(t, live.OverMCP)
		})
	}
}

// read reads the scene's scenario.
func (x scene) read(t *testing.T) *sim.Scenario {
	t.Helper()
	sc, err := sim.Read([]byte(x.text), "scene.yaml", policies.Builtin())
	if err != nil {
		t.Fatal(err)
	}
	return sc
}

// play plays the scene live, for so many times as long as it has it.
func (x scene) play(t *testing.T, c simulateCmd, times time.Duration) sim.Result {
	t.Helper()
	c.Live, c.TimeScale = true, 12
	c.Enough = 40 * time.Second
	sc := x.read(t)
	sc.Duration *= times
	r, err := c.playLive(t.Context(), io.Discard, sc, sim.Variant{Speed: 1, Seed: 1}, sim.Options{Seed: 1, Profiles: policies.Builtin()})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// through plays a scene by a door, and holds it against virtual time.
func (x scene) through(t *testing.T, door live.Door) {
	virtual, err := sim.Run(x.read(t), sim.Options{Seed: 1, Profiles: policies.Builtin()})
	if err != nil {
		t.Fatal(err)
	}
	x.judge(t, "in virtual time", virtual)
	way := "over " + string(door)
	played := x.play(t, simulateCmd{Over: door}, 1)
	x.judge(t, way, played)
	for _, times := range []time.Duration{4, 16} { // a busy machine needs longer until a robot has answered another one
		if virtual.Wasted > 0 && played.Wasted == 0 {
			played = x.play(t, simulateCmd{Over: door}, times)
			x.judge(t, way, played)
		}
	}
	if (virtual.Wasted > 0) != (played.Wasted > 0) {
		t.Errorf("answers of robots to robots: %d in virtual time, %d %s", virtual.Wasted, played.Wasted, way)
	}
}

// judge holds the verdicts of one way to play the scene against what it asks for.
func (x scene) judge(t *testing.T, way string, r sim.Result) {
	t.Helper()
	if !r.OK {
		t.Errorf("%s: %s", way, r.Why)
	}
	if len(r.ActedOn) == 0 != (x.acted == nil) {
		t.Errorf("%s: acted on %v, want some of %v", way, r.ActedOn, x.acted)
	}
	for _, a := range r.ActedOn {
		if r.Deepest > 2*a.Depth {
			t.Errorf("%s: the loop went on to a depth of %d, and %v", way, r.Deepest, a)
		}
		if !slices.Contains(x.acted, a.Robot) || a.Rule != "depth" || a.Action != "evict" {
			t.Errorf("%s: acted on %v, want some of %v put out by depth", way, a, x.acted)
		}
	}
}

// politeScenes are loops, and honest traffic, under the default profile.
var politeScenes = append([]scene{
	{"two echoes and nobody else", `
scenario: echo-loop
truth: loop
duration: 20m
humans:
  - {name: ann, messages: {every: [25s, 35s], count: 3}}
robots:
  - {name: echo-a, answers: everyone, latency: [50ms, 200ms]}
  - {name: echo-b, answers: everyone, latency: [50ms, 200ms]}
expect: {stopped_within: 19m, acted_on: {any_of: [echo-a, echo-b], at_most: 2}}
`, []string{"echo-a", "echo-b"}},
	{"a storm of four", `
scenario: storm
truth: loop
duration: 20m
humans:
  - {name: ann, messages: {every: [20s, 30s], count: 3}}
robots:
  - {name: one, answers: everyone}
  - {name: two, answers: everyone}
  - {name: three, answers: everyone, via: active, to: [main]}
  - {name: four, answers: everyone}
expect: {stopped_within: 19m, acted_on: {any_of: [one, two, three, four], at_most: 4}}
`, []string{"one", "two", "three", "four"}},
	{"a chat with one robot, and a translator", `
scenario: chat
truth: legitimate
duration: 90s
humans:
  - {name: ann, messages: {every: [2s, 5s]}}
robots:
  - {name: model, answers: humans, latency: [1s, 3s]}
  - {name: translator, answers: humans}
expect: {untouched: [model, translator]}
`, nil},
}, scenes...)

// TestPoliteRobotsAreNeverRefused plays scenes with robots that have the manners of
// the kit: those of loops fall silent of themselves, nothing that they say is
// refused, and nobody is slowed. Without these manners it is not so, see
// TestLiveVerdictsAreThoseOfVirtualTime.
func TestPoliteRobotsAreNeverRefused(t *testing.T) {
	long(t)
	for door, list := range map[live.Door][]scene{live.OverHTTP: politeScenes, live.OverActive: askers} {
		for _, x := range list {
			t.Run(string(door)+", "+x.name, func(t *testing.T) {
				t.Parallel()
				r := x.play(t, simulateCmd{Polite: true, Over: door}, 1)
				if !r.OK || len(r.ActedOn) > 0 || r.Throttles > 0 {
					t.Errorf("acted on %v, %d throttles; %s", r.ActedOn, r.Throttles, r.Why)
				}
				if x.acted != nil && r.Wasted == 0 {
					t.Error("no robot answered another one: the scene shows nothing")
				}
			})
		}
	}
}

// TestPatienceIsForThoseWhoNeedIt asks the roster how long a robot may take.
func TestPatienceIsForThoseWhoNeedIt(t *testing.T) {
	h := running(t)
	if _, _, err := h.robots.Register(t.Context(), robots.Registration{Address: "sloth@weir.local"}); err != nil {
		t.Fatal(err)
	}
	for patience, want := range map[time.Duration]time.Duration{0: time.Minute, time.Second: time.Minute, time.Hour: time.Hour} {
		if _, p, ok := (roster{h.robots, patience}).Robot("sloth@weir.local"); !ok || p.Delivery.Timeout != want {
			t.Errorf("with a patience of %s a robot is given %s", patience, p.Delivery.Timeout)
		}
	}
}

// TestLiveLeavesNothing breaks a run off.
func TestLiveLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	c := &simulateCmd{Live: true, TimeScale: 1, Over: live.OverHTTP}
	tell := writer(func(p []byte) (int, error) {
		cancel(enough)
		return len(p), nil
	})
	if _, err := c.playLive(ctx, tell, scenes[0].read(t), sim.Variant{Speed: 1, Seed: 1}, sim.Options{}); !errors.Is(err, enough) {
		t.Errorf("broken off with %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// writer is a function as an io.Writer.
type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// TestDoorsAreForLiveRuns asks for what does not go together.
func TestDoorsAreForLiveRuns(t *testing.T) {
	for what, c := range map[string]simulateCmd{
		"virtual time":      {Over: live.OverActive},
		"the kit's manners": {Live: true, Over: live.OverMCP, Polite: true},
	} {
		c.TimeScale, c.Detector = 10, []string{"weir"}
		if c.liveFaults() == nil {
			t.Errorf("%s: nothing is wrong with it", what)
		}
	}
	c := simulateCmd{Live: true, Over: live.OverMCP, TimeScale: 10, Detector: []string{"weir"}}
	if err := c.liveFaults(); err != nil {
		t.Error(err)
	}
}
