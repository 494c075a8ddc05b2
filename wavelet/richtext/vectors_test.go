package richtext_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/wavelet/richtext"
)

// ops decodes the bare array form, under no limits.
type ops struct{ richtext.Delta }

func (o *ops) UnmarshalJSON(raw []byte) (err error) {
	if string(raw) == "null" {
		return nil
	}
	o.Delta, err = richtext.Limits{}.DecodeOps(raw)
	return err
}

// vector is one case of any kind; each kind uses some of the fields.
type vector struct {
	ID, Kind, Sub, Fn, Name string

	A, B, AT, Base, Chopped, Client, Delta, Doc, Op, Quill, Raw, Want json.RawMessage

	BTPriority json.RawMessage `json:"bT_priority"`
	WantClient json.RawMessage `json:"want_client"`
	WantServer []ops           `json:"want_server"`
	Server     []ops
	Deltas     []ops

	Flag, Priority, TP1, Roundtrip bool
	Same                           bool `json:"same_if_server_composed_first"`

	Index, Start, Length int
	ChangeLength         int `json:"change_length"`
	End, Position        *int

	Expect, Reason, Error string
	DeltaJSON             string `json:"delta_json"`
}

// readVectors yields every case of a file of vectors.
func readVectors(t *testing.T, path string) []vector {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var v vector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		list = append(list, v)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// shared returns the path of a file that is kept outside the repository, or
// skips the test.
func shared(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("go.mod not found")
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(dir, "..", "shared", name)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is not kept in the repository and is absent", filepath.Join("shared", name))
	}
	return path
}

// delta decodes the bare array of a vector.
func delta(t testing.TB, raw json.RawMessage) richtext.Delta {
	t.Helper()
	d, err := richtext.Limits{}.DecodeOps(raw)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return d
}

