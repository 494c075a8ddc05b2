package governorbench

import (
	"context"
	"testing"
)

// TestRun checks that a short run measures everything and keeps the bars that do
// not depend on how busy the machine is.
func TestRun(t *testing.T) {
	r, err := Run(context.Background(), Options{Rounds: 3, Turn: 4000, Seats: 200, Node: 2000, Progress: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != 16 {
		t.Errorf("%d rows", len(r.Rows))
	}
	for _, row := range r.Rows {
		t.Logf("%-32s %8.2f %s (bar %v) %s", row.Name, row.Value, row.Unit, row.Bar, row.Note)
		if !row.Measured || row.Name == "" {
			t.Errorf("%+v", row)
		}
		if row.HasBar && row.Unit != "x" && row.Value > row.Bar {
			t.Errorf("%s: %v %s, at most %v", row.Name, row.Value, row.Unit, row.Bar)
		}
	}
}

func TestRunStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, Options{}); err == nil {
		t.Error("it went on")
	}
}
