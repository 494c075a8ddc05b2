package wire

import (
	"net/http"
	"strings"

	"weir/events"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// created is the data of an operation that made a blip.
type created struct {
	BlipID    wavelet.BlipID `json:"blipId"` // the root blip
	NewBlipID wavelet.BlipID `json:"newBlipId"`
}

// newBlip chooses the id of a new blip and makes its content.
func (a *application) newBlip(d *draft, p params) (wavelet.CreateBlip, *events.OperationFailure) {
	if p.BlipData == nil {
		return wavelet.CreateBlip{}, missing("blipData")
	}
	text := strings.TrimPrefix(p.BlipData.Content.String(), "\n") + "\n"
	return wavelet.CreateBlip{
		Blip:    wavelet.NewBlipID(),
		Content: richtext.Delta{}.Insert(text, richtext.Attributes{}),
	}, nil
}

// create drafts a new blip with what must be there before it, and remembers the
// temporary id that the robot gave it.
func (a *application) create(d *draft, p params, blip wavelet.CreateBlip, before ...wavelet.Op) (any, *events.OperationFailure) {
	if failure := a.change(d, append(before, blip)...); failure != nil {
		return nil, failure
	}
	if id := p.BlipData.BlipID.String(); strings.HasPrefix(id, "TBD_") {
		a.temporary[id] = blip.Blip
	}
	return created{d.state.Root(), blip.Blip}, nil
}

// appendBlip adds a blip at the end of the root thread.
func (a *application) appendBlip(d *draft, p params) (any, *events.OperationFailure) {
	blip, failure := a.newBlip(d, p)
	if failure != nil {
		return nil, failure
	}
	return a.create(d, p, blip)
}

// createChild adds a blip in a new thread below another one. The thread has the
// id of its first blip, under which clients look for it.
func (a *application) createChild(d *draft, p params) (any, *events.OperationFailure) {
	parent, failure := a.blip(d, p)
	if failure != nil {
		return nil, failure
	}
	blip, failure := a.newBlip(d, p)
	if failure != nil {
		return nil, failure
	}
	blip.Thread = wavelet.ThreadID(blip.Blip)
	return a.create(d, p, blip, wavelet.CreateThread{Thread: blip.Thread, Parent: parent.ID})
}

// continueThread adds a blip at the end of another one's thread.
func (a *application) continueThread(d *draft, p params) (any, *events.OperationFailure) {
	other, failure := a.blip(d, p)
	if failure != nil {
		return nil, failure
	}
	blip, failure := a.newBlip(d, p)
	if failure != nil {
		return nil, failure
	}
	blip.Thread = other.Thread
	return a.create(d, p, blip)
}

// deleteBlip removes a blip.
func (a *application) deleteBlip(d *draft, p params) (any, *events.OperationFailure) {
	blip, failure := a.blip(d, p)
	if failure != nil {
		return nil, failure
	}
	return nothing{}, a.change(d, wavelet.DeleteBlip{Blip: blip.ID})
}

// inlineBlip adds a blip in a new thread below another one, anchored in its
// text: at an offset, on a line of its own at the end, or behind an element.
func (a *application) inlineBlip(d *draft, p params, m Method) (any, *events.OperationFailure) {
	parent, failure := a.blip(d, p)
	if failure != nil {
		return nil, failure
	}
	blip, failure := a.newBlip(d, p)
	if failure != nil {
		return nil, failure
	}
	blip.Thread = wavelet.ThreadID(blip.Blip)
	c, failure := a.read(d, parent)
	if failure != nil {
		return nil, failure
	}
	at, failure := c.anchorAt(p, m)
	if failure != nil {
		return nil, failure
	}
	anchor, err := richtext.NewEmbed("reply", replyEmbed{blip.Thread})
	if err != nil {
		return nil, refused(err)
	}
	pieces := []piece{{embed: anchor}}
	if m == AppendInlineBlip {
		pieces = []piece{{text: "\n"}, {embed: anchor}}
	}
	change, err := c.apply([]edit{{span{at, at}, pieces}})
	if err != nil {
		return nil, refused(err)
	}
	return a.create(d, p, blip,
		wavelet.CreateThread{Thread: blip.Thread, Parent: parent.ID},
		wavelet.EditBlip{Blip: parent.ID, Delta: change})
}

// anchorAt is the robot position of an inline blip's anchor.
func (c content) anchorAt(p params, m Method) (int, *events.OperationFailure) {
	switch m {
	case InsertInlineBlip:
		at, ok := p.Index.number()
		if !ok {
			return 0, missing("index")
		}
		if at <= 0 || at > c.length {
			return 0, fail(http.StatusBadRequest, "index %d is not in 1 to %d", at, c.length)
		}
		return at, nil
	case InlineAfterElement:
		if p.Element == nil {
			return 0, missing("element")
		}
		hits := c.findElements(p.Element.Type, p.Element.Properties, 1)
		if len(hits) == 0 {
			return 0, fail(http.StatusNotFound, "the blip holds no such %s element", p.Element.Type)
		}
		return hits[0].end, nil
	}
	return c.length, nil
}

// setTitle gives the first line of the root blip a new text. Clients count on a
// second line being there afterwards.
func (a *application) setTitle(d *draft, p params) (any, *events.OperationFailure) {
	title := p.Title.String()
	if !p.Title.set {
		return nil, missing("waveletTitle")
	}
	if err := wavelet.CheckShape(wavelet.Delta{Author: d.author, Ops: []wavelet.Op{wavelet.SetTitle{Title: title}}}); err != nil {
		return nil, refused(err)
	}
	root, ok := d.state.Blip(d.state.Root())
	if !ok {
		return nil, fail(http.StatusNotFound, "the wavelet has no blip yet that could hold a title")
	}
	only := d.titled == root.ID || !d.edited(root.ID)
	c, failure := a.read(d, root)
	if failure != nil {
		return nil, failure
	}
	end := c.length
	with := []piece{{text: title}}
	if len(c.lines) > 1 {
		end = c.lines[1].at
	} else {
		with, only = append(with, piece{text: "\n"}), false
	}
	if len(c.lines) > 1 && firstLine(c.doc) == title {
		return nothing{}, nil // whatever styles it has
	}
	change, err := c.apply([]edit{{span{1, end}, with}})
	if err != nil {
		return nil, refused(err)
	}
	if failure := a.change(d, wavelet.EditBlip{Blip: root.ID, Delta: change}); failure != nil {
		return nil, failure
	}
	if only {
		d.title, d.titled = title, root.ID
	}
	return nothing{}, nil
}

// firstLine is the text of a document's first line, with a rune that no title has
// for each embed.
func firstLine(doc richtext.Delta) string {
	var line strings.Builder
	for _, op := range doc {
		text, _, ended := strings.Cut(op.Text(), "\n")
		if op.Kind() == richtext.KindEmbed {
			text = string(richtext.EmbedRune)
		}
		if line.WriteString(text); ended {
			break
		}
	}
	return line.String()
}

// edited reports whether the draft holds an edit of the blip, or the blip
// itself.
func (d *draft) edited(id wavelet.BlipID) bool {
	for _, op := range d.ops {
		switch op := op.(type) {
		case wavelet.EditBlip:
			if op.Blip == id {
				return true
			}
		case wavelet.CreateBlip:
			if op.Blip == id {
				return true
			}
		}
	}
	return false
}
