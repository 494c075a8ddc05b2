package enginebench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"weir"
	"weir/wavelet/richtext"
)

// Options says what to measure with. The zero Options will do.
type Options struct {
	// TracePath is a trace in the editing-traces format, sequential, gzipped or
	// not. "" means the built-in typist.
	TracePath string
	// Node is the Node program; "" means the one on the path.
	Node string
	// Quick measures little, to see that it works; the figures are poor.
	Quick bool
	// Progress, if not nil, is called with a line of text before each measurement.
	Progress func(string)
}

// Report is what one run measured.
type Report struct {
	Trace string // the trace's path, or a name for the built-in one
	Edits int    // the edits in it
	Rows  []weir.Figure
	Took  time.Duration
}

// Run measures everything. It takes some 20 seconds with Node and a second
// without. It fails if the trace cannot be read or if ctx ends, and if two sides
// that are compared come to different texts; what merely cannot be measured is a
// row that says so.
func Run(ctx context.Context, o Options) (Report, error) {
	start := time.Now()
	trace, err := o.trace()
	if err != nil {
		return Report{}, err
	}
	report := Report{Trace: trace.Name, Edits: len(trace.Edits)}
	for _, measure := range []func(context.Context, Options, Trace) ([]weir.Figure, error){engineRows, missedRows, quillRows} {
		rows, err := measure(ctx, o, trace)
		if err != nil {
			return Report{}, err
		}
		report.Rows = append(report.Rows, rows...)
	}
	report.Took = time.Since(start)
	return report, nil
}

// say tells what is being measured.
func (o Options) say(format string, args ...any) {
	if o.Progress != nil {
		o.Progress(fmt.Sprintf(format, args...))
	}
}

// trace returns the trace that the options ask for.
func (o Options) trace() (Trace, error) {
	if o.TracePath == "" {
		o.say("typing a text")
		return Typed(1, o.pick(60_000, 2_000)), nil
	}
	o.say("reading %s", o.TracePath)
	return Load(o.TracePath)
}

// pick returns full, or quick for a quick run.
func (o Options) pick(full, quick int) int {
	if o.Quick {
		return quick
	}
	return full
}

// engineRows compares the engine with the gap buffer.
func engineRows(ctx context.Context, o Options, trace Trace) ([]weir.Figure, error) {
	deltas := make([]richtext.Delta, len(trace.Edits))
	for i, e := range trace.Edits {
		deltas[i] = e.Delta()
	}
	pairs := o.pick(21, 3)
	o.say("engine and gap buffer, %d edits, %d times each", len(deltas), pairs)
	var engine, buffer []time.Duration
	for range pairs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		took, err := typeIntoGapBuffer(trace, deltas)
		if err != nil {
			return nil, err
		}
		buffer = append(buffer, took)
		if took, err = typeIntoEngine(trace, deltas); err != nil {
			return nil, err
		}
		engine = append(engine, took)
	}
	return []weir.Figure{{
		Name: "engine", Value: medianRatio(engine, buffer), Unit: "x a gap buffer", Bar: 2, HasBar: true, Measured: true,
		Note: fmt.Sprintf("%s per edit; gap buffer %s; %d edits, %d pairs",
			each(median(engine), len(deltas)), each(median(buffer), len(deltas)), len(deltas), pairs),
	}}, nil
}

func typeIntoGapBuffer(trace Trace, deltas []richtext.Delta) (time.Duration, error) {
	g := newGapBuffer("\n")
	start := time.Now()
	for _, d := range deltas {
		g.apply(d)
	}
	took := time.Since(start)
	return took, sameText("the gap buffer", g.text(), trace.End+"\n")
}

func typeIntoEngine(trace Trace, deltas []richtext.Delta) (time.Duration, error) {
	doc, err := emptyDoc()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	for i, d := range deltas {
		if err := doc.Apply(d); err != nil {
			return 0, fmt.Errorf("edit %d of the trace: %w", i, err)
		}
	}
	took := time.Since(start)
	return took, sameText("the engine", doc.Text(), trace.End+"\n")
}

// emptyDoc returns a document of a lone newline.
func emptyDoc() (*richtext.Doc, error) {
	return richtext.NewDoc(richtext.Delta{}.Insert("\n", richtext.Attributes{}))
}

// sameText fails if a side of a comparison did not do what it should.
func sameText(side, got, want string) error {
	if got != want {
		return fmt.Errorf("the text of %s differs from the trace's: %d bytes, not %d", side, len(got), len(want))
	}
	return nil
}

// missedRows measures how long a delta takes that missed 1,000 others.
func missedRows(ctx context.Context, o Options, trace Trace) ([]weir.Figure, error) {
	const missed = 1000
	edits := trace.Edits
	for len(edits) < missed {
		edits = append(edits, Typed(2, missed).Edits...)
	}
	history := make([]richtext.Delta, missed)
	for i, e := range edits[len(edits)-missed:] {
		history[i] = e.Delta()
	}
	late := richtext.Delta{}.Retain(100, richtext.Attributes{}).Insert("late", richtext.Attributes{}).Delete(20).
		Retain(500, richtext.Attributes{}).Retain(10, richtext.Attr("bold", true))
	times := o.pick(201, 3)
	o.say("one delta against %d it missed, %d times", missed, times)
	var took []time.Duration
	for range times {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		start := time.Now()
		d := late
		for _, s := range history {
			d = richtext.Transform(s, d, true)
		}
		took = append(took, time.Since(start))
	}
	m := median(took)
	return []weir.Figure{{
		Name: "1,000 missed deltas", Value: m.Seconds() * 1000, Unit: "ms", Bar: 1, HasBar: true, Measured: true,
		Note: fmt.Sprintf("%s per transformation; median of %d", each(m, missed), times),
	}}, nil
}

// each says how long one of n took.
func each(total time.Duration, n int) string {
	return fmt.Sprintf("%.0f ns", float64(total.Nanoseconds())/float64(n))
}

func median(list []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(list))[len(list)/2]
}

// medianRatio returns the median of a's over b's, pair by pair.
func medianRatio(a, b []time.Duration) float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = float64(a[i]) / float64(b[i])
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}
