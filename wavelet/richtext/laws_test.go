package richtext_test

import (
	"testing"

	"weir/wavelet/richtext"
)

func FuzzComposeIsAssociative(f *testing.F) {
	law(f, func(t *testing.T, s *source) {
		doc := s.document()
		a := s.change(doc)
		afterA := richtext.Compose(doc, a)
		b := s.change(afterA)
		c := s.change(richtext.Compose(afterA, b))
		ab, bc := richtext.Compose(a, b), richtext.Compose(b, c)
		wantDelta(t, "document, a·b", richtext.Compose(doc, ab), richtext.Compose(afterA, b))
		wantDelta(t, "document, (a·b)·c and a·(b·c)",
			richtext.Compose(doc, richtext.Compose(ab, c)), richtext.Compose(doc, richtext.Compose(a, bc)))
	})
}

func FuzzTransformConverges(f *testing.F) {
	law(f, func(t *testing.T, s *source) {
		doc := s.document()
		a, b := s.change(doc), s.change(doc)
		wantDelta(t, "a then b, and b then a",
			richtext.Compose(richtext.Compose(doc, a), richtext.Transform(a, b, true)),
			richtext.Compose(richtext.Compose(doc, b), richtext.Transform(b, a, false)))
	})
}

func FuzzInvertUndoes(f *testing.F) {
	law(f, func(t *testing.T, s *source) {
		doc := s.document()
		d := s.change(doc)
		undo := richtext.Invert(d, doc)
		wantDelta(t, "there and back", richtext.Compose(richtext.Compose(doc, d), undo), doc)
	})
}

func FuzzLengths(f *testing.F) {
	law(f, func(t *testing.T, s *source) {
		doc := s.document()
		d := s.change(doc)
		after := richtext.Compose(doc, d)
		if got, want := after.Len(), doc.Len()+d.Change(); got != want {
			t.Errorf("length %d after %v, want %d", got, d, want)
		}
		if err := richtext.Check(doc, d); err != nil {
			t.Errorf("Check refuses %v: %v", d, err)
		}
		if err := richtext.CheckDocument(after); err != nil {
			t.Errorf("%v is no document after %v: %v", after, d, err)
		}
		if d.BaseLen() > doc.Len() {
			t.Errorf("%v is for %d units, the document has %d", d, d.BaseLen(), doc.Len())
		}
	})
}

func FuzzDecodeReadsWhatIsEncoded(f *testing.F) {
	law(f, func(t *testing.T, s *source) {
		d := s.change(s.document())
		raw, err := d.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		got, err := richtext.Decode(raw)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		wantDelta(t, "decoded", got, d)
	})
}

func FuzzEffective(f *testing.F) {
	law(f, func(t *testing.T, s *source) {
		doc := s.document()
		d := s.change(doc)
		after := richtext.Compose(doc, d)
		if s.choose(3) == 0 { // something that is half undone
			undo := s.change(after)
			d = richtext.Compose(d, undo)
			after = richtext.Compose(after, undo)
		}
		wantEffective(t, doc, d, after)
		wantEffective(t, doc, richtext.Compose(d, richtext.Invert(d, doc)), doc)
		wantEffective(t, doc, richtext.Compose(d, richtext.Diff(after, doc)), doc)
	})
}

// wantEffective checks the laws of Effective for d, which turns doc into after.
func wantEffective(t *testing.T, doc, d, after richtext.Delta) {
	t.Helper()
	got := richtext.Effective(doc, d)
	if err := richtext.Check(doc, got); err != nil {
		t.Errorf("what is effective of %v is refused: %v", d, err)
	}
	wantDelta(t, "document after what is effective", richtext.Compose(doc, got), after)
	if unchanged := doc.Equal(after); unchanged != (len(got) == 0) {
		t.Errorf("document unchanged: %v, effective of %v: %v", unchanged, d, got)
	}
	wantDelta(t, "effective of what is effective", richtext.Effective(doc, got), got)
}

func FuzzDiff(f *testing.F) {
	law(f, func(t *testing.T, s *source) {
		a := s.document()
		b := s.document()
		if s.choose(2) == 0 {
			b = richtext.Compose(a, s.change(a))
		}
		d := richtext.Diff(a, b)
		wantDelta(t, "a with the difference", richtext.Compose(a, d), b)
		if a.Equal(b) && len(d) > 0 {
			t.Errorf("the difference of equal documents is %v", d)
		}
		pos := 0
		c := cells(a)
		for _, op := range d {
			if op.Kind() == richtext.KindRetain || op.Kind() == richtext.KindDelete {
				pos += op.Len()
			}
			if pos < len(c) && c[pos].unit >= 0xDC00 && c[pos].unit < 0xE000 {
				t.Errorf("%v cuts a pair at unit %d", d, pos)
			}
		}
	})
}

func FuzzTransformPosition(f *testing.F) {
	law(f, func(t *testing.T, s *source) {
		doc := s.document()
		d := s.change(doc)
		at := s.choose(doc.Len() + 1)
		// A marker in the text goes where the cursor goes.
		marker := richtext.Delta{}.Retain(at, richtext.Attributes{}).InsertEmbed(mark, richtext.Attributes{})
		for _, priority := range []bool{true, false} {
			want := 0
			for _, c := range cells(richtext.Compose(richtext.Compose(doc, d), richtext.Transform(d, marker, !priority))) {
				if c.embed == mark.Value() {
					break
				}
				want++
			}
			if got := richtext.TransformPosition(d, at, priority); got != want {
				t.Errorf("position %d after %v with priority %v: %d, want %d", at, d, priority, got, want)
			}
		}
	})
}

// FuzzOriginalPosition goes back and forth: the author's cursor is where it was,
// or at the end of the text it was in.
func FuzzOriginalPosition(f *testing.F) {
	law(f, func(t *testing.T, s *source) {
		doc := s.document()
		d := s.change(doc)
		at := s.choose(richtext.Compose(doc, d).Len() + 1)
		end, after := at, 0
		for _, op := range d {
			if op.Kind() == richtext.KindDelete {
				continue
			}
			if op.Kind() != richtext.KindRetain && after <= at && at <= after+op.Len() {
				end = after + op.Len()
				at = end
			}
			after += op.Len()
		}
		if got := richtext.TransformPosition(d, richtext.OriginalPosition(d, at), false); got != end {
			t.Errorf("position %d of what %v makes goes to %d, want %d", at, d, got, end)
		}
	})
}

var mark, _ = richtext.NewEmbed("mark", "here")
