package admissionbench_test

import (
	"testing"

	"weir/admission/admissionbench"
)

// TestCaps holds what does not depend on the machine.
func TestCaps(t *testing.T) {
	r, err := admissionbench.Caps(t.Context(), admissionbench.CapOptions{CostOptions: admissionbench.CostOptions{Rounds: 1, Turn: 10}, Repeat: 20})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Figures[:3] {
		if !f.Met() {
			t.Errorf("%s: %v, bar %v", f.Name, f.Value, f.Bar)
		}
	}
	if f := r.Figures[4]; f.Value != 20*50 {
		t.Errorf("%v refusals of a hundred at fifty places, twenty times", f.Value)
	}
}

func TestLimits(t *testing.T) {
	r, err := admissionbench.Limits(t.Context(), admissionbench.CostOptions{Rounds: 1, Turn: 10})
	if err != nil {
		t.Fatal(err)
	}
	if last := r.Figures[len(r.Figures)-1]; !last.Met() || len(r.Figures) != 8 {
		t.Errorf("%+v", r.Figures)
	}
}
