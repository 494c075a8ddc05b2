package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"weir/policies"
)

type robotsLimitsCmd struct{ oneRobot }

func (robotsLimitsCmd) Help() string {
	return "What is shown is what is enforced: both read the same counters.\n\nExample:\n\n  weir robots limits echo-a@weir.local"
}

func (c robotsLimitsCmd) Run(ctx context.Context, s streams) error {
	a, err := c.admin()
	if err != nil {
		return err
	}
	l, err := a.limits(ctx, c.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(s.out, l)
	}
	return writeLimits(s.out, l)
}

// limits is a robot's limits as it sees them.
func (a api) limits(ctx context.Context, id string) (policies.Limits, error) {
	var l policies.Limits
	err := a.call(ctx, http.MethodGet, robotPath(id)+"/limits", nil, &l)
	return l, err
}

// writeLimits shows limits as a person reads them: those of the robot as a
// whole, those of each wavelet, and what was decided.
func writeLimits(out io.Writer, l policies.Limits) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "  %s\tprofile %s, status %s\n", l.Robot, l.Profile, l.Status)
	in := ""
	for _, x := range l.Limits {
		if x.Wavelet != in {
			in = x.Wavelet
			fmt.Fprintf(w, "  in %s\n", in)
		}
		window := ""
		if x.Window > 0 {
			window = " in " + brief(time.Duration(x.Window))
		}
		fmt.Fprintf(w, "    %s\t%s of %s%s\n", x.Name, number(x.Used), number(x.Max), window)
	}
	for _, e := range l.Evicted {
		fmt.Fprintf(w, "  out of %s\n    by the rule %s, since %s; may be let in again from %s\n", e.Wavelet, e.Rule, clock(e.Since), clock(e.Cooldown))
	}
	for _, c := range l.Cuts {
		fmt.Fprintf(w, "  in %s\n    hears nothing of %s until it is readmitted\n", c.Wavelet, strings.Join(c.From, ", "))
	}
	if n := l.Tokens; n != (policies.Tokens{}) {
		fmt.Fprintf(w, "  tokens that were worth nothing\n    %d forged, %d used again, %d too late\n", n.Forged, n.Replayed, n.Stale)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, d := range l.Decisions {
		if _, err := fmt.Fprintln(out, wrapped(fmt.Sprintf("%s %s by %s: %s", clock(d.At), d.Action, d.Rule, d.Reason), "  ")); err != nil {
			return err
		}
	}
	return nil
}

// clock is the time of day.
func clock(t time.Time) string { return t.Local().Format(time.TimeOnly) }

// brief writes a duration without zero units: 2m, not 2m0s.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
