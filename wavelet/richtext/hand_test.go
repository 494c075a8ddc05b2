package richtext_test

import (
	"encoding/json"
	"strings"
	"testing"

	"weir/wavelet/richtext"
)

// of decodes a delta written out in a test.
func of(t testing.TB, ops string) richtext.Delta {
	t.Helper()
	return delta(t, json.RawMessage(ops))
}

func TestCheck(t *testing.T) {
	const doc = `[{"insert":"a😀b"},{"insert":{"image":1}},{"insert":"c\n"}]` // 7 units
	for _, c := range []struct {
		name, ops string
		reason    error
		op        int
	}{
		{"nothing", `[]`, nil, 0},
		{"all of it", `[{"retain":7,"attributes":{"bold":true}}]`, nil, 0},
		{"all but the newline", `[{"delete":6}]`, nil, 0},
		{"a whole pair", `[{"retain":1},{"delete":2}]`, nil, 0},
		{"beside an embed", `[{"retain":4},{"insert":"x"},{"retain":1},{"insert":"y"}]`, nil, 0},
		{"before the newline", `[{"retain":6},{"insert":"x\n"}]`, nil, 0},
		{"past the end", `[{"retain":7},{"retain":1}]`, richtext.ErrPastEnd, 1},
		{"far past the end", `[{"retain":2147483647}]`, richtext.ErrPastEnd, 0},
		{"delete past the end", `[{"insert":"x"},{"delete":8}]`, richtext.ErrPastEnd, 1},
		{"into a pair", `[{"retain":2},{"insert":"x"}]`, richtext.ErrSplitPair, 0},
		{"half a pair", `[{"retain":1},{"delete":1}]`, richtext.ErrSplitPair, 1},
		{"a pair in two", `[{"retain":1},{"delete":1},{"delete":1}]`, richtext.ErrSplitPair, 1},
		{"up to the middle of a pair", `[{"retain":2}]`, richtext.ErrSplitPair, 0},
		{"the newline", `[{"retain":6},{"delete":1}]`, richtext.ErrFinalNewline, 1},
		{"the newline for another", `[{"retain":6},{"insert":"\n"},{"delete":1}]`, richtext.ErrFinalNewline, 2},
		{"behind the newline", `[{"retain":7},{"insert":"x"}]`, richtext.ErrFinalNewline, 1},
		{"an embed behind the newline", `[{"retain":7},{"insert":{"image":1}}]`, richtext.ErrFinalNewline, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := of(t, c.ops)
			for name, err := range map[string]error{
				"Check": richtext.Check(of(t, doc), d), "Doc.Check": newDoc(t, of(t, doc)).Check(d), "Doc.Apply": newDoc(t, of(t, doc)).Apply(d),
			} {
				if c.reason == nil && err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if c.reason != nil {
					wantRefusal(t, err, c.reason, c.op)
				}
			}
		})
	}
	wantRefusal(t, richtext.Check(of(t, `[{"insert":"a"},{"retain":1}]`), nil), richtext.ErrNotDocument, 1)
	if err := richtext.Check(of(t, `[{"insert":"a"}]`), of(t, `[{"retain":1},{"insert":"b"}]`)); err != nil {
		t.Errorf("behind a document without a final newline: %v", err)
	}
	half := richtext.Slice(of(t, `[{"insert":"😀"}]`), 1, 2)
	wantRefusal(t, richtext.Check(of(t, doc), half), richtext.ErrIllFormed, 0)
}

func TestCheckDocument(t *testing.T) {
	if err := richtext.CheckDocument(of(t, `[{"insert":"a"},{"insert":"\n","attributes":{"header":1}}]`)); err != nil {
		t.Error(err)
	}
	wantRefusal(t, richtext.CheckDocument(nil), richtext.ErrFinalNewline, -1)
	wantRefusal(t, richtext.CheckDocument(of(t, `[{"insert":"a\n"},{"insert":{"image":1}}]`)), richtext.ErrFinalNewline, 1)
	wantRefusal(t, richtext.CheckDocument(of(t, `[{"delete":1}]`)), richtext.ErrNotDocument, 0)
}

