package richtext_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/wavelet/richtext"
)

func TestRejectVectors(t *testing.T) {
	counts := map[string]int{}
	for _, v := range readVectors(t, "testdata/reject.jsonl.gz") {
		verdict := verdicts[v.Expect]
		switch {
		case verdict == "":
			t.Fatalf("%s: unknown expectation %q", v.ID, v.Expect)
		case v.Reason == "unknown-embed": // the algebra takes any embed; wavelet keeps the list
			counts["at wavelet's edge"]++
			continue
		case v.Reason == "many-ops":
			v.DeltaJSON = `{"ops":[` + strings.Repeat(`{"retain":1,"attributes":{"bold":true}},`, 20_000) + `{"insert":"x"}]}`
		}
		counts[verdict]++
		doc := delta(t, v.Doc)
		d, err := richtext.Decode([]byte(v.DeltaJSON))
		if err == nil {
			err = richtext.Check(doc, d)
		}
		if verdict == "reject" {
			var refusal *richtext.Error
			if !errors.As(err, &refusal) || refusal.Code == "" || refusal.Reason == "" {
				t.Errorf("%s (%s): error %v, want a refusal of %s", v.ID, v.Reason, err, v.DeltaJSON)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s (%s): %v, want %s accepted", v.ID, v.Reason, err, v.DeltaJSON)
			continue
		}
		checkApplied(t, v, doc, d)
	}
	want := map[string]int{"accept": 157, "reject": 366, "at wavelet's edge": 1}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("cases by verdict (-want +run):\n%s", diff)
	}
}

var verdicts = map[string]string{
	"accept":                              "accept",
	"accept, normalised to no attributes": "accept",
	"accept, null dropped":                "accept",
	"reject":                              "reject",
	"accept-or-reject: choose reject, keep fixed":                    "reject",
	"accept only if the protocol says so; choose reject on the wire": "reject",
	"policy: reject or re-append; choose reject":                     "reject",
	"policy: reject (document must end in newline)":                  "reject",
	"limit: generate in test (20,001 ops)":                           "reject",
}

// checkApplied compares Compose and Doc with what the editor makes of a delta.
func checkApplied(t *testing.T, v vector, doc, d richtext.Delta) {
	t.Helper()
	got := richtext.Compose(doc, d)
	if v.Reason != "null-attr-on-insert" { // which the browser keeps
		wantJSON(t, v.ID+": composed", got, v.Quill)
	}
	engine, err := richtext.NewDoc(doc)
	if err == nil {
		err = engine.Apply(d)
	}
	if err != nil {
		t.Errorf("%s: %v", v.ID, err)
		return
	}
	wantDelta(t, v.ID+": engine", engine.Delta(), got)
}
