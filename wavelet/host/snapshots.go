package host

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"weir/store"
	"weir/wavelet"
)

// Of the snapshots of a wavelet the newest are kept, and of the older ones one
// for each stretch of versions.
const (
	keptNewest  = 4
	keptStretch = 8192
)

// saved is a snapshot that is stored, in so many parts.
type saved struct {
	version wavelet.Version
	parts   int
}

// Save implements Log. Older snapshots are thinned out: a history can be read
// from any of them on, and it is the newest that saves time. The list of
// snapshots is written last, so that it names whole ones only.
func (l *StoreLog) Save(ctx context.Context, s Snapshot) error {
	id, err := l.id(s.State.Name())
	if err != nil {
		return err
	}
	list, err := l.snapshots(id)
	if err != nil {
		return err
	}
	raw := append(binary.BigEndian.AppendUint64(nil, s.Hash), encodeState(s.State)...)
	v, parts := s.State.Version(), 0
	for part := range slices.Chunk(raw, l.part) {
		key := store.Key(id, uint64(v), uint64(parts))
		if err := l.store.Commit(ctx, store.Batch{{Bucket: snapshotBucket, Key: key, Value: part}}); err != nil {
			return err
		}
		parts++
	}
	list = slices.DeleteFunc(list, func(old saved) bool { return old.version >= v })
	kept, dropped := thinned(append(list, saved{v, parts}))
	var b store.Batch
	for _, old := range dropped {
		for part := range old.parts {
			b = append(b, store.Write{Bucket: snapshotBucket, Key: store.Key(id, uint64(old.version), uint64(part)), Delete: true})
		}
	}
	var value []byte
	for _, s := range kept {
		value = append(value, store.Key(uint64(s.version), uint64(s.parts))...)
	}
	return l.store.Commit(ctx, append(b, store.Write{Bucket: listBucket, Key: store.Key(id), Value: value}))
}

// snapshots lists the snapshots of a wavelet, in order of version.
func (l *StoreLog) snapshots(id uint64) ([]saved, error) {
	raw, err := l.store.Get(listBucket, store.Key(id))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, stored(err)
	}
	list := make([]saved, len(raw)/16)
	for i := range list {
		list[i] = saved{wavelet.Version(store.KeyPart(raw, 2*i)), int(store.KeyPart(raw, 2*i+1))}
	}
	return list, nil
}

// thinned divides snapshots, which are in order, into those to keep and those
// to drop: the newest stay, and before them the first of each stretch.
func thinned(list []saved) (kept, dropped []saved) {
	for i, s := range list {
		if i+keptNewest >= len(list) || len(kept) == 0 || kept[len(kept)-1].version/keptStretch != s.version/keptStretch {
			kept = append(kept, s)
		} else {
			dropped = append(dropped, s)
		}
	}
	return kept, dropped
}

// Load implements Log. A snapshot that is damaged is passed over for an older
// one: the log is the truth.
func (l *StoreLog) Load(ctx context.Context, name wavelet.Name, v wavelet.Version) (Snapshot, error) {
	id, err := l.id(name)
	if err != nil {
		return Snapshot{}, err
	}
	list, err := l.snapshots(id)
	if err != nil {
		return Snapshot{}, err
	}
	for _, s := range slices.Backward(list) {
		if s.version > v {
			continue
		}
		snapshot, err := l.snapshot(name, id, s)
		if err == nil || !errors.Is(err, ErrDamaged) {
			return snapshot, err
		}
	}
	return Snapshot{State: wavelet.NewState(name), Hash: seed(name)}, nil
}

// snapshot reads one snapshot and holds it against the log.
func (l *StoreLog) snapshot(name wavelet.Name, id uint64, s saved) (Snapshot, error) {
	var raw []byte
	for part := range s.parts {
		b, err := l.store.Get(snapshotBucket, store.Key(id, uint64(s.version), uint64(part)))
		if err != nil {
			return Snapshot{}, stored(err)
		}
		raw = append(raw, b...)
	}
	record, err := l.store.Get(logBucket, store.Key(id, uint64(s.version)))
	if err != nil {
		return Snapshot{}, stored(err)
	}
	if len(raw) < 8 || len(record) < 8 || !bytes.Equal(raw[:8], record[:8]) {
		return Snapshot{}, fmt.Errorf("%w: snapshot %d of %s is not of this log", ErrDamaged, s.version, name)
	}
	state, err := decodeState(name, raw[8:])
	if err == nil && state.Version() != s.version {
		err = fmt.Errorf("%w: snapshot %d of %s holds version %d", ErrDamaged, s.version, name, state.Version())
	}
	return Snapshot{State: state, Hash: binary.BigEndian.Uint64(raw)}, err
}
