package enginebench

import (
	"testing"
	"time"

	"weir/wavelet/richtext"
)

// perEdit reports the nanoseconds per edit beside those per whole run.
func perEdit(b *testing.B, edits int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(edits), "ns/edit")
}

// BenchmarkEngine applies a trace to the engine and to a gap buffer by turns and
// reports the ratio.
func BenchmarkEngine(b *testing.B) {
	trace := Typed(1, 60_000)
	deltas := typing(trace).edits
	var engine, buffer []time.Duration
	for b.Loop() {
		took, err := typeIntoGapBuffer(trace, deltas)
		if err != nil {
			b.Fatal(err)
		}
		buffer = append(buffer, took)
		if took, err = typeIntoEngine(trace, deltas); err != nil {
			b.Fatal(err)
		}
		engine = append(engine, took)
	}
	b.ReportMetric(float64(median(engine).Nanoseconds())/float64(len(deltas)), "engine-ns/edit")
	b.ReportMetric(float64(median(buffer).Nanoseconds())/float64(len(deltas)), "gap-ns/edit")
	b.ReportMetric(medianRatio(engine, buffer), "ratio")
}

// BenchmarkPipeline is decoding, checking, applying and log bytes, beside
// composing the same deltas with the document as the browser does.
func BenchmarkPipeline(b *testing.B) {
	for name, t := range map[string]task{
		"typing":      typing(Typed(1, 60_000)),
		"10,000 runs": formatted(10_000, 500),
	} {
		t.times = 1
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := t.run(); err != nil {
					b.Fatal(err)
				}
			}
			perEdit(b, len(t.edits))
		})
	}
}

// BenchmarkDecode is the strict decoder alone.
func BenchmarkDecode(b *testing.B) {
	for name, raw := range map[string]string{
		"typing":     `{"ops":[{"retain":12345},{"insert":"x"}]}`,
		"formatting": `{"ops":[{"retain":12345},{"retain":12,"attributes":{"bold":true,"color":"#098658"}}]}`,
		"emoji":      `{"ops":[{"retain":12345},{"insert":"caf\u00e9 😀 中文"},{"delete":3}]}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				if _, err := richtext.Decode([]byte(raw)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkTransform is one step of a late delta through history.
func BenchmarkTransform(b *testing.B) {
	history := Edit{At: 700, Text: "x"}.Delta()
	late := richtext.Delta{}.Retain(100, richtext.Attributes{}).Insert("late", richtext.Attributes{}).Delete(20)
	b.ReportAllocs()
	for b.Loop() {
		richtext.Transform(history, late, true)
	}
}
