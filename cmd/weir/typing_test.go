package main

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/wavelet/richtext"
)

// written is what a document holds after strokes, with its final newline.
func written(t *testing.T, strokes []stroke) string {
	t.Helper()
	doc, err := richtext.NewDoc(richtext.Delta{}.Insert("\n", richtext.Attributes{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range strokes {
		if err := doc.Apply(s.delta()); err != nil {
			t.Fatal(err)
		}
	}
	return doc.Text()
}

func TestTypedGivesTheText(t *testing.T) {
	text := strings.TrimSpace(annsText)
	strokes := slices.Collect(typed(text, 1))
	if got := written(t, strokes); got != text+"\n" {
		t.Errorf("typed text differs: %q", got[:min(len(got), 80)])
	}
	if len(strokes) <= len([]rune(text)) {
		t.Error("nobody types so long without a slip")
	}
	if slices.ContainsFunc([]rune(text), func(r rune) bool { return r > 0xffff }) {
		t.Error("the text has a character of two units")
	}
}

func TestGapsAreAsMeasured(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var drawn []time.Duration
	for range 100_000 {
		drawn = append(drawn, gap(r))
	}
	slices.Sort(drawn)
	for _, want := range gaps[1 : len(gaps)-1] {
		got := drawn[int(want.share*float64(len(drawn)))]
		if ratio := float64(got) / float64(want.gap); ratio < .9 || ratio > 1.1 {
			t.Errorf("share %.2f: %s, measured %s", want.share, got, want.gap)
		}
	}
}

// TestMargin types a text while somebody else corrects the document, as each
// sees it, and wants the corrections and the typing both there.
func TestMargin(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	plain := func(at, cut int, text string) richtext.Delta {
		return stroke{patches: []patch{{at, cut, text}}}.delta()
	}
	doc, err := richtext.NewDoc(richtext.Delta{}.Insert("\n", richtext.Attributes{}))
	if err != nil {
		t.Fatal(err)
	}
	var m margin
	for s := range typed(strings.Repeat("teh river runs. ", 60), 3) {
		if err := doc.Apply(m.own(s.delta())); err != nil {
			t.Fatal(err)
		}
		if at := strings.Index(doc.Text(), "teh "); at >= 0 && r.IntN(5) == 0 {
			d := plain(at, 3, "the")
			if err := doc.Apply(d); err != nil {
				t.Fatal(err)
			}
			m.foreign(d)
		}
	}
	text := strings.ReplaceAll(doc.Text(), "teh ", "the ")
	if want := strings.Repeat("the river runs. ", 60) + "\n"; text != want {
		t.Errorf("document is %q", text)
	}
}

func TestReadTrace(t *testing.T) {
	file := filepath.Join("..", "..", "..", "shared", "traces", "json-crdt-blog-post.json.gz")
	if _, err := os.Stat(file); err != nil {
		t.Skip("the recorded traces are not beside the repository: ", err)
	}
	tr, err := readTrace(file)
	if err != nil {
		t.Fatal(err)
	}
	strokes := slices.Collect(tr.strokes(1))
	if len(strokes) != 21_411 {
		t.Errorf("%d strokes, want 21411", len(strokes))
	}
	if got := written(t, strokes); got != tr.EndContent+"\n" {
		t.Error("the trace does not end in its endContent")
	}
	if _, err := readTrace(filepath.Join(filepath.Dir(file), "clownschool.json.gz")); !errors.Is(err, ErrTrace) {
		t.Errorf("a trace of two authors: %v", err)
	}
}

func TestTraceIsChecked(t *testing.T) {
	for name, p := range map[string]patch{
		"past the end": {1, 0, "x"}, "negative": {0, -1, ""}, "deletes what is not there": {0, 1, ""}, "two units": {0, 0, "😀"},
	} {
		var tr trace
		tr.Txns = append(tr.Txns, struct {
			Time    string  `json:"time"`
			Patches []patch `json:"patches"`
		}{Patches: []patch{p}})
		if err := tr.check("f"); !errors.Is(err, ErrTrace) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
