package richtext

// Kind says what an [Op] does.
type Kind uint8

// The four kinds of op. The zero Kind belongs to the zero Op, which does nothing.
const (
	KindInsert Kind = iota + 1 // insert text
	KindEmbed                  // insert one embed
	KindRetain                 // keep, perhaps changing attributes
	KindDelete                 // delete
)

// String returns the kind's name, for error messages and logs.
func (k Kind) String() string {
	switch k {
	case KindInsert:
		return "insert"
	case KindEmbed:
		return "embed"
	case KindRetain:
		return "retain"
	case KindDelete:
		return "delete"
	}
	return "none"
}

// inserts reports whether ops of this kind add something to the document.
func (k Kind) inserts() bool { return k == KindInsert || k == KindEmbed }

// Op is one step of a [Delta]: an insert, an embed, a retain or a delete. Ops
// are immutable values; they are made by the builder methods of Delta and by
// [Decode].
type Op struct {
	kind  Kind
	n     int // length in UTF-16 units
	text  string
	attrs Attributes
	embed Embed
}

// Kind returns what the op does.
func (o Op) Kind() Kind { return o.kind }

// Len returns the op's length in UTF-16 units: of the text it inserts (one for
// an embed), or of the part of the document it retains or deletes.
func (o Op) Len() int { return o.n }

// Text returns the text of a [KindInsert] op and "" for every other kind.
func (o Op) Text() string { return o.text }

// Embed returns the embed of a [KindEmbed] op and the zero Embed for every other
// kind.
func (o Op) Embed() Embed { return o.embed }

// Attributes returns the attributes of an insert, or the attribute changes of a
// retain. They are empty for a delete.
func (o Op) Attributes() Attributes { return o.attrs }

// Equal reports whether two ops do the same.
func (o Op) Equal(p Op) bool {
	return o.kind == p.kind && o.n == p.n && o.text == p.text && o.embed.Equal(p.embed) && o.attrs.Equal(p.attrs)
}

// plainRetain reports whether the op keeps its part of the document as it is.
func (o *Op) plainRetain() bool { return o.kind == KindRetain && o.attrs.set == nil }

// cut splits the op after n units, 0 < n < o.n.
func (o Op) cut(n int) (head, tail Op) {
	head, tail = o, o
	head.n, tail.n = n, o.n-n
	if o.kind == KindInsert {
		head.text, tail.text = cutText(o.text, o.n, n)
	}
	return head, tail
}
