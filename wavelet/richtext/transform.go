package richtext

// Transform returns b as it applies after a, when both were made for the same
// document. If both insert at the same place, a's text comes first if priority
// is set; if both set the same attribute, a's value stays if priority is set.
//
// History has priority over what arrives late: given a committed delta s and a
// late one c, Transform(s, c, true) is c as it applies now, and
// Transform(c, s, false) is s as it applies at the client that already has c.
// A delta that missed several others is transformed against them one by one;
// composing those first does not give the same result.
func Transform(a, b Delta, priority bool) Delta {
	x, y := read(a), read(b)
	out := make(Delta, 0, len(b)+1)
	// Behind the end of b only plain retains could follow, and Chop drops those.
	for y.more() {
		switch {
		case x.kind().inserts() && (priority || !y.kind().inserts()):
			out = out.push(Op{kind: KindRetain, n: x.next().n})
		case y.kind().inserts():
			out = out.push(y.next())
		default:
			n := min(x.len(), y.len())
			p, q := x.take(n), y.take(n)
			if p.kind == KindDelete {
				continue
			}
			if q.kind == KindRetain {
				q.attrs = p.attrs.Transform(q.attrs, priority)
			}
			out = out.push(q)
		}
	}
	return out.Chop()
}

// TransformPosition returns where the position index of a document lies after
// d. Text inserted exactly at the position pushes it on unless priority is set:
// an author's own cursor moves with what the author types (false), everybody
// else's stays before it (true).
func TransformPosition(d Delta, index int, priority bool) int {
	offset := 0
	for r := read(d); r.more() && offset <= index; {
		switch op := r.next(); {
		case op.kind == KindDelete:
			index -= min(op.n, index-offset)
		case op.kind == KindRetain:
			offset += op.n
		default:
			if offset < index || !priority {
				index += op.n
			}
			offset += op.n
		}
	}
	return index
}
