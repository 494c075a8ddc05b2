package host

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"weir/store"
	"weir/wavelet"
)

// Append implements Log.
func (l *StoreLog) Append(ctx context.Context, es ...Entry) ([]Committed, error) {
	first, err := l.reserve(len(es))
	if err != nil {
		return nil, err
	}
	defer l.settle(first)
	b := batch{log: l, cursor: first, heads: make(map[wavelet.Name]*head)}
	for _, e := range es {
		if err := b.add(e); err != nil {
			return nil, err
		}
	}
	b.finish()
	switch err := l.store.Commit(ctx, b.writes); {
	case errors.Is(err, store.ErrConflict):
		return nil, fmt.Errorf("%w: %w", ErrStale, err)
	case errors.Is(err, store.ErrUnknown):
		return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
	case err != nil:
		return nil, err
	}
	return b.done, nil
}

// reserve gives n cursors to an append that starts, which has to be settled.
func (l *StoreLog) reserve(n int) (Cursor, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, ErrClosed
	}
	if err := l.begin(); err != nil {
		return 0, err
	}
	first := l.next
	l.next += Cursor(n)
	l.pending[first] = struct{}{}
	return first, nil
}

// settle ends the append whose cursors start at first, and wakes followers.
func (l *StoreLog) settle(first Cursor) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.pending, first)
	if l.closed {
		if len(l.pending) == 0 {
			close(l.quiet)
		}
		return
	}
	close(l.advanced)
	l.advanced = make(chan struct{})
}

// settled is the cursor behind which nothing is decided yet, and a channel that
// is closed when that may have changed.
func (l *StoreLog) settled() (upTo Cursor, advanced <-chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, nil, ErrClosed
	}
	if err := l.begin(); err != nil {
		return 0, nil, err
	}
	upTo = l.next
	for first := range l.pending {
		upTo = min(upTo, first)
	}
	return upTo - 1, l.advanced, nil
}

// batch collects what the entries of an append change.
type batch struct {
	log    *StoreLog
	cursor Cursor
	heads  map[wavelet.Name]*head
	order  []wavelet.Name // of heads
	writes store.Batch
	done   []Committed
}

func (b *batch) add(e Entry) error {
	c := e.Commit
	h, err := b.head(c.Wavelet)
	if err != nil {
		return err
	}
	if c.Version != h.version+1 {
		return fmt.Errorf("%w: version %d of %s cannot follow version %d", ErrStale, c.Version, c.Wavelet, h.version)
	}
	payload, err := encodeCommit(c)
	if err != nil {
		return err
	}
	hash := chained(h.hash, payload)
	h.version, h.hash, h.summary = c.Version, hash, e.Summary
	record := append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(payload)), hash), payload...)
	at := store.Key(h.id, uint64(c.Version))
	b.put(logBucket, at, record)
	b.put(deltaBucket, deltaKey(h.id, c.Delta.ID), store.Key(uint64(c.Version)))
	b.put(orderBucket, store.Key(uint64(b.cursor)), at)
	for _, op := range c.Delta.Ops {
		switch op := op.(type) {
		case wavelet.AddParticipant:
			b.put(memberBucket, memberKey(op.Who, h.id), nil)
		case wavelet.RemoveParticipant:
			b.writes = append(b.writes, store.Write{Bucket: memberBucket, Key: memberKey(op.Who, h.id), Delete: true})
		}
	}
	b.done = append(b.done, Committed{Commit: c, Cursor: b.cursor, Hash: hash, Size: len(payload)})
	b.cursor++
	return nil
}

func (b *batch) put(bucket string, key, value []byte) {
	b.writes = append(b.writes, store.Write{Bucket: bucket, Key: key, Value: value})
}

// head returns the wavelet's head as the batch has moved it, for a new wavelet
// with a new id.
func (b *batch) head(name wavelet.Name) (*head, error) {
	if h := b.heads[name]; h != nil {
		return h, nil
	}
	h, err := b.log.headOf(name)
	if errors.Is(err, ErrNotFound) {
		h, err = head{id: b.log.newID(), hash: seed(name)}, nil
	}
	if err != nil {
		return nil, err
	}
	b.heads[name] = &h
	b.order = append(b.order, name)
	return &h, nil
}

func (l *StoreLog) newID() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lastID++
	return l.lastID
}

// finish writes the heads, on the condition that they are where they were.
func (b *batch) finish() {
	for _, name := range b.order {
		h := b.heads[name]
		w := store.Write{Bucket: headBucket, Key: store.Key(h.id), Value: encodeHead(h), Expect: store.ExpectValue(h.raw)}
		if h.raw == nil {
			w.Expect = store.ExpectAbsent()
			id := store.Key(h.id)
			b.writes = append(b.writes,
				store.Write{Bucket: idBucket, Key: []byte(name.String()), Value: id, Expect: store.ExpectAbsent()},
				store.Write{Bucket: nameBucket, Key: id, Value: []byte(name.String()), Expect: store.ExpectAbsent()})
		}
		b.writes = append(b.writes, w)
	}
}

// memberKey is the key that says that p takes part in a wavelet.
func memberKey(p wavelet.Participant, id uint64) []byte {
	return append(append([]byte(p), 0), store.Key(id)...)
}

// Follow implements Log. A store has the one shard 0.
func (l *StoreLog) Follow(ctx context.Context, shard int, after Cursor) iter.Seq2[Committed, error] {
	return func(yield func(Committed, error) bool) {
		if shard != 0 {
			yield(Committed{}, fmt.Errorf("follow shard %d: a store has the shard 0 only", shard))
			return
		}
		names := make(map[uint64]wavelet.Name)
		for {
			upTo, advanced, err := l.settled()
			if err != nil {
				yield(Committed{}, err)
				return
			}
			for r, err := range l.store.Scan(orderBucket, store.Key(uint64(after)+1), store.Key(uint64(upTo)+1)) {
				var c Committed
				if err == nil {
					c, err = l.ordered(names, r)
				}
				if !yield(c, err) || err != nil {
					return
				}
				after = c.Cursor
			}
			after = max(after, upTo)
			select {
			case <-advanced:
			case <-ctx.Done():
				yield(Committed{}, context.Cause(ctx))
				return
			}
		}
	}
}

// ordered reads the commit that a record of the global order points to.
func (l *StoreLog) ordered(names map[uint64]wavelet.Name, r store.Record) (Committed, error) {
	id, v := store.KeyPart(r.Value, 0), wavelet.Version(store.KeyPart(r.Value, 1))
	name, ok := names[id]
	if !ok {
		raw, err := l.store.Get(nameBucket, store.Key(id))
		if err != nil {
			return Committed{}, stored(err)
		}
		if name, err = wavelet.ParseName(string(raw)); err != nil {
			return Committed{}, errors.Join(ErrDamaged, err)
		}
		names[id] = name
	}
	c, err := l.at(name, id, v)
	c.Cursor = Cursor(store.KeyPart(r.Key, 0))
	return c, err
}
