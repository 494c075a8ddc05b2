package richtext

// Invert returns the delta that undoes d, where base is the document d was made
// for: composing base with d and then with the result gives base.
func Invert(d, base Delta) Delta {
	out := writer{ops: make(Delta, 0, len(d))}
	b := read(base)
	for i := range d {
		switch op := d[i]; {
		case op.kind.inserts():
			out.delete(op.n)
		case op.plainRetain():
			out.retain(op.n, Attributes{})
			b.skip(op.n)
		default:
			for left := op.n; left > 0 && b.more(); {
				old := b.take(min(left, b.len()))
				left -= old.n
				if op.kind == KindDelete {
					out.push(old)
				} else {
					out.retain(old.n, op.attrs.Invert(old.attrs))
				}
			}
		}
	}
	return out.delta().Chop()
}

// Slice returns the ops of d between the units start and end, counted over the
// lengths of all ops. Bounds outside d are moved to its ends.
func Slice(d Delta, start, end int) Delta {
	r := read(d)
	r.skip(start)
	var out Delta
	for left := end - max(start, 0); left > 0 && r.more(); {
		op := r.take(min(left, r.len()))
		left -= op.n
		out = append(out, op)
	}
	return out
}
