package wavelet

import (
	"slices"

	"weir/wavelet/richtext"
)

// Cursor is a person's selection in a blip: it was begun at Anchor, and the
// caret is at Head, which may stand before it. Both are positions in UTF-16
// units; where nothing is selected they are the same.
type Cursor struct {
	Blip   BlipID
	Anchor int
	Head   int
}

// After returns the cursor as it stands when ops have been applied, and false if
// its blip was deleted by them. Own tells that the ops are by the person whose
// cursor it is: only then does text that is inserted exactly at a position push
// it on.
func (c Cursor) After(ops []Op, own bool) (Cursor, bool) {
	for _, op := range ops {
		switch op := op.(type) {
		case EditBlip:
			if op.Blip == c.Blip {
				c.Anchor = richtext.TransformPosition(op.Delta, c.Anchor, !own)
				c.Head = richtext.TransformPosition(op.Delta, c.Head, !own)
			}
		case DeleteBlip:
			if op.Blip == c.Blip {
				return Cursor{}, false
			}
		}
	}
	return c, true
}

// Before undoes After for ops by the person whose cursor it is: it returns a
// cursor that After leads to where this one is, or to the end of the text in
// which it is. It reports false if ops make the blip.
func (c Cursor) Before(ops []Op) (Cursor, bool) {
	for _, op := range slices.Backward(ops) {
		switch op := op.(type) {
		case EditBlip:
			if op.Blip == c.Blip {
				c.Anchor = richtext.OriginalPosition(op.Delta, c.Anchor)
				c.Head = richtext.OriginalPosition(op.Delta, c.Head)
			}
		case CreateBlip:
			if op.Blip == c.Blip {
				return Cursor{}, false
			}
		}
	}
	return c, true
}

// Within returns the cursor with both positions between 0 and the length of its
// blip.
func (c Cursor) Within(length int) Cursor {
	c.Anchor = max(0, min(c.Anchor, length))
	c.Head = max(0, min(c.Head, length))
	return c
}
