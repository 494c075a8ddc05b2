package richtext

import "unicode/utf8"

// Effective returns what d really changes in the document base. It has the same
// effect as d, and is empty exactly if d leaves the document as it is. Where
// composing cannot know that something was put back as it had been, Effective
// can, because it looks at the document:
//
//   - attributes that a retain sets to the value they have are dropped;
//   - what a delete and the inserts beside it have in common at their two ends,
//     in text and attributes, is retained, in whole code points;
//   - a stretch that several inserts and deletes together leave as it was is
//     retained.
func Effective(base, d Delta) Delta {
	out := writer{ops: make(Delta, 0, len(d))}
	b := read(base)
	var c cluster
	for i := range d {
		switch op := d[i]; {
		case op.kind.inserts():
			c.added = append(c.added, op)
		case op.kind == KindDelete:
			c.gone = b.collect(c.gone, op.n)
		default:
			c.flush(&out)
			if op.plainRetain() {
				out.push(op)
				b.skip(op.n)
				continue
			}
			for _, old := range b.collect(nil, op.n) {
				out.retain(old.n, op.attrs.effective(old.attrs))
			}
		}
	}
	c.flush(&out)
	return withoutShifts(base, out.delta()).Chop()
}

// Effective is [Effective] for the document d, of which it looks only at the
// parts that delta touches.
func (d *Doc) Effective(delta Delta) Delta {
	return Effective(d.under(delta), delta)
}

// under returns the content of the document where delta changes it, between
// retains for the parts that it leaves in their places.
func (d *Doc) under(delta Delta) Delta {
	var base Delta
	pos, shift := 0, 0
	for i := range delta {
		op := &delta[i]
		switch {
		case op.kind.inserts():
			shift += op.n
			continue
		case op.plainRetain() && shift == 0:
			base = append(base, *op)
		default:
			base = append(base, d.Slice(pos, pos+op.n)...)
		}
		if op.kind == KindDelete {
			shift -= op.n
		}
		pos += op.n
	}
	return base
}

// cluster is what comes and what goes at one place of a document.
type cluster struct{ added, gone Delta }

// flush writes the cluster to out without what its sides have in common at either
// end, and empties it.
func (c *cluster) flush(out *writer) {
	head := 0
	x, y := read(c.added), read(c.gone)
	for n := commonHead(x.op(), y.op()); n > 0; n = commonHead(x.op(), y.op()) {
		x.drop(n)
		y.drop(n)
		head += n
	}
	added, gone := x.all(), y.all()
	tail := 0
	for len(added) > 0 && len(gone) > 0 {
		n := commonTail(added[len(added)-1], gone[len(gone)-1])
		if n == 0 {
			break
		}
		added, gone = added.dropLast(n), gone.dropLast(n)
		tail += n
	}
	out.retain(head, Attributes{})
	for _, op := range added {
		out.push(op)
	}
	out.delete(gone.Len())
	out.retain(tail, Attributes{})
	*c = cluster{}
}

// dropLast drops n units from the last op.
func (d Delta) dropLast(n int) Delta {
	last := len(d) - 1
	if d[last].n > n {
		d[last], _ = d[last].cut(d[last].n - n)
		return d
	}
	return d[:last]
}

// commonHead returns how many units p and q insert alike at their start.
func commonHead(p, q Op) int {
	if p.kind != q.kind || !p.kind.inserts() || !p.attrs.Equal(q.attrs) {
		return 0
	}
	if p.kind == KindEmbed {
		return alike(p, q)
	}
	i := 0
	for i < len(p.text) && i < len(q.text) && p.text[i] == q.text[i] {
		i++
	}
	for i > 0 && (i < len(p.text) && !utf8.RuneStart(p.text[i]) || i < len(q.text) && !utf8.RuneStart(q.text[i])) {
		i--
	}
	return unitsOf(p.text[:i])
}

// commonTail returns how many units p and q insert alike at their end.
func commonTail(p, q Op) int {
	if p.kind != q.kind || !p.kind.inserts() || !p.attrs.Equal(q.attrs) {
		return 0
	}
	if p.kind == KindEmbed {
		return alike(p, q)
	}
	i, j := len(p.text), len(q.text)
	for i > 0 && j > 0 && p.text[i-1] == q.text[j-1] {
		i--
		j--
	}
	return unitsOf(p.text[i:]) // bytes of a code point that is not alike as a whole count for nothing
}

// alike returns 1 if two embeds are the same, else 0.
func alike(p, q Op) int {
	if p.embed.Equal(q.embed) {
		return 1
	}
	return 0
}

// withoutShifts retains the stretches of d that change the document back and
// forth: those between two places that stay where they were, whose content is
// the same before and after.
func withoutShifts(base, d Delta) Delta {
	var out writer
	b := read(base)
	for len(d) > 0 {
		n, units, moves := shifted(d)
		stretch := d[:n]
		d = d[n:]
		if !moves {
			b.skip(units)
		} else if old := b.collect(nil, units); same(Compose(old, stretch), old) {
			stretch = Delta{{kind: KindRetain, n: units}}
		}
		for _, op := range stretch {
			out.push(op)
		}
	}
	return out.delta()
}

// shifted returns the ops from the start of d up to the first that finds the
// document in its place again, and the units of the document they span; at least
// one op. It reports whether they move something, yet not what lies behind them.
func shifted(d Delta) (n, units int, moves bool) {
	shift, retained := 0, false
	for n < len(d) {
		op := &d[n]
		if op.kind == KindRetain && shift == 0 && n > 0 {
			break
		}
		switch {
		case op.kind.inserts():
			shift += op.n
		case op.kind == KindDelete:
			shift -= op.n
			units += op.n
		default:
			retained = retained || shift != 0
			units += op.n
		}
		n++
	}
	return n, units, retained && shift == 0
}

// same reports whether two deltas hold the same, in whatever ops.
func same(a, b Delta) bool {
	x, y := read(a), read(b)
	for x.more() && y.more() {
		n := min(x.len(), y.len())
		if !x.take(n).Equal(y.take(n)) {
			return false
		}
	}
	return !x.more() && !y.more()
}
