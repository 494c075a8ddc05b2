package host

import (
	"testing"

	"weir/wavelet"
	"weir/wavelet/richtext"

	"github.com/google/go-cmp/cmp"
)

// TestAPressedButtonIsMarked presses a button, as one who may not edit: the click
// is a commit as it was sent, the mark one of its own, by the server in her name.
// A second press is a commit again, and no mark. What was under way meanwhile
// still fits, and what is stored leads to the same state.
func TestAPressedButtonIsMarked(t *testing.T) {
	log := NewMemoryLog()
	h := began(t, log, Options{})
	founded(t, h, plans, "vote: ")
	button, err := richtext.NewEmbed("form", map[string]string{"type": "BUTTON", "name": "go", "id": "f1"})
	if err != nil {
		t.Fatal(err)
	}
	none := richtext.Attributes{}
	submit(t, h, plans, edit("e1", 1, richtext.Delta{}.Retain(6, none).InsertEmbed(button, richtext.Attr("value", "Yes"))))
	submit(t, h, plans, wavelet.Delta{Author: ann, Base: 2, Ops: []wavelet.Op{wavelet.SetRole{Who: bob, Role: wavelet.Comment}}})

	click := wavelet.Delta{ID: "c1", Author: bob, Base: 3, Ops: []wavelet.Op{wavelet.ClickForm{Blip: "b+1", Element: "f1"}}}
	first := submit(t, h, plans, click)
	if again := submit(t, h, plans, click); again.Version != first.Version {
		t.Errorf("the same press again is version %d, want %d", again.Version, first.Version)
	}
	late := submit(t, h, plans, edit("e2", 3, insert(0, "please "))) // had not heard of the press
	click.ID, click.Base = "c2", late.Version
	second := submit(t, h, plans, click)

	head := at(t, h, plans, Head)
	if first.Version != 4 || late.Version != 6 || second.Version != 7 || head.Version() != 7 {
		t.Errorf("versions %d, %d, %d, head %d", first.Version, late.Version, second.Version, head.Version())
	}
	b, _ := head.Blip("b+1")
	attrs, err := richtext.NewAttributes(map[string]any{"value": "Yes", wavelet.Pressed: true})
	if err != nil {
		t.Fatal(err)
	}
	want := richtext.Delta{}.Insert("please vote: ", none).InsertEmbed(button, attrs).Insert("\n", none)
	if !b.Doc.Delta().Equal(want) {
		t.Errorf("the blip is %v, want %v", b.Doc.Delta(), want)
	}
	cs := history(t, h, plans)
	mark := cs[4].Delta
	if mark.Author != bob || mark.Cause.Kind != wavelet.System || len(cs[3].Delta.Ops) != 1 || len(mark.Ops) != 1 || !cs[4].At.Equal(cs[3].At) {
		t.Errorf("the press is %+v, the mark %+v", cs[3].Delta, mark)
	}
	h2 := began(t, log, Options{})
	for what, s := range map[string]*wavelet.State{"replayed": replayed(t, plans, cs), "loaded": at(t, h2, plans, Head)} {
		other, _ := s.Blip("b+1")
		if !other.Doc.Delta().Equal(want) || cmp.Diff(b.Contributors, other.Contributors) != "" || other.Version != b.Version {
			t.Errorf("%s it is %v", what, other.Doc.Delta())
		}
	}
	if s := at(t, h, plans, 4); s.Version() != 4 {
		t.Errorf("version 4 is %d", s.Version())
	}
}
