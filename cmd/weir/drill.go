package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"weir/governor"
	"weir/wavelet"
)

type drillCmd struct {
	remote
	Profile  string        `help:"Hold the pair under this profile. Default: the server's default one." placeholder:"NAME"`
	Listen   string        `default:"127.0.0.1:0" help:"Address at which the pair waits to be called; port 0 picks a free one."`
	Callback string        `help:"URL by which the server reaches that address. Default: http:// and the address." placeholder:"URL"`
	Timeout  time.Duration `default:"60s" help:"How long to wait for the eviction, at most 5m."`
	Notice   time.Duration `default:"2s" help:"How soon after the eviction everybody has to be told."`
	JSON     bool          `help:"Print one JSON object."`
}

func (drillCmd) Help() string {
	return `Proves on a running server that the guard is on. In a wavelet of its own, a pair of robots answers each other on purpose
until one of them is evicted; nobody else's robots, wavelets and counts are touched. The drill writes as drill@DOMAIN, whom the
admin token lets in.

It prints how long the loop lived, from the first answer of a robot to a robot until the eviction, and how many such answers
there were. What is expected is the profile's pace times its depth: 8 s with the default profile.

Afterwards both robots are removed, and what they wrote is deleted; the wavelet stays, empty, with nobody in it. What a drill that
was killed has left is cleaned up by the next one.

The server calls the pair over HTTP. If it refuses callbacks at private addresses, or runs on another machine, choose an address
that it can call with --listen, and say how it is reached with --callback.

Exits 0 only if a robot was evicted within twice the time expected, everybody was told within --notice, what the robot wrote later
was refused, and the cleaning up was done; else 1.

Examples:

  weir drill
  weir drill --json --timeout 30s
  weir drill --profile strict
  weir drill --server https://weir.example.com --token-file admin-token --listen :9100 --callback http://robots.example.com:9100`
}

// maxDrill is the longest a drill may wait for the eviction.
const maxDrill = 5 * time.Minute

func (c drillCmd) Run(ctx context.Context, s streams) error {
	if c.Timeout <= 0 || c.Timeout > maxDrill {
		return fmt.Errorf("--timeout: %s is not above 0 and at most %s", brief(c.Timeout), brief(maxDrill))
	}
	if c.Notice <= 0 {
		return fmt.Errorf("--notice: %s is not above 0", brief(c.Notice))
	}
	a, err := c.admin()
	if err != nil {
		return err
	}
	story := s.out
	if c.JSON {
		story = io.Discard
	}
	d := &drill{cmd: c, api: a, story: story, stale: staleDrill, report: drillReport{Server: a.url, Profile: c.Profile, Faults: []string{}}}
	d.perform(ctx)
	r := &d.report
	r.OK = len(r.Faults) == 0
	if c.JSON {
		err = writeJSON(s.out, r)
	} else {
		r.print(s.out)
	}
	return errors.Join(err, r.fault())
}

// drillReport is what a drill found: what --json prints. Times are in seconds.
type drillReport struct {
	OK        bool     `json:"ok"`
	Server    string   `json:"server"`
	Wavelet   string   `json:"wavelet"`
	Profile   string   `json:"profile"`
	Evicted   string   `json:"evicted"` // the robot; "" if none was
	Rule      string   `json:"rule"`
	Depth     int      `json:"depth"`      // of the answer that was refused
	StopS     float64  `json:"stop_s"`     // from the first answer of a robot to a robot to the eviction
	ExpectedS float64  `json:"expected_s"` // by the profile; twice that is allowed
	Wasted    int      `json:"wasted"`     // answers of robots to robots
	NoticeS   float64  `json:"notice_s"`   // from the verdict until a person saw the notice
	Notice    string   `json:"notice"`
	Refused   string   `json:"refused"` // what a later write of the robot was answered
	CleanedUp bool     `json:"cleaned_up"`
	Faults    []string `json:"faults"` // what did not hold

	cause []error
}

func (r *drillReport) fail(err error) {
	r.cause = append(r.cause, err)
	r.Faults = append(r.Faults, err.Error())
}

// fault is what did not hold, nil if everything did.
func (r *drillReport) fault() error {
	if len(r.cause) == 0 {
		return nil
	}
	return fmt.Errorf("the drill failed: %w", errors.Join(r.cause...))
}

// took takes over what the decision says.
func (r *drillReport) took(d governor.Decision) {
	r.Evicted, r.Rule, r.Depth = string(d.Robot), d.Rule, d.Evidence.Depth
}

// judge checks what was measured; people must be told within notice.
func (r *drillReport) judge(notice time.Duration) {
	if r.StopS > 2*r.ExpectedS {
		r.fail(fmt.Errorf("the loop lived for %.1f s, more than twice the %.1f s expected", r.StopS, r.ExpectedS))
	}
	if r.NoticeS > notice.Seconds() {
		r.fail(fmt.Errorf("the notice was seen %.1f s after the verdict, later than %s", r.NoticeS, brief(notice)))
	}
	if !strings.Contains(r.Notice, r.Evicted) {
		r.fail(fmt.Errorf("the notice does not name %s", r.Evicted))
	}
}

// print writes the report as a person reads it.
func (r *drillReport) print(out io.Writer) {
	if r.Evicted != "" {
		fmt.Fprintf(out, "evicted   %s by %s, %.1f s after the first answer of a robot to a robot (expected %.1f s)\n",
			short(wavelet.Participant(r.Evicted)), r.Rule, r.StopS, r.ExpectedS)
		fmt.Fprintf(out, "wasted    %d answers of robots to robots; number %d in a row was refused\n", r.Wasted, r.Depth)
		fmt.Fprintf(out, "notice    seen %.2f s after the verdict:\n%s\n", r.NoticeS, wrapped(r.Notice, "          ┃ "))
	}
	if r.Refused != "" {
		fmt.Fprintf(out, "refused   a later write of %s: %s\n", short(wavelet.Participant(r.Evicted)), r.Refused)
	}
	if r.CleanedUp {
		fmt.Fprintln(out, "cleaned   nothing of this drill is left but an empty wavelet")
	}
	if r.OK {
		fmt.Fprintln(out, "The guard is on.")
	}
}
