package richtext

import (
	"strings"
	"unicode/utf8"
)

// Doc is a document that is cheap to edit wherever it is edited and however long
// it is. It holds the same content as a document Delta, in leaves of about one
// KiB that an index finds by position; typing in one place touches one leaf and
// no index search. The zero Doc is the empty document.
//
// A Doc has one writer at a time, and Apply and Clone write. The other methods
// only read and may run concurrently with each other.
type Doc struct {
	leaves []*leaf
	index  leafIndex
	length int  // in units
	pairs  bool // whether there may be surrogate pairs

	owner  *owner
	shared bool   // leaves and index belong to a clone as well, and no leaf to owner
	finger finger // where the last edit was
	sets   *[64]Attributes
}

// finger remembers where the last edit was.
type finger struct {
	leaf, start  int // the leaf, and the units before it
	units, bytes int // in that leaf, before the end of the edit
}

// locate returns the bytes of the finger's leaf that hold the n units after at,
// all in the run at s, and whether neither end splits a surrogate pair. It counts
// from the finger if that is in the run, from the start of the run if not.
func (f *finger) locate(l *leaf, s span, at, n int) (from, to int, ok bool) {
	r := &l.runs[s.run]
	units, bytes := s.units, s.bytes
	if f.units >= units && f.units <= units+r.units {
		units, bytes = f.units, f.bytes
	}
	split := false
	if at < units {
		from, split = l.text.before(bytes, units-at)
	} else {
		from, split = l.text.after(bytes, at-units)
	}
	if split || n == 0 {
		return from, from, !split
	}
	to, split = l.text.after(from, n)
	return from, to, !split
}

// NewDoc returns a document with the content of d. It fails with an [*Error] if
// d does not only insert, has ill-formed text, or is longer than [MaxDocument].
func NewDoc(d Delta) (*Doc, error) {
	if err := checkContent(d); err != nil {
		return nil, err
	}
	doc := &Doc{owner: new(owner)}
	p := packer{owner: doc.owner}
	for i := range d {
		doc.pack(&p, &d[i])
	}
	doc.leaves = p.leaves()
	doc.index = doc.index.index(doc.leaves)
	doc.length = d.Len()
	return doc, nil
}

// checkContent refuses deltas that cannot be the content of a document.
func checkContent(d Delta) error {
	length := 0
	for i := range d {
		op := &d[i]
		if !op.kind.inserts() {
			return refuse(ErrNotDocument, i, "", "a document only inserts; this is a %s", op.kind)
		}
		if len(op.text) != op.n && !utf8.ValidString(op.text) {
			return refuse(ErrIllFormed, i, "insert", "half of a surrogate pair stands alone")
		}
		if length += op.n; length > MaxDocument {
			return refuse(ErrTooLarge, i, "insert", "the document has more than %d units", MaxDocument)
		}
	}
	return nil
}

// CheckDocument reports whether d can be stored as a document: whether [NewDoc]
// takes it and it ends in a newline. All errors are of type [*Error].
func CheckDocument(d Delta) error {
	if err := checkContent(d); err != nil {
		return err
	}
	if n := len(d); n == 0 || !strings.HasSuffix(d[n-1].text, "\n") {
		return refuse(ErrFinalNewline, n-1, "insert", "a document ends in a newline")
	}
	return nil
}

// pack adds what op inserts.
func (d *Doc) pack(p *packer, op *Op) {
	attrs := d.intern(op.attrs)
	if op.kind == KindEmbed {
		p.embed(op.embed, attrs)
		return
	}
	d.pairs = d.pairs || len(op.text) != op.n && hasPairs(op.text)
	p.text([]byte(op.text), op.n, attrs)
}

// intern returns attributes equal to a, where it can those that the document
// holds already, so that runs share them and compare by pointer.
func (d *Doc) intern(a Attributes) Attributes {
	if a.IsZero() {
		return a
	}
	if d.sets == nil {
		d.sets = new([64]Attributes)
	}
	slot := &d.sets[a.hash()%uint32(len(d.sets))]
	if !slot.Equal(a) {
		*slot = a
	}
	return *slot
}

// Len returns the length of the document in UTF-16 units.
func (d *Doc) Len() int { return d.length }

// Clone returns a copy that is independent of d, in constant time: the two share
// their leaves until one of them is edited. A clone that has not been edited may
// itself be cloned while others read it.
func (d *Doc) Clone() *Doc {
	if !d.shared {
		d.shared = true
		d.owner = new(owner)
	}
	c := *d
	c.owner = new(owner)
	c.sets = nil
	return &c
}

// Text returns the plain text, with [EmbedRune] for every embed.
func (d *Doc) Text() string {
	var b strings.Builder
	for _, l := range d.leaves {
		head, tail := l.text.parts()
		b.Write(head)
		b.Write(tail)
	}
	return b.String()
}

// Delta returns the content as a delta in normal form.
func (d *Doc) Delta() Delta { return d.Slice(0, d.length) }

// Slice returns the content between the units start and end, as [Slice] does.
// Bounds outside the document are moved to its ends.
func (d *Doc) Slice(start, end int) Delta {
	start, end = max(start, 0), min(end, d.length)
	if start >= end {
		return nil
	}
	i, at := d.index.find(d.leaves, start)
	var out collector
	for ; i < len(d.leaves) && at < end; i++ {
		l := d.leaves[i]
		if at >= start && at+l.units <= end {
			out.leaf(l)
		} else {
			out.part(l, max(start-at, 0), min(end-at, l.units))
		}
		at += l.units
	}
	return out.delta()
}

// collector puts runs together to ops. Text that goes on over several runs is
// copied once.
type collector struct {
	ops   Delta
	text  []byte
	units int
	attrs Attributes
}

func (c *collector) leaf(l *leaf) {
	text := l.text.all()
	for i := range l.runs {
		r := &l.runs[i]
		c.run(r, r.units, text[:r.bytes])
		text = text[r.bytes:]
	}
}

// part collects the units from..to of a leaf.
func (c *collector) part(l *leaf, from, to int) {
	text, at := l.text.all(), 0
	for i := range l.runs {
		r := &l.runs[i]
		if lo, hi := max(from-at, 0), min(to-at, r.units); lo < hi {
			part, _ := cutText(string(text[:r.bytes]), r.units, hi)
			_, part = cutText(part, hi, lo)
			c.run(r, hi-lo, []byte(part))
		}
		text = text[r.bytes:]
		at += r.units
	}
}

func (c *collector) run(r *run, units int, text []byte) {
	if r.embed.IsZero() {
		if !c.attrs.Equal(r.attrs) {
			c.flush()
			c.attrs = r.attrs
		}
		c.text = append(c.text, text...)
		c.units += units
		return
	}
	c.flush()
	c.ops = append(c.ops, Op{kind: KindEmbed, n: 1, embed: r.embed, attrs: r.attrs})
}

func (c *collector) flush() {
	if c.units > 0 {
		c.ops = append(c.ops, Op{kind: KindInsert, n: c.units, text: string(c.text), attrs: c.attrs})
		c.text, c.units = c.text[:0], 0
	}
}

func (c *collector) delta() Delta {
	c.flush()
	return c.ops
}
