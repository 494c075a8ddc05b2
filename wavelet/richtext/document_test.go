package richtext_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/wavelet/richtext"
)

var plain = richtext.Attributes{}

// newDoc returns a Doc with the content of d.
func newDoc(t testing.TB, d richtext.Delta) *richtext.Doc {
	t.Helper()
	doc, err := richtext.NewDoc(d)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// snapshot is a clone of a document and the content it must keep.
type snapshot struct {
	doc  *richtext.Doc
	want richtext.Delta
}

// FuzzDoc edits a document and its clones by turns and compares each with what
// Compose makes of the same deltas. Some deltas must be refused.
func FuzzDoc(f *testing.F) {
	law(f, func(t *testing.T, s *source) {
		content := s.document()
		if s.choose(2) == 0 {
			content = richtext.Compose(content, richtext.Delta{}.Insert(strings.Repeat("a long text, ", 300), plain))
		}
		all := []snapshot{{newDoc(t, content), content}}
		for len(s.data) > 0 && len(all) < 30 {
			i := s.choose(len(all))
			if s.choose(4) == 0 {
				all = append(all, snapshot{all[i].doc.Clone(), all[i].want})
			}
			all[i].want = edited(t, s, all[i])
		}
		for _, x := range all {
			wantContent(t, s, x)
		}
	})
}

// edited applies a delta to a document and returns what it must hold then.
func edited(t *testing.T, s *source, x snapshot) richtext.Delta {
	t.Helper()
	d := s.change(x.want)
	if s.choose(4) == 0 {
		d = s.wild()
	}
	refused := richtext.Check(x.want, d)
	if diff := cmp.Diff(refused, x.doc.Check(d), cmp.Comparer(sameError)); diff != "" {
		t.Fatalf("Check of %v (-delta +doc):\n%s", d, diff)
	}
	wantDelta(t, "effective", x.doc.Effective(d), richtext.Effective(x.want, d))
	if err := x.doc.Apply(d); !sameError(err, refused) {
		t.Fatalf("Apply of %v: %v, but Check: %v", d, err, refused)
	}
	if refused != nil {
		wantDelta(t, "after a refused delta", x.doc.Delta(), x.want)
		return x.want
	}
	return richtext.Compose(x.want, d)
}

func sameError(a, b error) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Error() == b.Error()
}

func wantContent(t *testing.T, s *source, x snapshot) {
	t.Helper()
	wantDelta(t, "content", x.doc.Delta(), x.want)
	if got, want := x.doc.Len(), x.want.Len(); got != want {
		t.Errorf("length %d, want %d", got, want)
	}
	if got, want := x.doc.Text(), x.want.Text(); got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	for range 3 {
		from, to := s.choose(256)*9-5, s.choose(256)*9
		wantDelta(t, "slice", x.doc.Slice(from, to), richtext.Slice(x.want, from, to))
	}
}

// TestDocTyping types, erases and formats in one long document, at places that
// move slowly, so that leaves split and join many times over.
func TestDocTyping(t *testing.T) {
	s := randomSource(1, 25_000)
	want := richtext.Delta{}.Insert("\n", plain)
	doc := newDoc(t, want)
	at := 0
	for len(s.data) > 0 {
		at = max(0, min(at+s.choose(64)-32, doc.Len()-1))
		d := richtext.Delta{}.Retain(at, plain)
		left := doc.Len() - 1 - at
		switch n := s.choose(16); {
		case n < 8:
			text := []string{"x", "yé", "z "}[s.choose(3)]
			if s.choose(8) == 0 {
				text = strings.Repeat(text, 300)
			}
			d = d.Insert(text, plain)
			at += 300
		case n < 13:
			d = d.Delete(min(left, 1+s.choose(48)*s.choose(8)))
		default:
			d = d.Retain(min(left, s.choose(256)), s.attributes(true))
		}
		if err := doc.Apply(d); err != nil {
			t.Fatalf("%v: %v", d, err)
		}
		want = richtext.Compose(want, d)
	}
	wantDelta(t, "content", doc.Delta(), want)
}

// TestDocGuardsPairsThatWereTyped types an emoji into a document that had none
// and then tries to get between its halves, by typing and by formatting.
func TestDocGuardsPairsThatWereTyped(t *testing.T) {
	doc := newDoc(t, richtext.Delta{}.Insert("é and more\n", plain))
	if err := doc.Apply(richtext.Delta{}.Retain(1, plain).Insert("😀", plain)); err != nil {
		t.Fatal(err)
	}
	want := doc.Delta()
	for _, c := range []struct {
		d  richtext.Delta
		op int
	}{
		{richtext.Delta{}.Retain(2, plain).Insert("x", plain), 0},
		{richtext.Delta{}.Retain(1, plain).Delete(1), 1},
		{richtext.Delta{}.Retain(2, richtext.Attr("bold", true)), 0},
	} {
		wantRefusal(t, doc.Apply(c.d), richtext.ErrSplitPair, c.op)
	}
	wantDelta(t, "content", doc.Delta(), want)
}

