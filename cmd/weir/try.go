package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"weir/governor/traffic"
)

type policiesTryCmd struct {
	remote
	File    string `arg:"" type:"existingfile" help:"Policy file."`
	Since   string `default:"24h" help:"Try it on the traffic since then: 90m, 24h, or an instant like 2026-05-01T12:00:00Z." placeholder:"WHEN"`
	Robot   string `help:"Show only what is about this robot." placeholder:"ADDRESS"`
	Wavelet string `help:"Show only what is in this wavelet." placeholder:"WAVE/WAVELET"`
	JSON    bool   `help:"Print JSON."`
}

func (policiesTryCmd) Help() string {
	return `The server replays its recorded traffic twice, under the policies in force and under the file, and shows who would have been warned,
slowed, held, cut, suspended or evicted: what is new, what is gone, what has changed, what is the same. Nothing is applied.

A replay cannot know what robots would have written otherwise. Once it evicts a robot, what that robot wrote later counts as refused,
and what others answered to it as absent. What the record shows of a robot ends where the server really put it out; a file that is
milder shows no eviction then, and not what the robot would have gone on to do. Robots are under the profiles they have today, and the
replays know nothing of what came earlier than an hour before --since.

Examples:

  weir policies try policies.yaml
  weir policies try policies.yaml --since 90m --robot echo-a@weir.local
  weir policies try policies.yaml --json`
}

func (c policiesTryCmd) Run(ctx context.Context, s streams) error {
	file, err := readPolicyFile(c.File)
	if err != nil {
		return err
	}
	since, err := instantOf(c.Since)
	if err != nil {
		return err
	}
	a, err := c.admin()
	if err != nil {
		return err
	}
	ask := struct {
		policyFile
		Since   time.Time `json:"since"`
		Robot   string    `json:"robot,omitempty"`
		Wavelet string    `json:"wavelet,omitempty"`
	}{file, since.UTC(), c.Robot, c.Wavelet}
	report, err := a.try(ctx, ask, s.err)
	if err != nil {
		return policyFaults(err)
	}
	if c.JSON {
		return writeJSON(s.out, report)
	}
	return writeTrial(s.out, c.File, &report)
}

// try asks the server, and shows how far it has come if that takes long.
func (a api) try(ctx context.Context, ask any, progress io.Writer) (report traffic.Report, err error) {
	events, err := a.stream(ctx, http.MethodPost, "/api/v1/policies/try", ask)
	if err != nil {
		return report, err
	}
	defer events.Close()
	begun, done := time.Now(), errors.New("done")
	err = readEvents(events, func(kind, data string) error {
		switch kind {
		case "progress":
			var p traffic.Progress
			if json.Unmarshal([]byte(data), &p) == nil && time.Since(begun) > 2*time.Second {
				begun = time.Now()
				fmt.Fprintf(progress, "weir: %.0f %%, at %s\n", 100*p.Done, p.At.Local().Format(time.DateTime))
			}
		case "report":
			return cmp.Or(decode([]byte(data), &report), done)
		case "failed":
			return refused(&http.Response{StatusCode: http.StatusInternalServerError, Status: "the server failed"}, []byte(data))
		}
		return nil
	})
	if errors.Is(err, io.EOF) {
		return report, errors.New("the server broke off before it had tried everything")
	}
	if errors.Is(err, done) {
		return report, nil
	}
	return report, err
}

// writeTrial shows what a policy file would have changed.
func writeTrial(out io.Writer, file string, r *traffic.Report) error {
	n := r.Rows.Commits + r.Rows.Deliveries + r.Rows.Answers + r.Rows.Requests
	if n == 0 {
		fmt.Fprintf(out, "no traffic is recorded since %s\n", r.Since.Local().Format(time.DateTime))
		return nil
	}
	fmt.Fprintf(out, "%s on the traffic from %s to %s: %d commits, %d deliveries, %d answers, %d requests\n", file,
		r.First.Local().Format(time.DateTime), r.Last.Local().Format(time.DateTime), r.Rows.Commits, r.Rows.Deliveries, r.Rows.Answers, r.Rows.Requests)
	if r.Gaps > 0 {
		fmt.Fprintf(out, "note: the record has %d gap(s), with at least %d rows missing\n", r.Gaps, r.Missing)
	}
	if r.Starts > 0 {
		fmt.Fprintf(out, "note: the server was started %d time(s) in this time\n", r.Starts)
	}
	if err := writeOutcomes(out, r.Lines); err != nil {
		return err
	}
	if r.LeftOff > 0 {
		fmt.Fprintf(out, "and %d more; choose with --robot or --wavelet\n", r.LeftOff)
	}
	fmt.Fprintf(out, "\nin force: %s\ntried:    %s\n", sumText(r.InForce), sumText(r.Tried))
	changes := map[traffic.Change]int{}
	for i := range r.Lines {
		changes[r.Lines[i].Change]++
	}
	if changes[traffic.Same] == len(r.Lines) {
		fmt.Fprintf(out, "%s would have changed nothing\n", file)
		return nil
	}
	fmt.Fprintf(out, "%s: %d new, %d gone, %d changed, %d the same\n", file,
		changes[traffic.New], changes[traffic.Gone], changes[traffic.Changed], changes[traffic.Same])
	return nil
}

// writeOutcomes shows what came about, under a heading for each robot in each
// wavelet.
func writeOutcomes(out io.Writer, list []traffic.Line) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	of := ""
	for i := range list {
		l := &list[i]
		if seat := strings.TrimSpace(string(l.Robot) + "  " + l.Wavelet); seat != of {
			of = seat
			if err := w.Flush(); err != nil {
				return err
			}
			fmt.Fprintf(out, "\n%s\n", seat)
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", l.Change, l.Action, l.Rule, timesText(l))
	}
	return w.Flush()
}

// timesText is how often something happens and what it is the first time, under
// the policies in force and under those tried.
func timesText(l *traffic.Line) string {
	one := func(t *traffic.Times) string {
		text := fmt.Sprintf("%d x", t.Count)
		switch {
		case l.Action == "held":
			text += fmt.Sprintf(", %s s in all", number(t.Measured))
		case l.Action != "refused":
			text += fmt.Sprintf(", %s of %s", number(t.Measured), number(t.Limit))
		}
		if l.DryRun {
			text += ", dry run"
		}
		return text + ", first " + t.First.Local().Format(time.DateTime)
	}
	switch l.Change {
	case traffic.Gone:
		return one(l.InForce)
	case traffic.Changed:
		return one(l.InForce) + " -> " + one(l.Tried)
	}
	return one(l.Tried)
}

// sumText is how often each thing was done.
func sumText(s traffic.Sum) string {
	var parts []string
	for _, action := range slices.Sorted(maps.Keys(s.Actions)) {
		parts = append(parts, fmt.Sprintf("%s %d", action, s.Actions[action]))
	}
	if s.Absent > 0 {
		parts = append(parts, fmt.Sprintf("absent %d", s.Absent))
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}
