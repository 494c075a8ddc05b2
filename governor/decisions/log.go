// Package decisions is the log of what the governor decided: every warning,
// slowing, refusal, eviction and readmission with its evidence. It is the one
// place that decisions are read from and followed at; whatever publishes them
// further is one more reader.
//
// # Data model
//
// An [Entry] is a decision and its number. Numbers ascend from 1 without a gap
// and are never used twice, so a number is all that a reader needs to go on
// where it stopped: it is the cursor of a page and the id of an event. The log
// keeps so many entries and so many bytes as its [Options] say, and lets go of
// the oldest. A reader that was away for too long sees it by the gap.
//
// # What a reader can rely on
//
// A decision gets its number when it is written: durable first, visible after.
// What a reader was shown is there after a crash, under the same number.
//
// # Concurrency
//
// All methods of a Log may be called from any goroutine. Add only takes a note,
// which [Log.Run] writes at once and [Log.Flush] before it returns. Readers take
// from the store at their own speed: a slow one holds up nobody and costs no
// memory, and between two readings [Log.Changed] wakes it.
package decisions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"weir/governor"
	"weir/store"
)

// bucket holds the entries: number -> governor.Decision.
const bucket = "decisions"

// Store is the part of a store.Store that a Log needs. It keeps its records in
// the bucket "decisions".
type Store interface {
	Commit(ctx context.Context, b store.Batch) error
	Scan(bucket string, from, to []byte) iter.Seq2[store.Record, error]
}

// Options of a Log.
type Options struct {
	Count  int          // entries kept. 0: 100,000
	Bytes  int64        // of entries kept, as they are stored; the newest one is always kept. 0: 64 MiB
	Logger *slog.Logger // told when the log cannot be written. nil: silent
}

// Log keeps decisions.
type Log struct {
	kv   Store
	o    Options
	wake chan struct{} // there is something in waiting

	writing sync.Mutex // held over a writing, so that one follows the other

	mu      sync.Mutex
	waiting []governor.Decision // not yet written
	stats   Stats
	sizes   []uint32      // of the entries First to Last
	changed chan struct{} // closed at the next writing
}

// Stats is what the log holds and has done.
type Stats struct {
	First, Last uint64 // numbers of the entries kept; First is Last+1 if there are none
	Bytes       int64  // of these
	Added       uint64 // decisions since the log was opened
	Lost        uint64 // of these, never written: the store failed for too long, or a figure was none
}

// maxWrite is how many decisions are written at once.
const maxWrite = 1000

// Open takes up the log in kv. With an error the Log is empty and takes
// decisions, but must not be run.
func Open(kv Store, o Options) (*Log, error) {
	if o.Count <= 0 {
		o.Count = 100_000
	}
	if o.Bytes <= 0 {
		o.Bytes = 64 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	l := &Log{kv: kv, o: o, wake: make(chan struct{}, 1), changed: make(chan struct{}), stats: Stats{First: 1}}
	for rec, err := range kv.Scan(bucket, nil, nil) {
		if err != nil {
			return l, fmt.Errorf("read the decisions: %w", err)
		}
		number := store.KeyPart(rec.Key, 0)
		if len(l.sizes) == 0 {
			l.stats.First = number
		}
		l.stats.Last = number
		l.stats.Bytes += int64(len(rec.Value))
		l.sizes = append(l.sizes, uint32(len(rec.Value)))
	}
	return l, nil
}

// Add has a decision written. It never blocks.
func (l *Log) Add(d governor.Decision) {
	l.mu.Lock()
	l.waiting = append(l.waiting, d)
	l.stats.Added++
	l.bound()
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// bound drops the oldest of what waits if that is more than is kept. l.mu is
// held.
func (l *Log) bound() {
	if n := len(l.waiting) - max(l.o.Count, maxWrite); n > 0 {
		l.waiting = l.waiting[n:]
		l.stats.Lost += uint64(n)
	}
}

// Run writes decisions as they come, until ctx ends. It writes no more then;
// Flush does.
func (l *Log) Run(ctx context.Context) {
	const first, last = 100 * time.Millisecond, 5 * time.Second
	wait := first
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		}
		err := l.Flush(ctx)
		if err == nil {
			wait = first
			continue
		}
		if ctx.Err() != nil {
			return
		}
		l.o.Logger.Warn("decisions not written, trying again", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, last)
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// Flush writes all that was added before. What it cannot write it keeps.
func (l *Log) Flush(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	for {
		l.mu.Lock()
		n := min(len(l.waiting), maxWrite)
		list := l.waiting[:n:n]
		l.waiting = l.waiting[n:]
		l.mu.Unlock()
		if n == 0 {
			return nil
		}
		if err := l.write(ctx, list); err != nil {
			l.mu.Lock()
			l.waiting = append(list, l.waiting...)
			l.bound()
			l.mu.Unlock()
			return err
		}
	}
}

// write gives decisions their numbers and stores them, and deletes the oldest
// entries that are too many then, in one batch. Nobody else changes the numbers
// meanwhile: l.writing is held.
func (l *Log) write(ctx context.Context, list []governor.Decision) error {
	l.mu.Lock()
	next := l.stats
	sizes := l.sizes
	l.mu.Unlock()
	var spoilt uint64
	var batch store.Batch
	for _, d := range list {
		value, err := json.Marshal(d)
		if err != nil { // it must not stand in the way of the others
			l.o.Logger.Error("decision not written", "robot", string(d.Robot), "rule", d.Rule, "action", d.Action, "error", err)
			spoilt++
			continue
		}
		next.Last++
		next.Bytes += int64(len(value))
		sizes = append(sizes, uint32(len(value)))
		batch = append(batch, store.Write{Bucket: bucket, Key: store.Key(next.Last), Value: value})
	}
	for len(sizes) > 1 && (len(sizes) > l.o.Count || next.Bytes > l.o.Bytes) {
		batch = append(batch, store.Write{Bucket: bucket, Key: store.Key(next.First), Delete: true})
		next.Bytes -= int64(sizes[0])
		next.First++
		sizes = sizes[1:]
	}
	err := l.kv.Commit(ctx, batch)
	if errors.Is(err, store.ErrUnknown) { // whatever came of it, the same numbers are written again
		err = l.kv.Commit(context.WithoutCancel(ctx), batch)
	}
	if err != nil {
		return fmt.Errorf("write decisions: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sizes = sizes
	l.stats.Lost += spoilt
	l.stats.First, l.stats.Last, l.stats.Bytes = next.First, next.Last, next.Bytes
	close(l.changed)
	l.changed = make(chan struct{})
	return nil
}

// Changed returns a channel that is closed when the next entry is there. Take it
// before reading, and nothing falls between.
func (l *Log) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// Stats counts.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stats
}
