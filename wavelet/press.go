package wavelet

import (
	"strings"

	"weir/wavelet/richtext"
)

// Pressed is the attribute, of whatever value, of a form button that somebody has
// pressed.
const Pressed = "pressed"

// Press is the edits that mark the buttons which d presses, in s as d has left
// it: none for a button that is marked already, or that is not there.
func (s *State) Press(d Delta) []Op {
	var ops []Op
	for i, op := range d.Ops {
		click, ok := op.(ClickForm)
		if !ok || !firstOf(d.Ops[:i], op) {
			continue
		}
		if b := s.blips.get(click.Blip); b != nil && !b.Deleted {
			if edit := press(b.Doc, click.Element); len(edit) > 0 {
				ops = append(ops, EditBlip{click.Blip, edit})
			}
		}
	}
	return ops
}

// firstOf reports whether none of ops is the same as op.
func firstOf(ops []Op, op Op) bool {
	for _, other := range ops {
		if click, ok := other.(ClickForm); ok && click == op {
			return false
		}
	}
	return true
}

// press marks the buttons of a document that have an id.
func press(doc *richtext.Doc, id string) richtext.Delta {
	if !strings.ContainsRune(doc.Text(), richtext.EmbedRune) {
		return nil
	}
	var edit richtext.Delta
	skipped := 0
	for _, op := range doc.Delta() {
		var form struct{ Type, ID string }
		_, already := op.Attributes().Get(Pressed)
		if already || op.Embed().Key() != "form" || op.Embed().Decode(&form) != nil || form.Type != "BUTTON" || form.ID != id {
			skipped += op.Len()
			continue
		}
		edit = edit.Retain(skipped, richtext.Attributes{}).Retain(1, richtext.Attr(Pressed, true))
		skipped = 0
	}
	return edit
}
