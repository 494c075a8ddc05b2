package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"weir"
	"weir/policies"
	"weir/sim"
)

type benchScenariosCmd struct {
	Files         []string `arg:"" name:"file" help:"Scenario files."`
	JSON          bool     `help:"Print JSON." xor:"form"`
	Markdown      bool     `help:"Print the table as Markdown, and what failed to standard error." xor:"form"`
	Seeds         int      `default:"30" help:"Runs of each scenario in each variant." placeholder:"N"`
	BaselineSeeds int      `default:"3" help:"The same for the detectors that the first is compared with, which are spared the faults." placeholder:"N"`
	Detector      []string `help:"Detectors; the bars are about the first. Default: all." placeholder:"NAME,..."`
	Fault         []string `enum:"none,restarts,loss,jitter" default:"none,restarts,loss,jitter" help:"Variants: undisturbed, and with something that goes wrong all through." placeholder:"NAME,..."`
	ProfileFile   string   `type:"existingfile" help:"Policy file to read beside the built-in profiles." placeholder:"FILE"`

	files map[string]string // by the name of the scenario
}

func (benchScenariosCmd) Help() string {
	return `Runs each scenario in all variants: loops at x0.3, x1 and x5, honest traffic at x0.3 and x1; with 0, 1 and 20 people more;
undisturbed, with restarts of the gateway, with 5 % of the deliveries lost, and with answers that take up to 2 s longer. The
governor stands beside guards that are known from elsewhere, and beside itself with a part taken out: weir simulate --help
lists them.

A loop is missed if robots go on answering each other for more than twice as long as the scenario expects. Each kind of run
in which something that is expected did not come is listed, with the command that shows one of them.

Exits 0 if every bar is reached, 1 if one is missed, 2 if none is missed but one could not be measured.

Examples:

  weir bench scenarios sim/testdata/scenarios/*.yaml
  weir bench scenarios --seeds 2 --detector weir --fault none echo.yaml
  weir bench scenarios --markdown *.yaml > table.md`
}

// Validate checks what kong cannot.
func (c *benchScenariosCmd) Validate() error {
	if c.Seeds < 1 || c.BaselineSeeds < 1 {
		return errors.New("--seeds, --baseline-seeds: at least 1")
	}
	for _, name := range c.Detector {
		if _, err := sim.FindDetector(name); err != nil {
			return fmt.Errorf("--detector: %w", err)
		}
	}
	return nil
}

func (c benchScenariosCmd) Run(ctx context.Context, s streams) error {
	scenarios, set, err := readScenarios(c.Files, c.ProfileFile)
	if err != nil {
		return err
	}
	c.files = map[string]string{}
	for i, sc := range scenarios {
		c.files[sc.Name] = c.Files[i]
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // runs make much that is soon forgotten
	began := time.Now()
	m := matrix{progress: s.progress, began: began}
	if err := m.fill(&c, scenarios); err != nil {
		return err
	}
	if err := m.run(ctx, set); err != nil {
		return err
	}
	return c.show(s, &m, time.Since(began))
}

// matrix is many runs, and what came of them.
type matrix struct {
	jobs     []job
	scores   []*sim.Score
	progress func(string)
	began    time.Time

	mu   sync.Mutex
	done int
	told time.Time
}

// job is one run.
type job struct {
	detector sim.Known
	scenario *sim.Scenario
	variant  sim.Variant
	score    *sim.Score
}

// fill enters all runs.
func (m *matrix) fill(c *benchScenariosCmd, scenarios []*sim.Scenario) error {
	names := c.Detector
	if names == nil {
		for _, d := range sim.Detectors() {
			names = append(names, d.Name)
		}
	}
	var faults []sim.Fault
	for _, f := range c.Fault {
		faults = append(faults, sim.Fault(strings.TrimPrefix(f, "none")))
	}
	seeds := c.Seeds
	for _, name := range names {
		d, err := sim.FindDetector(name)
		if err != nil {
			return err
		}
		score := sim.NewScore(name)
		m.scores = append(m.scores, score)
		for _, sc := range scenarios {
			for _, v := range sc.Variants(faults, seeds) {
				m.jobs = append(m.jobs, job{d, sc, v, score})
			}
		}
		faults, seeds = []sim.Fault{sim.NoFault}, c.BaselineSeeds
	}
	return nil
}

// run runs everything, on all processors.
func (m *matrix) run(ctx context.Context, set policies.Set) error {
	workers, ctx := errgroup.WithContext(ctx)
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for _, j := range m.jobs {
		workers.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			r, err := j.variant.Play(j.scenario, sim.Options{Detector: j.detector.New, Name: j.detector.Name, MixedLanes: j.detector.MixedLanes, Profiles: set})
			if err == nil {
				m.add(&j, &r)
			}
			return err
		})
	}
	return workers.Wait()
}

