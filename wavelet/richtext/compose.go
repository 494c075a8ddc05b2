package richtext

// Compose returns the delta that does what a and then b do. If a is a document,
// so is the result: the document after b.
func Compose(a, b Delta) Delta {
	x, y := read(a), read(b)
	out := writer{ops: copyStart(make(Delta, 0, len(a)+len(b)), &x, &y)}
	for x.more() || y.more() {
		switch {
		case y.kind().inserts():
			out.push(y.next())
		case x.kind() == KindDelete:
			out.push(x.next())
		default:
			n := min(x.len(), y.len())
			if y.kind() == KindDelete {
				if x.kind() == KindRetain {
					out.delete(n)
				}
				x.drop(n)
				y.drop(n)
				continue
			}
			p := x.take(n)
			p.attrs = p.attrs.Compose(y.attrs(), p.kind == KindRetain)
			y.drop(n)
			asIs := out.push(p)
			// The rest of a may be taken over unseen, but only if the last op is
			// really p: an insert that moved before a delete, or merged, leaves
			// what follows to be brought into normal form op by op.
			if asIs && !y.more() {
				return concat(&out, &x).Chop()
			}
		}
	}
	return out.delta().Chop()
}

// copyStart copies the inserts of x that lie wholly within a plain retain at the
// start of y, and moves both behind them.
func copyStart(out Delta, x, y *reader) Delta {
	if !y.more() || !y.ops[0].plainRetain() {
		return out
	}
	kept := 0
	for x.kind().inserts() && x.len() <= y.len()-kept {
		kept += x.len()
		out = append(out, x.next())
	}
	if kept > 0 {
		y.drop(kept)
	}
	return out
}

// concat appends what is left of x, of which only the first op can merge.
func concat(out *writer, x *reader) Delta {
	if x.more() {
		out.push(x.next())
	}
	return append(out.delta(), x.all()...)
}
