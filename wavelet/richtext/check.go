package richtext

import (
	"strings"
	"unicode/utf8"
)

// Check reports whether d may be applied to the document doc: whether it stays
// within the document, cuts it only between code points, leaves the final
// newline alone, and does not make it longer than [MaxDocument]. A document that
// does not end in a newline has none to protect. Check also refuses a doc that is
// not a document. All errors are of type [*Error].
//
// Decode has already checked what can be checked without the document.
func Check(doc, d Delta) error {
	c := checker{length: doc.Len()}
	if n := len(doc); n > 0 && doc[n-1].kind == KindInsert {
		c.terminated = strings.HasSuffix(doc[n-1].text, "\n")
	}
	for i := range doc {
		if !doc[i].kind.inserts() {
			return refuse(ErrNotDocument, i, "", "the document holds a %s", doc[i].kind)
		}
	}
	r := read(doc)
	at := 0
	c.splits = func(pos int) bool {
		r.skipTo(&at, pos)
		_, left := offsetOf(r.text, pos-at)
		return left < 0
	}
	return c.check(d)
}

// checker holds a delta against a document of which it knows three things.
type checker struct {
	length     int                // in units
	terminated bool               // whether it ends in a newline
	splits     func(pos int) bool // whether pos lies inside a surrogate pair; called with rising pos, at most length
}

// check walks the borders between the ops of d.
func (c *checker) check(d Delta) error {
	pos, change := 0, 0
	for i := range d {
		op := &d[i]
		switch op.kind {
		case KindInsert, KindEmbed:
			if c.terminated && pos == c.length {
				return refuse(ErrFinalNewline, i, "insert", "nothing may follow the final newline; insert before it")
			}
			if len(op.text) != op.n && !utf8.ValidString(op.text) {
				return refuse(ErrIllFormed, i, "insert", "half of a surrogate pair stands alone")
			}
			change += op.n
			continue
		case KindDelete:
			change -= op.n
		}
		if op.n > c.length-pos {
			return refuse(ErrPastEnd, i, op.kind.String(), "%s %d from unit %d reaches past the end of the document, which has %d units",
				op.kind, op.n, pos, c.length)
		}
		pos += op.n
		if c.terminated && op.kind == KindDelete && pos == c.length {
			return refuse(ErrFinalNewline, i, "delete", "the final newline cannot be deleted; end the delete one unit before it")
		}
		if c.splits != nil && c.splits(pos) {
			return refuse(ErrSplitPair, i, op.kind.String(), "the %s ends at unit %d, inside a surrogate pair; move the border by one unit", op.kind, pos)
		}
	}
	if c.length+change > MaxDocument {
		return refuse(ErrTooLarge, -1, "", "the document would have %d units; at most %d are possible", c.length+change, MaxDocument)
	}
	return nil
}