func (m *matrix) add(j *job, r *sim.Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j.score.Add(j.scenario, r)
	m.done++
	if now := time.Now(); now.Sub(m.told) > 10*time.Second && now.Sub(m.began) > time.Second {
		m.told = now
		left := time.Duration(float64(now.Sub(m.began)) / float64(m.done) * float64(len(m.jobs)-m.done))
		m.progress(fmt.Sprintf("%s: %d of %d runs, about %s to go", j.detector.Name, m.done, len(m.jobs), left.Round(time.Second)))
	}
}

// scored is a detector in the JSON form.
type scored struct {
	Detector string        `json:"detector"`
	Runs     int           `json:"runs"`
	Figures  []weir.Figure `json:"figures"`
}

// failed is a run in the JSON form.
type failed struct {
	sim.Failure
	Command string `json:"command"`
}

func (c *benchScenariosCmd) show(s streams, m *matrix, took time.Duration) error {
	figures, failures := m.scores[0].Figures(), m.scores[0].Failures()
	var missed, unknown []string
	for _, f := range figures {
		switch standing(f) {
		case "MISSED":
			missed = append(missed, f.Name)
		case "not measured":
			unknown = append(unknown, f.Name)
		}
	}
	if err := c.write(s, m, took, failures, len(missed)); err != nil {
		return err
	}
	switch {
	case missed != nil:
		return &outcome{exitFailed, "bench scenarios: bars missed: " + strings.Join(missed, "; ")}
	case unknown != nil:
		return &outcome{exitUnmeasured, "bench scenarios: bars not measured: " + strings.Join(unknown, "; ")}
	}
	return nil
}

func (c *benchScenariosCmd) write(s streams, m *matrix, took time.Duration, failures []sim.Failure, missed int) error {
	if c.JSON {
		all := []scored{}
		for _, x := range m.scores {
			all = append(all, scored{x.Detector, x.Runs, x.Figures()})
		}
		list := []failed{}
		for i := range failures {
			list = append(list, failed{failures[i], c.command(&failures[i])})
		}
		return writeJSON(s.out, map[string]any{
			"bench": "scenarios", "took_s": took.Seconds(), "runs": len(m.jobs), "missed": missed, "detectors": all, "failures": list,
		})
	}
	if err := sim.WriteScores(s.out, m.scores, sim.TableForm{Bars: true, Markdown: c.Markdown}); err != nil {
		return err
	}
	list := s.out
	if c.Markdown {
		list = s.err
	}
	c.list(list, failures)
	fmt.Fprintf(list, "\n%d runs in %s\n", len(m.jobs), took.Round(time.Second))
	return nil
}

// list shows failures, those that differ in their seeds only together.
func (c *benchScenariosCmd) list(w io.Writer, failures []sim.Failure) {
	for len(failures) > 0 {
		f := &failures[0]
		n := slices.IndexFunc(failures, func(x sim.Failure) bool { return !f.SameCell(&x) })
		if n < 0 {
			n = len(failures)
		}
		fmt.Fprintf(w, "\n%s: %s, %d of %d seeds: %s\n  %s\n", f.Kind, f.Scenario, n, c.Seeds, f.Why, c.command(f))
		if n > 1 {
			var seeds []string
			for _, x := range failures[:n] {
				seeds = append(seeds, fmt.Sprint(x.Seed))
			}
			fmt.Fprintf(w, "  seeds %s\n", strings.Join(seeds, " "))
		}
		failures = failures[n:]
	}
}

// command is the one that shows a run.
func (c *benchScenariosCmd) command(f *sim.Failure) string {
	var b strings.Builder
	b.WriteString("weir simulate")
	if c.Detector != nil && c.Detector[0] != "weir" {
		fmt.Fprintf(&b, " --detector %s", c.Detector[0])
	}
	if c.ProfileFile != "" {
		fmt.Fprintf(&b, " --profile-file %s", c.ProfileFile)
	}
	fmt.Fprintf(&b, " --speed %g --people %d", f.Speed, f.People)
	if f.Fault != sim.NoFault {
		fmt.Fprintf(&b, " --fault %s", f.Fault)
	}
	fmt.Fprintf(&b, " --seed %d %s", f.Seed, c.files[f.Scenario])
	return b.String()
}
