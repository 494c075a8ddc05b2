package richtext

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestLeavesStayInShape edits a document at random and checks what the engine
// relies on, and that leaves neither grow without bound nor crumble.
func TestLeavesStayInShape(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 0))
	doc, err := NewDoc(Delta{}.Insert(strings.Repeat("héllo wörld 😀 ", 2000)+"\n", Attributes{}))
	if err != nil {
		t.Fatal(err)
	}
	var kept []*Doc
	refused := 0
	for i := range 3000 {
		at := random.IntN(doc.Len())
		d := Delta{}.Retain(at, Attributes{})
		switch n := random.IntN(20); {
		case n < 8:
			d = d.Insert(strings.Repeat("añ😀", random.IntN(80)), Attributes{})
		case n < 17:
			d = d.Delete(1 + random.IntN(1+random.IntN(400)))
		case n < 18:
			d = d.Retain(1+random.IntN(60), Attr("n", random.IntN(5)))
		default:
			d = d.InsertEmbed(makeEmbed("image", "1"), Attributes{})
		}
		if doc.Apply(d) != nil {
			refused++
		}
		if i%10 == 0 {
			checkShape(t, doc)
		}
		if i%500 == 0 {
			kept = append(kept, doc.Clone())
		}
		if t.Failed() {
			t.Fatalf("after edit %d: %v", i, d)
		}
	}
	if refused > 1500 {
		t.Errorf("%d edits were refused: too few are left to mean something", refused)
	}
	for _, c := range kept {
		checkShape(t, c)
	}
	if err := doc.Apply(Delta{}.Delete(doc.Len() - 1)); err != nil {
		t.Fatal(err)
	}
	if checkShape(t, doc); len(doc.leaves) != 1 {
		t.Errorf("%d leaves for a newline", len(doc.leaves))
	}
}

// checkShape checks the invariants of a document.
func checkShape(t *testing.T, d *Doc) {
	t.Helper()
	start, crumb := 0, false
	for i, l := range d.leaves {
		units, bytes := 0, 0
		for _, r := range l.runs {
			units += r.units
			bytes += r.bytes
			if r.units <= 0 || !r.embed.IsZero() && r.units != 1 {
				t.Errorf("leaf %d has a run of %d units", i, r.units)
			}
		}
		text := l.text.all()
		if units != l.units || bytes != len(text) || bytes != l.text.len() || unitsOf(text) != units {
			t.Errorf("leaf %d: %d units and %d bytes in runs, %d units, %d bytes of text", i, units, bytes, l.units, len(text))
		}
		if l.units == 0 || len(text) > leafMax+4 || len(l.runs) > 2*runsTarget {
			t.Errorf("leaf %d has %d bytes and %d runs", i, len(text), len(l.runs))
		}
		before := crumb
		if crumb = small(len(text), len(l.runs)); crumb && before {
			t.Errorf("leaf %d is small, and so is the one before it", i)
		}
		if leaf, at := d.index.find(d.leaves, start); leaf != i || at != start {
			t.Errorf("the index has leaf %d at %d, it is leaf %d at %d", leaf, at, i, start)
		}
		start += l.units
	}
	if start != d.length {
		t.Errorf("%d units in leaves, length %d", start, d.length)
	}
}
