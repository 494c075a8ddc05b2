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

// Read implements Log. It recomputes the running hash of what it yields, from
// the record before the first, and to the head if it comes that far.
func (l *StoreLog) Read(ctx context.Context, name wavelet.Name, from, to wavelet.Version) iter.Seq2[Committed, error] {
	return func(yield func(Committed, error) bool) {
		h, err := l.headOf(name)
		if err != nil {
			yield(Committed{}, err)
			return
		}
		from, to := max(from, 1), min(to, h.version)
		if from > to {
			return
		}
		hash, err := l.hashAt(name, h.id, from-1)
		next := from
		for r, scanErr := range l.store.Scan(logBucket, store.Key(h.id, uint64(from)), store.Key(h.id, uint64(to)+1)) {
			if err = errors.Join(err, stored(scanErr), context.Cause(ctx)); err != nil {
				break
			}
			var c Committed
			if c, err = readRecord(name, next, hash, r); err != nil {
				break
			}
			if !yield(c, nil) {
				return
			}
			next, hash = next+1, c.Hash
		}
		if err == nil && (next != to+1 || to == h.version && hash != h.hash) {
			err = fmt.Errorf("%w: the log of %s ends at version %d of %d, or is not the one it was", ErrDamaged, name, next-1, to)
		}
		if err != nil {
			yield(Committed{}, err)
		}
	}
}

// hashAt is the hash of the log up to version v.
func (l *StoreLog) hashAt(name wavelet.Name, id uint64, v wavelet.Version) (uint64, error) {
	if v == 0 {
		return seed(name), nil
	}
	raw, err := l.store.Get(logBucket, store.Key(id, uint64(v)))
	if err != nil {
		return 0, stored(err)
	}
	if len(raw) < 8 {
		return 0, fmt.Errorf("%w: commit %d of %s", ErrDamaged, v, name)
	}
	return binary.BigEndian.Uint64(raw), nil
}

// readRecord reads the record that is expected to be that of version v, behind
// a log with the given hash.
func readRecord(name wavelet.Name, v wavelet.Version, hash uint64, r store.Record) (Committed, error) {
	if len(r.Value) < 8 || wavelet.Version(store.KeyPart(r.Key, 1)) != v {
		return Committed{}, fmt.Errorf("%w: commit %d of %s is missing", ErrDamaged, v, name)
	}
	payload := r.Value[8:]
	hash = chained(hash, payload)
	if hash != binary.BigEndian.Uint64(r.Value) {
		return Committed{}, fmt.Errorf("%w: commit %d of %s does not follow the one before", ErrDamaged, v, name)
	}
	c, err := decodeCommit(name, v, payload)
	return Committed{Commit: c, Hash: hash, Size: len(payload)}, err
}

// Resolve implements Log.
func (l *StoreLog) Resolve(ctx context.Context, name wavelet.Name, delta wavelet.DeltaID) (Committed, bool, error) {
	id, err := l.id(name)
	if err != nil {
		return Committed{}, false, err
	}
	raw, err := l.store.Get(deltaBucket, deltaKey(id, delta))
	if errors.Is(err, store.ErrNotFound) {
		return Committed{}, false, nil
	}
	if err != nil {
		return Committed{}, false, stored(err)
	}
	c, err := l.at(name, id, wavelet.Version(binary.BigEndian.Uint64(raw)))
	return c, err == nil, err
}

// at reads one commit.
func (l *StoreLog) at(name wavelet.Name, id uint64, v wavelet.Version) (Committed, error) {
	hash, err := l.hashAt(name, id, v-1)
	if err != nil {
		return Committed{}, err
	}
	key := store.Key(id, uint64(v))
	raw, err := l.store.Get(logBucket, key)
	if err != nil {
		return Committed{}, stored(err)
	}
	return readRecord(name, v, hash, store.Record{Key: key, Value: raw})
}

func deltaKey(id uint64, delta wavelet.DeltaID) []byte {
	return append(store.Key(id), delta...)
}
