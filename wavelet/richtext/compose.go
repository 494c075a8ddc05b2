package richtext

// Compose returns the delta that does what a and then b do. If a is a document,
// so is the result: the document after b.
func Compose(a, b Delta) Delta {
	x, y := read(a), read(b)
	out := make(Delta, 0, len(a)+len(b))
	out = copyStart(out, &x, &y)
	for x.more() || y.more() {
		switch {
		case y.kind().inserts():
			out = out.push(y.next())
		case x.kind() == KindDelete:
			out = out.push(x.next())
		default:
			n := min(x.len(), y.len())
			p, q := x.take(n), y.take(n)
			if q.kind == KindDelete {
				if p.kind == KindRetain {
					out = out.push(q)
				}
				continue
			}
			p.attrs = p.attrs.Compose(q.attrs, p.kind == KindRetain)
			var asIs bool
			out, asIs = out.pushed(p)
			// The rest of a may be taken over unseen, but only if the last op is
			// really p: an insert that moved before a delete, or merged, leaves
			// what follows to be brought into normal form op by op.
			if asIs && !y.more() {
				return concat(out, &x).Chop()
			}
		}
	}
	return out.Chop()
}

// copyStart copies the inserts of x that lie wholly within a plain retain at the
// start of y, and moves both behind them.
func copyStart(out Delta, x, y *reader) Delta {
	if !y.more() || !y.cur.plainRetain() {
		return out
	}
	kept := 0
	for x.kind().inserts() && x.len() <= y.len()-kept {
		kept += x.len()
		out = append(out, x.next())
	}
	if kept > 0 {
		y.take(kept)
	}
	return out
}

// concat appends what is left of x, of which only the first op can merge.
func concat(out Delta, x *reader) Delta {
	if !x.more() {
		return out
	}
	out = out.push(x.next())
	if x.more() {
		out = append(append(out, x.cur), x.rest...)
	}
	return out
}
