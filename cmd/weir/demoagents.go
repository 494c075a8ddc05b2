package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"weir/wavelet"
)

type agentsCmd struct {
	TimeScale float64 `default:"1" help:"Divide every duration by this, the governor's too."`
	JSON      bool    `help:"Print one JSON object instead of the story."`
}

func (agentsCmd) Help() string {
	return `Starts the real server on a free port and a temporary directory, and five agents that speak MCP like language models, but from a
script. In one wavelet ann has two of them, who thank each other and never have enough. In another one bob leads a discussion of
three, who are under the profile agent-discussion. The pair is warned in the results of its tools, goes on, and one of it is
evicted; the discussion is left alone.

Exits 0 only if one agent of the pair was evicted, had been advised to stop before, was refused afterwards, and ann got the notice;
and if the three agents answered each other and bob, and nothing was done to any of them.

Examples:

  weir demo agents
  weir demo agents --time-scale 5
  weir demo agents --time-scale 5 --json`
}

// The agents, and what those say who discuss.
const (
	grace = wavelet.Participant("grace@" + demoDomain)
	hugo  = wavelet.Participant("hugo@" + demoDomain)
	iris  = wavelet.Participant("iris@" + demoDomain)
	jack  = wavelet.Participant("jack@" + demoDomain)
	kim   = wavelet.Participant("kim@" + demoDomain)
)

func views() []string {
	return []string{
		"The upper gate first: the rust is worst there.", "I would look at the sill before anything else.",
		"Last year's readings speak against that.", "Then let us measure again before we decide.", "Agreed, if the level stays below 1.40 m.",
	}
}

func questions() []string {
	return []string{"Which gate do we repair first?", "What would that cost?", "Who has the readings of last year?", "Could it wait until spring?"}
}

// agent is one of the cast.
type agent struct {
	id      wavelet.Participant
	profile string
	script  []string      // nil: thanks
	every   time.Duration // it reads
	chance  float64       // it answers; 0: always
	talks   bool          // it is one of the pair, in ann's wavelet
}

func agents() []agent {
	const leads = "agent-discussion"
	return []agent{
		{id: grace, profile: "default", every: 1500 * time.Millisecond, talks: true},
		{id: hugo, profile: "default", every: 1700 * time.Millisecond, talks: true},
		{id: iris, profile: leads, script: views(), every: 5 * time.Second, chance: 0.38},
		{id: jack, profile: leads, script: views(), every: 6 * time.Second, chance: 0.38},
		{id: kim, profile: leads, script: views(), every: 7 * time.Second, chance: 0.38},
	}
}

// fate is what became of an agent.
type fate struct {
	ID       string `json:"id"`
	Profile  string `json:"profile"`
	Said     int    `json:"said"`
	ToRobots int    `json:"to_robots"` // what it said in answer to robots
	Depth    int    `json:"depth"`     // of the deepest of it
	Advice   string `json:"advice"`    // to stop, the first that it was given; "" if it was given none
	Acted    string `json:"acted"`     // evict, cut or suspend; "" if nothing was done to it
	Rule     string `json:"rule"`
	Refused  string `json:"refused"` // what it was told when it went on
}

// agentsReport is what --json prints.
type agentsReport struct {
	Agents    []*fate `json:"agents"`
	Notice    string  `json:"notice"`
	WallS     float64 `json:"wall_s"`
	TimeScale float64 `json:"time_scale"`
}

func (c agentsCmd) Run(ctx context.Context, s streams) error {
	if c.TimeScale <= 0 || c.TimeScale > 20 {
		return fmt.Errorf("--time-scale: %g is not above 0 and at most 20", c.TimeScale)
	}
	data, err := os.MkdirTemp("", "weir-demo-")
	if err != nil {
		return fmt.Errorf("make a directory for the demo: %w", err)
	}
	defer os.RemoveAll(data)
	a := newSalon(c, s.out)
	err = errors.Join(a.perform(ctx, data), a.close())
	if err != nil {
		return err
	}
	return a.report(s.out)
}

// report says what came of the demo, and is an error if that is not what it has
// to show.
func (a *salon) report(out io.Writer) error {
	r := agentsReport{Notice: a.notice(), WallS: time.Since(a.began).Seconds(), TimeScale: a.cmd.TimeScale}
	faults := a.missing()
	for _, x := range agents() {
		f := a.fates[x.id]
		r.Agents = append(r.Agents, f)
		if f.Acted != "" && (!x.talks || f.Acted != "evict") {
			faults = append(faults, fmt.Errorf("%s was to be left alone, and there was done to it: %s, by the rule %s", x.id, f.Acted, f.Rule))
		}
	}
	if a.cmd.JSON {
		faults = append(faults, json.NewEncoder(out).Encode(r))
	} else {
		r.print(out)
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("the demo did not show what it should: %w", err)
	}
	return nil
}

// print writes the summary.
func (r agentsReport) print(out io.Writer) {
	fmt.Fprintf(out, "\nSummary\n")
	for _, f := range r.Agents {
		end := "left alone"
		if f.Acted != "" {
			end = f.Acted + " by the rule " + f.Rule
		}
		if f.Advice != "" {
			end += ", advised to stop before"
		}
		fmt.Fprintf(out, "  %-6s %-17s %3d messages, %3d to robots, depth %2d: %s\n",
			short(wavelet.Participant(f.ID)), f.Profile, f.Said, f.ToRobots, f.Depth, end)
	}
	fmt.Fprintf(out, "  %.1f s of real time, time scale %g\n", r.WallS, r.TimeScale)
}
