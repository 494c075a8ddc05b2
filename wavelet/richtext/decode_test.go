package richtext_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/wavelet/richtext"
)

func TestDecodeRefuses(t *testing.T) {
	long := strings.Repeat
	for _, c := range []struct {
		ops    string
		reason error
		op     int
	}{
		{`[{"insert":"a"},{"retain":0}]`, richtext.ErrLength, 1},
		{`[{"insert":"a"},{"retain":1.0}]`, richtext.ErrLength, 1},
		{`[{"retain":01}]`, richtext.ErrSyntax, 0},
		{`[{"retain":+1}]`, richtext.ErrSyntax, 0},
		{`[{"retain":2147483647},{"delete":1}]`, richtext.ErrLength, 1},
		{`[{"retain":99999999999999999999}]`, richtext.ErrLength, 0},
		{`[{"delete":{"image":1}}]`, richtext.ErrLength, 0},
		{`[{"insert":"a"},]`, richtext.ErrSyntax, 1},
		{`[{"insert":"a"} {"retain":1}]`, richtext.ErrShape, 0},
		{`[{"insert":"a","attributes":{"bold":true,}}]`, richtext.ErrSyntax, 0},
		{`[{"insert":"a","attributes":{"b":tru}}]`, richtext.ErrSyntax, 0},
		{`[{"insert":"a","attributes":{"b":1,"a":2,"b":1}}]`, richtext.ErrDuplicate, 0},
		{`[{"insert":"a","attributes":{},"attributes":{}}]`, richtext.ErrDuplicate, 0},
		{`[{"insert":{"image":1},"insert":"a"}]`, richtext.ErrDuplicate, 0},
		{`[{"insert":"a","attributes":{"b":{"c":{"constructor":1}}}}]`, richtext.ErrReserved, 0},
		{`[{"insert":"a","attributes":{"b":{"c":1,"c":1}}}]`, richtext.ErrDuplicate, 0},
		{`[{"insert":{"prototype":1}}]`, richtext.ErrReserved, 0},
		{`[{"insert":{"":1}}]`, richtext.ErrReserved, 0},
		{`[{"retain":1,"attributes":{"__pro\u0074o__":1}}]`, richtext.ErrReserved, 0},
		{`[{"insert":"a","attributes":{"b":1e400}}]`, richtext.ErrTooLarge, 0},
		{`[{"insert":"a","attributes":{"b":-}}]`, richtext.ErrSyntax, 0},
		{`[{"insert":"a","attributes":{"b":1.}}]`, richtext.ErrSyntax, 0},
		{`[{"insert":"a","attributes":{"b":00}}]`, richtext.ErrSyntax, 0},
		{`[{"insert":"a","attributes":{"b":[1 2]}}]`, richtext.ErrSyntax, 0},
		{`[{"insert":"a","attributes":{"b":}}]`, richtext.ErrSyntax, 0},
		{`[{"delete":1,"attributes":{}}]`, richtext.ErrAttributes, 0},
		{`[{"retain":1,"attributes":true}]`, richtext.ErrAttributes, 0},
		{`[{"retain":1,"attributes":nul}]`, richtext.ErrSyntax, 0},
		{`[{"attributes":{"bold":true}}]`, richtext.ErrShape, 0},
		{`[{"INSERT":"a"}]`, richtext.ErrShape, 0},
		{`[{"insert":"a` + "\n" + `"}]`, richtext.ErrSyntax, 0},
		{`[{"insert":"a\x41"}]`, richtext.ErrSyntax, 0},
		{`[{"insert":"\u12g4"}]`, richtext.ErrSyntax, 0},
		{`[{"insert":"\u12`, richtext.ErrSyntax, 0},
		{`[{"insert":"\`, richtext.ErrSyntax, 0},
		{`[{"insert":"a`, richtext.ErrSyntax, 0},
		{`[{"insert":"é`, richtext.ErrSyntax, 0},
		{`[{"insert":"` + "\xC3" + `"}]`, richtext.ErrIllFormed, 0},
		{`[{"insert":"` + "\xED\xA0\xBD\xED\xB8\x80" + `"}]`, richtext.ErrIllFormed, 0},
		{`[{"insert":"` + "\xF5\x80\x80\x80" + `"}]`, richtext.ErrIllFormed, 0},
		{`[{"insert":"\ud83d\u0041"}]`, richtext.ErrIllFormed, 0},
		{`[{"insert":"\ude00\ud83d"}]`, richtext.ErrIllFormed, 0},
		{`[{"insert":"x","attributes":{"a":"\udc00"}}]`, richtext.ErrIllFormed, 0},
		{`[{"insert":"x","attributes":{"a":{"\ud800":1}}}]`, richtext.ErrIllFormed, 0},
		{``, richtext.ErrSyntax, -1},
		{`[`, richtext.ErrSyntax, 0},
		{`[]]`, richtext.ErrSyntax, -1},
		{`{}`, richtext.ErrShape, -1},
		{`[[]]`, richtext.ErrShape, 0},
		// Over a limit by one.
		{`[{"insert":"` + long("a", 256<<10+1) + `"}]`, richtext.ErrTooLarge, 0},
		{`[{"insert":"` + long("é", 128<<10) + `a"}]`, richtext.ErrTooLarge, 0},
		{`[{"insert":"a","attributes":{"` + long("k", 129) + `":1}}]`, richtext.ErrTooLarge, 0},
		{`[{"insert":{"` + long("k", 129) + `":1}}]`, richtext.ErrTooLarge, 0},
		{`[{"insert":"a","attributes":{"k":"` + long("v", 8<<10-1) + `"}}]`, richtext.ErrTooLarge, 0},
		{`[{"insert":{"k":"` + long("v", 8<<10-1) + `"}}]`, richtext.ErrTooLarge, 0},
		{`[{"insert":"a","attributes":{"k":` + long("[", 9) + long("]", 9) + `}}]`, richtext.ErrTooLarge, 0},
		{`[{"insert":"a","attributes":{` + manyAttributes(65) + `}}]`, richtext.ErrTooLarge, 0},
		{`[` + long(`{"delete":1},`, 10_000) + `{"delete":1}]`, richtext.ErrTooLarge, 10_000},
		{`[` + long(" ", 1<<20) + `]`, richtext.ErrTooLarge, -1},
	} {
		name := c.ops[:min(len(c.ops), 60)]
		d, err := richtext.DecodeOps([]byte(c.ops))
		t.Run(name, func(t *testing.T) { wantRefusal(t, err, c.reason, c.op) })
		if d != nil {
			t.Errorf("%s: %v is returned all the same", name, d)
		}
	}
}

func manyAttributes(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`"k%d":1`, i))
	}
	return strings.Join(list, ",")
}