// TestEffective holds what composing cannot cancel.
func TestEffective(t *testing.T) {
	for _, c := range []struct{ name, base, d, want string }{
		{"deleted and typed again", `[{"insert":"x\n"}]`, `[{"insert":"x"},{"delete":1}]`, `[]`},
		{"formatted and not", `[{"insert":"x\n"}]`, `[{"retain":1,"attributes":{"bold":null}}]`, `[]`},
		{"formatted as it was", `[{"insert":"x\n","attributes":{"bold":true}}]`, `[{"retain":1,"attributes":{"bold":true,"color":null}}]`, `[]`},
		{"formatted in part", `[{"insert":"x","attributes":{"bold":true}},{"insert":"y\n"}]`, `[{"retain":2,"attributes":{"bold":true}}]`,
			`[{"retain":1},{"retain":1,"attributes":{"bold":true}}]`},
		{"an object again", `[{"insert":"x\n","attributes":{"c":{"b":1,"a":2}}}]`, `[{"retain":1,"attributes":{"c":{"a":2,"b":1}}}]`, `[]`},
		{"a word in part", `[{"insert":"colour\n"}]`, `[{"insert":"color"},{"delete":6}]`, `[{"retain":4},{"delete":1}]`},
		{"typed again, but bold", `[{"insert":"x\n"}]`, `[{"insert":"x","attributes":{"bold":true}},{"delete":1}]`,
			`[{"insert":"x","attributes":{"bold":true}},{"delete":1}]`},
		{"another face", `[{"insert":"😀\n"}]`, `[{"insert":"😁"},{"delete":2}]`, `[{"insert":"😁"},{"delete":2}]`},
		{"a face that ends alike", `[{"insert":"😀\n"}]`, `[{"insert":"\u{1FA00}"},{"delete":2}]`, `[{"insert":"\u{1FA00}"},{"delete":2}]`},
		{"faces between faces", `[{"insert":"😀😀\n"}]`, `[{"insert":"😀😁😀"},{"delete":4}]`, `[{"retain":2},{"insert":"😁"}]`},
		{"an embed again", `[{"insert":{"image":1}},{"insert":"\n"}]`, `[{"insert":{"image":1}},{"delete":1}]`, `[]`},
		{"another embed", `[{"insert":{"image":1}},{"insert":"\n"}]`, `[{"insert":{"image":2}},{"delete":1}]`, `[{"insert":{"image":2}},{"delete":1}]`},
		{"the same letter elsewhere", `[{"insert":"aab\n"}]`, `[{"insert":"a"},{"retain":1},{"delete":1}]`, `[]`},
		{"moved there and back", `[{"insert":"abab\n"}]`, `[{"insert":"ab"},{"retain":2},{"delete":2}]`, `[]`},
		{"moved, and something else", `[{"insert":"aab\n"}]`, `[{"insert":"a"},{"retain":1},{"delete":1},{"retain":1},{"insert":"!"}]`,
			`[{"retain":3},{"insert":"!"}]`},
		{"really moved", `[{"insert":"ab\n"}]`, `[{"insert":"b"},{"retain":1},{"delete":1}]`, `[{"insert":"b"},{"retain":1},{"delete":1}]`},
		{"past the end", `[{"insert":"a\n"}]`, `[{"retain":2},{"insert":"b"},{"delete":3}]`, `[{"retain":2},{"insert":"b"},{"delete":3}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.d, c.want = strings.ReplaceAll(c.d, `\u{1FA00}`, "\U0001FA00"), strings.ReplaceAll(c.want, `\u{1FA00}`, "\U0001FA00")
			base, d := of(t, c.base), of(t, c.d)
			wantDelta(t, "effective", richtext.Effective(base, d), of(t, c.want))
			wantDelta(t, "effective in a Doc", newDoc(t, base).Effective(d), of(t, c.want))
		})
	}
}

func TestDiff(t *testing.T) {
	for _, c := range []struct{ name, a, b, want string }{
		{"nothing", `[{"insert":"a\n"}]`, `[{"insert":"a\n"}]`, `[]`},
		{"a face between faces", `[{"insert":"😀😀"}]`, `[{"insert":"😀😁😀"}]`, `[{"retain":2},{"insert":"😁"}]`},
		{"a face for a face", `[{"insert":"😀"}]`, `[{"insert":"😁"}]`, `[{"insert":"😁"},{"delete":2}]`},
		{"bold", `[{"insert":"abc"}]`, `[{"insert":"a"},{"insert":"b","attributes":{"bold":true}},{"insert":"c"}]`, `[{"retain":1},{"retain":1,"attributes":{"bold":true}}]`},
		{"two places", `[{"insert":"the quick fox"}]`, `[{"insert":"a quick dog"}]`, ``},
		{"embeds", `[{"insert":{"image":1}},{"insert":{"image":2}}]`, `[{"insert":{"image":2}}]`, `[{"delete":1}]`},
		{"from nothing", `[]`, `[{"insert":"a"}]`, `[{"insert":"a"}]`},
		{"to nothing", `[{"insert":"a"}]`, `[]`, `[{"delete":1}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := of(t, c.a), of(t, c.b)
			d := richtext.Diff(a, b)
			wantDelta(t, "a with the difference", richtext.Compose(a, d), b)
			if c.want != "" {
				wantDelta(t, "difference", d, of(t, c.want))
			}
		})
	}
}

