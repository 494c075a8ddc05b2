package wire

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"weir/wavelet/richtext"
)

func TestReadShowsARotation(t *testing.T) {
	tests := []struct{ doc, want string }{
		{`[{"insert":"\n"}]`, "\n"},
		{`[{"insert":"Hello\nWorld\n"}]`, "\nHello\nWorld"},
		{`[{"insert":"a\n\n"}]`, "\na\n"},
		{`[{"insert":"a"},{"insert":{"image":{"url":"https://example.com/a.png"}}},{"insert":"😀b\n"}]`, "\na 😀b"},
	}
	for _, tt := range tests {
		c := read(doc(t, tt.doc))
		if c.text != tt.want {
			t.Errorf("%s reads %q, want %q", tt.doc, c.text, tt.want)
		}
		if n := len(utf16.Encode([]rune(c.text))); c.length != n {
			t.Errorf("%s has length %d, want %d UTF-16 units", tt.doc, c.length, n)
		}
	}
}

func TestFindCountsUTF16(t *testing.T) {
	tests := []struct {
		text, needle string
		most         int
		want         []span
	}{
		{"\nfoo bar foo", "foo", -1, []span{{1, 4}, {9, 12}}},
		{"\nfoo bar foo", "foo", 1, []span{{1, 4}}},
		{"\naaaa", "aa", 0, []span{{1, 3}, {3, 5}}},
		{"\n😀x😀x", "x", -1, []span{{3, 4}, {6, 7}}},
		{"\n😀😀", "😀", -1, []span{{1, 3}, {3, 5}}},
		{"\nabc", "d", -1, nil},
		{"\nabc", "\n", -1, []span{{0, 1}}},
	}
	for _, tt := range tests {
		got := find(tt.text, tt.needle, tt.most)
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(span{})); diff != "" {
			t.Errorf("find %q in %q (-want +got):\n%s", tt.needle, tt.text, diff)
		}
	}
}

func TestResolveCountsFromTheEnd(t *testing.T) {
	tests := []struct {
		in, want span
		ok       bool
	}{
		{span{2, 4}, span{2, 4}, true},
		{span{-3, -1}, span{7, 9}, true},
		{span{-3, 0}, span{7, 10}, true},
		{span{0, -1}, span{0, 9}, true},
		{span{3, 3}, span{3, 3}, true},
		{span{4, 3}, span{}, false},
		{span{0, 11}, span{}, false},
		{span{-11, 2}, span{}, false},
	}
	for _, tt := range tests {
		got, ok := tt.in.resolve(10)
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("resolve %v of 10 is %v, %t; want %v, %t", tt.in, got, ok, tt.want, tt.ok)
		}
	}
}

// model is a blip in the robot's eyes: one item for each position, and on each
// newline the mark of its line.
type model []item

type item struct {
	unit uint16
	line string
}

func modelOf(c content) model {
	var m model
	lines := c.lines
	for i, u := range utf16.Encode([]rune(c.text)) {
		it := item{unit: u}
		if len(lines) > 0 && lines[0].at == i {
			it.line = onlyLine(lines[0].attrs).String()
			lines = lines[1:]
		}
		m = append(m, it)
	}
	return m
}

// TestApplyAgreesWithTheRobotsModel edits random documents with random edits and
// compares with what a robot reckons that must come out, lines included.
func TestApplyAgreesWithTheRobotsModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 11))
	letters := []string{"a", "b", "😀", "\n", "é"}
	for round := range 3000 {
		var d richtext.Delta
		for range rng.IntN(6) {
			d = d.Insert(letters[rng.IntN(len(letters))], richtext.Attributes{})
			if rng.IntN(3) == 0 {
				d = d.Insert("\n", richtext.Attr("header", rng.IntN(2)+1))
			}
		}
		last := richtext.Attributes{}
		if rng.IntN(2) == 0 {
			last = richtext.Attr("list", "bullet")
		}
		c := read(d.Insert("\n", last))
		edits := randomEdits(rng, c, letters)
		want := model{}
		at := 0
		for _, e := range edits {
			want = append(want, modelOf(c)[at:e.start]...)
			for _, p := range e.with {
				for _, u := range utf16.Encode([]rune(p.text)) {
					it := item{unit: u}
					if u == '\n' {
						it.line = p.line.String()
					}
					want = append(want, it)
				}
			}
			at = e.end
		}
		want = append(want, modelOf(c)[at:]...)
		change, err := c.apply(edits)
		if err != nil {
			t.Fatalf("round %d: %s: %v", round, c.doc, err)
		}
		got := read(richtext.Compose(c.doc, change))
		if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(modelOf(got))); diff != "" {
			t.Fatalf("round %d: %s with %v gives %s:\n%s", round, c.doc, edits, got.doc, diff)
		}
	}
}

