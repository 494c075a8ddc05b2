package richtext

import "slices"

// applyAnywhere applies any delta: it packs the leaves from the first to the
// last that the delta touches anew, taking those between over as they are. Their
// two neighbours are there to be joined with what becomes small.
func (d *Doc) applyAnywhere(delta Delta) {
	first, last, ok := touched(delta)
	if !ok {
		return
	}
	i, j, start := 0, 0, 0 // the leaves i to j-1, and the units before them
	if len(d.leaves) > 0 {
		i, start = d.index.find(d.leaves, first)
		j, _ = d.index.find(d.leaves, max(first, last-1))
		j = min(j+2, len(d.leaves))
		if i > 0 {
			i--
			start -= d.leaves[i].units
		}
	}
	e := editor{doc: d, packer: packer{owner: d.owner}, leaves: d.leaves[i:j]}
	e.edit(delta, start)
	d.leaves = slices.Replace(d.leaves, i, j, e.packer.leaves()...)
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
			e.packer.leaf(l)
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
