// Package storebench measures what the store makes of the disk it is on:
// durable deltas per second and syncs per delta, for one writer and for many.
//
// A figure in deltas per second says more about a disk than about a store. So
// each is put beside a plain loop that appends 200 bytes to a file and syncs
// it: the best that a log can do which syncs every record by itself. The loop
// and the stores take turns in short slices, at least seven each, so that a disk
// that is slow for a while is slow for all of them, and what is reported is the
// median.
//
// A delta is what a document costs per edit: a record of 200 bytes under
// document and version, and the document's head moved from the version before
// to this one, in one batch. Each writer has a document of its own and waits
// for each delta to be durable before it sends the next.
package storebench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"weir"
	"weir/store"
)

// Options say where and for how long to measure. The zero value is a run of 20
// seconds in the system's directory for temporary files.
type Options struct {
	// Dir is the directory to measure in; it should be on the disk that will hold
	// the data. Everything written there is removed again. "" means the system's
	// directory for temporary files.
	Dir string
	// Slice is how long each turn takes; 0 means 700 ms.
	Slice time.Duration
	// Rounds is how many turns each gets; 0 means 7.
	Rounds int
	// Progress, if not nil, is called with a line of text after each round.
	Progress func(string)
}

// Report is the outcome of a run.
type Report struct {
	Rows []weir.Figure
	Took time.Duration
}

// recordBytes is the size of a delta on disk, and of a record of the loop.
const recordBytes = 200

// maxSyncsPerDelta is the bar at 128 writers.
const maxSyncsPerDelta = 0.05

// realSync is the least that a sync takes on something that survives a loss of
// power. Where it takes less, commits have no reason to gather in groups.
const realSync = 20 * time.Microsecond

