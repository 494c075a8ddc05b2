package richtext

import (
	"slices"
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
// them.
func (d *Doc) find(pos, n int) (leaf, start int) {
	if f := d.finger; f.leaf < len(d.leaves) && pos >= f.start && pos+n <= f.start+d.leaves[f.leaf].units {
		return f.leaf, f.start
	}
	return d.index.find(pos)
}

// Apply changes the document by delta. It checks the delta first: if it returns
// an error, which is of type [*Error] and the one that [Check] would return, the
// document is unchanged.
func (d *Doc) Apply(delta Delta) error {
	if err := d.Check(delta); err != nil {
		return err
	}
	if d.owner == nil {
		d.owner = new(owner)
	}
	if d.shared {
		d.leaves, d.index, d.shared = slices.Clone(d.leaves), slices.Clone(d.index), false
	}
	if !d.applyInRun(delta) {
		d.applyAnywhere(delta)
	}
	return nil
}

// typed is the delta of somebody who types: at one place, text comes or goes or
// both.
type typed struct {
	at, gone int
	insert   Op // zero if nothing comes
}

// asTyped takes a delta apart as typing and reports whether it is no more.
func asTyped(delta Delta) (t typed, ok bool) {
	for i := range delta {
		switch op := &delta[i]; {
		case op.kind == KindDelete && t.gone == 0:
			t.gone = op.n
		case op.kind == KindInsert && t.insert.n == 0:
			t.insert = *op
		case op.plainRetain() && t.gone+t.insert.n == 0:
			t.at += op.n
		case op.plainRetain() && i == len(delta)-1:
		default:
			return t, false
		}
	}
	return t, t.gone+t.insert.n > 0
}

// applyInRun applies a delta that types inside one run, the common case, and
// reports whether delta was one.
func (d *Doc) applyInRun(delta Delta) bool {
	t, ok := asTyped(delta)
	if !ok || len(d.leaves) == 0 {
		return false
	}
	i, start := d.find(t.at, t.gone)
	l := d.leaves[i]
	s, ok := l.span(t.at-start, t.gone)
	if !ok || !l.runs[s.run].embed.IsZero() {
		return false
	}
	r := &l.runs[s.run]
	if t.insert.n > 0 && !r.attrs.Equal(t.insert.attrs) || t.gone == r.units && t.insert.n == 0 {
		return false
	}
	from, _ := l.offset(s, t.at-start)
	to := from
	if t.gone > 0 {
		to, _ = l.offset(s, t.at-start+t.gone)
	}
	size := len(l.text) + len(t.insert.text) - (to - from)
	if size > leafMax || size < len(l.text) && d.joins(i, size) {
		return false
	}
	l = l.owned(d.owner)
	d.leaves[i] = l
	l.replace(s.run, from, to, t.gone, t.insert.text, t.insert.n)
	d.grown(i, start, t.insert.n-t.gone)
	d.pairs = d.pairs || len(t.insert.text) != t.insert.n && hasPairs(t.insert.text)
	return true
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

// grown notes that leaf i, which starts at start, has become n units longer.
func (d *Doc) grown(i, start, n int) {
	d.index.add(i, n)
	d.length += n
	d.finger = finger{i, start}
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
		i, start = d.index.find(first)
		j, _ = d.index.find(max(first, last-1))
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
