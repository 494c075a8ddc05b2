package richtext

import (
	"slices"
	"unicode/utf8"
)

// Check reports whether d may be applied, as the function [Check] does for a
// delta and a document delta, without going through the document.
func (d *Doc) Check(delta Delta) error {
	c := checker{length: d.length, terminated: d.terminated()}
	if d.pairs {
		c.splits = d.splits
	}
	return c.check(delta)
}

// terminated reports whether the document ends in a newline.
func (d *Doc) terminated() bool {
	if len(d.leaves) == 0 {
		return false
	}
	text := d.leaves[len(d.leaves)-1].text
	return text[len(text)-1] == '\n'
}

// splits reports whether pos lies inside a surrogate pair.
func (d *Doc) splits(pos int) bool {
	if pos == d.length {
		return false
	}
	i, start := d.find(pos, 0)
	return d.leaves[i].splits(pos - start)
}

// find returns the leaf that holds the n units from pos on, or the position
// itself if n is 0, if one leaf does; otherwise the leaf that holds the first of
// them. With the leaf it returns the units before it.
func (d *Doc) find(pos, n int) (leaf, start int) {
	if f := &d.finger; f.leaf < len(d.leaves) && pos >= f.start && pos+n <= f.start+d.leaves[f.leaf].units {
		return f.leaf, f.start
	}
	return d.index.find(d.leaves, pos)
}

// Apply changes the document by delta. It checks the delta first: if it returns
// an error, which is of type [*Error] and the one that [Check] would return, the
// document is unchanged.
func (d *Doc) Apply(delta Delta) error {
	if d.applyTyped(delta) {
		return nil
	}
	if err := d.Check(delta); err != nil {
		return err
	}
	d.own()
	d.applyAnywhere(delta)
	return nil
}

// own makes leaves and index the document's own, to be written to.
func (d *Doc) own() {
	if d.owner == nil {
		d.owner = new(owner)
	}
	if d.shared {
		d.leaves, d.index, d.shared = slices.Clone(d.leaves), slices.Clone(d.index), false
	}
}

// joins reports whether leaf i, once it has only size bytes, fits into one leaf
// with the neighbour that applyAnywhere would join it with.
func (d *Doc) joins(i, size int) bool {
	runs := len(d.leaves[i].runs)
	if !small(size, runs) || len(d.leaves) == 1 {
		return false
	}
	next := i + 1
	if next == len(d.leaves) {
		next = i - 1
	}
	return size+len(d.leaves[next].text) <= leafTarget && runs+len(d.leaves[next].runs) <= runsTarget
}

// applyTyped applies a delta that types inside one run, the common case. It
// reports whether delta was one, and did nothing if not; a delta that must not be
// applied is none.
func (d *Doc) applyTyped(typed Delta) bool {
	at, gone, delta := 0, 0, typed
	text, units, attrs := "", 0, Attributes{}
	if len(delta) > 0 && delta[0].plainRetain() {
		at, delta = delta[0].n, delta[1:]
	}
	if len(delta) > 0 && delta[0].kind == KindInsert {
		text, units, attrs, delta = delta[0].text, delta[0].n, delta[0].attrs, delta[1:]
	}
	if len(delta) > 0 && delta[0].kind == KindDelete {
		gone, delta = delta[0].n, delta[1:]
	}
	// The document's last unit stays the last, so that a final newline does.
	if len(delta) > 0 || units+gone == 0 || at >= d.length || gone >= d.length-at || d.length+units > MaxDocument {
		return false
	}
	if len(text) != units && !utf8.ValidString(text) {
		return false
	}
	i, start := d.find(at, gone)
	l := d.leaves[i]
	s, ok := l.span(at-start, gone)
	if !ok {
		return false
	}
	r := &l.runs[s.run]
	if !r.embed.IsZero() || units > 0 && !r.attrs.Equal(attrs) || units == 0 && gone == r.units {
		return false
	}
	f := &d.finger
	if f.leaf != i {
		f.leaf, f.start, f.units, f.bytes = i, start, 0, 0
	}
	from, to, ok := f.locate(l, s, at-start, gone)
	if !ok {
		return false
	}
	size := len(l.text) + len(text) - (to - from)
	if size > leafMax && len(text) > leafTarget || size < len(l.text) && d.joins(i, size) {
		return false
	}
	if d.shared {
		d.own()
	}
	if l.owner != d.owner {
		l = l.copy(d.owner)
		d.leaves[i] = l
	}
	if size > leafMax {
		d.leaves = slices.Insert(d.leaves, i+1, l.split())
		d.index = d.index.index(d.leaves)
		return d.applyTyped(typed)
	}
	l.replace(s.run, from, to, gone, text, units)
	d.length += units - gone
	d.index.add(i, units-gone)
	f.units, f.bytes = at-start+units, from+len(text)
	d.pairs = d.pairs || len(text) != units && hasPairs(text)
	return true
}