// TestDiffOfUnlikeDocumentsIsBounded replaces what differs too much to compare.
func TestDiffOfUnlikeDocumentsIsBounded(t *testing.T) {
	a := richtext.Delta{}.Insert("start "+strings.Repeat("abc", 2000)+" end", plain)
	b := richtext.Delta{}.Insert("start "+strings.Repeat("xyz", 2500)+" end", plain)
	want := richtext.Delta{}.Retain(6, plain).Insert(strings.Repeat("xyz", 2500), plain).Delete(6000)
	wantDelta(t, "difference", richtext.Diff(a, b), want)
}

// TestTransformOneByOne is the example for which a composed history goes wrong.
func TestTransformOneByOne(t *testing.T) {
	doc := of(t, `[{"insert":"ab"}]`)
	s1, s2 := of(t, `[{"retain":1},{"insert":"X"}]`), of(t, `[{"delete":1}]`)
	late := of(t, `[{"insert":"Y"}]`)
	late = richtext.Transform(s2, richtext.Transform(s1, late, true), true)
	got := richtext.Compose(richtext.Compose(richtext.Compose(doc, s1), s2), late)
	wantDelta(t, "document", got, of(t, `[{"insert":"YXb"}]`))
}

// TestInvertRepeatsObjects holds the browser's comparison of objects by identity.
func TestInvertRepeatsObjects(t *testing.T) {
	base := of(t, `[{"insert":"x","attributes":{"c":{"id":1},"n":2}}]`)
	d := of(t, `[{"retain":1,"attributes":{"c":{"id":1},"n":2}}]`)
	wantDelta(t, "inverse", richtext.Invert(d, base), of(t, `[{"retain":1,"attributes":{"c":{"id":1}}}]`))
}

func TestBuilder(t *testing.T) {
	image, err := richtext.NewEmbed("image", "https://example.com/a.png")
	if err != nil {
		t.Fatal(err)
	}
	bold := richtext.Attr("bold", true)
	unbold, err := richtext.NewAttributes(map[string]any{"bold": nil, "color": "red"})
	if err != nil {
		t.Fatal(err)
	}
	d := richtext.Delta{}.Retain(0, bold).Delete(-1).Insert("", bold).InsertEmbed(richtext.Embed{}, bold)
	if len(d) != 0 {
		t.Errorf("nothing appended is %v", d)
	}
	d = d.Retain(2, unbold).Delete(3).Insert("a\xFFb", unbold).InsertEmbed(image, bold).Retain(1, plain)
	want := `{"ops":[{"retain":2,"attributes":{"bold":null,"color":"red"}},{"insert":"a�b","attributes":{"color":"red"}},` +
		`{"insert":{"image":"https://example.com/a.png"},"attributes":{"bold":true}},{"delete":3},{"retain":1}]}`
	if d.String() != want {
		t.Errorf("got  %v\nwant %s", d, want)
	}
	if d.Len() != 10 || d.Change() != 1 || d.BaseLen() != 6 || d.Text() != "a\uFFFDb\uFFFC" {
		t.Errorf("length %d, change %d, base %d, text %q", d.Len(), d.Change(), d.BaseLen(), d.Text())
	}
	var kinds []string
	for _, op := range d {
		kinds = append(kinds, op.Kind().String())
	}
	if got := strings.Join(kinds, " "); got != "retain insert embed delete retain" || richtext.Kind(0).String() != "none" {
		t.Errorf("kinds %s", got)
	}
}

