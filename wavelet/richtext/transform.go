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
	out := writer{ops: make(Delta, 0, len(b)+1)}
	// Behind the end of b only plain retains could follow, and Chop drops those.
	for y.more() {
		switch {
		case x.kind().inserts() && (priority || !y.kind().inserts()):
			out.retain(x.n, Attributes{})
			x.drop(x.n)
		case y.kind().inserts():
			out.push(y.next())
		default:
			n := min(x.len(), y.len())
			switch {
			case x.kind() == KindDelete:
			case y.kind() == KindDelete:
				out.delete(n)
			default:
				out.retain(n, x.attrs().Transform(y.attrs(), priority))
			}
			x.drop(n)
			y.drop(n)
		}
	}
	return out.delta().Chop()
}

// TransformPosition returns where the position index of a document lies after
// d. Text inserted exactly at the position pushes it on unless priority is set:
// an author's own cursor moves with what the author types (false), everybody
// else's stays before it (true).
func TransformPosition(d Delta, index int, priority bool) int {
	offset := 0
	for i := 0; i < len(d) && offset <= index; i++ {
		switch op := &d[i]; {
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

// OriginalPosition undoes TransformPosition: it returns where a position of the
// document that d leads to lay before d. What d inserted lay where it was put,
// its end too.
func OriginalPosition(d Delta, index int) int {
	before, after := 0, 0
	for i := range d {
		switch op := &d[i]; {
		case op.kind == KindDelete:
			before += op.n
		case op.kind == KindRetain:
			if index < after+op.n {
				return before + index - after
			}
			before += op.n
			after += op.n
		default:
			if index <= after+op.n {
				return before
			}
			after += op.n
		}
	}
	return before + index - after
}
