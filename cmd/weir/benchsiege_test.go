package main

import (
	"io"
	"os/exec"
	"testing"
	"time"

	"weir/web/siege"
)

// TestSiege attacks a server in a process of its own in every way, and wants
// that people could work on, that the server answered for its health, took no
// more memory than it may, lost nothing, and says why it turned away what it did.
func TestSiege(t *testing.T) {
	long(t)
	program, err := exec.LookPath("weir") // this test, under the command's name
	if err != nil {
		t.Fatal(err)
	}
	c := benchSiegeCmd{Phase: time.Second, Typists: 4, Answer: time.Minute}
	report, err := c.lay(t.Context(), streams{out: io.Discard, err: t.Output()}, program)
	if err != nil {
		t.Fatal(err)
	}
	if err := showCourses(t.Output(), report); err != nil {
		t.Error(err)
	}
	if len(report.Courses) != 1+len(siege.Names()) {
		t.Errorf("%d courses, want one without attack and %d with", len(report.Courses), len(siege.Names()))
	}
	for _, c := range report.Courses {
		switch {
		case c.Failed != "":
			t.Errorf("%s: %s", c.Attack, c.Failed)
		case c.Slowest == 0:
			t.Errorf("%s: somebody got no edit through", c.Attack)
		case c.Unwell > 0 || c.Asked == 0:
			t.Errorf("%s: %d of %d questions for the server's health were not answered", c.Attack, c.Unwell, c.Asked)
		case c.Resident > siegeMemory:
			t.Errorf("%s: the server took %d MiB", c.Attack, c.Resident>>20)
		case c.Turned > 0 && len(c.Refused) == 0:
			t.Errorf("%s: %d were turned away, and the server counts none", c.Attack, c.Turned)
		case !c.Calm && c.Sent == 0:
			t.Errorf("%s: nothing was sent", c.Attack)
		case c.Refused["frame internal"] > 0:
			t.Errorf("%s: the server says %d times that it failed", c.Attack, c.Refused["frame internal"])
		}
	}
	if report.Lost > 0 || report.Typed == 0 {
		t.Errorf("%d of %d edits were lost", report.Lost, report.Typed)
	}
}