func TestDecodeAccepts(t *testing.T) {
	long := strings.Repeat
	for _, c := range []struct{ raw, want string }{
		{" {\n\t\"ops\" : [ ] } \r\n", `{"ops":[]}`},
		{`{"ops":[{"attributes":{"b":1,"a":2},"insert":"x"}]}`, `{"ops":[{"insert":"x","attributes":{"a":2,"b":1}}]}`},
		{`{"ops":[{"\u0069nsert":"\u00e9\ud83d\ude00\/\n\u0007"}]}`, `{"ops":[{"insert":"é😀/\n\u0007"}]}`},
		{`{"ops":[{"insert":"a"},{"insert":"b"},{"delete":1},{"delete":2}]}`, `{"ops":[{"insert":"a"},{"insert":"b"},{"delete":1},{"delete":2}]}`},
		{`{"ops":[{"insert":"a","attributes":{"x":null,"y":[null]}}]}`, `{"ops":[{"insert":"a","attributes":{"y":[null]}}]}`},
		{`{"ops":[{"retain":2147483647,"attributes":{"x":null}}]}`, `{"ops":[{"retain":2147483647,"attributes":{"x":null}}]}`},
		{`{"ops":[{"insert":{"image":{"b":[ 1 , {} , [] ],"a":"\u0061"}}}]}`, `{"ops":[{"insert":{"image":{"a":"a","b":[1,{},[]]}}}]}`},
		// Numbers, as JavaScript prints them.
		{`{"ops":[{"insert":{"n":[-0,-0.0,1.0,100e-2,1E3,0.1,1e21,1e20,1e-7,0.000001,-5,9007199254740993,1e-400]}}]}`,
			`{"ops":[{"insert":{"n":[0,0,1,1,1000,0.1,1e+21,100000000000000000000,1e-7,0.000001,-5,9007199254740992,0]}}]}`},
		// At a limit.
		{`{"ops":[{"insert":"a","attributes":{"k":` + long("[", 8) + long("]", 8) + `}}]}`, ""},
		{`{"ops":[{"insert":"` + long("a", 256<<10) + `"}]}`, ""},
		{`{"ops":[{"insert":{"` + long("k", 128) + `":"` + long("v", 8<<10-2) + `"}}]}`, ""},
		{`{"ops":[` + long(`{"delete":1},`, 9_999) + `{"delete":1}]}`, ""},
	} {
		want := c.want
		if want == "" {
			want = c.raw
		}
		d, err := richtext.Decode([]byte(c.raw))
		if err != nil {
			t.Errorf("%.80s: %v", c.raw, err)
		} else if diff := cmp.Diff(want, d.String()); diff != "" {
			t.Errorf("%.80s (-want +got):\n%s", c.raw, diff)
		}
	}
}

