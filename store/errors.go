package store

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Errors of reads and commits, to be told apart with errors.Is.
var (
	// ErrNotFound means that no record is there.
	ErrNotFound = errors.New("not found")
	// ErrConflict means that a write's condition does not hold. The error is a
	// [*RecordError] that names the bucket and key.
	ErrConflict = errors.New("conflict")
	// ErrUnknown means that a batch may or may not have been committed: its
	// context ended while it was being written, or the disk failed at the last
	// step. Look for what the batch would have written before sending it again.
	ErrUnknown = errors.New("outcome of the commit is not known")
	// ErrCorrupt means that stored bytes are not what was written. For a record
	// the error is a [*RecordError].
	ErrCorrupt = errors.New("data is damaged")
	// ErrFull means that the disk, quota or file size limit is reached. The batch
	// changed nothing; try again once there is space.
	ErrFull = errors.New("no space left for the data")
	// ErrBroken means that the disk failed and that the store refuses commits
	// until it is opened again.
	ErrBroken = errors.New("the disk failed, no more commits until restart")
	// ErrInvalid means that a bucket name or key can not be used.
	ErrInvalid = errors.New("invalid write")
	// ErrTooLarge means that a key or batch exceeds its limit.
	ErrTooLarge = errors.New("too large")
	// ErrClosed means that the store has been closed.
	ErrClosed = errors.New("store is closed")
)

// Errors of [Open], to be told apart with errors.Is.
var (
	// ErrLocked means that another process, or another File, uses the same data.
	ErrLocked = errors.New("data is in use")
	// ErrFormat means that the file was written by a newer version, or is not a
	// store at all.
	ErrFormat = errors.New("unknown data format")
)

// RecordError says which record an error is about.
type RecordError struct {
	Bucket string
	Key    []byte
	Detail string // what is wrong with it, in words
	Err    error  // the sentinel: ErrConflict, ErrCorrupt or ErrNotFound
}

// recordError returns a RecordError with a copy of key, which may belong to a
// caller or to the mapped file.
func recordError(bucket string, key []byte, detail string, err error) error {
	return &RecordError{Bucket: bucket, Key: bytes.Clone(key), Detail: detail, Err: err}
}

// Error names the sentinel, the record and the detail.
func (e *RecordError) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("%v: bucket %q key %s", e.Err, e.Bucket, keyText(e.Key))
	}
	return fmt.Sprintf("%v: bucket %q key %s: %s", e.Err, e.Bucket, keyText(e.Key), e.Detail)
}

// Unwrap returns the sentinel.
func (e *RecordError) Unwrap() error { return e.Err }

// keyText shows a key as text when it is printable ASCII, else in hexadecimal.
func keyText(key []byte) string {
	notText := func(r rune) bool { return r < ' ' || r > '~' }
	if strings.ContainsFunc(string(key), notText) {
		return fmt.Sprintf("%x", key)
	}
	return fmt.Sprintf("%q", key)
}

// noneInRange says that a range has no last record.
func noneInRange(bucket string, from []byte) error {
	return recordError(bucket, from, "no record in the range that starts here", ErrNotFound)
}
