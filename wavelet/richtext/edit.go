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

// joins reports whether leaf i, once it has only size bytes, is better joined
// with one of its neighbours.
func (d *Doc) joins(i, size int) bool {
	runs := len(d.leaves[i].runs)
	if !small(size, runs) {
		return false
	}
	fits := func(l *leaf) bool { return fit(size+l.text.len(), runs+len(l.runs)) }
	return i > 0 && fits(d.leaves[i-1]) || i+1 < len(d.leaves) && fits(d.leaves[i+1])
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