func TestLimitsZeroIsForOurOwnStorage(t *testing.T) {
	large := `[{"insert":"` + strings.Repeat("a", 2<<20) + `"}` + strings.Repeat(`,{"insert":{"image":1}}`, 20_000) + `]`
	d, err := richtext.Limits{}.DecodeOps([]byte(large))
	if err != nil || len(d) != 20_001 {
		t.Errorf("%d ops, error %v", len(d), err)
	}
	deep := `{"ops":[{"insert":{"image":` + strings.Repeat("[", 65) + strings.Repeat("]", 65) + `}}]}`
	_, err = richtext.Limits{Depth: 1000}.Decode([]byte(deep))
	wantRefusal(t, err, richtext.ErrTooLarge, 0)
}

func TestErrorSaysWhere(t *testing.T) {
	_, err := richtext.Decode([]byte(`{"ops":[{"insert":"a"},{"retain":1,"attributes":{"link":{"constructor":1}}}]}`))
	want := &richtext.Error{
		Code: "reserved_key", Op: 1, Field: "attributes.link", Offset: 71, Reason: `the key "constructor" is reserved`,
	}
	var got *richtext.Error
	if !errors.As(err, &got) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.FilterPath(isUnexported, cmp.Ignore())); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	if want := `delta: op 1: attributes.link: the key "constructor" is reserved (at byte 71)`; err.Error() != want {
		t.Errorf("message %q, want %q", err, want)
	}
}

func isUnexported(p cmp.Path) bool {
	f, ok := p.Last().(cmp.StructField)
	return ok && f.Name() == "fault"
}

func TestUnmarshalWithinOtherJSON(t *testing.T) {
	var message struct{ Delta richtext.Delta }
	err := json.Unmarshal([]byte(`{"delta":{"ops":[{"retain":3},{"insert":"<é>"}]}}`), &message)
	if err != nil {
		t.Fatal(err)
	}
	wantDelta(t, "delta", message.Delta, richtext.Delta{}.Retain(3, plain).Insert("<é>", plain))
	err = json.Unmarshal([]byte(`{"delta":{"ops":[{"retain":0}]}}`), &message)
	wantRefusal(t, err, richtext.ErrLength, 0)
}

// FuzzDecode feeds any bytes to the decoder. It must not panic, and what it
// accepts it must have understood as encoding/json does.
func FuzzDecode(f *testing.F) {
	for _, v := range rejectSeeds {
		f.Add([]byte(v))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := richtext.Decode(raw)
		if err != nil {
			var refusal *richtext.Error
			if !errors.As(err, &refusal) || refusal.Code == "" {
				t.Fatalf("%q: error %#v", raw, err)
			}
			return
		}
		once := d.AppendJSON(nil)
		again, err := richtext.Limits{}.Decode(once)
		if err != nil {
			t.Fatalf("%q is written as %q: %v", raw, once, err)
		}
		if !again.Equal(d) || !bytes.Equal(again.AppendJSON(nil), once) {
			t.Fatalf("%q is read as %v, then as %v", raw, d, again)
		}
		if diff := cmp.Diff(understood(t, raw), understood(t, once)); diff != "" {
			t.Fatalf("%q (-read +written):\n%s", raw, diff)
		}
	})
}

// understood is what encoding/json makes of a delta, without the attributes that
// mean nothing.
func understood(t *testing.T, raw []byte) any {
	var d struct{ Ops []map[string]any }
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatalf("%q is accepted, but %v", raw, err)
	}
	for _, op := range d.Ops {
		attrs, _ := op["attributes"].(map[string]any)
		for key, value := range attrs {
			if value == nil && op["insert"] != nil {
				delete(attrs, key)
			}
		}
		if len(attrs) == 0 {
			delete(op, "attributes")
		}
	}
	return d.Ops
}

var rejectSeeds = []string{
	`{"ops":[{"retain":1},{"insert":"a\ud83d\ude00\n"},{"delete":2}]}`,
	`{"ops":[{"insert":{"image":{"b":[1,-0.0,1e21,"\u00e9"],"a":null}},"attributes":{"x":null,"bold":true}}]}`,
	`{"ops":[{"attributes":{},"retain":1}]}`,
	`{"ops":[{"insert":"a","insert":"b"}]}`,
	`{"ops":[{"Insert":"a"}]}`,
	`{"ops":[{"insert":"\ud83d"}]}`,
	"\uFEFF" + `{"ops":[]}`,
	`{"ops":[]} x`,
}
