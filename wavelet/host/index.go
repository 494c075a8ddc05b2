package host

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"iter"
	"slices"

	"weir/store"
	"weir/wavelet"
)

// headFormat is the number of the stored form of a head.
const headFormat = 1

// encodeHead returns the stored form of a head, without its wavelet's name.
func encodeHead(h *head) []byte {
	e := encoder{buf: make([]byte, 0, 96)}
	e.byte(headFormat)
	e.uint(uint64(h.version))
	e.buf = binary.BigEndian.AppendUint64(e.buf, h.hash)
	e.string(h.summary.Title)
	e.time(h.summary.Created)
	e.time(h.summary.Modified)
	e.participant(h.summary.Creator)
	e.int(h.summary.Participants)
	e.int(h.summary.Blips)
	return e.buf
}

func decodeHead(name wavelet.Name, raw []byte) (head, error) {
	d := decoder{buf: raw}
	d.format(headFormat, "a head")
	h := head{raw: raw, version: wavelet.Version(d.uint()), hash: d.hash()}
	h.summary = Summary{Name: name, Version: h.version, Title: d.string(), Created: d.time(), Modified: d.time(),
		Creator: d.participant(), Participants: d.int(), Blips: d.int()}
	return h, d.end("head of " + name.String())
}

func (d *decoder) hash() uint64 {
	if len(d.buf) < 8 {
		d.fail(errShort)
		return 0
	}
	n := binary.BigEndian.Uint64(d.buf)
	d.buf = d.buf[8:]
	return n
}

// Of implements Log.
func (l *StoreLog) Of(ctx context.Context, p wavelet.Participant) iter.Seq2[Summary, error] {
	return func(yield func(Summary, error) bool) {
		bucket, prefix := memberBucket, append([]byte(p), 0)
		to := store.PrefixEnd(prefix)
		if p == "" {
			bucket, prefix, to = headBucket, nil, nil
		}
		for r, err := range l.store.Scan(bucket, prefix, to) {
			var s Summary
			if err = errors.Join(stored(err), context.Cause(ctx)); err == nil {
				s, err = l.summary(bytes.TrimPrefix(r.Key, prefix))
			}
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}

// summary reads what is known of the wavelet whose id is key.
func (l *StoreLog) summary(key []byte) (Summary, error) {
	raw, err := l.store.Get(nameBucket, key)
	if err != nil {
		return Summary{}, stored(err)
	}
	name, err := wavelet.ParseName(string(raw))
	if err != nil {
		return Summary{}, errors.Join(ErrDamaged, err)
	}
	if raw, err = l.store.Get(headBucket, key); err != nil {
		return Summary{}, stored(err)
	}
	h, err := decodeHead(name, raw)
	return h.summary, err
}

// Of the snapshots of a wavelet the newest are kept, and of the older ones one
// for each stretch of versions.
const (
	keptNewest  = 4
	keptStretch = 8192
)

// Save implements Log. Older snapshots are thinned out: a history can be read
// from any of them on, and it is the newest that saves time.
func (l *StoreLog) Save(ctx context.Context, s Snapshot) error {
	id, err := l.id(s.State.Name())
	if err != nil {
		return err
	}
	versions, err := l.snapshots(id)
	if err != nil {
		return err
	}
	v := s.State.Version()
	if at, found := slices.BinarySearch(versions, v); !found {
		versions = slices.Insert(versions, at, v)
	}
	kept, dropped := thinned(versions)
	value := append(binary.BigEndian.AppendUint64(nil, s.Hash), encodeState(s.State)...)
	b := store.Batch{{Bucket: snapshotBucket, Key: store.Key(id, uint64(v)), Value: value}}
	for _, v := range dropped {
		b = append(b, store.Write{Bucket: snapshotBucket, Key: store.Key(id, uint64(v)), Delete: true})
	}
	list := make([]uint64, len(kept))
	for i, v := range kept {
		list[i] = uint64(v)
	}
	return l.store.Commit(ctx, append(b, store.Write{Bucket: listBucket, Key: store.Key(id), Value: store.Key(list...)}))
}

// snapshots lists the versions of a wavelet of which there are snapshots.
func (l *StoreLog) snapshots(id uint64) ([]wavelet.Version, error) {
	raw, err := l.store.Get(listBucket, store.Key(id))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, stored(err)
	}
	versions := make([]wavelet.Version, len(raw)/8)
	for i := range versions {
		versions[i] = wavelet.Version(store.KeyPart(raw, i))
	}
	return versions, nil
}

// thinned divides the versions of snapshots, which are in order, into those to
// keep and those to drop: the newest stay, and before them the first of each
// stretch.
func thinned(versions []wavelet.Version) (kept, dropped []wavelet.Version) {
	for i, v := range versions {
		if i+keptNewest >= len(versions) || len(kept) == 0 || kept[len(kept)-1]/keptStretch != v/keptStretch {
			kept = append(kept, v)
		} else {
			dropped = append(dropped, v)
		}
	}
	return kept, dropped
}