func TestAttributes(t *testing.T) {
	a, err := richtext.NewAttributes(map[string]any{
		"color": "r\u00e9d", "bold": true, "gone": nil, "at": map[string]any{"y": 1.0, "x": []int{}}, "raw": json.RawMessage(`{"b": 1e2, "a":null}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for key, value := range a.All() {
		list = append(list, key+"="+value)
		if key == "gone" {
			break
		}
	}
	if got, want := strings.Join(list, " "), `at={"x":[],"y":1} bold=true color="réd" gone=null`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if text, ok := a.Text("color"); text != "réd" || !ok {
		t.Errorf("color is %q, %v", text, ok)
	}
	if text, ok := a.Text("bold"); ok {
		t.Errorf("bold has the text %q", text)
	}
	if value, ok := a.Get("raw"); value != `{"a":null,"b":100}` || !ok {
		t.Errorf("raw is %q, %v", value, ok)
	}
	if _, ok := a.Get("none"); ok || a.Len() != 5 || a.IsZero() || !plain.IsZero() {
		t.Errorf("%v has a key too many or too few", a)
	}
	if !a.Equal(a.Compose(plain, true)) || a.Equal(richtext.Attr("bold", true)) || plain.Equal(a) {
		t.Error("equality")
	}
	for _, bad := range []map[string]any{{"": 1}, {"__proto__": 1}, {"a": map[string]any{"constructor": 1}}, {"a": make(chan int)}} {
		if got, err := richtext.NewAttributes(bad); err == nil {
			t.Errorf("%v is accepted: %v", bad, got)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("Attr accepts a channel")
		}
	}()
	richtext.Attr("a", make(chan int))
}

func TestEmbed(t *testing.T) {
	e, err := richtext.NewEmbed("gadget", map[string]any{"url": "u", "id": "g+1"})
	if err != nil {
		t.Fatal(err)
	}
	f, err := richtext.NewEmbed("gadget", json.RawMessage(`{ "url":"u", "id":"g\u002b1" }`))
	if err != nil {
		t.Fatal(err)
	}
	if e.Key() != "gadget" || e.Value() != `{"id":"g+1","url":"u"}` || !e.Equal(f) || e.Equal(richtext.Embed{}) || e.IsZero() {
		t.Errorf("embed %s %s", e.Key(), e.Value())
	}
	var got struct{ ID, URL string }
	if err := e.Decode(&got); err != nil || got.ID != "g+1" || got.URL != "u" {
		t.Errorf("decoded %+v, error %v", got, err)
	}
	if err := e.Decode(new(int)); err == nil {
		t.Error("an object decodes to a number")
	}
	if none := (richtext.Embed{}); none.Key() != "" || none.Value() != "" || !none.IsZero() {
		t.Error("the zero Embed has something in it")
	}
	for key, value := range map[string]any{"": 1, "prototype": 1, "a": func() {}} {
		if _, err := richtext.NewEmbed(key, value); err == nil {
			t.Errorf("embed %q is accepted", key)
		}
	}
}

// TestManySmallInsertsCostTheirLength holds that merging the inserts of one delta
// copies their text a few times, not once for each of them.
func TestManySmallInsertsCostTheirLength(t *testing.T) {
	raw := "[" + strings.Repeat(`{"insert":"some text in one of many inserts"},`, 4_999) + `{"delete":1}]`
	many := of(t, raw)
	doc := of(t, `[{"insert":"some text\n"}]`)
	bold := richtext.Delta{}.Retain(many.Len(), richtext.Attr("bold", true))
	for name, f := range map[string]func() richtext.Delta{
		"Compose":         func() richtext.Delta { return richtext.Compose(doc, many) },
		"Compose onto it": func() richtext.Delta { return richtext.Compose(many, bold) },
		"Transform":       func() richtext.Delta { return richtext.Transform(of(t, `[{"insert":"x"}]`), many, true) },
		"Effective":       func() richtext.Delta { return richtext.Effective(doc, many) },
	} {
		if got := f(); len(got) > 4 {
			t.Errorf("%s: %d ops, want them merged", name, len(got))
		}
		if n := testing.AllocsPerRun(1, func() { f() }); n > 500 {
			t.Errorf("%s: %v allocations for %d ops", name, n, len(many))
		}
	}
}
