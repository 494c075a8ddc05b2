// Package gatewaybench measures what the gateway makes of a machine: how far it
// merges what people type, whether it keeps its pace, what a commit costs it per
// seat, and whether robots that hang delay others.
//
// A real host over memory, the real governor and real HTTP robots take part; only
// the disk is left out, which the store's own benchmark is about. Costs are put
// beside one lock of a mutex and one look into a map, timed in many short turns
// with them, of which the median counts.
package gatewaybench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"weir"
)

// Options say how long to measure. The zero value takes about 45 seconds.
type Options struct {
	Phase    time.Duration // of each of the five phases in real time; 0: 7 s
	Crowd    int           // registered robots on a full server; 0: 2,000
	Progress func(string)  // nil: nobody is told
}

// Report is the outcome of a run.
type Report struct {
	Rows []weir.Figure
	Took time.Duration
}

// Run measures until it is done or ctx ends, whose cause is then the error.
func Run(ctx context.Context, o Options) (Report, error) {
	start := time.Now()
	if o.Phase == 0 {
		o.Phase = 7 * time.Second
	}
	if o.Crowd == 0 {
		o.Crowd = 2000
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	var rows []weir.Figure
	for _, part := range []struct {
		what string
		run  func(context.Context, Options) ([]weir.Figure, error)
	}{
		{"what a commit costs per seat", costs},
		{"merging and pace, at ten times the speed", merging},
		{"one robot alone, then beside fifty that hang", hanging},
		{"one robot alone, then a crowd of which three in ten are bad", crowding},
	} {
		o.Progress(part.what)
		more, err := part.run(ctx, o)
		if err != nil {
			return Report{}, fmt.Errorf("measure the gateway: %w", err)
		}
		rows = append(rows, more...)
	}
	return Report{Rows: rows, Took: time.Since(start)}, nil
}

// quantile is the value below which a share q of the list lies. The list is not
// empty.
func quantile[T float64 | time.Duration](list []T, q float64) T {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
