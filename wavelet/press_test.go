package wavelet_test

import (
	"strings"
	"testing"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

// form is a blip's text with form elements in it, each "TYPE id".
func form(t testing.TB, elements ...string) richtext.Delta {
	t.Helper()
	d := text("a form ")
	for _, el := range elements {
		kind, id, _ := strings.Cut(el, " ")
		e, err := richtext.NewEmbed("form", map[string]string{"type": kind, "name": id, "id": id})
		if err != nil {
			t.Fatal(err)
		}
		d = d.InsertEmbed(e, richtext.Attr("value", "caption")).Insert(" ", richtext.Attributes{})
	}
	return d.Insert("\n", richtext.Attributes{})
}

// pressed is which elements of a blip are marked, by their places.
func pressed(s *wavelet.State, id wavelet.BlipID) string {
	var marks strings.Builder
	b, _ := s.Blip(id)
	for _, op := range b.Doc.Delta() {
		if op.Embed().IsZero() {
			continue
		}
		_, ok := op.Attributes().Get(wavelet.Pressed)
		marks.WriteString(map[bool]string{true: "x", false: "."}[ok])
	}
	return marks.String()
}

func TestPressMarksButtons(t *testing.T) {
	click := func(blip wavelet.BlipID, element string) wavelet.Op {
		return wavelet.ClickForm{Blip: blip, Element: element}
	}
	for name, tt := range map[string]struct {
		ops  []wavelet.Op
		want string
	}{
		"a button":            {[]wavelet.Op{click("b+form", "go")}, ".x..x"},
		"another one":         {[]wavelet.Op{click("b+form", "stop")}, "..x.."},
		"both":                {[]wavelet.Op{click("b+form", "stop"), click("b+form", "go")}, ".xx.x"},
		"twice":               {[]wavelet.Op{click("b+form", "stop"), click("b+form", "stop")}, "..x.."},
		"no button":           {[]wavelet.Op{click("b+form", "text")}, "....."},
		"nothing":             {[]wavelet.Op{click("b+form", "none")}, "....."},
		"a blip without":      {[]wavelet.Op{click("b+1", "go")}, "....."},
		"and deleted":         {[]wavelet.Op{click("b+form", "go"), wavelet.DeleteBlip{Blip: "b+form"}}, "....."},
		"moved in the delta":  {[]wavelet.Op{click("b+form", "go"), wavelet.EditBlip{Blip: "b+form", Delta: insert(0, "😀")}}, ".x..x"},
		"removed in the same": {[]wavelet.Op{click("b+form", "text"), wavelet.EditBlip{Blip: "b+form", Delta: remove(7, 1)}}, "...."},
	} {
		t.Run(name, func(t *testing.T) {
			s := conversation(t)
			must(t, s, ann, wavelet.CreateBlip{Blip: "b+form", Content: form(t, "INPUT text", "BUTTON go", "BUTTON stop", "CHECK go", "BUTTON go")})
			must(t, s, bob, tt.ops...)
			if got := pressed(s, "b+form"); strings.Contains(got, "x") {
				t.Fatalf("a click changes the document: %s", got)
			}
			before, _ := s.Blip("b+form")
			was := before.Doc.Delta()
			edits := s.Press(wavelet.Delta{Author: bob, Ops: tt.ops})
			if (len(edits) > 0) != strings.Contains(tt.want, "x") {
				t.Fatalf("edits %v", edits)
			}
			if len(edits) == 0 {
				return
			}
			must(t, s, bob, edits...)
			if got := pressed(s, "b+form"); got != tt.want {
				t.Errorf("marked %s, want %s", got, tt.want)
			}
			if again := s.Press(wavelet.Delta{Author: bob, Ops: tt.ops}); again != nil {
				t.Errorf("marked once more: %v", again)
			}
			all := richtext.Delta{}
			for _, op := range edits {
				all = richtext.Compose(all, op.(wavelet.EditBlip).Delta)
			}
			after, _ := s.Blip("b+form")
			back := after.Doc.Clone()
			if err := back.Apply(richtext.Invert(all, was)); err != nil || !back.Delta().Equal(was) {
				t.Errorf("taken back it is %v, want %v; %v", back.Delta(), was, err)
			}
		})
	}
}
