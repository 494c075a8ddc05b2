package enginebench

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// writeTrace writes a trace file and returns its path.
func writeTrace(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const smallTrace = `{"startContent":"ab","endContent":"a😀!b","txns":[
	{"time":"2024-01-01T00:00:00Z","patches":[[1,0,"😀"],[2,0,"x"]]}, {"patches":[[2,1,"!"]]}]}`

func TestLoad(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write([]byte(smallTrace))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"trace.json": smallTrace, "trace.json.gz": zipped.String()} {
		path := writeTrace(t, name, content)
		got, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		want := Trace{
			Name: path, End: "a\uFFFD!b",
			Edits: []Edit{{Text: "ab"}, {At: 1, Text: "\uFFFD"}, {At: 2, Text: "x"}, {At: 2, Gone: 1, Text: "!"}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if text := replayed(got.Edits); text != got.End {
			t.Errorf("the edits come to %q", text)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, content := range map[string]string{
		"empty": ``, "not JSON": `trace`, "no edits": `{"endContent":"","txns":[]}`, "odd patch": `{"txns":[{"patches":[["a",0,""]]}]}`,
	} {
		if _, err := Load(writeTrace(t, "trace.json", content)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	_, err := Load(writeTrace(t, "trace.json", `{"kind":"concurrent","txns":[]}`))
	if !errors.Is(err, ErrConcurrent) {
		t.Errorf("error %v, want %v", err, ErrConcurrent)
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want %v", err, os.ErrNotExist)
	}
}

func TestTypedIsTheSameForTheSameSeed(t *testing.T) {
	a, b := Typed(7, 3000), Typed(7, 3000)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("two of the same seed (-one +other):\n%s", diff)
	}
	if cmp.Equal(a, Typed(8, 3000)) {
		t.Error("another seed types the same")
	}
	erased, elsewhere, last := 0, 0, 0
	for _, e := range a.Edits {
		if e.Gone > 0 {
			erased++
		}
		if e.At != last && e.At+e.Gone != last {
			elsewhere++
		}
		last = e.At + len(e.Text)
	}
	if len(a.Edits) != 3000 || erased < 100 || elsewhere < 30 || len(a.End) < 1000 {
		t.Errorf("%d edits, %d erase, %d go elsewhere, %d letters at the end", len(a.Edits), erased, elsewhere, len(a.End))
	}
}

func TestGapBufferMeasuresTheSameWork(t *testing.T) {
	trace := Typed(9, 4000)
	deltas := typing(trace).edits
	if _, err := typeIntoGapBuffer(trace, deltas); err != nil {
		t.Error(err)
	}
	if _, err := typeIntoEngine(trace, deltas); err != nil {
		t.Error(err)
	}
	trace.End += "!"
	if _, err := typeIntoGapBuffer(trace, deltas); err == nil {
		t.Error("a gap buffer with another text passes")
	}
	if _, err := typeIntoEngine(trace, deltas); err == nil {
		t.Error("an engine with another text passes")
	}
	g := newGapBuffer("x")
	g.edit(1, 0, "é😀")
	g.edit(0, 1, "y")
	if got := g.text(); got != "yé😀" {
		t.Errorf("text %q", got)
	}
}

func TestRunWithoutNode(t *testing.T) {
	var said []string
	report, err := Run(t.Context(), Options{
		Quick: true, Node: filepath.Join(t.TempDir(), "node"), Progress: func(line string) { said = append(said, line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Name             string
		Measured, Noted  bool
		HasBar, Positive bool
	}
	var got []row
	for _, r := range report.Rows {
		got = append(got, row{r.Name, r.Measured, r.Note != "", r.HasBar, r.Value > 0})
		if !r.Measured && (r.Met() || !strings.Contains(r.Note, "Node")) {
			t.Errorf("%s is not measured, but OK is %v and the note %q", r.Name, r.Met(), r.Note)
		}
	}
	want := []row{
		{"engine", true, true, true, true},
		{"1,000 missed deltas", true, true, true, true},
		{"pipeline", false, true, true, false},
		{"pipeline, 10,000 runs", false, true, true, false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if report.Edits != 2000 || report.Took <= 0 || len(said) < 3 {
		t.Errorf("%d edits in %v, said %q", report.Edits, report.Took, said)
	}
}

// TestRunWithNode runs where quill-delta has been installed by an earlier
// benchmark; a test does not fetch it.
func TestRunWithNode(t *testing.T) {
	cache, err := os.UserCacheDir()
	if err != nil || installedVersion(filepath.Join(cache, "weir", "quill-delta", "node_modules", "quill-delta")) != quillVersion {
		t.Skip("quill-delta is not installed; weir bench engine installs it")
	}
	report, err := Run(t.Context(), Options{Quick: true, TracePath: writeTrace(t, "trace.json", smallTrace)})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Rows {
		if !r.Measured || r.Value <= 0 {
			t.Errorf("not measured: %+v", r)
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, Options{Quick: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}
