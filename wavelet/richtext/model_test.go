package richtext_test

import (
	"slices"
	"testing"

	"weir/wavelet/richtext"
)

// cell is one UTF-16 unit of a document in the simplest model there is: an array
// of units, each with its own attributes.
type cell struct {
	unit  uint16
	embed string
	attrs richtext.Attributes
}

// cells takes the inserts of a delta apart. Halves of pairs are written in three
// bytes.
func cells(d richtext.Delta) []cell {
	var list []cell
	for _, op := range d {
		c := cell{attrs: op.Attributes()}
		switch op.Kind() {
		case richtext.KindEmbed:
			c.embed = op.Embed().Value()
			list = append(list, c)
		case richtext.KindInsert:
			for _, u := range units(op.Text()) {
				c.unit = u
				list = append(list, c)
			}
		}
	}
	return list
}

// units decodes UTF-8 bit by bit, with halves of pairs as if they were allowed.
func units(s string) []uint16 {
	var list []uint16
	for i := 0; i < len(s); {
		size, r := 1, rune(s[i])
		switch {
		case s[i] >= 0xF0:
			size, r = 4, r&0x07
		case s[i] >= 0xE0:
			size, r = 3, r&0x0F
		case s[i] >= 0xC0:
			size, r = 2, r&0x1F
		}
		for _, b := range []byte(s[i+1 : i+size]) {
			r = r<<6 | rune(b&0x3F)
		}
		if r >= 0x10000 {
			r -= 0x10000
			list = append(list, uint16(0xD800+r>>10), uint16(0xDC00+r&0x3FF))
		} else {
			list = append(list, uint16(r))
		}
		i += size
	}
	return list
}

// applied is what the model makes of a delta.
func applied(doc []cell, d richtext.Delta) []cell {
	var out []cell
	for _, op := range d {
		switch n := min(op.Len(), len(doc)); op.Kind() {
		case richtext.KindRetain:
			for _, c := range doc[:n] {
				c.attrs = c.attrs.Compose(op.Attributes(), false)
				out = append(out, c)
			}
			doc = doc[n:]
		case richtext.KindDelete:
			doc = doc[n:]
		default:
			out = append(out, cells(richtext.Delta{op})...)
		}
	}
	return append(out, doc...)
}

func sameCells(a, b []cell) bool {
	return slices.EqualFunc(a, b, func(x, y cell) bool {
		return x.unit == y.unit && x.embed == y.embed && x.attrs.Equal(y.attrs)
	})
}

// FuzzComposeAgainstModel lets deltas cut wherever they like, within the
// document, and compares with the model: no length and no half of a pair is lost.
func FuzzComposeAgainstModel(f *testing.F) {
	law(f, func(t *testing.T, s *source) {
		doc := s.document()
		for range 4 {
			d := s.wild()
			if d.BaseLen() > doc.Len() {
				continue
			}
			after := richtext.Compose(doc, d)
			if want := applied(cells(doc), d); !sameCells(cells(after), want) {
				t.Fatalf("%v with %v is %v", doc, d, after)
			}
			back := richtext.Compose(after, richtext.Invert(d, doc))
			if !sameCells(cells(back), cells(doc)) {
				t.Fatalf("%v with %v, undone, is %v", doc, d, back)
			}
			if got := richtext.Compose(doc, richtext.Effective(doc, d)); !sameCells(cells(got), cells(after)) {
				t.Fatalf("%v with what is effective of %v is %v, not %v", doc, d, got, after)
			}
			from := s.choose(doc.Len() + 1)
			to := from + s.choose(doc.Len()-from+1)
			if got := richtext.Slice(doc, from, to); !sameCells(cells(got), cells(doc)[from:to]) {
				t.Fatalf("units %d to %d of %v are %v", from, to, doc, got)
			}
			doc = after
		}
	})
}

// FuzzWild feeds deltas that fit nothing to every function: none may panic, and
// none may lose count.
func FuzzWild(f *testing.F) {
	law(f, func(t *testing.T, s *source) {
		doc, a, b := s.document(), s.wild(), s.wild()
		ab := richtext.Compose(a, b)
		if got := richtext.Compose(ab, nil); got.Change() != ab.Change() {
			t.Errorf("composing nothing changes %v to %v", ab, got)
		}
		for _, base := range []richtext.Delta{doc, a, nil} {
			richtext.Effective(base, b)
			richtext.Invert(b, base)
			richtext.Diff(base, b)
			richtext.Slice(base, s.choose(9)-3, s.choose(30)-3)
			richtext.TransformPosition(b, s.choose(30), true)
		}
		for _, priority := range []bool{true, false} {
			if got := richtext.Transform(a, b, priority); inserted(got) != inserted(b) {
				t.Errorf("%v after %v is %v: inserts are lost", b, a, got)
			}
		}
	})
}

func inserted(d richtext.Delta) int {
	n := 0
	for _, op := range d {
		if op.Kind() == richtext.KindInsert || op.Kind() == richtext.KindEmbed {
			n += op.Len()
		}
	}
	return n
}
