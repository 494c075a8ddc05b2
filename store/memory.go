package store

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"sync"
)

// Memory is a [Store] without a disk: its records end with the process. The
// time of a commit grows with the number of records in the bucket, unless their
// keys ascend.
type Memory struct {
	mu      sync.RWMutex
	closed  bool
	buckets map[string][]Record // ordered by key; a record's bytes are never changed
	stats   Stats
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{buckets: make(map[string][]Record)}
}

// Commit implements [Store].
func (m *Memory) Commit(ctx context.Context, b Batch) error {
	size, err := b.size()
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if len(b) == 0 {
		return nil
	}
	for i := range b {
		if err := m.check(&b[i]); err != nil {
			m.stats.Conflicts++
			return err
		}
	}
	for i := range b {
		m.apply(&b[i])
	}
	m.stats.grouped(1)
	m.stats.Writes += uint64(len(b))
	m.stats.Bytes += uint64(size)
	return nil
}

func (m *Memory) check(w *Write) error {
	records := m.buckets[w.Bucket]
	i, found := find(records, w.Key)
	if !found {
		return w.Expect.check(w, nil, false)
	}
	return w.Expect.check(w, records[i].Value, true)
}

func (m *Memory) apply(w *Write) {
	records := m.buckets[w.Bucket]
	i, found := find(records, w.Key)
	switch {
	case w.Delete && found:
		records = slices.Delete(records, i, i+1)
	case w.Delete:
	case found:
		records[i].Value = copied(w.Value)
	default:
		records = slices.Insert(records, i, Record{Key: copied(w.Key), Value: copied(w.Value)})
	}
	m.buckets[w.Bucket] = records
}

// Get implements [Store].
func (m *Memory) Get(bucket string, key []byte) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return nil, ErrClosed
	}
	records := m.buckets[bucket]
	i, found := find(records, key)
	if !found {
		return nil, recordError(bucket, key, "", ErrNotFound)
	}
	return copied(records[i].Value), nil
}

// Scan implements [Store].
func (m *Memory) Scan(bucket string, from, to []byte) iter.Seq2[Record, error] {
	return scan(from, func(from []byte, p *page) error {
		m.mu.RLock()
		defer m.mu.RUnlock()
		if m.closed {
			return ErrClosed
		}
		records := m.buckets[bucket]
		for i, _ := find(records, from); i < len(records) && below(records[i].Key, to) && !p.full(); i++ {
			p.add(records[i].Key, records[i].Value)
		}
		return nil
	})
}

// Last implements [Store].
func (m *Memory) Last(bucket string, from, to []byte) (Record, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return Record{}, ErrClosed
	}
	records := m.buckets[bucket]
	end := len(records)
	if to != nil {
		end, _ = find(records, to)
	}
	if end == 0 || bytes.Compare(records[end-1].Key, from) < 0 {
		return Record{}, noneInRange(bucket, from)
	}
	r := records[end-1]
	return Record{Key: copied(r.Key), Value: copied(r.Value)}, nil
}

// Stats implements [Store].
func (m *Memory) Stats() Stats {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.stats
}

// Close implements [Store].
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed, m.buckets = true, nil
	return nil
}

// find returns the place of key among records, and whether it is there.
func find(records []Record, key []byte) (int, bool) {
	return slices.BinarySearchFunc(records, key, func(r Record, key []byte) int {
		return bytes.Compare(r.Key, key)
	})
}

// below reports whether key is below the end of a range.
func below(key, to []byte) bool {
	return to == nil || bytes.Compare(key, to) < 0
}

// copied returns a copy of b that is never nil.
func copied(b []byte) []byte {
	return append([]byte{}, b...)
}
