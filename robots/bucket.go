package robots

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"weir/store"
)

// commitTimeout is how long a change may wait for the disk.
const commitTimeout = 30 * time.Second

// bucketName is where a Bucket keeps its entries.
const bucketName = "robot"

// Bucket is the KV of a single node: a bucket of its store. An entry is stored
// as eight bytes of revision, big-endian, and the value.
type Bucket struct {
	store store.Store

	mu       sync.Mutex
	revision uint64 // the last one given
	watchers map[*watcher]bool
}

// watcher collects the keys that have changed since it last looked.
type watcher struct {
	changed map[string]uint64 // key to revision; guarded by the Bucket's mutex
	wake    chan struct{}     // holds a token if there are any
}

// NewBucket returns the KV in s. There must be only one for a store.
func NewBucket(s store.Store) (*Bucket, error) {
	b := &Bucket{store: s, watchers: map[*watcher]bool{}}
	for e, err := range b.All(context.Background()) {
		if err != nil {
			return nil, fmt.Errorf("read robots: %w", err)
		}
		b.revision = max(b.revision, e.Revision)
	}
	return b, nil
}

// Get implements KV.
func (b *Bucket) Get(_ context.Context, key string) (Entry, error) {
	stored, err := b.store.Get(bucketName, []byte(key))
	if errors.Is(err, store.ErrNotFound) {
		return Entry{}, ErrNotFound
	}
	if err != nil {
		return Entry{}, err
	}
	return unpack(key, stored)
}

// Put implements KV.
func (b *Bucket) Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	w := store.Write{Bucket: bucketName, Key: []byte(key), Delete: value == nil, Expect: store.ExpectAbsent()}
	if revision != 0 {
		old, err := b.store.Get(bucketName, []byte(key))
		if err != nil || len(old) < 8 || binary.BigEndian.Uint64(old) != revision {
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return 0, err
			}
			return 0, ErrConflict
		}
		w.Expect = store.ExpectValue(old)
	}
	next := b.next()
	if !w.Delete {
		w.Value = append(binary.BigEndian.AppendUint64(nil, next), value...)
	}
	// A caller who hangs up now must not leave it open whether this happened.
	commit, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	err := b.store.Commit(commit, store.Batch{w})
	if errors.Is(err, store.ErrConflict) {
		return 0, ErrConflict
	}
	if err != nil {
		return 0, err
	}
	b.tell(key, next)
	return next, nil
}

// next is a revision that no entry has had.
func (b *Bucket) next() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.revision++
	return b.revision
}

// All implements KV.
func (b *Bucket) All(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for r, err := range b.store.Scan(bucketName, nil, nil) {
			if err == nil {
				err = ctx.Err()
			}
			var e Entry
			if err == nil {
				e, err = unpack(string(r.Key), r.Value)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func unpack(key string, stored []byte) (Entry, error) {
	if len(stored) < 8 {
		return Entry{}, fmt.Errorf("entry %q: %d bytes are too few", key, len(stored))
	}
	return Entry{key, stored[8:], binary.BigEndian.Uint64(stored)}, nil
}

// tell notes for every watcher that a key has changed.
func (b *Bucket) tell(key string, revision uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for w := range b.watchers {
		w.changed[key] = max(w.changed[key], revision)
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// Watch implements KV.
func (b *Bucket) Watch(ctx context.Context) iter.Seq2[Entry, error] {
	w := &watcher{changed: map[string]uint64{}, wake: make(chan struct{}, 1)}
	b.mu.Lock()
	b.watchers[w] = true
	b.mu.Unlock()
	context.AfterFunc(ctx, func() { b.forget(w) })
	return func(yield func(Entry, error) bool) {
		for {
			select {
			case <-ctx.Done():
				return
			case <-w.wake:
			}
			for key, revision := range b.take(w) {
				e, err := b.Get(ctx, key)
				if errors.Is(err, ErrNotFound) {
					e, err = Entry{Key: key, Revision: revision}, nil
				}
				if !yield(e, err) {
					return
				}
			}
		}
	}
}

// take empties a watcher.
func (b *Bucket) take(w *watcher) map[string]uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	changed := w.changed
	w.changed = map[string]uint64{}
	return changed
}

func (b *Bucket) forget(w *watcher) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.watchers, w)
}
