package wire

import (
	"slices"

	"weir/events"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// draft is what one author is about to change in one wavelet. Changes are made
// on a copy, so that each is made for what the ones before it left; what is
// handed over in the end is one delta against the original.
type draft struct {
	author wavelet.Participant
	base   *wavelet.State // as it was found; read only
	state  *wavelet.State // with the changes made
	ops    []wavelet.Op   // against base, each after the ones before it
	title  string         // the last title set
	titled wavelet.BlipID // the blip whose edit does nothing but set that title, "" if there is none
}

func newDraft(base *wavelet.State, author wavelet.Participant) *draft {
	return &draft{author: author, base: base, state: base.Clone()}
}

// change makes ops on the copy and adds them to the delta. On an error nothing
// has changed.
func (d *draft) change(ops []wavelet.Op) error {
	if err := d.apply(ops); err != nil {
		return err
	}
	for _, op := range ops {
		d.add(op)
	}
	return nil
}

// apply makes ops on the copy, if the author may.
func (d *draft) apply(ops []wavelet.Op) error {
	delta := wavelet.Delta{Author: d.author, Base: d.state.Version(), Ops: ops, Cause: wavelet.Cause{Kind: wavelet.Robot}}
	if err := d.state.Check(delta); err != nil {
		return err
	}
	return d.state.Apply(wavelet.Commit{
		Wavelet: d.state.Name(),
		Version: d.state.Version() + 1,
		Delta:   delta,
		At:      d.base.Modified(),
	})
}

// add appends an op to the delta. Edits of one blip become one edit.
func (d *draft) add(op wavelet.Op) {
	e, ok := op.(wavelet.EditBlip)
	if !ok {
		d.ops = append(d.ops, op)
		return
	}
	if e.Blip == d.titled {
		d.titled = ""
	}
	for i, old := range d.ops {
		switch old := old.(type) {
		case wavelet.CreateBlip:
			if old.Blip == e.Blip {
				old.Content = richtext.Compose(whole(old.Content), e.Delta)
				d.ops[i] = old
				return
			}
		case wavelet.EditBlip:
			if old.Blip == e.Blip {
				// At the end, behind the threads that an inline reply refers to.
				e.Delta = richtext.Compose(old.Delta, e.Delta)
				d.ops = append(slices.Delete(d.ops, i, i+1), e)
				return
			}
		}
	}
	d.ops = append(d.ops, e)
}

// whole is the content of a new blip as a document.
func whole(content richtext.Delta) richtext.Delta {
	if len(content) == 0 {
		return richtext.Delta{}.Insert("\n", richtext.Attributes{})
	}
	return content
}

// delta is what is to be committed, false if nothing has changed.
func (d *draft) delta() (events.AnswerDelta, bool) {
	var ops []wavelet.Op
	for _, op := range d.ops {
		e, ok := op.(wavelet.EditBlip)
		if !ok {
			ops = append(ops, op)
			continue
		}
		b, _ := d.base.Blip(e.Blip)
		if e.Delta = b.Doc.Effective(e.Delta); len(e.Delta) == 0 {
			continue
		}
		if e.Blip == d.titled && firstLine(b.Doc.Delta()) != d.title {
			// As a title it wins or loses whole against another one. One that stood
			// there before, and went in between, would be none.
			ops = append(ops, wavelet.SetTitle{Title: d.title})
			continue
		}
		ops = append(ops, e)
	}
	return events.AnswerDelta{
		Wavelet: d.base.Name(),
		Author:  d.author,
		Base:    d.base.Version(),
		Ops:     ops,
	}, len(ops) > 0
}

// committed is the wavelet as it is when the draft is.
func (d *draft) committed() (*wavelet.State, error) {
	s := d.base.Clone()
	answer, ok := d.delta()
	if !ok {
		return s, nil
	}
	delta, err := s.Resolve(wavelet.Delta{Author: d.author, Base: answer.Base, Ops: answer.Ops, Cause: wavelet.Cause{Kind: wavelet.Robot}})
	if err != nil {
		return nil, err
	}
	return s, s.Apply(wavelet.Commit{Wavelet: s.Name(), Version: s.Version() + 1, Delta: delta, At: s.Modified()})
}