// randomEdits are up to three edits at borders of characters.
func randomEdits(rng *rand.Rand, c content, letters []string) []edit {
	borders := []int{0}
	for at, u := range utf16.Encode([]rune(c.text)) {
		if !utf16.IsSurrogate(rune(u)) || u >= 0xdc00 {
			borders = append(borders, at+1)
		}
	}
	var edits []edit
	for i := 0; i < len(borders) && len(edits) < 3; i++ {
		if rng.IntN(3) > 0 {
			continue
		}
		e := edit{span: span{borders[i], borders[i]}}
		if i > 0 {
			i = min(i+rng.IntN(3), len(borders)-1)
			e.end = borders[i]
		}
		var text strings.Builder
		if e.start == 0 {
			text.WriteByte('\n')
		}
		for range rng.IntN(3) {
			text.WriteString(letters[rng.IntN(len(letters))])
		}
		if text.Len() > 0 {
			e.with = []piece{{text: text.String()}}
		}
		if e.start > 0 && rng.IntN(4) == 0 {
			e.with = append(e.with, piece{text: "\n", line: richtext.Attr("align", "right")})
		}
		edits = append(edits, e)
	}
	return edits
}

func TestAnnotationsAreMaximalRuns(t *testing.T) {
	c := read(doc(t, `[{"insert":"ab","attributes":{"bold":true,"lang":"en"}},{"insert":"cd","attributes":{"bold":true}},
		{"insert":"e\n","attributes":{"lang":"en","header":1,"size":7}}]`))
	want := []Annotation{
		{"lang", "en", Range{0, 3}}, // the final newline stands before the first character
		{"style/fontWeight", "bold", Range{1, 5}},
		{"lang", "en", Range{5, 6}},
	}
	if diff := cmp.Diff(want, c.annotations()); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
}

// TestAnnotationNamesComeBack sets annotations over a text and reads them again.
func TestAnnotationNamesComeBack(t *testing.T) {
	tests := []struct{ name, value, attributes string }{
		{"style/fontWeight", "bold", `{"bold":true}`},
		{"style/fontWeight", "700", `{"style/fontWeight":"700"}`},
		{"style/fontStyle", "italic", `{"italic":true}`},
		{"style/textDecoration", "underline", `{"underline":true}`},
		{"style/textDecoration", "line-through", `{"strike":true}`},
		{"style/textDecoration", "underline line-through", `{"strike":true,"underline":true}`},
		{"style/textDecoration", "blink", `{"style/textDecoration":"blink"}`},
		{"style/color", "rgb(1,2,3)", `{"color":"rgb(1,2,3)"}`},
		{"style/backgroundColor", "red", `{"background":"red"}`},
		{"style/fontFamily", "serif", `{"font":"serif"}`},
		{"style/fontSize", "12pt", `{"size":"12pt"}`},
		{"style/verticalAlign", "super", `{"script":"super"}`},
		{"style/verticalAlign", "top", `{"style/verticalAlign":"top"}`},
		{"link/manual", "https://example.com/", `{"link":"https://example.com/"}`},
		{"link/auto", "https://example.com/", `{"link/auto":"https://example.com/"}`},
		{"www.example.com/note", "b+1", `{"www.example.com/note":"b+1"}`},
	}
	for _, tt := range tests {
		// Both spellings are there before; the one that is not set must go.
		base := doc(t, `[{"insert":"x","attributes":{"bold":true,"italic":true,"style/fontWeight":"9","style/fontStyle":"9",
			"style/textDecoration":"9","strike":true,"underline":true,"script":"sub","style/verticalAlign":"9"}},{"insert":"\n"}]`)
		m := map[string]any{}
		if err := change(m, tt.name, &tt.value); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		set, err := richtext.NewAttributes(m)
		if err != nil {
			t.Fatal(err)
		}
		if got := (richtext.Attributes{}).Compose(set, false).String(); got != tt.attributes {
			t.Errorf("%s=%s is stored as %s, want %s", tt.name, tt.value, got, tt.attributes)
		}
		c := read(base)
		c = read(richtext.Compose(base, c.annotate([]span{{1, 2}}, []richtext.Attributes{set})))
		found := false
		for _, a := range c.annotations() {
			found = found || a == Annotation{tt.name, tt.value, Range{1, 2}}
			if a.Name == tt.name && a.Value != tt.value {
				t.Errorf("%s=%s reads back as %q too", tt.name, tt.value, a.Value)
			}
		}
		if !found {
			t.Errorf("%s=%s does not read back: %v", tt.name, tt.value, c.annotations())
		}
		if m = map[string]any{}; change(m, tt.name, nil) != nil {
			t.Fatalf("%s cannot be cleared", tt.name)
		}
		cleared, _ := richtext.NewAttributes(m)
		c = read(richtext.Compose(c.doc, c.annotate([]span{{1, 2}}, []richtext.Attributes{cleared})))
		for _, a := range c.annotations() {
			if a.Name == tt.name {
				t.Errorf("%s is still %q after it was cleared", tt.name, a.Value)
			}
		}
	}
}
