package store

import (
	"errors"
	"fmt"
	"runtime"

	"go.etcd.io/bbolt"
)

// fillPercent is how full a page is left when it has to be split. Logs append
// to the end of their part of a bucket and never come back to the page on the
// left; with bbolt's default it would stay half empty for good.
const fillPercent = 0.9

// write is the one writer: it commits what is queued, group after group, until
// the queue is closed and empty.
func (f *File) write() {
	var broken error // set once, when the disk has failed
	for first := range f.queue {
		// Those whose batches were in the last group are awake but have yet to run:
		// let them queue their next one first. It costs a lone writer nothing.
		runtime.Gosched()
		group := f.take(first)
		if len(group) == 0 {
			continue
		}
		err := broken
		if err == nil {
			err = f.commitGroup(group)
			broken = breakage(err)
			if broken != nil && !errors.Is(err, ErrUnknown) {
				err = broken
			}
		}
		f.count(group, err)
		for _, r := range group {
			if err != nil {
				r.err = err // a conflict with what has not happened is none
			}
			r.done <- r.err
		}
	}
}

// breakage returns what to answer to all commits that follow on a group's
// error, or nil if they may go on. Want of space passes; after any other failure
// of the disk the kernel may have dropped pages that it could not write, and
// trying again would build on them.
func breakage(err error) error {
	if err == nil || errors.Is(err, ErrFull) {
		return nil
	}
	return fmt.Errorf("%w: %v", ErrBroken, err) // not %w: what follows is not unknown
}

// take returns first and what is queued behind it, as much as may be queued at
// once, without those that have been withdrawn.
func (f *File) take(first *request) (group []*request) {
	r, room := first, int64(0)
	for seen := 1; ; seen++ {
		if r.claim() {
			group = append(group, r)
			room += r.room
		}
		f.room.Release(r.room)
		if seen >= cap(f.queue) || room >= f.maxRoom {
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
// transaction, and leaves with the others why theirs do not. When it returns an
// error nothing has changed, or the error is ErrUnknown.
func (f *File) commitGroup(group []*request) error {
	tx, err := f.db.Begin(true)
	if err != nil {
		return err
	}
	id := tx.ID()
	err = guard(func() error {
		changed, err := fill(tx, group)
		if err != nil || !changed {
			return err
		}
		return tx.Commit()
	})
	if tx.DB() != nil { // neither committed nor rolled back by bbolt
		return errors.Join(err, guard(tx.Rollback))
	}
	if err != nil {
		return f.explain(id, err)
	}
	return nil
}

// fill makes the writes of those batches of a group whose conditions hold, and
// reports whether there were any.
func fill(tx *bbolt.Tx, group []*request) (changed bool, err error) {
	for _, r := range group {
		if r.err = check(tx, r.batch); r.err != nil {
			continue
		}
		if err := apply(tx, r.batch); err != nil {
			return changed, err
		}
		changed = true
	}
	return changed, nil
}

// check returns why a condition of the batch does not hold, or nil.
func check(tx *bbolt.Tx, batch Batch) error {
	for i := range batch {
		w := &batch[i]
		if w.Expect.kind == expectAnything {
			continue
		}
		value, present, err := current(tx, w)
		if err != nil {
			return err
		}
		if err := w.Expect.check(w, value, present); err != nil {
			return err
		}
	}
	return nil
}

// current returns what w's key holds.
func current(tx *bbolt.Tx, w *Write) (value []byte, present bool, err error) {
	b := tx.Bucket([]byte(w.Bucket))
	if b == nil {
		return nil, false, nil
	}
	stored := b.Get(w.Key)
	if stored == nil {
		return nil, false, nil
	}
	value, err = unseal(w.Bucket, w.Key, stored)
	return value, true, err
}

func apply(tx *bbolt.Tx, batch Batch) error {
	for i := range batch {
		w := &batch[i]
		b, err := bucketFor(tx, w.Bucket)
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

// bucketFor returns the bucket to write to, made if need be.
func bucketFor(tx *bbolt.Tx, name string) (b *bbolt.Bucket, err error) {
	if b = tx.Bucket([]byte(name)); b == nil {
		if b, err = tx.CreateBucket([]byte(name)); err != nil {
			return nil, err
		}
	}
	b.FillPercent = fillPercent
	return b, nil
}
