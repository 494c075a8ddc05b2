package richtext

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Delta is a list of ops: a document if all of them insert, otherwise a change
// to a document. Ops apply from left to right; what lies behind the last one is
// kept. The nil Delta changes nothing.
//
// The builder methods append in normal form: neighbours of equal kind and
// attributes merge, and inserts come before deletes at the same place. Like
// append they may reuse the receiver's memory, so write d = d.Insert(...) and do
// not go on using the old value.
type Delta []Op

// Insert appends an insertion of text. Keys whose value in a is null are
// dropped, invalid UTF-8 in text is replaced by U+FFFD, and the empty text
// appends nothing.
func (d Delta) Insert(text string, a Attributes) Delta {
	if text == "" {
		return d
	}
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	return d.push(Op{kind: KindInsert, n: unitsOf(text), text: text, attrs: a.withoutNulls()})
}

// InsertEmbed appends an insertion of e. Keys whose value in a is null are
// dropped; the zero Embed appends nothing.
func (d Delta) InsertEmbed(e Embed, a Attributes) Delta {
	if e.IsZero() {
		return d
	}
	return d.push(Op{kind: KindEmbed, n: 1, embed: e, attrs: a.withoutNulls()})
}

// Retain appends a retain of n units that changes the attributes in a, where
// null removes a key. It appends nothing if n is not positive.
func (d Delta) Retain(n int, a Attributes) Delta {
	if n <= 0 {
		return d
	}
	return d.push(Op{kind: KindRetain, n: n, attrs: a})
}

// Delete appends a deletion of n units. It appends nothing if n is not positive.
func (d Delta) Delete(n int) Delta {
	if n <= 0 {
		return d
	}
	return d.push(Op{kind: KindDelete, n: n})
}

// push appends op in normal form.
func (d Delta) push(op Op) Delta {
	w := writer{ops: d}
	w.push(op)
	return w.delta()
}

// Chop drops one trailing retain that changes no attributes.
func (d Delta) Chop() Delta {
	if n := len(d); n > 0 && d[n-1].plainRetain() {
		return d[:n-1]
	}
	return d
}

// Len returns the sum of the lengths of all ops, which for a document is its
// length.
func (d Delta) Len() int {
	n := 0
	for i := range d {
		n += d[i].n
	}
	return n
}

// Change returns by how many units the delta makes a document longer; negative
// if shorter.
func (d Delta) Change() int {
	n := 0
	for i := range d {
		switch d[i].kind {
		case KindInsert, KindEmbed:
			n += d[i].n
		case KindDelete:
			n -= d[i].n
		}
	}
	return n
}

// BaseLen returns how much of the document the delta speaks about: the units it
// retains and deletes. A document must be at least that long.
func (d Delta) BaseLen() int {
	n := 0
	for i := range d {
		if !d[i].kind.inserts() {
			n += d[i].n
		}
	}
	return n
}

// EmbedRune stands for an embed in plain text: U+FFFC, the object replacement
// character, which like the embed is one UTF-16 unit long.
const EmbedRune = '\uFFFC'

// Text returns the plain text that the delta inserts, with [EmbedRune] for every
// embed. For a document that is its whole text, of the same length in units.
func (d Delta) Text() string {
	if len(d) == 1 && d[0].kind == KindInsert {
		return d[0].text
	}
	var b strings.Builder
	for i := range d {
		switch d[i].kind {
		case KindInsert:
			b.WriteString(d[i].text)
		case KindEmbed:
			b.WriteRune(EmbedRune)
		}
	}
	return b.String()
}

// Equal reports whether two deltas have the same ops. Deltas that do the same
// in different ops are not equal; see [Effective].
func (d Delta) Equal(e Delta) bool {
	return slices.EqualFunc(d, e, Op.Equal)
}

// String returns the delta as JSON.
func (d Delta) String() string { return string(d.AppendJSON(nil)) }
