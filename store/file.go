package store

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"sync"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sync/semaphore"
)

// File is a [Store] in one bbolt file. Make one with [Open].
type File struct {
	path string
	db   *bbolt.DB

	// The way of a commit: room in bytes, a place in the queue, the writer.
	room    *semaphore.Weighted
	queue   chan *request
	maxRoom int64
	writer  sync.WaitGroup // the one goroutine that writes

	mu      sync.Mutex
	closed  bool
	entered sync.WaitGroup // calls of Commit under way; none enters once closed
	stats   Stats
}

var _ Store = (*File)(nil)

// Options of a [File]. The zero value is right for a server.
type Options struct {
	// QueueBatches is how many batches may wait for the writer; 0 means 4096.
	QueueBatches int
	// QueueBytes is how many bytes of keys and values may wait for the writer; 0
	// means 64 MiB. It is never less than [MaxBatch].
	QueueBytes int64
	// NoSync leaves it to the operating system when data reaches the disk. A
	// commit is then not durable. For tests and for data that can be rebuilt.
	NoSync bool
}

// Get implements [Store].
func (f *File) Get(bucket string, key []byte) (value []byte, err error) {
	err = f.view(bucket, func(b *bbolt.Bucket) error {
		stored := b.Get(key)
		if stored == nil {
			return ErrNotFound
		}
		v, err := unseal(bucket, key, stored)
		value = copied(v)
		return err
	})
	if err == ErrNotFound {
		return nil, &RecordError{bucket, key, "", ErrNotFound}
	}
	return value, err
}

// Scan implements [Store].
func (f *File) Scan(bucket string, from, to []byte) iter.Seq2[Record, error] {
	return scan(from, func(from []byte, p *page) error {
		err := f.view(bucket, func(b *bbolt.Bucket) error {
			c := b.Cursor()
			for k, stored := c.Seek(from); k != nil && below(k, to) && !p.full(); k, stored = c.Next() {
				v, err := unseal(bucket, k, stored)
				if err != nil {
					return err
				}
				p.add(k, v)
			}
			return nil
		})
		if err == ErrNotFound {
			return nil
		}
		return err
	})
}

// Last implements [Store].
func (f *File) Last(bucket string, from, to []byte) (r Record, err error) {
	err = f.view(bucket, func(b *bbolt.Bucket) error {
		k, stored := seekLast(b.Cursor(), to)
		if k == nil || bytes.Compare(k, from) < 0 {
			return ErrNotFound
		}
		v, err := unseal(bucket, k, stored)
		r = Record{Key: copied(k), Value: copied(v)}
		return err
	})
	if err == ErrNotFound {
		return Record{}, &RecordError{bucket, from, "no record in the range that starts here", ErrNotFound}
	}
	return r, err
}

// seekLast moves the cursor to the greatest key below to; nil means the end.
func seekLast(c *bbolt.Cursor, to []byte) (key, value []byte) {
	if to == nil {
		return c.Last()
	}
	if k, _ := c.Seek(to); k == nil {
		return c.Last()
	}
	return c.Prev()
}

// view reads from a bucket as it was at one instant. The error is ErrNotFound
// itself when the bucket does not exist.
func (f *File) view(bucket string, read func(*bbolt.Bucket) error) error {
	err := f.db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		if b == nil {
			return ErrNotFound
		}
		return read(b)
	})
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}

// Stats implements [Store].
func (f *File) Stats() Stats {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stats
}

// Close implements [Store].
func (f *File) Close() error {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		f.writer.Wait()
		return nil
	}
	f.closed = true
	f.mu.Unlock()

	f.entered.Wait() // each is answered by the writer or withdrawn
	close(f.queue)
	f.writer.Wait()
	if err := f.db.Close(); err != nil {
		return fmt.Errorf("close %s: %w", f.path, err)
	}
	return nil
}
