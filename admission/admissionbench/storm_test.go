package admissionbench

import (
	"context"
	"errors"
	"testing"
)

func TestStorm(t *testing.T) {
	r, err := Storm(t.Context(), Options{Clients: 8000, Capacity: 100, Ignore: 0.2, NoShow: 0.2, Seeds: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Figures {
		if !f.Met() {
			t.Errorf("%s: %.4g, the bar is %.4g", f.Name, f.Value, f.Bar)
		}
	}
	by := map[string]Row{}
	for _, row := range r.Rows {
		by[row.Strategy] = row
	}
	// A storm that everything survives would say nothing about the queue.
	if none := by["none"]; none.Obeyed.Drained || none.Obeyed.Lost < 0.9 {
		t.Errorf("a server that does nothing survives: %+v", none.Obeyed)
	}
	if distinct := by["distinct ETA, no ticket"]; distinct.Ignored.Ratio() > 0.9 {
		t.Errorf("without tickets ignoring the advice does not pay: %+v", distinct.Ignored)
	}
}

func TestBarsCanBeMissed(t *testing.T) {
	bad := Outcome{Drained: false, Attempts: 10, Timeouts: 1, Pending: 1000, Obeying: 2, Ignoring: 1, PromiseP99: 3}
	r := StormReport{Ideal: 100}
	for _, f := range r.figures(Options{Ignore: 0.2}.withDefaults(), Row{Obeyed: bad, Ignored: bad}, bad) {
		if f.Met() && f.Bar != 1.3 {
			t.Errorf("%s is met by a storm that went wrong", f.Name)
		}
	}
}

func TestStormEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Storm(ctx, Options{Clients: 100}); !errors.Is(err, context.Canceled) {
		t.Errorf("Storm with its context ended: %v", err)
	}
}
