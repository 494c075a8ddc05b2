package client

import (
	"strings"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

// Lost is what the user did and the server will not have: a copy of the
// changes, so that the user can make them again.
type Lost struct {
	Ops    []wavelet.Op
	Text   string // the text they would have inserted, one piece a line
	Reason error
}

// newLost is nil if ops is empty.
func newLost(ops []wavelet.Op, reason error) *Lost {
	if len(ops) == 0 {
		return nil
	}
	var pieces []string
	for _, op := range ops {
		for _, o := range contentOf(op) {
			if o.Kind() == richtext.KindInsert {
				pieces = append(pieces, strings.TrimSuffix(o.Text(), "\n"))
			}
		}
	}
	return &Lost{Ops: ops, Text: strings.Join(pieces, "\n"), Reason: reason}
}

// contentOf is the richtext part of an op, nil if it has none.
func contentOf(op wavelet.Op) richtext.Delta {
	switch op := op.(type) {
	case wavelet.EditBlip:
		return op.Delta
	case wavelet.CreateBlip:
		return op.Content
	}
	return nil
}

// merge adds ops behind a delta, composing an edit with what the delta already
// does to the same blip if nothing stands between.
func merge(list, ops []wavelet.Op) []wavelet.Op {
	out := list[:len(list):len(list)]
	for _, op := range ops {
		edit, ok := op.(wavelet.EditBlip)
		if !ok || len(out) == 0 {
			out = append(out, op)
			continue
		}
		switch last := out[len(out)-1].(type) {
		case wavelet.EditBlip:
			if last.Blip == edit.Blip {
				last.Delta = richtext.Compose(last.Delta, edit.Delta)
				out = append(out[:len(out)-1:len(out)-1], last)
				continue
			}
		case wavelet.CreateBlip:
			if last.Blip == edit.Blip && len(last.Content) > 0 {
				last.Content = richtext.Compose(last.Content, edit.Delta)
				out = append(out[:len(out)-1:len(out)-1], last)
				continue
			}
		}
		out = append(out, op)
	}
	return out
}

// carry sorts ops that apply to state from into those that may be applied to
// state to and those that may not. An edit may if the text it was made against
// is the same there; anything may if the new state accepts it and it builds on
// nothing that is lost. No edit is merged blindly into text that has changed.
func carry(from, to *wavelet.State, me wavelet.Participant, ops []wavelet.Op) (kept, lost []wavelet.Op) {
	scratch := to.Clone()
	tainted := map[string]bool{}
	for _, op := range ops {
		keys := touches(op)
		ok := !tainted[keys[0]] && !tainted[keys[len(keys)-1]]
		if edit, is := op.(wavelet.EditBlip); ok && is {
			ok = sameText(from, to, edit.Blip)
		}
		if ok {
			d := wavelet.Delta{Author: me, Base: scratch.Version(), Ops: []wavelet.Op{op}}
			ok = scratch.Check(d) == nil && apply(scratch, d, to.Modified()) == nil
		}
		if ok {
			kept = append(kept, op)
			continue
		}
		lost = append(lost, op)
		tainted[keys[0]] = true
	}
	return kept, lost
}

// sameText reports whether a blip reads the same in two states. One that
// neither of them has is about to be created.
func sameText(a, b *wavelet.State, id wavelet.BlipID) bool {
	x, inA := a.Blip(id)
	y, inB := b.Blip(id)
	if !inA || !inB {
		return inA == inB
	}
	return x.Deleted == y.Deleted && x.Doc.Delta().Equal(y.Doc.Delta())
}

// touches names what an op changes (first) and what it needs (last); they are
// one where it needs nothing else.
func touches(op wavelet.Op) []string {
	switch op := op.(type) {
	case wavelet.EditBlip:
		return []string{"blip " + string(op.Blip)}
	case wavelet.CreateBlip:
		return []string{"blip " + string(op.Blip), "thread " + string(op.Thread)}
	case wavelet.DeleteBlip:
		return []string{"blip " + string(op.Blip)}
	case wavelet.CreateThread:
		return []string{"thread " + string(op.Thread), "blip " + string(op.Parent)}
	case wavelet.AddParticipant:
		return []string{"who " + string(op.Who)}
	case wavelet.RemoveParticipant:
		return []string{"who " + string(op.Who)}
	case wavelet.SetRole:
		return []string{"who " + string(op.Who)}
	case wavelet.SetTag:
		return []string{"tag " + op.Tag}
	case wavelet.SetData:
		return []string{"data " + op.Name}
	case wavelet.ClickForm:
		return []string{"click " + op.Element, "blip " + string(op.Blip)}
	}
	return []string{"title"}
}
