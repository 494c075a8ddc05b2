package store

import (
	"bytes"
	"context"
	"fmt"
	"iter"
)

// Store is what [File] and [Memory] have in common.
type Store interface {
	// Commit makes every write of b happen, or none. It returns nil once the
	// batch is durable and visible. It waits while the queue is full. When ctx
	// ends before the batch was taken from the queue, the batch is withdrawn and
	// the error is the context's; when it ends later, the error is [ErrUnknown].
	// Other errors: [ErrConflict], [ErrFull], [ErrInvalid], [ErrTooLarge],
	// [ErrCorrupt] for a condition on a damaged record, [ErrBroken], [ErrClosed].
	// The caller may reuse the batch's memory as soon as Commit returns. An
	// empty batch succeeds and does nothing.
	Commit(ctx context.Context, b Batch) error

	// Get returns the value under key. The caller owns it. Errors: [ErrNotFound],
	// [ErrCorrupt], [ErrClosed].
	Get(bucket string, key []byte) ([]byte, error)

	// Scan yields the records with from <= key < to in the order of their keys;
	// nil means the start or the end of the bucket. A bucket that does not exist
	// is empty. The caller owns the records. The first error ends the scan.
	//
	// A scan reads ahead in pages and holds nothing while its consumer is busy,
	// so a slow consumer harms nobody. It is therefore no snapshot: every record
	// that stands in the range throughout is yielded exactly once, and whatever
	// is written or deleted ahead of the scan while it runs may or may not be
	// seen. Where keys are only ever appended, what it yields is a gapless
	// beginning of the range.
	Scan(bucket string, from, to []byte) iter.Seq2[Record, error]

	// Last returns the record with the greatest key in from <= key < to; nil
	// means the start or the end of the bucket. The caller owns it. Errors:
	// [ErrNotFound], [ErrCorrupt], [ErrClosed].
	Last(bucket string, from, to []byte) (Record, error)

	// Stats returns counters since the store was opened.
	Stats() Stats

	// Close refuses new commits with [ErrClosed], waits until every Commit under
	// way has been answered, and lets go of the data. Closing again does nothing.
	Close() error
}

// MaxKey is the greatest length of a key in bytes.
const MaxKey = 1024

// MaxBatch is the greatest size of a batch: the bytes of its keys and values.
const MaxBatch = 32 << 20

// maxBucket is the greatest length of a bucket's name in bytes.
const maxBucket = 64

// Record is a key and its value.
type Record struct {
	Key, Value []byte
}

// Batch is a list of writes of which all happen or none. The conditions of all
// writes are judged before the first one happens; the writes then happen in
// order, so that the last one to a key stands.
type Batch []Write

// Write puts Value under Key in Bucket, or deletes Key.
type Write struct {
	Bucket string // 1 to 64 bytes, not starting with a dot
	Key    []byte // 1 to [MaxKey] bytes
	Value  []byte // may be empty; ignored by a delete
	Delete bool   // removes the key; a key that is not there is no error
	Expect Expect // condition on the record before the batch; zero: none
}

// Expect is a condition on what a key holds before a batch. The zero Expect
// always holds.
type Expect struct {
	kind  expectation
	value []byte
}

type expectation uint8

const (
	expectAnything expectation = iota
	expectAbsent
	expectValue
)

// ExpectAbsent returns the condition that the key holds no record.
func ExpectAbsent() Expect { return Expect{kind: expectAbsent} }

// ExpectValue returns the condition that the key holds exactly v. A key that
// holds the empty value is not absent.
func ExpectValue(v []byte) Expect { return Expect{kind: expectValue, value: v} }

// check returns why the condition does not hold for the current value, or nil.
func (e Expect) check(w *Write, current []byte, present bool) error {
	switch {
	case e.kind == expectAbsent && present:
		return recordError(w.Bucket, w.Key, "present, expected to be absent", ErrConflict)
	case e.kind == expectValue && !present:
		return recordError(w.Bucket, w.Key, "absent, expected to be present", ErrConflict)
	case e.kind == expectValue && !bytes.Equal(current, e.value):
		return recordError(w.Bucket, w.Key, "holds another value than expected", ErrConflict)
	}
	return nil
}

// size returns the bytes that b occupies while it waits, or why b can not be
// committed by any store.
func (b Batch) size() (int, error) {
	total := 0
	for i := range b {
		w := &b[i]
		if err := checkNames(w.Bucket, w.Key); err != nil {
			return 0, fmt.Errorf("write %d of %d: %w", i+1, len(b), err)
		}
		total += len(w.Key) + len(w.Expect.value)
		if !w.Delete {
			total += headerSize + len(w.Value)
		}
	}
	if total > MaxBatch {
		return 0, fmt.Errorf("%w: %d bytes in one batch, at most %d; split it", ErrTooLarge, total, MaxBatch)
	}
	return total, nil
}

// checkNames refuses buckets and keys that no store takes.
func checkNames(bucket string, key []byte) error {
	switch {
	case bucket == "" || len(bucket) > maxBucket || bucket[0] == '.':
		return fmt.Errorf("%w: bucket name %q must be 1 to %d bytes and not start with a dot", ErrInvalid, bucket, maxBucket)
	case len(key) == 0:
		return fmt.Errorf("%w: empty key in bucket %q", ErrInvalid, bucket)
	case len(key) > MaxKey:
		return fmt.Errorf("%w: key of %d bytes in bucket %q, at most %d", ErrTooLarge, len(key), bucket, MaxKey)
	}
	return nil
}
