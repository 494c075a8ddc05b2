package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"weir/policies"
	"weir/sim"
	"weir/sim/live"
)

type simulateCmd struct {
	Files       []string      `arg:"" name:"file" help:"Scenario files."`
	JSON        bool          `help:"Print a line of JSON for each run."`
	Seed        uint64        `default:"1" help:"Seed of the first run." placeholder:"N"`
	Seeds       int           `default:"1" help:"Runs of each scenario, each with the next seed." placeholder:"N"`
	Speed       float64       `default:"1" help:"Everybody is so many times as fast; the governor's constants stay." placeholder:"X"`
	People      int           `help:"Add so many people who write a line now and then." placeholder:"N"`
	Fault       string        `enum:",restarts,loss,jitter" default:"" help:"Have something go wrong all through: restarts of the gateway, loss of 5 %% of the deliveries, a jitter of up to 2 s." placeholder:"NAME"`
	ProfileFile string        `type:"existingfile" help:"Policy file to read beside the built-in profiles." placeholder:"FILE"`
	Detector    []string      `default:"weir" help:"What decides: weir, or a guard to compare it with. Several make a table of them." placeholder:"NAME,..."`
	Live        bool          `help:"Run against a real server, with robots over HTTP, in place of virtual time."`
	Polite      bool          `help:"With --live: robots stay below the limits that they are told, as those made with robots/kit do."`
	Over        live.Door     `enum:"http,active,nats,mcp" default:"http" help:"With --live: the door by which robots come. They are called over http, connect over nats, or are not called and read for themselves, by the active API or over mcp." placeholder:"DOOR"`
	TimeScale   float64       `default:"10" help:"With --live: divide every duration by this, the server's too." placeholder:"N"`
	Enough      time.Duration `kong:"-"` // of a live run, see live.Options; 0: all of it
	Plot        string        `help:"Draw the run of one scenario with one seed." placeholder:"FILE.svg"`
}

func (simulateCmd) Help() string {
	var text strings.Builder
	text.WriteString(`Runs scenarios in virtual time over the code that merges, paces and decides in the server: an hour takes less than a second.
A scenario says who is there, how they behave, and what is expected. With --people a loop may take twice as long to stop,
with --fault half as long again or more.

With --live a scenario is played against a real server that is started for it: robots are HTTP programs, people are clients, and what
comes from other servers comes by the import door. The verdicts are the same, but not every figure to the millisecond: what HTTP and the
disk take is multiplied by --time-scale. Two milliseconds are 20 ms of the scenario at 10, and a fifth of a second at 100. How far a run is
is told on the standard error, with the lag: what 19 of 20 deltas of people take at most to be committed, by the scenario's clock. Verdicts
are worth something while it is small beside the half second of the pace; choose a smaller --time-scale if it is not.

With --over active or mcp robots are not called: they read a wavelet every two seconds of the scenario, and write by the active API, or by the
tools for agents. They say whom they answer as their lineage in the scenario has it: stripped, that it was nobody; forged, that it was people.
What takes turns takes longer then: a loop is given 16 readings more.

Exits 1 if an expectation fails under the first detector; the others are there to be compared with.

Detectors:

`)
	for _, d := range sim.Detectors() {
		fmt.Fprintf(&text, "  %-18s%s\n", d.Name, d.About)
	}
	return text.String() + `
Examples:

  weir simulate two-echo-bots.yaml
  weir simulate --seeds 30 --speed 5 --json *.yaml
  weir simulate --detector weir,ratio-slots,pair-guard polite-models.yaml
  weir simulate --live --time-scale 20 two-echo-bots.yaml
  weir simulate --live --polite two-echo-bots.yaml
  weir simulate --live --over nats two-echo-bots.yaml
  weir simulate --live --over active two-echo-bots.yaml
  weir simulate --plot echo.svg two-echo-bots.yaml`
}

// Validate checks what kong cannot.
func (c *simulateCmd) Validate() error {
	switch {
	case c.Seeds < 1:
		return fmt.Errorf("--seeds: %d is not at least 1", c.Seeds)
	case !(c.Speed >= 0.01 && c.Speed <= 100):
		return fmt.Errorf("--speed: %g is not from 0.01 to 100", c.Speed)
	case c.People < 0 || c.People > 1000:
		return fmt.Errorf("--people: %d is not from 0 to 1000", c.People)
	case c.Plot != "" && (len(c.Files) > 1 || c.Seeds > 1 || len(c.Detector) > 1):
		return errors.New("--plot: draws one run; name one file, one seed and one detector")
	}
	for _, name := range c.Detector {
		if _, err := sim.FindDetector(name); err != nil {
			return fmt.Errorf("--detector: %w", err)
		}
	}
	return c.liveFaults()
}

