package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"weir"
)

func TestBenchExitCodes(t *testing.T) {
	met := weir.Figure{Name: "a", Value: 1, Bar: 2, HasBar: true, Measured: true}
	missed := weir.Figure{Name: "b", Value: 1, Bar: 2, HasBar: true, AtLeast: true, Measured: true}
	unknown := weir.Figure{Name: "c", Bar: 2, HasBar: true, Note: "no Node here"}
	plain := weir.Figure{Name: "d", Value: 3, Measured: true}
	tests := []struct {
		name    string
		figures []weir.Figure
		want    int
		shows   string
	}{
		{"all met", []weir.Figure{met, plain}, 0, "<= 2  ok"},
		{"one missed", []weir.Figure{met, unknown, missed}, exitFailed, ">= 2  MISSED"},
		{"one not measured", []weir.Figure{met, unknown}, exitUnmeasured, "not measured  no Node here"},
		{"no bar cannot be missed", []weir.Figure{{Name: "e"}}, 0, "e"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			err := benchFlags{}.show(streams{&out, &errs}, "x", time.Second, test.figures)
			if got := report(err, &errs); got != test.want {
				t.Errorf("exit code %d, want %d", got, test.want)
			}
			if !strings.Contains(out.String(), test.shows) {
				t.Errorf("%q is not in\n%s", test.shows, out.String())
			}
		})
	}
}

func TestReportKeepsTheCodeOfAJoinedOutcome(t *testing.T) {
	var errs bytes.Buffer
	if got := report(errors.Join(&outcome{exitUnmeasured, "not measured"}, errors.New("and more")), &errs); got != exitUnmeasured {
		t.Errorf("exit code %d", got)
	}
	if errs.String() != "weir: not measured\nand more\n" {
		t.Errorf("told %q", errs.String())
	}
}

func TestWrapped(t *testing.T) {
	text := strings.Repeat("word ", 40) + "\nanother paragraph"
	got := wrapped(text, "  | ")
	for line := range strings.Lines(got) {
		if !strings.HasPrefix(line, "  | ") || len(line) > width+1 {
			t.Errorf("line %q", line)
		}
	}
	if words := strings.Fields(strings.ReplaceAll(got, "|", "")); len(words) != 42 {
		t.Errorf("%d words, want 42", len(words))
	}
	if !strings.HasSuffix(got, "\n  | another paragraph") {
		t.Errorf("the second paragraph does not begin a line: %q", got)
	}
}