// TestDocCloneIsReadWhileTheOriginalIsEdited is for the race detector.
func TestDocCloneIsReadWhileTheOriginalIsEdited(t *testing.T) {
	s := randomSource(2, 3000)
	doc := newDoc(t, richtext.Delta{}.Insert(strings.Repeat("some text 😀 ", 500)+"\n", plain))
	var readers sync.WaitGroup
	for range 20 {
		content := doc.Delta()
		clone := doc.Clone()
		for range 2 {
			readers.Go(func() {
				wantDelta(t, "clone", clone.Delta(), content)
				wantDelta(t, "part of a clone", clone.Slice(100, 2000), richtext.Slice(content, 100, 2000))
				clone.Check(richtext.Delta{}.Retain(1000, plain).Delete(50))
			})
		}
		for range 5 {
			if err := doc.Apply(s.change(doc.Delta())); err != nil {
				t.Error(err)
			}
		}
		wantDelta(t, "clone of a clone", clone.Clone().Delta(), content)
		readers.Wait()
		if err := clone.Apply(richtext.Delta{}.Insert("a clone is edited", plain)); err != nil {
			t.Error(err)
		}
		wantDelta(t, "clone", richtext.Slice(clone.Delta(), 17, clone.Len()), content)
	}
}

// TestDocClonesAreEditedAtOnce is for the race detector, too.
func TestDocClonesAreEditedAtOnce(t *testing.T) {
	content := richtext.Delta{}.Insert(strings.Repeat("some text 😀 ", 300)+"\n", richtext.Attr("bold", true))
	doc := newDoc(t, content)
	var writers sync.WaitGroup
	for seed := range uint64(4) {
		clone := doc.Clone()
		writers.Go(func() {
			s := randomSource(seed, 1500)
			want := content
			for len(s.data) > 0 {
				d := s.change(want)
				if err := clone.Apply(d); err != nil {
					t.Error(err)
				}
				want = richtext.Compose(want, d)
			}
			wantDelta(t, "clone", clone.Delta(), want)
		})
	}
	writers.Wait()
	wantDelta(t, "original", doc.Delta(), content)
}

func TestDocZeroValueIsEmpty(t *testing.T) {
	var doc richtext.Doc
	if doc.Len() != 0 || doc.Text() != "" || len(doc.Delta()) != 0 {
		t.Errorf("the zero Doc holds %v", doc.Delta())
	}
	if err := doc.Apply(richtext.Delta{}.Insert("a\n", plain)); err != nil {
		t.Fatal(err)
	}
	if err := doc.Apply(richtext.Delta{}.Retain(1, plain).Insert("b", plain)); err != nil {
		t.Fatal(err)
	}
	if got := doc.Text(); got != "ab\n" {
		t.Errorf("text %q", got)
	}
}

func TestNewDocRefusesWhatIsNoDocument(t *testing.T) {
	half := richtext.Slice(richtext.Delta{}.Insert("😀", plain), 0, 1)
	for _, c := range []struct {
		name string
		d    richtext.Delta
		want error
		op   int
	}{
		{"retain", richtext.Delta{}.Insert("a\n", plain).Retain(1, plain), richtext.ErrNotDocument, 1},
		{"delete", richtext.Delta{}.Delete(1), richtext.ErrNotDocument, 0},
		{"half a pair", half, richtext.ErrIllFormed, 0},
		{"too long", richtext.Delta{}.Insert(strings.Repeat("a", richtext.MaxDocument+1), plain), richtext.ErrTooLarge, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc, err := richtext.NewDoc(c.d)
			wantRefusal(t, err, c.want, c.op)
			if doc != nil {
				t.Error("a document was returned all the same")
			}
		})
	}
	if _, err := richtext.NewDoc(richtext.Delta{}.Insert(strings.Repeat("a", richtext.MaxDocument), plain)); err != nil {
		t.Errorf("a document of the greatest length: %v", err)
	}
}

// wantRefusal checks that err is an Error of the given reason at the given op.
func wantRefusal(t *testing.T, err, reason error, op int) {
	t.Helper()
	var refusal *richtext.Error
	if !errors.Is(err, reason) || !errors.As(err, &refusal) {
		t.Fatalf("error %v, want %v", err, reason)
	}
	if refusal.Op != op || refusal.Code == "" || refusal.Reason == "" {
		t.Errorf("refusal %+v, want op %d, a code and a reason", refusal, op)
	}
}

func TestDocStaysBelowTheGreatestLength(t *testing.T) {
	doc := newDoc(t, richtext.Delta{}.Insert(strings.Repeat("a", richtext.MaxDocument-2)+"\n", plain))
	if err := doc.Apply(richtext.Delta{}.Insert("b", plain)); err != nil {
		t.Errorf("the last unit that fits: %v", err)
	}
	err := doc.Apply(richtext.Delta{}.Retain(5, plain).Insert("b", plain))
	wantRefusal(t, err, richtext.ErrTooLarge, -1)
	if doc.Len() != richtext.MaxDocument {
		t.Errorf("length %d after a refusal", doc.Len())
	}
	if err := doc.Apply(richtext.Delta{}.Insert("b", plain).Delete(1)); err != nil {
		t.Errorf("a replacement: %v", err)
	}
}