func (c *simulateCmd) Run(ctx context.Context, s streams) error {
	scenarios, set, err := readScenarios(c.Files, c.ProfileFile)
	if err != nil {
		return err
	}
	results, err := c.simulate(ctx, s.err, scenarios, set)
	if err != nil {
		return err
	}
	if err := c.show(s, results, scenarios); err != nil {
		return err
	}
	for _, r := range results {
		if !r.OK && r.Detector == c.Detector[0] {
			return &outcome{code: exitFailed}
		}
	}
	return nil
}

// readScenarios reads all scenarios, and reports the faults of all of them
// together.
func readScenarios(files []string, profiles string) ([]*sim.Scenario, policies.Set, error) {
	set, err := readPolicies(profiles)
	if err != nil {
		return nil, set, err
	}
	var list []*sim.Scenario
	var faults []error
	seen := map[string]string{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, set, fmt.Errorf("read scenario: %w", err)
		}
		sc, err := sim.Read(data, file, set)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if other, twice := seen[sc.Name]; twice {
			faults = append(faults, fmt.Errorf("%s: scenario: %q is also the name of %s", file, sc.Name, other))
		}
		seen[sc.Name] = file
		list = append(list, sc)
	}
	if faults != nil {
		return nil, set, errors.Join(faults...)
	}
	return list, set, nil
}

// simulate runs everything, on all processors; the results are in the order of
// scenarios, then detectors, then seeds.
func (c *simulateCmd) simulate(ctx context.Context, log io.Writer, scenarios []*sim.Scenario, set policies.Set) ([]sim.Result, error) {
	results := make([]sim.Result, len(scenarios)*len(c.Detector)*c.Seeds)
	workers, ctx := errgroup.WithContext(ctx)
	workers.SetLimit(runtime.GOMAXPROCS(0))
	i := 0
	for _, sc := range scenarios {
		for _, name := range c.Detector {
			d, err := sim.FindDetector(name)
			if err != nil {
				return nil, err
			}
			for seed := range c.Seeds {
				v := sim.Variant{Speed: c.Speed, People: c.People, Fault: sim.Fault(c.Fault), Seed: c.Seed + uint64(seed)}
				o := sim.Options{Detector: d.New, Name: d.Name, MixedLanes: d.MixedLanes, Profiles: set}
				into := &results[i]
				i++
				workers.Go(func() (err error) {
					if err = ctx.Err(); err != nil {
						return err
					}
					*into, err = c.play(ctx, log, sc, v, o)
					return err
				})
			}
		}
	}
	return results, workers.Wait()
}

// play runs one scenario, and draws it if that was asked for.
func (c *simulateCmd) play(ctx context.Context, log io.Writer, sc *sim.Scenario, v sim.Variant, o sim.Options) (sim.Result, error) {
	run := func() (sim.Result, error) { return v.Play(sc, o) }
	if c.Live {
		run = func() (sim.Result, error) { return c.playLive(ctx, log, sc, v, o) }
	}
	if c.Plot == "" {
		return run()
	}
	o.Trace = &sim.Trace{}
	r, err := run()
	if err != nil {
		return r, err
	}
	f, err := os.Create(c.Plot)
	if err != nil {
		return r, fmt.Errorf("--plot: %w", err)
	}
	if err := errors.Join(o.Trace.WriteSVG(f), f.Close()); err != nil {
		return r, fmt.Errorf("--plot: %w", err)
	}
	return r, nil
}

func (c *simulateCmd) show(s streams, results []sim.Result, scenarios []*sim.Scenario) error {
	if c.JSON {
		enc := json.NewEncoder(s.out)
		for i := range results {
			if err := enc.Encode(&results[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if err := sim.WriteTable(s.out, results); err != nil {
		return err
	}
	if len(results) == 1 {
		return nil
	}
	known := map[string]*sim.Scenario{}
	for _, sc := range scenarios {
		known[sc.Name] = sc
	}
	var scores []*sim.Score
	for _, name := range c.Detector {
		score := sim.NewScore(name)
		for i := range results {
			if r := &results[i]; r.Detector == name {
				score.Add(known[r.Scenario], r)
			}
		}
		scores = append(scores, score)
	}
	fmt.Fprintln(s.out)
	return sim.WriteScores(s.out, scores, sim.TableForm{})
}
