package richtext

import (
	"slices"
	"unicode/utf8"
)

// Sizes of a leaf, in bytes of text and in runs. A leaf is built up to its
// target and may then grow by typing to twice of that.
const (
	leafTarget = 512
	leafMax    = 2 * leafTarget
	leafMin    = leafTarget / 4
	runsTarget = 32
	runsMin    = runsTarget / 4
)

// leaf is one chunk of a document: its text, with [EmbedRune] for each embed,
// and the runs that divide it. Leaves are shared between a document and its
// clones; only the owner may write to one.
type leaf struct {
	owner *owner
	units int
	text  []byte
	runs  []run
}

// owner identifies the document that may write to a leaf. It has a size so that
// every one has its own address.
type owner struct{ _ byte }

// run is a stretch of a leaf that is text of equal attributes, or one embed.
type run struct {
	units, bytes int
	attrs        Attributes
	embed        Embed
}

// span is a place inside a leaf: a run, and the units and bytes before it.
type span struct {
	run, units, bytes int
}

// span returns the run that holds the n units after at; if n is 0, the run that
// at is inside or at the end of. It reports whether there is one.
func (l *leaf) span(at, n int) (span, bool) {
	var s span
	for s.run < len(l.runs) {
		r := &l.runs[s.run]
		if end := s.units + r.units; at < end || at == end && n == 0 {
			return s, at+n <= end
		}
		s.units += r.units
		s.bytes += r.bytes
		s.run++
	}
	return s, false
}

// offset returns the byte index of a unit of the leaf that lies inside the run
// at s or at its end, and whether it splits a pair.
func (l *leaf) offset(s span, unit int) (at int, split bool) {
	r := &l.runs[s.run]
	unit -= s.units
	switch {
	case r.units == r.bytes:
		return s.bytes + unit, false
	case r.units == unit:
		return s.bytes + r.bytes, false
	}
	at, split = offsetOf(l.text[s.bytes:], unit)
	return s.bytes + at, split
}

// splits reports whether a unit of the leaf is the second half of a pair.
func (l *leaf) splits(unit int) bool {
	if l.units == len(l.text) {
		return false
	}
	s, ok := l.span(unit, 0)
	if !ok {
		return false
	}
	_, split := l.offset(s, unit)
	return split
}

// copy returns a copy of l that belongs to o.
func (l *leaf) copy(o *owner) *leaf {
	return &leaf{owner: o, units: l.units, text: slices.Clone(l.text), runs: slices.Clone(l.runs)}
}

// split cuts a leaf that its owner may write to in the middle. The leaf becomes
// the first half; split returns the second.
func (l *leaf) split() *leaf {
	middle := l.units / 2
	s, _ := l.span(middle, 1)
	r := &l.runs[s.run]
	units := middle - s.units
	bytes, pair := offsetOf(l.text[s.bytes:], units)
	if pair {
		units--
	}
	second := &leaf{owner: l.owner, units: l.units - s.units - units}
	second.text = append(make([]byte, 0, leafMax), l.text[s.bytes+bytes:]...)
	second.runs = append(second.runs, run{r.units - units, r.bytes - bytes, r.attrs, r.embed})
	second.runs = append(second.runs, l.runs[s.run+1:]...)

	r.units, r.bytes = units, bytes
	l.runs = l.runs[:s.run+1]
	if units == 0 {
		l.runs = l.runs[:s.run]
	}
	l.units = s.units + units
	l.text = l.text[:s.bytes+bytes]
	return second
}

// replace puts text of the given units in the place of the bytes from..to, of
// gone units, all inside the run with the given index.
func (l *leaf) replace(run, from, to, gone int, text string, units int) {
	r := &l.runs[run]
	r.units += units - gone
	r.bytes += len(text) - (to - from)
	l.units += units - gone
	if grow := len(text) - (to - from); grow > 0 {
		l.text = slices.Grow(l.text, grow)
		l.text = l.text[:len(l.text)+grow]
		copy(l.text[to+grow:], l.text[to:])
	} else if grow < 0 {
		copy(l.text[to+grow:], l.text[to:])
		l.text = l.text[:len(l.text)+grow]
	}
	if len(text) == 1 { // a keystroke
		l.text[from] = text[0]
	} else {
		copy(l.text[from:], text)
	}
}

// small reports whether a leaf of so many bytes and runs is better joined with
// another.
func small(bytes, runs int) bool { return bytes < leafMin && runs < runsMin }

// packer fills leaves one after the other.
type packer struct {
	owner *owner
	done  []*leaf
	open  *leaf
}

// room returns the open leaf, a new one if there is none or it is full.
func (p *packer) room() *leaf {
	if p.open != nil && (len(p.open.text) >= leafTarget || len(p.open.runs) >= runsTarget) {
		p.close()
	}
	if p.open == nil {
		p.open = &leaf{owner: p.owner, text: make([]byte, 0, leafTarget+leafTarget/4)}
	}
	return p.open
}

func (p *packer) close() {
	if p.open != nil && p.open.units > 0 {
		p.done = append(p.done, p.open)
	}
	p.open = nil
}

// text adds text of equal attributes, cut to the size of leaves.
func (p *packer) text(text []byte, units int, attrs Attributes) {
	for len(text) > 0 {
		l := p.room()
		n, head := len(text), units
		if space := leafTarget - len(l.text); n > space {
			for n = space; n > 0 && !utf8.RuneStart(text[n]); n-- {
			}
			if n == 0 {
				_, n = utf8.DecodeRune(text)
			}
			if head = n; units != len(text) {
				head = unitsOf(text[:n])
			}
		}
		l.add(run{units: head, bytes: n, attrs: attrs}, text[:n])
		text, units = text[n:], units-head
	}
}

// embed adds one embed.
func (p *packer) embed(e Embed, attrs Attributes) {
	p.room().add(run{units: 1, bytes: len(string(EmbedRune)), attrs: attrs, embed: e}, []byte(string(EmbedRune)))
}

// run adds text or an embed, whichever r says.
func (p *packer) run(r run, text []byte) {
	if r.embed.IsZero() {
		p.text(text, r.units, r.attrs)
	} else {
		p.embed(r.embed, r.attrs)
	}
}

// whole adds a complete leaf, as it is unless the open leaf is too small to be
// left behind.
func (p *packer) whole(l *leaf) {
	if p.open != nil && small(len(p.open.text), len(p.open.runs)) {
		at := 0
		for _, r := range l.runs {
			p.run(r, l.text[at:at+r.bytes])
			at += r.bytes
		}
		return
	}
	p.close()
	p.done = append(p.done, l)
}

// add appends a run to the leaf, to its last run if that is alike.
func (l *leaf) add(r run, text []byte) {
	l.text = append(l.text, text...)
	l.units += r.units
	if n := len(l.runs); n > 0 && r.embed.IsZero() {
		if last := &l.runs[n-1]; last.embed.IsZero() && last.attrs.Equal(r.attrs) {
			last.units += r.units
			last.bytes += r.bytes
			return
		}
	}
	l.runs = append(l.runs, r)
}