// attributes decodes the attributes of a vector, null being none.
func attributes(t *testing.T, raw json.RawMessage) richtext.Attributes {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	a, err := richtext.NewAttributes(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// wantJSON compares got, as it is marshalled, with want as JSON, so that neither
// the decoder nor Equal can hide a difference.
func wantJSON(t *testing.T, what string, got richtext.Delta, want json.RawMessage) {
	t.Helper()
	raw, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var g struct{ Ops any }
	var w any
	if err := errors.Join(json.Unmarshal(raw, &g), json.Unmarshal(want, &w)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(w, g.Ops) { // which is faster than cmp.Diff
		t.Errorf("%s (-want +got):\n%s", what, cmp.Diff(w, g.Ops))
	}
}

func wantDelta(t *testing.T, what string, got, want richtext.Delta) {
	t.Helper()
	if !got.Equal(want) {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

func TestDeltaVectors(t *testing.T) {
	counts := map[string]int{}
	cases := map[string][]vector{}
	for _, v := range readVectors(t, "testdata/delta.jsonl.gz") {
		kind := v.Kind
		if v.Sub != "" {
			kind += "/" + v.Sub
		}
		counts[kind]++
		cases[v.Kind] = append(cases[v.Kind], v)
	}
	want := map[string]int{
		"meta": 1, "attr": 161, "compose/cancel": 185, "compose/doc": 711, "compose/seq": 711, "compose/wild": 397,
		"compose_chain": 294, "diff": 82, "invert": 343, "push": 98, "slice": 48, "transform": 887,
		"transform_chain": 235, "transform_one": 389, "transform_position": 459,
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("cases by kind (-want +found):\n%s", diff)
	}
	for kind, run := range vectorKinds {
		t.Run(kind, func(t *testing.T) {
			for _, v := range cases[kind] {
				if run(t, v); t.Failed() {
					t.Fatalf("case %s", v.ID)
				}
			}
		})
		delete(cases, kind)
	}
	delete(cases, "meta")
	for kind := range cases {
		t.Errorf("nobody runs the cases of kind %q", kind)
	}
}

var vectorKinds = map[string]func(*testing.T, vector){
	"attr":               runAttr,
	"compose":            runCompose,
	"compose_chain":      runComposeChain,
	"diff":               runDiff,
	"invert":             runInvert,
	"push":               runPush,
	"slice":              runSlice,
	"transform":          runTransform,
	"transform_chain":    runTransformChain,
	"transform_one":      runTransformOne,
	"transform_position": runTransformPosition,
}

func runAttr(t *testing.T, v vector) {
	a, b := attributes(t, v.A), attributes(t, v.B)
	var got richtext.Attributes
	switch v.Fn {
	case "compose":
		got = a.Compose(b, v.Flag)
	case "diff":
		got = a.Diff(b)
	case "invert":
		got = a.Invert(b)
	case "transform":
		got = a.Transform(b, v.Flag)
	default:
		t.Fatalf("unknown function %q", v.Fn)
	}
	if want := attributes(t, v.Want); !got.Equal(want) {
		t.Errorf("%s: got %v, want %v", v.Fn, got, want)
	}
}

func runCompose(t *testing.T, v vector) {
	a, b := delta(t, v.A), delta(t, v.B)
	got := richtext.Compose(a, b)
	wantJSON(t, "compose", got, v.Want)
	if v.Base == nil {
		return
	}
	base := delta(t, v.Base)
	wantJSON(t, "base, then a composed with b", richtext.Compose(base, got), v.Doc)
	wantJSON(t, "base, then a, then b", richtext.Compose(richtext.Compose(base, a), b), v.Doc)
	effective := richtext.Effective(base, got)
	wantJSON(t, "base, then what is effective", richtext.Compose(base, effective), v.Doc)
	if v.Sub == "cancel" && len(effective) != 0 {
		t.Errorf("effective: got %v, want nothing", effective)
	}
}

func runComposeChain(t *testing.T, v vector) {
	doc := delta(t, v.Base)
	var all richtext.Delta
	for _, d := range v.Deltas {
		doc = richtext.Compose(doc, d.Delta)
		all = richtext.Compose(all, d.Delta)
	}
	wantJSON(t, "all composed", all, v.Want)
	wantJSON(t, "document", doc, v.Doc)
}

func runDiff(t *testing.T, v vector) {
	a, b := delta(t, v.A), delta(t, v.B)
	d := richtext.Diff(a, b)
	wantJSON(t, fmt.Sprintf("a with %v", d), richtext.Compose(a, d), v.B)
}

func runInvert(t *testing.T, v vector) {
	base, d := delta(t, v.Base), delta(t, v.Delta)
	got := richtext.Invert(d, base)
	wantJSON(t, "invert", got, v.Want)
	if v.Roundtrip {
		wantJSON(t, "there and back", richtext.Compose(richtext.Compose(base, d), got), v.Base)
	}
}

// build rebuilds raw ops with the builder methods.
func build(d richtext.Delta, raw richtext.Delta) richtext.Delta {
	for _, op := range raw {
		switch op.Kind() {
		case richtext.KindInsert:
			d = d.Insert(op.Text(), op.Attributes())
		case richtext.KindEmbed:
			d = d.InsertEmbed(op.Embed(), op.Attributes())
		case richtext.KindRetain:
			d = d.Retain(op.Len(), op.Attributes())
		case richtext.KindDelete:
			d = d.Delete(op.Len())
		}
	}
	return d
}

func runPush(t *testing.T, v vector) {
	raw := delta(t, v.Raw)
	got := build(nil, raw)
	wantJSON(t, "pushed", got, v.Want)
	if got.Len() != v.Length || got.Change() != v.ChangeLength {
		t.Errorf("length %d, change %d, want %d, %d", got.Len(), got.Change(), v.Length, v.ChangeLength)
	}
	wantJSON(t, "chopped", got.Chop(), v.Chopped)
	wantJSON(t, "composed with nothing", richtext.Compose(nil, raw), v.Chopped)
}

func runSlice(t *testing.T, v vector) {
	end := math.MaxInt
	if v.End != nil {
		end = *v.End
	}
	wantJSON(t, "slice", richtext.Slice(delta(t, v.A), v.Start, end), v.Want)
}

func runTransform(t *testing.T, v vector) {
	base, a, b := delta(t, v.Base), delta(t, v.A), delta(t, v.B)
	bT, aT := richtext.Transform(a, b, true), richtext.Transform(b, a, false)
	wantJSON(t, "b after a", bT, v.BTPriority)
	wantJSON(t, "a after b", aT, v.AT)
	wantJSON(t, "a, then b", richtext.Compose(richtext.Compose(base, a), bT), v.Doc)
	if v.TP1 {
		wantJSON(t, "b, then a", richtext.Compose(richtext.Compose(base, b), aT), v.Doc)
	}
}

func runTransformChain(t *testing.T, v vector) {
	client, doc := delta(t, v.Client), delta(t, v.Base)
	all := richtext.Delta{}
	for i, s := range v.Server {
		doc = richtext.Compose(doc, s.Delta)
		all = richtext.Compose(all, s.Delta)
		late := richtext.Transform(s.Delta, client, true)
		wantDelta(t, fmt.Sprintf("server delta %d after the client's", i), richtext.Transform(client, s.Delta, false), v.WantServer[i].Delta)
		client = late
	}
	wantJSON(t, "client delta", client, v.WantClient)
	wantJSON(t, "document", richtext.Compose(doc, client), v.Doc)
	atOnce := richtext.Transform(all, delta(t, v.Client), true)
	if same := richtext.Compose(doc, atOnce).Equal(richtext.Compose(doc, client)); same != v.Same {
		t.Errorf("transforming against the composed history gives the same: %v, want %v", same, v.Same)
	}
}

func runTransformOne(t *testing.T, v vector) {
	wantJSON(t, "transform", richtext.Transform(delta(t, v.A), delta(t, v.B), v.Priority), v.Want)
}

func runTransformPosition(t *testing.T, v vector) {
	got := richtext.TransformPosition(delta(t, v.A), v.Index, v.Priority)
	if want := fmt.Sprint(got); want != string(v.Want) {
		t.Errorf("position %d, want %s", got, v.Want)
	}
}
