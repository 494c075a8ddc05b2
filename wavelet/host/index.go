package host

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"iter"

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
