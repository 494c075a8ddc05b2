package store

import (
	"context"
	"fmt"
	"sync/atomic"
)

// request is a batch on its way to the writer.
type request struct {
	batch Batch // values sealed; shares no memory with the caller
	bytes int   // of keys and stored values
	room  int64 // held while it is queued
	taken atomic.Bool
	done  chan error // one answer; buffered, so that the writer never waits
	err   error      // the writer's: a conflict, found before the answer is due
}

// claim decides between the writer that takes a request and the caller that
// withdraws it: the first to ask gets it.
func (r *request) claim() bool { return r.taken.CompareAndSwap(false, true) }

// Commit implements [Store].
func (f *File) Commit(ctx context.Context, b Batch) error {
	size, err := b.size()
	if err != nil {
		return err
	}
	if !f.enter() {
		return ErrClosed
	}
	defer f.entered.Done()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if len(b) == 0 {
		return nil
	}
	// A batch larger than the queue may enter it alone.
	r := &request{bytes: size, room: min(int64(size), f.maxRoom), done: make(chan error, 1)}
	if f.room.Acquire(ctx, r.room) != nil {
		return context.Cause(ctx)
	}
	r.batch = b.sealed(size)
	select {
	case f.queue <- r:
		return f.await(ctx, r)
	case <-ctx.Done():
		f.room.Release(r.room)
		return context.Cause(ctx)
	}
}

// enter reports whether the store takes commits, and counts one if so.
func (f *File) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.entered.Add(1)
	}
	return !f.closed
}

// await returns the writer's answer. When ctx ends first it withdraws the
// request, or has to leave the outcome open if the writer has taken it.
func (f *File) await(ctx context.Context, r *request) error {
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
	}
	if r.claim() {
		return context.Cause(ctx) // the writer will pass over it
	}
	select {
	case err := <-r.done: // both happened at once: better to know
		return err
	default:
		return fmt.Errorf("%w: %w", ErrUnknown, context.Cause(ctx))
	}
}

// sealed returns a copy of b whose values are in stored form. Size is b.size().
func (b Batch) sealed(size int) Batch {
	arena := make([]byte, 0, size)
	keep := func(n int) []byte { return arena[len(arena)-n : len(arena) : len(arena)] }
	out := make(Batch, len(b))
	for i, w := range b {
		arena = append(arena, w.Key...)
		w.Key = keep(len(w.Key))
		arena = append(arena, w.Expect.value...)
		w.Expect.value = keep(len(w.Expect.value))
		if !w.Delete {
			arena = appendSealed(arena, w.Bucket, w.Key, w.Value)
			w.Value = keep(headerSize + len(w.Value))
		}
		out[i] = w
	}
	return out
}
