package storebench_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"weir/store/storebench"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	var lines []string
	report, err := storebench.Run(context.Background(), storebench.Options{
		Dir: dir, Slice: 20 * time.Millisecond, Rounds: 3,
		Progress: func(line string) { lines = append(lines, line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 3 || !strings.HasPrefix(lines[2], "round 3 of 3: raw ") {
		t.Errorf("progress is %q, want three rounds", lines)
	}
	bars := 0
	for _, r := range report.Rows {
		t.Logf("%-45s %10.3f %s", r.Name, r.Value, r.Unit)
		if r.Value <= 0 {
			t.Errorf("%s: %v", r.Name, r.Value)
		}
		if r.Name == "fsyncs per delta, 1 writer" && (r.Value < 2 || r.Value > 2.5) {
			t.Errorf("a lone writer costs %v fsyncs per delta, want 2 and at times one to grow the file", r.Value)
		}
		if r.HasBar {
			bars++
		}
	}
	if len(report.Rows) != 10 || bars != 1 {
		t.Errorf("%d rows with %d bars, want 10 with 1", len(report.Rows), bars)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestRunStops(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	_, err := storebench.Run(ctx, storebench.Options{
		Dir: t.TempDir(), Slice: time.Millisecond, Rounds: 1 << 30,
		Progress: func(string) { cancel(cause) },
	})
	if !errors.Is(err, cause) {
		t.Errorf("error is %v, want the context's cause", err)
	}
}

// BenchmarkStore is a whole run: `go test -bench Store -benchtime 1x`.
func BenchmarkStore(b *testing.B) {
	for b.Loop() {
		report, err := storebench.Run(context.Background(), storebench.Options{Dir: b.TempDir(), Progress: func(line string) { b.Log(line) }})
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range report.Rows {
			b.ReportMetric(r.Value, strings.ReplaceAll(r.Name, " ", "-"))
			b.Logf("%-45s %10.3f %s", r.Name, r.Value, r.Unit)
		}
	}
}
