package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"weir"
	"weir/gateway/gatewaybench"
	"weir/governor/governorbench"
	"weir/store/storebench"
	"weir/wavelet/richtext/enginebench"
)

type benchCmd struct {
	Engine   benchEngineCmd   `cmd:"" help:"Documents and transforms beside a gap buffer and npm quill-delta."`
	Store    benchStoreCmd    `cmd:"" help:"Durable commits beside a raw fsync loop."`
	Governor benchGovernorCmd `cmd:"" help:"Decisions beside a clock read, a mutex and a map load; memory per seat."`
	Gateway  benchGatewayCmd  `cmd:"" help:"Merging and pace, and robots beside fifty that hang."`
	Limits   benchLimitsCmd   `cmd:"" help:"Decisions about operation limits beside a clock read with an atomic add, and x/time/rate."`
	Caps     benchCapsCmd     `cmd:"" help:"Many at once at a maximum of connections, and what a place costs."`
	Siege    benchSiegeCmd    `cmd:"" help:"Attacks on a server, and what they do to the people who work there."`

	Goodput   benchGoodputCmd   `cmd:"" help:"More requests than the processors can do: what is done in time, by the limit on concurrent work."`
	Storm     benchStormCmd     `cmd:"" help:"Everybody comes back at once: weir's queue beside other ways to meet it."`
	Crowd     benchCrowdCmd     `cmd:"" hidden:"" help:"The clients of bench storm --live."`
	Scenarios benchScenariosCmd `cmd:"" help:"What is caught, what is missed and who is hit, over scenarios in all variants, beside other guards."`
}

func (benchCmd) Help() string {
	return `Each figure is shown beside its bar, as a ratio against something that was timed in the same run, so that it says the same on
a slow and a fast machine. Progress goes to standard error.

Exits 0 if every bar is reached, 1 if one is missed, 2 if none is missed but one could not be measured.

Examples:

  weir bench store
  weir bench engine --trace json-crdt-blog-post.json.gz
  weir bench governor --json`
}

// standing is what a figure says about its bar.
func standing(f weir.Figure) string {
	switch {
	case !f.HasBar:
		return ""
	case !f.Measured:
		return "not measured"
	case f.Met():
		return "ok"
	}
	return "MISSED"
}

// benchmark is a finished run.
type benchmark struct {
	Bench   string        `json:"bench"`
	TookS   float64       `json:"took_s"`
	Missed  int           `json:"missed"`
	Unknown int           `json:"not_measured"`
	Figures []weir.Figure `json:"figures"`
}

// benchFlags is what all benchmarks have.
type benchFlags struct {
	JSON bool `help:"Print JSON."`
}

// progress tells how a benchmark gets on.
func (s streams) progress(line string) { fmt.Fprintln(s.err, line) }

// show prints the figures of a run and decides the exit code.
func (b benchFlags) show(s streams, name string, took time.Duration, figures []weir.Figure) error {
	r := benchmark{Bench: name, TookS: took.Seconds(), Figures: figures}
	for _, f := range figures {
		switch standing(f) {
		case "MISSED":
			r.Missed++
		case "not measured":
			r.Unknown++
		}
	}
	if err := r.print(s, b.JSON); err != nil {
		return err
	}
	switch {
	case r.Missed > 0:
		return &outcome{exitFailed, fmt.Sprintf("bench %s: %d of %d bars missed", name, r.Missed, r.bars())}
	case r.Unknown > 0:
		return &outcome{exitUnmeasured, fmt.Sprintf("bench %s: %d of %d bars not measured", name, r.Unknown, r.bars())}
	}
	return nil
}

func (r benchmark) bars() int {
	n := 0
	for _, f := range r.Figures {
		if f.HasBar {
			n++
		}
	}
	return n
}

func (r benchmark) print(s streams, asJSON bool) error {
	if asJSON {
		return writeJSON(s.out, r)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FIGURE\tMEASURED\tBAR\t\tNOTE")
	for _, f := range r.Figures {
		value, bar := fmt.Sprintf("%.4g %s", f.Value, f.Unit), ""
		if !f.Measured {
			value = "-"
		}
		if f.HasBar {
			sign := "<="
			if f.AtLeast {
				sign = ">="
			}
			bar = fmt.Sprintf("%s %.4g", sign, f.Bar)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", f.Name, value, bar, standing(f), f.Note)
	}
	fmt.Fprintf(w, "took %.1f s\n", r.TookS)
	return w.Flush()
}

type benchEngineCmd struct {
	benchFlags
	Trace string `type:"existingfile" help:"Recorded editing session (editing-traces format). Default: a typist of weir's own." placeholder:"FILE"`
}

func (benchEngineCmd) Help() string {
	return `The comparison with npm quill-delta needs Node on the path.

Examples:

  weir bench engine
  weir bench engine --trace automerge-paper.json.gz`
}

func (c benchEngineCmd) Run(ctx context.Context, s streams) error {
	report, err := enginebench.Run(ctx, enginebench.Options{TracePath: c.Trace, Progress: s.progress})
	if err != nil {
		return err
	}
	return c.show(s, "engine", report.Took, report.Rows)
}

type benchStoreCmd struct {
	benchFlags
	Dir string `type:"existingdir" help:"Directory to measure in, on the disk that will hold the data. Default: the one for temporary files." placeholder:"DIR"`
}

func (benchStoreCmd) Help() string {
	return "Examples:\n\n  weir bench store\n  weir bench store --dir /srv/weir --json"
}

func (c benchStoreCmd) Run(ctx context.Context, s streams) error {
	report, err := storebench.Run(ctx, storebench.Options{Dir: c.Dir, Progress: s.progress})
	if err != nil {
		return err
	}
	return c.show(s, "store", report.Took, report.Rows)
}

type benchGovernorCmd struct{ benchFlags }

func (benchGovernorCmd) Help() string {
	return "Example:\n\n  weir bench governor"
}

func (c benchGovernorCmd) Run(ctx context.Context, s streams) error {
	report, err := governorbench.Run(ctx, governorbench.Options{Progress: s.progress})
	if err != nil {
		return err
	}
	return c.show(s, "governor", report.Took, report.Rows)
}

type benchGatewayCmd struct{ benchFlags }

func (benchGatewayCmd) Help() string {
	return "Example:\n\n  weir bench gateway"
}

func (c benchGatewayCmd) Run(ctx context.Context, s streams) error {
	report, err := gatewaybench.Run(ctx, gatewaybench.Options{Progress: s.progress})
	if err != nil {
		return err
	}
	return c.show(s, "gateway", report.Took, report.Rows)
}
