package sim

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// WriteTable writes a row for each result.
func WriteTable(out io.Writer, results []Result) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	compared := slices.ContainsFunc(results, func(r Result) bool { return r.Detector != "weir" })
	head := "SCENARIO\tSEED\tSPEED\tTRUTH\tSTOPPED\tWASTED\tACTED ON\tPEOPLE P95\tWARNED\t\n"
	if compared {
		head = "DETECTOR\t" + head
	}
	fmt.Fprint(w, head)
	for i := range results {
		r := &results[i]
		if compared {
			fmt.Fprintf(w, "%s\t", r.Detector)
		}
		verdict := "ok"
		if !r.OK {
			verdict = "FAIL " + r.Why
		}
		fmt.Fprintf(w, "%s\t%d\tx%g\t%s\t%s\t%d\t%s\t%.0f ms\t%s\t%s\n",
			r.Scenario, r.Seed, r.Speed, r.Truth, r.stopped(), r.Wasted, r.acted(), r.HumanLaneP95MS, r.warned(), verdict)
	}
	return w.Flush()
}

func (r *Result) stopped() string {
	switch {
	case r.StoppedAtS == nil:
		return "never"
	case r.Wasted == 0:
		return "-"
	}
	return time.Duration(*r.StoppedAtS * 1e9).Round(100 * time.Millisecond).String()
}

func (r *Result) warned() string {
	if r.Throttles == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f %%", r.WarnedBeforePct)
}

// acted is who was acted on, in short.
func (r *Result) acted() string {
	if len(r.ActedOn) == 0 {
		return "-"
	}
	var list []string
	for _, a := range r.ActedOn[:min(len(r.ActedOn), 3)] {
		list = append(list, fmt.Sprintf("%s %s by %s at %.1f s", a.Robot, a.Action, a.Rule, a.AtS))
	}
	if n := len(r.ActedOn) - len(list); n > 0 {
		list = append(list, fmt.Sprintf("%d more", n))
	}
	return strings.Join(list, ", ")
}
