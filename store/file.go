package store

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"os"
	"sync"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sync/semaphore"
)

// File is a [Store] in one bbolt file. Make one with [Open].
type File struct {
	path string
	db   *bbolt.DB
	data *os.File // the db's, to learn its length; closed by the db

	// The way of a commit: room in bytes, a place in the queue, the writer.
	room    *semaphore.Weighted
	maxRoom int64
	queue   chan *request
	writer  sync.WaitGroup // the one goroutine that writes

	closing  sync.Once
	closeErr error          // set by closing
	entered  sync.WaitGroup // calls of Commit under way; none enters once closed

	mu     sync.Mutex // guards what follows
	closed bool
	stats  Stats
}

var _ Store = (*File)(nil)

// Options of a [File]. The zero value is right for a server.
type Options struct {
	// QueueBatches is how many batches may wait for the writer; 0 means 4096.
	QueueBatches int
	// QueueBytes is how many bytes of keys and values may wait for the writer; 0
	// means 64 MiB. A batch that is larger waits for an empty queue.
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
			return nil
		}
		v, err := unseal(bucket, key, stored)
		value = copied(v)
		return err
	})
	if err != nil {
		return nil, err
	}
	if value == nil {
		return nil, recordError(bucket, key, "", ErrNotFound)
	}
	return value, nil
}

// Scan implements [Store].
func (f *File) Scan(bucket string, from, to []byte) iter.Seq2[Record, error] {
	return scan(from, func(from []byte, p *page) error {
		return f.view(bucket, func(b *bbolt.Bucket) error {
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
	})
}

// Last implements [Store].
func (f *File) Last(bucket string, from, to []byte) (r Record, err error) {
	err = f.view(bucket, func(b *bbolt.Bucket) error {
		k, stored := seekLast(b.Cursor(), to)
		if k == nil || bytes.Compare(k, from) < 0 {
			return nil
		}
		v, err := unseal(bucket, k, stored)
		r = Record{Key: copied(k), Value: copied(v)}
		return err
	})
	if err != nil {
		return Record{}, err
	}
	if r.Key == nil {
		return Record{}, noneInRange(bucket, from)
	}
	return r, nil
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

// view reads from a bucket as it was at one instant. A bucket that does not
// exist is not read.
func (f *File) view(bucket string, read func(*bbolt.Bucket) error) error {
	err := guard(func() error {
		return f.db.View(func(tx *bbolt.Tx) error {
			if b := tx.Bucket([]byte(bucket)); b != nil {
				return read(b)
			}
			return nil
		})
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

// count adds what became of a group to the statistics.
func (f *File) count(group []*request, err error) {
	size := f.size()
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &f.stats
	if err != nil {
		s.Failures += uint64(len(group))
		s.Failing = err
		return
	}
	batches := 0
	for _, r := range group {
		if r.err != nil {
			s.Conflicts++
			continue
		}
		batches++
		s.Writes += uint64(len(r.batch))
		s.Bytes += uint64(r.bytes)
	}
	if batches == 0 {
		return
	}
	s.grouped(batches)
	s.Failing = nil
	if !f.db.NoSync {
		s.Fsyncs += 2 // for the pages, then for the meta page that makes them count
		if size > s.Size {
			s.Fsyncs++ // for the new length
		}
	}
	s.Size = size
}

// size returns the length of the file in bytes, or 0 if it can not be learned.
func (f *File) size() int64 {
	info, err := f.data.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

// Close implements [Store].
func (f *File) Close() error {
	f.closing.Do(func() {
		f.mu.Lock()
		f.closed = true
		f.mu.Unlock()

		f.entered.Wait() // each is answered by the writer, or withdrawn
		close(f.queue)
		f.writer.Wait()
		if err := f.db.Close(); err != nil {
			f.closeErr = fmt.Errorf("close %s: %w", f.path, err)
		}
	})
	return f.closeErr
}
