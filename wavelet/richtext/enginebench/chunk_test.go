package enginebench

import (
	"slices"
	"testing"
	"time"

	"weir/wavelet/richtext"
)

func TestChunk(t *testing.T) {
	for _, name := range []string{"automerge-paper", "json-crdt-blog-post"} {
		tr, err := Load("/work/shared/traces/" + name + ".json.gz")
		if err != nil {
			t.Fatal(err)
		}
		n := float64(len(tr.Edits))
		for _, chunk := range []int{256, 1 << 30} {
			var rs []float64
			var gs, es []float64
			for range 31 {
				g := newGapBuffer()
				doc, _ := richtext.NewDoc(richtext.Delta{}.Insert("\n", richtext.Attributes{}))
				var tg, te time.Duration
				var ds []richtext.Delta
				edits := tr.Edits
				for len(edits) > 0 {
					k := min(chunk, len(edits))
					ds = ds[:cap(ds)]
					for len(ds) < k {
						ds = append(ds, make(richtext.Delta, 0, 3))
					}
					ds = ds[:k]
					for i, e := range edits[:k] {
						ds[i] = ds[i][:0].Retain(e.At, richtext.Attributes{}).Insert(e.Text, richtext.Attributes{}).Delete(e.Gone)
					}
					edits = edits[k:]
					t0 := time.Now()
					for _, d := range ds {
						g.apply(d)
					}
					t1 := time.Now()
					for _, d := range ds {
						doc.Apply(d)
					}
					tg += t1.Sub(t0)
					te += time.Since(t1)
				}
				gs = append(gs, float64(tg)/n)
				es = append(es, float64(te)/n)
				rs = append(rs, float64(te)/float64(tg))
			}
			slices.Sort(gs)
			slices.Sort(es)
			slices.Sort(rs)
			t.Logf("%s chunk %d gap %.1f engine %.1f ratio %.2f", name, chunk, gs[0], es[0], rs[15])
		}
	}
}
