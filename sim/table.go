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

// Summary is how a detector did over many runs, against the bar.
type Summary struct {
	Detector    string
	Runs        int
	Failed      int
	Loops       int
	Missed      int     // loops that went on for longer than expected
	Legitimate  int     // runs
	FalseRuns   int     // of these, those in which somebody was acted on
	RobotHours  float64 // of legitimate runs
	Wasted      float64 // median of the wasted answers of each robot in a loop
	Stop        float64 // median time to stop, in seconds, of loops that were stopped
	RightRobots int     // acts in loops on robots that may be acted on
	Acts        int     // acts in loops
	HumanP95MS  float64 // the highest of all runs
	Throttles   int
	Announced   int
}

// Summarise sums results up by detector, in the order in which they first come.
// Scenarios is where the results' scenarios are found by name.
func Summarise(results []Result, scenarios map[string]*Scenario) []Summary {
	var out []Summary
	wasted, stops := map[string][]float64{}, map[string][]float64{}
	for i := range results {
		r := &results[i]
		at := slices.IndexFunc(out, func(s Summary) bool { return s.Detector == r.Detector })
		if at < 0 {
			at = len(out)
			out = append(out, Summary{Detector: r.Detector})
		}
		out[at].add(r, scenarios[r.Scenario])
		if r.Truth == Loop {
			for _, n := range r.WastedBy {
				wasted[r.Detector] = append(wasted[r.Detector], float64(n))
			}
			if r.Stopped && r.StoppedAtS != nil && r.Wasted > 0 {
				stops[r.Detector] = append(stops[r.Detector], *r.StoppedAtS)
			}
		}
	}
	for i := range out {
		out[i].Wasted, out[i].Stop = median(wasted[out[i].Detector]), median(stops[out[i].Detector])
	}
	return out
}

func (s *Summary) add(r *Result, sc *Scenario) {
	s.Runs++
	if !r.OK {
		s.Failed++
	}
	s.Throttles += r.Throttles
	s.Announced += r.Announced
	s.HumanP95MS = max(s.HumanP95MS, r.HumanLaneP95MS)
	if r.Truth == Legitimate {
		s.Legitimate++
		s.RobotHours += r.RobotHours
		if len(r.ActedOn) > 0 {
			s.FalseRuns++
		}
		return
	}
	s.Loops++
	if !r.Stopped {
		s.Missed++
	}
	for _, a := range r.ActedOn {
		s.Acts++
		if sc != nil && sc.Expect.ActedOn != nil && slices.Contains(sc.Expect.ActedOn.AnyOf, a.Robot) {
			s.RightRobots++
		}
	}
}

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[len(list)/2]
}

// WriteSummary writes a row for each detector.
func WriteSummary(out io.Writer, sums []Summary) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DETECTOR\tRUNS\tFAILED\tLOOPS MISSED\tFALSE ACTIONS\tROBOT-HOURS\tWASTED (MEDIAN)\tTIME TO STOP\tRIGHT ROBOT\tPEOPLE P95\tWARNED")
	for _, s := range sums {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d of %d\t%d of %d\t%.0f\t%.0f\t%.1f s\t%s\t%.0f ms\t%s\n", s.Detector, s.Runs, s.Failed,
			s.Missed, s.Loops, s.FalseRuns, s.Legitimate, s.RobotHours, s.Wasted, s.Stop, share(s.RightRobots, s.Acts), s.HumanP95MS, share(s.Announced, s.Throttles))
	}
	return w.Flush()
}

func share(part, whole int) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}
