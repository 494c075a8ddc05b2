package admissionbench_test

import (
	"reflect"
	"testing"
	"time"

	"weir/admission/admissionbench"
)

// TestGoodput holds the bars over an hour, and is the same each time.
func TestGoodput(t *testing.T) {
	r, err := admissionbench.Goodput(t.Context(), admissionbench.GoodputOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Figures {
		if !f.Met() {
			t.Errorf("%s: %.3f, want %v", f.Name, f.Value, f.Bar)
		}
		t.Logf("%-60s %.3f", f.Name, f.Value)
	}
	for _, row := range r.Rows {
		t.Logf("%-35s %.3f", row.Limit, row.Share)
		if bad := row.Limit == "none" || row.Limit == "fixed, 2.5 times too high"; bad && row.Share[0] > 0.1 {
			t.Errorf("%s does %.3f of what can be done: this is no overload", row.Limit, row.Share[0])
		}
	}
	short := admissionbench.GoodputOptions{Span: 10 * time.Minute}
	a, errA := admissionbench.Goodput(t.Context(), short)
	b, errB := admissionbench.Goodput(t.Context(), short)
	if errA != nil || errB != nil || !reflect.DeepEqual(a.Rows, b.Rows) || !reflect.DeepEqual(a.Figures, b.Figures) {
		t.Error("two runs differ")
	}
}