// applyAnywhere applies any delta: it packs the leaves from the first to the
// last that the delta touches anew, taking those between over as they are.
func (d *Doc) applyAnywhere(delta Delta) {
	first, last, ok := touched(delta)
	if !ok {
		return
	}
	i, j, start := 0, -1, 0
	if len(d.leaves) > 0 {
		i, start = d.index.find(d.leaves, first)
		j, _ = d.index.find(d.leaves, max(first, last-1))
		if i > 0 && j == len(d.leaves)-1 { // so that a small last leaf joins the one before it
			i--
			start -= d.leaves[i].units
		}
	}
	e := editor{doc: d, packer: packer{owner: d.owner}, leaves: d.leaves[i : j+1]}
	e.edit(delta, start)
	if open := e.packer.open; open != nil && small(len(open.text), len(open.runs)) && j+1 < len(d.leaves) {
		j++
		e.packer.whole(d.leaves[j])
	}
	e.packer.close()
	d.leaves = slices.Replace(d.leaves, i, j+1, e.packer.done...)
	d.index = d.index.index(d.leaves)
	d.length += delta.Change()
	d.finger = finger{}
}

// touched returns the units of the document between which delta changes
// something, and whether it does.
func touched(delta Delta) (first, last int, ok bool) {
	pos := 0
	for i := range delta {
		op := &delta[i]
		end := pos
		if !op.kind.inserts() {
			end += op.n
		}
		if !op.plainRetain() {
			if !ok {
				first, ok = pos, true
			}
			last = end
		}
		pos = end
	}
	return first, last, ok
}

// editor rewrites a range of leaves.
type editor struct {
	doc    *Doc
	packer packer
	leaves []*leaf // what is left of the range
	past   span    // what is behind us of the first of them
	inRun  int     // units behind us of its run past.run; past.bytes includes them
}

// edit applies delta to the range, which starts at the unit start.
func (e *editor) edit(delta Delta, start int) {
	pos := 0
	for i := range delta {
		op := &delta[i]
		switch op.kind {
		case KindInsert, KindEmbed:
			e.doc.pack(&e.packer, op)
			continue
		case KindRetain:
			before := min(op.n, max(0, start-pos))
			e.copy(op.n-before, op.attrs)
		case KindDelete:
			e.take(op.n, nil)
		}
		pos += op.n
	}
	e.copy(endless, Attributes{})
}

// copy takes n units over, with their attributes changed.
func (e *editor) copy(n int, change Attributes) {
	var from, to Attributes // the change made last, for runs that share attributes
	piece := func(r run, text []byte) {
		if !change.IsZero() {
			if to.IsZero() || from.set != r.attrs.set {
				from, to = r.attrs, e.doc.intern(r.attrs.Compose(change, false))
			}
			r.attrs = to
		}
		e.packer.run(r, text)
	}
	for n > 0 && len(e.leaves) > 0 {
		l := e.leaves[0]
		left := l.units - e.past.units
		if left == l.units && left <= n && change.IsZero() {
			e.packer.whole(l)
			e.leaves = e.leaves[1:]
		} else {
			e.take(min(n, left), piece)
		}
		n -= min(n, left)
	}
}

// take passes over n units, or to the end of the range, and gives each piece of
// a run to f unless f is nil.
func (e *editor) take(n int, f func(r run, text []byte)) {
	for n > 0 && len(e.leaves) > 0 {
		l := e.leaves[0]
		r := l.runs[e.past.run]
		text := l.text[e.past.bytes:]
		piece, size := min(n, r.units-e.inRun), r.bytes
		if piece < r.units {
			size = piece
			if r.units != r.bytes {
				size, _ = offsetOf(text, piece)
			}
		}
		if f != nil {
			f(run{units: piece, bytes: size, attrs: r.attrs, embed: r.embed}, text[:size])
		}
		n -= piece
		e.past.units += piece
		e.past.bytes += size
		if e.inRun += piece; e.inRun == r.units {
			e.past.run++
			e.inRun = 0
		}
		if e.past.run == len(l.runs) {
			e.leaves, e.past = e.leaves[1:], span{}
		}
	}
}
