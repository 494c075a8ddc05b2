package gatewaybench_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"weir/gateway/gatewaybench"
)

// The figures themselves are the machine's; that all are taken is the package's.
func TestRun(t *testing.T) {
	var parts []string
	r, err := gatewaybench.Run(t.Context(), gatewaybench.Options{
		Phase: 700 * time.Millisecond, Crowd: 40, Progress: func(line string) { parts = append(parts, line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(parts) != 4 || r.Took == 0 {
		t.Errorf("progress %q, took %v", parts, r.Took)
	}
	bars := 0
	for _, row := range r.Rows {
		if row.Name == "" || row.Unit == "" || !row.Measured {
			t.Errorf("row %+v", row)
		}
		if row.HasBar {
			bars++
		}
		t.Logf("%-45s %10.3g %s, bar %v %v", row.Name, row.Value, row.Unit, row.HasBar, row.Bar)
	}
	if bars != 8 {
		t.Errorf("%d bars, want 8", bars)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := gatewaybench.Run(ctx, gatewaybench.Options{}); !errors.Is(err, cause) {
		t.Errorf("Run ended with %v", err)
	}
}
