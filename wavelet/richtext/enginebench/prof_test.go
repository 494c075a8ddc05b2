package enginebench

import (
	"testing"
	"weir/wavelet/richtext"
)

func benchTrace(b *testing.B, name string) {
	tr, err := Load("/work/shared/traces/" + name + ".json.gz")
	if err != nil {
		b.Fatal(err)
	}
	ds := make([]richtext.Delta, len(tr.Edits))
	raw := make([][]byte, len(tr.Edits))
	for i, e := range tr.Edits {
		ds[i] = e.Delta()
		raw[i] = ds[i].AppendJSON(nil)
	}
	b.Run("engine", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			doc, _ := richtext.NewDoc(richtext.Delta{}.Insert("\n", richtext.Attributes{}))
			for _, d := range ds {
				if err := doc.Apply(d); err != nil {
					b.Fatal(err)
				}
			}
			if doc.Len() < 10000 || doc.Text() != tr.End+"\n" {
				b.Fatal("bad")
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(ds)), "ns/edit")
	})
	b.Run("gap", func(b *testing.B) {
		for b.Loop() {
			g := newGapBuffer()
			for _, d := range ds {
				g.apply(d)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(ds)), "ns/edit")
	})
	b.Run("pipeline", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			doc, _ := richtext.NewDoc(richtext.Delta{}.Insert("\n", richtext.Attributes{}))
			var log []byte
			for _, r := range raw {
				d, err := richtext.Decode(r)
				if err != nil {
					b.Fatal(err)
				}
				if err := doc.Apply(d); err != nil {
					b.Fatal(err)
				}
				log = d.AppendJSON(log)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(ds)), "ns/edit")
	})
}
func (g *gapBuffer) apply(d richtext.Delta) {
	at := 0
	for i := range d {
		switch op := &d[i]; op.Kind() {
		case richtext.KindRetain:
			at += op.Len()
		case richtext.KindInsert:
			g.edit(at, 0, op.Text())
			at += op.Len()
		case richtext.KindDelete:
			g.edit(at, op.Len(), "")
		}
	}
}
func BenchmarkPaper(b *testing.B) { benchTrace(b, "automerge-paper") }
func BenchmarkBlog(b *testing.B)  { benchTrace(b, "json-crdt-blog-post") }
