package traffic

import (
	"strings"

	"weir/governor"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// row keeps a row.
func (w *wire) row(r *Row) {
	w.head(r)
	switch r.Kind {
	case Start:
	case Gap:
		number(w, &r.Missing)
	case Commit:
		w.commit(&r.Commit)
	case Deliver:
		w.delivery(&r.Delivery)
	case Answer:
		w.answer(&r.Answer)
	case Call:
		text(w, &r.Robot)
		w.flags(&r.LimitsQuery)
	case Readmit:
		w.seat(&r.Seat)
		text(w, &r.By)
		w.flags(&r.Override)
	case Resume, Forget:
		text(w, &r.Robot)
	default:
		w.fail()
	}
}

// head keeps what every row has: its kind and outcome in one byte, the instant,
// and the delay if there is one.
func (w *wire) head(r *Row) {
	const kindBits, outcomeBits = 4, 2
	first := [1]byte{byte(r.Kind) | byte(r.Outcome)<<kindBits}
	if r.Delay > 0 {
		first[0] |= 1 << (kindBits + outcomeBits)
	}
	got := w.bytes(first[:], 1)
	if w.err != nil {
		return
	}
	delayed := got[0]&(1<<(kindBits+outcomeBits)) != 0
	if w.reading {
		r.Kind, r.Outcome = Kind(got[0]&(1<<kindBits-1)), Outcome(got[0]>>kindBits&(1<<outcomeBits-1))
	}
	w.clock = w.instant(&r.At, w.clock)
	if delayed {
		w.span(&r.Delay)
	}
}

func (w *wire) seat(s *wavelet.Seat) {
	w.name(&s.Wavelet)
	text(w, &s.Robot)
}

func (w *wire) name(n *wavelet.Name) {
	text(w, &n.Wave)
	text(w, &n.Wavelet)
}

// cause keeps a label. Most have no assumed link, and most a bundle.
func (w *wire) cause(c *wavelet.Cause) {
	exact, answers := c.Exact == c.Depth, c.Bundle != ""
	kind := uint64(c.Kind) << 2
	if exact {
		kind |= 1
	}
	if answers {
		kind |= 2
	}
	kind = w.uvarint(kind)
	if w.reading {
		c.Kind, exact, answers = wavelet.CauseKind(kind>>2), kind&1 != 0, kind&2 != 0
	}
	text(w, &c.ID)
	number(w, &c.Depth)
	if w.reading {
		c.Exact = c.Depth
	}
	if !exact {
		number(w, &c.Exact)
	}
	text(w, &c.Parent)
	if answers {
		text(w, &c.Bundle)
	}
}

// mostParts is how many parts of a bundle are kept; the gateway makes fewer.
const mostParts = 64

func (w *wire) delivery(d *governor.Delivery) {
	sent, alone := !d.Sent.IsZero(), len(d.Parts) == 1 && d.Parts[0].Author == d.Author && d.Parts[0].Cause == d.Cause
	w.flags(&d.RobotLane, &sent, &alone)
	w.seat(&d.Seat)
	text(w, &d.Bundle)
	w.cause(&d.Cause)
	text(w, &d.Author)
	if sent {
		w.instant(&d.Sent, w.clock)
	}
	if alone {
		if w.reading {
			d.Parts = []governor.Part{{Author: d.Author, Cause: d.Cause}}
		}
		return
	}
	n := w.uvarint(uint64(min(len(d.Parts), mostParts)))
	if n > mostParts {
		w.fail()
		return
	}
	if w.reading && n > 0 {
		d.Parts = make([]governor.Part, n)
	}
	for i := range n {
		text(w, &d.Parts[i].Author)
		w.cause(&d.Parts[i].Cause)
	}
}

func (w *wire) answer(a *governor.Answer) {
	called, named, here := a.Door == governor.Call, a.Named.Bundle != "", a.Named.Seat == wavelet.Seat{Wavelet: a.Wavelet, Robot: a.Robot}
	w.flags(&a.Forged, &called, &named, &here)
	if w.reading && called {
		a.Door = governor.Call
	}
	if named {
		w.delivery(&a.Named)
	}
	if w.reading && here {
		a.Wavelet, a.Robot = a.Named.Seat.Wavelet, a.Named.Seat.Robot
	}
	if !here {
		w.name(&a.Wavelet)
		text(w, &a.Robot)
	}
	text(w, &a.Delta)
}

// mostOps is how many ops of a delta are kept.
const mostOps = 1 << 12

func (w *wire) commit(c *wavelet.Commit) {
	w.name(&c.Wavelet)
	text(w, &c.Delta.ID)
	text(w, &c.Delta.Author)
	w.cause(&c.Delta.Cause)
	if w.reading {
		c.At = unix(w.clock)
	}
	n := w.uvarint(uint64(min(len(c.Delta.Ops), mostOps)))
	if n > mostOps || n > uint64(len(w.data)) && w.reading {
		w.fail()
		return
	}
	if w.reading && n > 0 {
		c.Delta.Ops = make([]wavelet.Op, n)
	}
	for i := range n {
		w.op(&c.Delta.Ops[i])
	}
}

// The kinds of ops.
const (
	editBlip = iota
	createBlip
	addParticipant
	removeParticipant
	deleteBlip
	createThread
	setRole
	setTitle
	setTag
	setData
	clickForm
)

// op keeps an op: who comes and goes, how much an edit brings and takes, of the
// others that they are there.
func (w *wire) op(p *wavelet.Op) {
	var kind uint64
	var who wavelet.Participant
	var x extent
	switch op := (*p).(type) {
	case wavelet.EditBlip:
		kind, x = editBlip, measure(op.Delta)
	case wavelet.CreateBlip:
		kind, x = createBlip, measure(op.Content)
	case wavelet.AddParticipant:
		kind, who = addParticipant, op.Who
	case wavelet.RemoveParticipant:
		kind, who = removeParticipant, op.Who
	case wavelet.DeleteBlip:
		kind = deleteBlip
	case wavelet.CreateThread:
		kind = createThread
	case wavelet.SetRole:
		kind = setRole
	case wavelet.SetTitle:
		kind = setTitle
	case wavelet.SetTag:
		kind = setTag
	case wavelet.SetData:
		kind = setData
	case wavelet.ClickForm:
		kind = clickForm
	}
	kind = w.uvarint(kind)
	switch kind {
	case editBlip, createBlip:
		number(w, &x.inserted)
		number(w, &x.lines)
		number(w, &x.deleted)
	case addParticipant, removeParticipant:
		text(w, &who)
	}
	if w.reading {
		*p = opOf(kind, who, x)
	}
}

// opOf makes an op of what was kept of it.
func opOf(kind uint64, who wavelet.Participant, x extent) wavelet.Op {
	switch kind {
	case editBlip:
		return wavelet.EditBlip{Delta: x.delta()}
	case createBlip:
		return wavelet.CreateBlip{Content: x.delta()}
	case addParticipant:
		return wavelet.AddParticipant{Who: who}
	case removeParticipant:
		return wavelet.RemoveParticipant{Who: who}
	case deleteBlip:
		return wavelet.DeleteBlip{}
	case createThread:
		return wavelet.CreateThread{}
	case setRole:
		return wavelet.SetRole{}
	case setTitle:
		return wavelet.SetTitle{}
	case setTag:
		return wavelet.SetTag{}
	case setData:
		return wavelet.SetData{}
	}
	return wavelet.ClickForm{}
}

// extent is how much an edit brings and takes, in UTF-16 units.
type extent struct {
	inserted int
	lines    int // ends of lines among what is inserted
	deleted  int
}

func measure(d richtext.Delta) (x extent) {
	for i := range d {
		switch op := d[i]; op.Kind() {
		case richtext.KindInsert:
			x.inserted += op.Len()
			x.lines += strings.Count(op.Text(), "\n")
		case richtext.KindEmbed:
			x.inserted++
		case richtext.KindDelete:
			x.deleted += op.Len()
		}
	}
	return x
}

// mostText is how much text is made up for an edit.
const mostText = 1 << 12

// delta is an edit of that extent, with other words.
func (x extent) delta() richtext.Delta {
	lines := min(max(x.lines, 0), mostText)
	rest := min(max(x.inserted-lines, 0), mostText)
	return richtext.Delta{}.Insert(strings.Repeat("x", rest)+strings.Repeat("\n", lines), richtext.Attributes{}).Delete(x.deleted)
}
