package events

import (
	"strings"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

// change is what happened to one blip within a window.
type change struct {
	trail // of this lane's authors whose edits changed something

	id      wavelet.BlipID
	start   *richtext.Doc // what the robot knows of it; read only
	born    bool          // one of this lane's authors created it
	fresh   bool          // it was created within the window, by whomever
	removed bool          // one of this lane's authors deleted it
	folded  fold

	text bool            // this lane's authors touched its text or elements
	keys map[string]bool // the attributes they touched
}

// born is the record of a blip that op is about to create. To the robot a blip
// of this lane begins empty, with its first content as the first change; the
// content of another's it learns elsewhere.
func born(op wavelet.CreateBlip, heard bool) *change {
	ch := &change{id: op.Blip, born: heard, fresh: true}
	content := op.Content
	if len(content) == 0 {
		content = emptyDocument()
	}
	if !heard {
		ch.start = document(content)
		return ch
	}
	ch.start = document(emptyDocument())
	ch.folded.add(replace(emptyDocument(), content))
	return ch
}

func emptyDocument() richtext.Delta {
	return richtext.Delta(nil).Insert("\n", richtext.Attributes{})
}

// document is the content of a blip that the wavelet takes as one. Content that
// it will refuse gives the empty document: the window then fails as a whole.
func document(content richtext.Delta) *richtext.Doc {
	doc, err := richtext.NewDoc(content)
	if err != nil {
		return new(richtext.Doc)
	}
	return doc
}

// replace is the delta that turns one document into another by putting the new
// one in and taking the old one out; what both have in common, Effective finds.
func replace(from, to richtext.Delta) richtext.Delta {
	d := append(richtext.Delta(nil), to...)
	return d.Delete(from.Len())
}

// changes reports whether edit d, about to be applied to state, changes anything.
func (ch *change) changes(state *wavelet.State, d richtext.Delta) bool {
	inserts, deletes, marks := false, false, false
	for _, op := range d {
		switch op.Kind() {
		case richtext.KindInsert, richtext.KindEmbed:
			inserts = true
		case richtext.KindDelete:
			deletes = true
		case richtext.KindRetain:
			marks = marks || !op.Attributes().IsZero()
		}
	}
	if mayBeIdle := marks || inserts && deletes; !mayBeIdle || d.Change() != 0 {
		return inserts || deletes
	}
	blip, ok := state.Blip(ch.id)
	return !ok || len(net(blip.Doc, d)) > 0
}

// net is what d really changes in doc. It looks at the part of the document that
// d speaks about and no further.
func net(doc *richtext.Doc, d richtext.Delta) richtext.Delta {
	skip := 0
	if len(d) > 0 && d[0].Kind() == richtext.KindRetain && d[0].Attributes().IsZero() {
		skip, d = d[0].Len(), d[1:]
	}
	local := richtext.Effective(doc.Slice(skip, skip+d.BaseLen()), d)
	if skip == 0 || len(local) == 0 {
		return local
	}
	out := richtext.Delta(nil).Retain(skip, richtext.Attributes{})
	for _, op := range local {
		out = appendOp(out, op)
	}
	return out
}

func appendOp(d richtext.Delta, op richtext.Op) richtext.Delta {
	switch op.Kind() {
	case richtext.KindInsert:
		return d.Insert(op.Text(), op.Attributes())
	case richtext.KindEmbed:
		return d.InsertEmbed(op.Embed(), op.Attributes())
	case richtext.KindRetain:
		return d.Retain(op.Len(), op.Attributes())
	}
	return d.Delete(op.Len())
}

// touch notes what kind of change an edit of one of this lane's authors is.
func (ch *change) touch(d richtext.Delta) {
	for _, op := range d {
		if op.Kind() != richtext.KindRetain {
			ch.text = true
		}
		for key := range op.Attributes().All() {
			if ch.keys == nil {
				ch.keys = map[string]bool{}
			}
			ch.keys[key] = true
		}
	}
}

// net is what really changed of the blip within the window, whose content is now
// that of blip.
func (ch *change) net(blip *wavelet.Blip) richtext.Delta {
	if d, ok := ch.folded.sum(); ok {
		return net(ch.start, d)
	}
	before := ch.start.Delta()
	return richtext.Effective(before, replace(before, blip.Doc.Delta()))
}

// The most that a fold holds before it gives up.
const (
	maxFoldOps   = 10_000
	maxFoldBytes = 1 << 20
)

// fold composes deltas as they arrive. It keeps the composition of the last 1,
// 2, 4, ... of them apart, so that a long one is not copied for every keystroke;
// Compose is associative. Past maxFoldOps or maxFoldBytes it holds nothing more:
// the document counts as replaced.
type fold struct {
	levels     []richtext.Delta // levels[i] is that of 2^i deltas, or nil; older ones higher
	ops, bytes int              // in all levels
	over       bool
}

func (f *fold) add(d richtext.Delta) {
	if f.over || len(d) == 0 {
		return
	}
	i := 0
	for ; i < len(f.levels) && f.levels[i] != nil; i++ {
		f.count(f.levels[i], -1)
		d = richtext.Compose(f.levels[i], d)
		f.levels[i] = nil
	}
	if len(d) == 0 {
		return
	}
	if i == len(f.levels) {
		f.levels = append(f.levels, nil)
	}
	f.levels[i] = d
	f.count(d, 1)
	if f.ops > maxFoldOps || f.bytes > maxFoldBytes {
		*f = fold{over: true}
	}
}

func (f *fold) count(d richtext.Delta, sign int) {
	f.ops += sign * len(d)
	for i := range d {
		f.bytes += sign * len(d[i].Text())
	}
}

// sum is the composition of all; false if the document counts as replaced.
func (f *fold) sum() (richtext.Delta, bool) {
	var d richtext.Delta
	for i := len(f.levels) - 1; i >= 0; i-- {
		d = richtext.Compose(d, f.levels[i])
	}
	return d, !f.over
}

// isLineKey reports whether an attribute formats a line rather than text. Such
// attributes sit on the newline that ends the line.
func isLineKey(key string) bool {
	switch key {
	case "header", "list", "indent", "align", "direction", "blockquote", "code-block":
		return true
	}
	return false
}

// gadgetState is the prefix of the attributes that hold a gadget's state.
const gadgetState = "g/"

func isGadgetState(key string) bool { return strings.HasPrefix(key, gadgetState) }
