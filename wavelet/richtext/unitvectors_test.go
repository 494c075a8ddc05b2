package richtext_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/wavelet/richtext"
)

// TestUnitVectors runs the facts of quill-delta's own tests, but for those that
// Decode refuses to read: retains of objects and embeds of several keys.
func TestUnitVectors(t *testing.T) {
	counts := map[string]int{}
	for _, v := range readVectors(t, shared(t, "vectors/unit.jsonl.gz")) {
		run, ok := unitKinds[v.Kind]
		refused := refusal(v)
		switch {
		case v.Kind == "meta":
			continue
		case !ok:
			t.Fatalf("%s: unknown kind %q", v.ID, v.Kind)
		case errors.Is(refused, richtext.ErrLength):
			counts["retains an object"]++
			continue
		case errors.Is(refused, richtext.ErrEmbed):
			counts["embed of two keys"]++
			continue
		case refused != nil:
			t.Errorf("%s: %v", v.ID, refused)
			continue
		case v.Error != "":
			counts["error"]++ // the browser throws where Diff ignores what is no document
			continue
		}
		counts[v.Kind]++
		t.Run(v.ID, func(t *testing.T) { run(t, v) })
	}
	want := map[string]int{
		"attr": 27, "change_length": 1, "chop": 3, "compose": 34, "concat": 3, "diff": 14, "embed of two keys": 2, "error": 3,
		"invert": 6, "length": 4, "push_one": 221, "retains an object": 41, "slice": 7, "transform_one": 31,
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("cases by kind (-want +run):\n%s", diff)
	}
}

// refusal returns the error of the first delta of a case that does not decode.
func refusal(v vector) error {
	if v.Kind == "attr" {
		return nil
	}
	list := []json.RawMessage{v.A, v.B, v.Base, v.Delta}
	if v.Op != nil {
		list = append(list, json.RawMessage("["+string(v.Op)+"]"))
	}
	for _, raw := range list {
		if raw == nil {
			continue
		}
		if _, err := richtext.DecodeOps(raw); err != nil {
			return err
		}
	}
	return nil
}

var unitKinds = map[string]func(*testing.T, vector){
	"attr":    runAttr,
	"compose": runCompose,
	"diff":    runDiff,
	"invert":  runInvert,
	"chop": func(t *testing.T, v vector) {
		wantJSON(t, "chop", delta(t, v.A).Chop(), v.Want)
	},
	"concat": func(t *testing.T, v vector) {
		wantJSON(t, "concat", build(delta(t, v.A), delta(t, v.B)), v.Want)
	},
	"length": func(t *testing.T, v vector) {
		wantNumber(t, "length", delta(t, v.A).Len(), v.Want)
	},
	"change_length": func(t *testing.T, v vector) {
		wantNumber(t, "change", delta(t, v.A).Change(), v.Want)
	},
	"push_one": func(t *testing.T, v vector) {
		raw := delta(t, json.RawMessage("["+string(v.Op)+"]"))
		wantJSON(t, "push", build(delta(t, v.A), raw), v.Want)
	},
	"slice": func(t *testing.T, v vector) {
		end := math.MaxInt
		if v.End != nil {
			end = *v.End
		}
		wantJSON(t, "slice", richtext.Slice(delta(t, v.A), v.Start, end), v.Want)
	},
	"transform_one": func(t *testing.T, v vector) {
		if v.Position != nil {
			wantNumber(t, "position", richtext.TransformPosition(delta(t, v.A), *v.Position, v.Priority), v.Want)
			return
		}
		runTransformOne(t, v)
	},
}

func wantNumber(t *testing.T, what string, got int, want json.RawMessage) {
	t.Helper()
	if fmt.Sprint(got) != string(want) {
		t.Errorf("%s: got %d, want %s", what, got, want)
	}
}