// Run measures until it is done or ctx ends, whose cause is then the error.
func Run(ctx context.Context, o Options) (_ Report, err error) {
	start := time.Now()
	o = o.withDefaults()
	dir, err := os.MkdirTemp(o.Dir, "weir-bench-store-")
	if err != nil {
		return Report{}, fmt.Errorf("measure the store: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	raw, err := newRawLoop(filepath.Join(dir, "raw"))
	if err != nil {
		return Report{}, fmt.Errorf("measure the store: %w", err)
	}
	defer func() { err = errors.Join(err, raw.file.Close()) }()
	var loads []*load
	for _, writers := range []int{1, 16, 128} {
		l, err := newLoad(filepath.Join(dir, fmt.Sprintf("%d.db", writers)), writers)
		if err != nil {
			return Report{}, fmt.Errorf("measure the store: %w", err)
		}
		defer func() { err = errors.Join(err, l.store.Close()) }()
		loads = append(loads, l)
	}
	for round := range o.Rounds {
		if err := turn(ctx, raw, loads, o.Slice); err != nil {
			return Report{}, fmt.Errorf("measure the store: %w", err)
		}
		o.Progress(progress(round, o.Rounds, raw, loads))
	}
	return Report{Rows: rows(raw, loads), Took: time.Since(start)}, nil
}

func (o Options) withDefaults() Options {
	if o.Slice == 0 {
		o.Slice = 700 * time.Millisecond
	}
	if o.Rounds == 0 {
		o.Rounds = 7
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	return o
}

// turn gives one slice to each.
func turn(ctx context.Context, raw *rawLoop, loads []*load, slice time.Duration) error {
	if err := raw.run(ctx, slice); err != nil {
		return err
	}
	for _, l := range loads {
		if err := l.run(ctx, slice); err != nil {
			return err
		}
	}
	return nil
}

func progress(round, rounds int, raw *rawLoop, loads []*load) string {
	var text strings.Builder
	fmt.Fprintf(&text, "round %d of %d: raw %.0f syncs/s", round+1, rounds, raw.rates[round])
	for _, l := range loads {
		fmt.Fprintf(&text, ", %s %.0f deltas/s", l.who(), l.rates[round])
	}
	return text.String()
}

// rawLoop appends to a file and syncs it, again and again.
type rawLoop struct {
	file  *os.File
	rates []float64 // per second, of each slice
}

func newRawLoop(path string) (*rawLoop, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return &rawLoop{file: file}, nil
}

func (r *rawLoop) run(ctx context.Context, slice time.Duration) error {
	record := make([]byte, recordBytes)
	n, start := 0, time.Now()
	for n == 0 || time.Since(start) < slice {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if _, err := r.file.Write(record); err != nil {
			return err
		}
		if err := datasync(r.file); err != nil {
			return err
		}
		n++
	}
	r.rates = append(r.rates, float64(n)/time.Since(start).Seconds())
	return nil
}

// load is a store with a number of writers, each with a document of its own.
type load struct {
	store    *store.File
	writers  int
	versions []uint64  // head of each document
	rates    []float64 // deltas per second, of each slice
	syncs    []float64 // per delta, of each slice
}

func newLoad(path string, writers int) (*load, error) {
	s, err := store.Open(path, store.Options{})
	if err != nil {
		return nil, err
	}
	return &load{store: s, writers: writers, versions: make([]uint64, writers)}, nil
}

func (l *load) who() string {
	if l.writers == 1 {
		return "1 writer"
	}
	return fmt.Sprintf("%d writers", l.writers)
}

func (l *load) run(ctx context.Context, slice time.Duration) error {
	before, start := l.store.Stats(), time.Now()
	failures := make([]error, l.writers)
	var stop atomic.Bool
	var writers sync.WaitGroup
	for w := range l.writers {
		writers.Go(func() {
			for again := true; again; again = failures[w] == nil && !stop.Load() {
				failures[w] = l.edit(ctx, w)
			}
		})
	}
	select {
	case <-time.After(slice):
	case <-ctx.Done():
	}
	stop.Store(true)
	writers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	after, took := l.store.Stats(), time.Since(start)
	deltas := float64(after.Batches - before.Batches)
	l.rates = append(l.rates, deltas/took.Seconds())
	l.syncs = append(l.syncs, float64(after.Fsyncs-before.Fsyncs)/deltas)
	return errors.Join(failures...)
}

// edit commits the next delta of a writer's document.
func (l *load) edit(ctx context.Context, w int) error {
	// Neighbours in time are not neighbours in the file.
	document := uint64(w+1) * 0x9e3779b97f4a7c15
	head := store.Write{Bucket: "head", Key: store.Key(document), Expect: store.ExpectAbsent()}
	if v := l.versions[w]; v > 0 {
		head.Expect = store.ExpectValue(store.Key(v))
	}
	next := l.versions[w] + 1
	head.Value = store.Key(next)
	err := l.store.Commit(ctx, store.Batch{
		{Bucket: "log", Key: store.Key(document, next), Value: make([]byte, recordBytes), Expect: store.ExpectAbsent()},
		head,
	})
	if err != nil {
		return err
	}
	l.versions[w] = next
	return nil
}

func rows(raw *rawLoop, loads []*load) []weir.Figure {
	sync := median(raw.rates)
	real := sync < float64(time.Second/realSync)
	out := []weir.Figure{{
		Name: "raw loop: append 200 bytes and sync", Value: sync, Unit: "syncs/s", Measured: true,
	}}
	for _, l := range loads {
		ratios := make([]float64, len(l.rates))
		for i := range ratios {
			ratios[i] = l.rates[i] / raw.rates[i]
		}
		perDelta := weir.Figure{Name: "fsyncs per delta, " + l.who(), Value: median(l.syncs), Unit: "fsyncs/delta", Measured: real}
		if l.writers == 128 {
			perDelta.Bar, perDelta.HasBar = maxSyncsPerDelta, true
		}
		if !real {
			perDelta.Note = fmt.Sprintf("a sync takes less than %v here: this is no disk; choose another directory", realSync)
		}
		out = append(out,
			weir.Figure{Name: "durable deltas, " + l.who(), Value: median(l.rates), Unit: "deltas/s", Measured: true},
			weir.Figure{Name: "durable deltas to raw loop, " + l.who(), Value: median(ratios), Unit: "x", Measured: real, Note: perDelta.Note},
			perDelta)
	}
	return out
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
