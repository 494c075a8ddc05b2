package richtext

import "slices"

// writer builds a delta in normal form. Texts that merge are collected and
// joined at the end, so that a delta of very many small inserts, which a client
// may send, costs no more than its length.
type writer struct {
	ops  Delta
	text []byte // the text of ops[at], once others have merged with it; else nil
	at   int
}

// push appends op in normal form. It reports whether op became the last op as it
// is, neither merged nor moved before a delete.
func (w *writer) push(op Op) (asIs bool) {
	end := len(w.ops)
	if end == 0 {
		w.ops = append(w.ops, op)
		return true
	}
	if last := &w.ops[end-1]; last.kind == KindDelete {
		if op.kind == KindDelete {
			last.n += op.n
			return false
		}
		if op.kind.inserts() {
			end--
		}
	}
	if end > 0 && w.merge(end-1, &op) {
		return false
	}
	w.flush()
	if end == len(w.ops) {
		w.ops = append(w.ops, op)
		return true
	}
	w.ops = slices.Insert(w.ops, end, op)
	return false
}

// merge extends ops[i] by op if both are text or both retains, with equal
// attributes.
func (w *writer) merge(i int, op *Op) bool {
	last := &w.ops[i]
	if last.kind != op.kind || last.kind == KindEmbed || !last.attrs.Equal(op.attrs) {
		return false
	}
	if last.kind == KindInsert {
		if w.text == nil {
			w.at = i
			w.text = append(make([]byte, 0, len(last.text)+len(op.text)), last.text...)
		}
		w.text = appendText(w.text, op.text)
	}
	last.n += op.n
	return true
}

// flush joins the texts that have merged.
func (w *writer) flush() {
	if w.text != nil {
		w.ops[w.at].text = string(w.text)
		w.text = nil
	}
}

func (w *writer) retain(n int, a Attributes) {
	if n > 0 {
		w.push(Op{kind: KindRetain, n: n, attrs: a})
	}
}

func (w *writer) delete(n int) {
	if n > 0 {
		w.push(Op{kind: KindDelete, n: n})
	}
}

// delta returns what has been written.
func (w *writer) delta() Delta {
	w.flush()
	return w.ops
}
