package richtext

import "math"

// endless is the length of the retain that follows every delta.
const endless = math.MaxInt

// reader takes a delta apart from the left, op by op or in pieces.
type reader struct {
	ops  Delta  // from the current op on
	n    int    // units left of the current op; 0 at the end
	text string // text left of it
}

// read returns a reader at the start of d. Ops of no length are passed over.
func read(d Delta) reader {
	r := reader{ops: d}
	r.enter()
	return r
}

func (r *reader) enter() {
	for len(r.ops) > 0 {
		if op := &r.ops[0]; op.n > 0 {
			r.n, r.text = op.n, op.text
			return
		}
		r.ops = r.ops[1:]
	}
	r.n, r.text = 0, ""
}

// more reports whether anything but the endless retain is left.
func (r *reader) more() bool { return r.n > 0 }

// kind returns the kind of what comes next.
func (r *reader) kind() Kind {
	if r.n == 0 {
		return KindRetain
	}
	return r.ops[0].kind
}

// len returns the length of what is left of the current op.
func (r *reader) len() int {
	if r.n == 0 {
		return endless
	}
	return r.n
}

// attrs returns the attributes of the current op.
func (r *reader) attrs() Attributes {
	if r.n == 0 {
		return Attributes{}
	}
	return r.ops[0].attrs
}

// op returns what is left of the current op, the zero Op at the end.
func (r *reader) op() Op {
	if r.n == 0 {
		return Op{}
	}
	op := r.ops[0]
	op.n, op.text = r.n, r.text
	return op
}

// next takes what is left of the current op.
func (r *reader) next() Op {
	op := r.op()
	r.drop(r.n)
	return op
}

// take takes n units, which must not be more than len.
func (r *reader) take(n int) Op {
	switch {
	case r.n == 0:
		return Op{kind: KindRetain, n: n}
	case n >= r.n:
		return r.next()
	}
	op := r.ops[0]
	op.n = n
	if op.kind == KindInsert {
		op.text, r.text = cutText(r.text, r.n, n)
	}
	r.n -= n
	return op
}

// drop passes over n units, which must not be more than len.
func (r *reader) drop(n int) {
	switch {
	case r.n == 0:
	case n >= r.n:
		r.ops = r.ops[1:]
		r.enter()
	default:
		if r.text != "" {
			_, r.text = cutText(r.text, r.n, n)
		}
		r.n -= n
	}
}

// skip passes over n units, or to the end if there are fewer.
func (r *reader) skip(n int) {
	for n > 0 && r.more() {
		piece := min(n, r.n)
		r.drop(piece)
		n -= piece
	}
}

// skipTo moves a reader whose op starts at *at to the op that holds pos, and
// *at to its start.
func (r *reader) skipTo(at *int, pos int) {
	for r.more() && *at+r.n <= pos {
		*at += r.n
		r.drop(r.n)
	}
}

// collect appends the next n units to ops, as a retain where there are none.
func (r *reader) collect(ops Delta, n int) Delta {
	for n > 0 {
		op := r.take(min(n, r.len()))
		ops = append(ops, op)
		n -= op.n
	}
	return ops
}

// all returns everything that is left.
func (r *reader) all() Delta {
	if !r.more() {
		return nil
	}
	return append(Delta{r.op()}, r.ops[1:]...)
}
