package robots

import (
	"context"
	"errors"
	"iter"
)

// Errors of a KV.
var (
	// ErrNotFound says that there is no entry under the key.
	ErrNotFound = errors.New("no such entry")
	// ErrConflict says that the entry is not at the revision that was expected.
	ErrConflict = errors.New("the entry has changed")
)

// Entry is a value under a key. Revisions of a key only grow. A nil Value means
// that the entry was removed.
type Entry struct {
	Key      string
	Value    []byte
	Revision uint64
}

// KV keeps entries, durably, and lets them be changed by compare-and-set. It is
// safe for concurrent use.
type KV interface {
	// Get returns the entry under key, or ErrNotFound.
	Get(ctx context.Context, key string) (Entry, error)
	// Put writes value under key, if the entry is at the given revision; 0 means
	// that there must be none. A nil value removes the entry. It returns the new
	// revision, or ErrConflict.
	Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
	// All yields every entry there is.
	All(ctx context.Context) iter.Seq2[Entry, error]
	// Watch yields the entries that change from the call on, by whoever, until ctx
	// ends. Of several changes of one entry it may yield only the last.
	Watch(ctx context.Context) iter.Seq2[Entry, error]
}
