package main

import (
	"io"
	"testing"

	"weir/policies"
	"weir/sim"
)

// agentScenes are short scenes of agents, with who is acted on in the end.
var agentScenes = []scene{
	{"two echoes beside a speller", `
scenario: echoes
truth: loop
duration: 1m
humans:
  - {name: ann, messages: {every: [4s, 8s], count: 3}}
robots:
  - {name: echo-a, answers: everyone, latency: [100ms, 400ms]}
  - {name: echo-b, answers: everyone, latency: [100ms, 400ms]}
  - {name: spelly, profile: interactive, answers: humans, probability: 0.97, latency: [50ms, 200ms]}
expect: {stopped_within: 60s, acted_on: {any_of: [echo-a, echo-b], at_most: 1}, untouched: [spelly]}
`, []string{"echo-a", "echo-b"}},
	{"two polite models", `
scenario: models
truth: loop
duration: 2m
humans:
  - {name: ann, messages: {every: [1s, 1s], count: 1}}
robots:
  - {name: model-a, answers: everyone, latency: [1s, 3s]}
  - {name: model-b, answers: everyone, latency: [1s, 3s]}
expect: {stopped_within: 90s, acted_on: {any_of: [model-a, model-b], at_most: 1}}
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

// TestVerdictsOverMCPAreThoseOfVirtualTime plays scenes in virtual time, and with
// agents that read and write by the tools.
func TestVerdictsOverMCPAreThoseOfVirtualTime(t *testing.T) {
	set := policies.Builtin()
	for _, x := range agentScenes {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			sc, err := sim.Read([]byte(x.text), "scene.yaml", set)
			if err != nil {
				t.Fatal(err)
			}
			o := sim.Options{Seed: 1, Profiles: set}
			virtual, err := sim.Run(sc, o)
			if err != nil {
				t.Fatal(err)
			}
			c := &simulateCmd{Live: true, OverMCP: true, TimeScale: 12}
			agents, err := c.playLive(t.Context(), io.Discard, sc, sim.Variant{Speed: 1, Seed: 1}, o)
			if err != nil {
				t.Fatal(err)
			}
			for way, r := range map[string]sim.Result{"virtual": virtual, "over MCP": agents} {
				if !r.OK {
					t.Errorf("%s: %s", way, r.Why)
				}
				if r.Wasted == 0 {
					t.Errorf("%s: no robot answered another one, the scene shows nothing", way)
				}
				if want := min(1, len(x.acted)); len(r.ActedOn) != want {
					t.Errorf("%s: acted on %v, want %d of %v", way, r.ActedOn, want, x.acted)
				}
				for _, a := range r.ActedOn {
					if a.Rule != "depth" || a.Action != "evict" {
						t.Errorf("%s: acted on %v, want an eviction by depth", way, a)
					}
				}
			}
		})
	}
}

// TestAgentsAreForLiveRuns asks for what does not go together.
func TestAgentsAreForLiveRuns(t *testing.T) {
	for what, c := range map[string]simulateCmd{
		"virtual time":      {OverMCP: true},
		"two ways":          {Live: true, OverMCP: true, OverNATS: true},
		"the kit's manners": {Live: true, OverMCP: true, Polite: true},
	} {
		c.TimeScale, c.Detector = 10, []string{"weir"}
		if c.liveFaults() == nil {
			t.Errorf("%s: nothing is wrong with it", what)
		}
	}
	c := simulateCmd{Live: true, OverMCP: true, TimeScale: 10, Detector: []string{"weir"}}
	if err := c.liveFaults(); err != nil {
		t.Error(err)
	}
}
