package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// request is a batch on its way to the writer.
type request struct {
	batch Batch // values sealed; shares no memory with the caller
	size  int64 // bytes of room held while it is queued
	taken atomic.Bool
	done  chan error // one answer; buffered, so that the writer never waits
	err   error      // the writer's: a conflict, decided before the answer
}

// claim decides between the writer that takes a request and the caller that
// withdraws it. Whoever is first gets true.
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
	r := &request{batch: b.sealed(size), size: int64(size), done: make(chan error, 1)}
	if f.room.Acquire(ctx, r.size) != nil {
		return context.Cause(ctx)
	}
	select {
	case f.queue <- r:
	case <-ctx.Done():
		f.room.Release(r.size)
		return context.Cause(ctx)
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		if r.claim() {
			return context.Cause(ctx)
		}
		return fmt.Errorf("%w: %w", ErrUnknown, context.Cause(ctx))
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

// sealed returns a copy of b whose values are in stored form. Size is b.size().
func (b Batch) sealed(size int) Batch {
	arena := make([]byte, 0, size)
	keep := func(start int) []byte { return arena[start:len(arena):len(arena)] }
	out := make(Batch, len(b))
	for i, w := range b {
		start := len(arena)
		arena = append(arena, w.Key...)
		w.Key = keep(start)

		start = len(arena)
		arena = append(arena, w.Expect.value...)
		w.Expect.value = keep(start)

		if !w.Delete {
			start = len(arena)
			arena = appendSealed(arena, w.Bucket, w.Key, w.Value)
			w.Value = keep(start)
		}
		out[i] = w
	}
	return out
}

// write is the writer: it commits what is queued, group after group, until the
// queue is closed and empty.
func (f *File) write() {
	var broken error
	for first := range f.queue {
		group := f.take(first)
		if len(group) == 0 {
			continue
		}
		err := broken
		if err == nil {
			err = f.commitGroup(group)
		}
		if err != nil && !errors.Is(err, ErrFull) && broken == nil {
			broken = fmt.Errorf("%w (%w)", ErrBroken, err)
			if !errors.Is(err, ErrUnknown) {
				err = broken
			}
		}
		f.record(group, err)
		for _, r := range group {
			if err != nil {
				r.err = err
			}
			r.done <- r.err
		}
	}
}

// take returns first and what is queued behind it, as much as may be queued at
// once, without those that have been withdrawn.
func (f *File) take(first *request) (group []*request) {
	r, bytes := first, int64(0)
	for seen := 1; ; seen++ {
		f.room.Release(r.size)
		if r.claim() {
			group = append(group, r)
			bytes += r.size
		}
		if seen >= cap(f.queue) || bytes >= f.maxRoom {
			return group
		}
		select {
		case next, ok := <-f.queue:
			if !ok {
				return group
			}
			r = next
		default:
			return group
		}
	}
}

// commitGroup commits the batches of a group whose conditions hold, in one
// transaction, and leaves in the others why theirs do not. When it returns an
// error nothing has changed, or the error is ErrUnknown.
func (f *File) commitGroup(group []*request) error {
	tx, err := f.db.Begin(true)
	if err != nil {
		return err
	}
	id, writes := tx.ID(), false
	for _, r := range group {
		if r.err = check(tx, r.batch); r.err != nil {
			continue
		}
		if err := apply(tx, r.batch); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		writes = true
	}
	if !writes {
		return tx.Rollback()
	}
	if err := tx.Commit(); err != nil {
		return f.explain(id, err)
	}
	return nil
}

// check returns why a condition of the batch does not hold, or nil.
func check(tx *bbolt.Tx, batch Batch) error {
	for i := range batch {
		w := &batch[i]
		if w.Expect.kind == expectAnything {
			continue
		}
		var stored []byte
		if b := tx.Bucket([]byte(w.Bucket)); b != nil {
			stored = b.Get(w.Key)
		}
		if stored == nil {
			if err := w.Expect.check(w, nil, false); err != nil {
				return err
			}
			continue
		}
		value, err := unseal(w.Bucket, w.Key, stored)
		if err != nil {
			return err
		}
		if err := w.Expect.check(w, value, true); err != nil {
			return err
		}
	}
	return nil
}

func apply(tx *bbolt.Tx, batch Batch) error {
	for i := range batch {
		w := &batch[i]
		b, err := tx.CreateBucketIfNotExists([]byte(w.Bucket))
		if err != nil {
			return err
		}
		if w.Delete {
			err = b.Delete(w.Key)
		} else {
			err = b.Put(w.Key, w.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// explain says what the failure of a transaction means. A transaction exists
// once its meta page does; bbolt writes and syncs that page last.
func (f *File) explain(id int, err error) error {
	visible := false
	if viewErr := f.db.View(func(tx *bbolt.Tx) error { visible = tx.ID() >= id; return nil }); viewErr != nil {
		return errors.Join(ErrUnknown, err, viewErr)
	}
	if visible {
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return asFull(err)
}

// asFull marks an error that means want of space with ErrFull.
func asFull(err error) error {
	if errors.Is(err, berrors.ErrMaxSizeReached) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, errno) {
			return fmt.Errorf("%w: %w", ErrFull, err)
		}
		// When a file can not be made longer bbolt keeps only the text of the error.
		if err != nil && strings.HasSuffix(err.Error(), errno.Error()) {
			return fmt.Errorf("%w: %w: %w", ErrFull, err, errno)
		}
	}
	return err
}

// record counts what became of a group.
func (f *File) record(group []*request, err error) {
	var size int64
	if info, statErr := os.Stat(f.path); statErr == nil {
		size = info.Size()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stats.Failing = err
	if err != nil {
		f.stats.Failures += uint64(len(group))
		return
	}
	batches := 0
	for _, r := range group {
		if r.err != nil {
			f.stats.Conflicts++
			continue
		}
		batches++
		f.stats.Writes += uint64(len(r.batch))
		f.stats.Bytes += uint64(r.size)
	}
	if batches == 0 {
		return
	}
	f.stats.count(batches)
	if !f.db.NoSync {
		f.stats.Fsyncs += 2 // the pages, then the meta page that makes them count
	}
	if size > f.stats.Size {
		f.stats.Fsyncs++
		f.stats.Size = size
	}
}
