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
	return len(d.leaves) > 0 && d.leaves[len(d.leaves)-1].text.last() == '\n'
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

// ownLeaf makes leaf i the document's own as well, and returns it.
func (d *Doc) ownLeaf(i int) *leaf {
	d.own()
	if d.leaves[i].owner != d.owner {
		d.leaves[i] = d.leaves[i].copy(d.owner)
	}
	return d.leaves[i]
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
	return size+d.leaves[next].text.len() <= leafTarget && runs+len(d.leaves[next].runs) <= runsTarget
}

// keystroke takes a delta of somebody who types apart: at one place, text comes or
// goes or both. The insert is nil if none comes. It reports whether the delta is
// no more than that.
func keystroke(delta Delta) (at int, insert *Op, gone int, ok bool) {
	if len(delta) > 0 && delta[0].plainRetain() {
		at, delta = delta[0].n, delta[1:]
	}
	if len(delta) > 0 && delta[0].kind == KindInsert {
		insert, delta = &delta[0], delta[1:]
	}
	if len(delta) > 0 && delta[0].kind == KindDelete {
		gone, delta = delta[0].n, delta[1:]
	}
	return at, insert, gone, len(delta) == 0
}

// applyTyped applies a delta that types inside one run, the common case. It
// reports whether delta was one, and did nothing if not; a delta that must not be
// applied is none.
func (d *Doc) applyTyped(delta Delta) bool {
	var nothing Op
	at, in, gone, ok := keystroke(delta)
	if in == nil {
		in = &nothing
	}
	// The document's last unit stays the last, so that a final newline does.
	if !ok || at >= d.length || gone >= d.length-at || d.length+in.n > MaxDocument || in.n+gone == 0 {
		return false
	}
	if len(in.text) != in.n && !utf8.ValidString(in.text) {
		return false
	}
	i, start := d.find(at, gone)
	l := d.leaves[i]
	s, ok := l.span(at-start, gone)
	if !ok || !l.runs[s.run].takes(in, gone) {
		return false
	}
	if d.finger.leaf != i {
		d.finger.leaf, d.finger.start, d.finger.units, d.finger.bytes = i, start, 0, 0
	}
	from := s.bytes + at - start - s.units
	to := from + gone
	if r := &l.runs[s.run]; r.units != r.bytes {
		if from, to, ok = d.finger.locate(l, s, at-start, gone); !ok {
			return false
		}
	}
	size := l.text.len() + len(in.text) - (to - from)
	if size > leafMax && len(in.text) > leafTarget || size < l.text.len() && d.joins(i, size) {
		return false
	}
	if d.shared || l.owner != d.owner {
		l = d.ownLeaf(i)
	}
	if size > leafMax {
		d.leaves = slices.Insert(d.leaves, i+1, l.split())
		d.index = d.index.index(d.leaves)
		return d.applyTyped(delta)
	}
	l.replace(s.run, from, to, in, gone)
	d.index.add(i, in.n-gone)
	d.length += in.n - gone
	d.pairs = d.pairs || len(in.text) != in.n && hasPairs(in.text)
	d.finger.units, d.finger.bytes = at-start+in.n, from+len(in.text)
	return true
}

// takes reports whether the run stays one run if text comes in and units go.
func (r *run) takes(in *Op, gone int) bool {
	if in.n == 0 {
		return gone < r.units
	}
	return r.embed.IsZero() && r.attrs.Equal(in.attrs)
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
	if open := e.packer.open; open != nil && small(open.text.len(), len(open.runs)) && j+1 < len(d.leaves) {
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
	text   []byte  // what is left of the text of the first of them
	units  int     // what is behind us of it
	run    int     // the run of it that we are in
	inRun  int     // units behind us of that run
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
		left := l.units - e.units
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
		r := l.runs[e.run]
		if e.units == 0 {
			e.text = l.text.all()
		}
		piece, size := min(n, r.units-e.inRun), r.bytes
		if piece < r.units {
			size = piece
			if r.units != r.bytes {
				size, _ = offsetOf(e.text, piece)
			}
		}
		if f != nil {
			f(run{units: piece, bytes: size, attrs: r.attrs, embed: r.embed}, e.text[:size])
		}
		n -= piece
		e.units += piece
		e.text = e.text[size:]
		if e.inRun += piece; e.inRun == r.units {
			e.run++
			e.inRun = 0
		}
		if e.run == len(l.runs) {
			e.leaves, e.units, e.run = e.leaves[1:], 0, 0
		}
	}
}
