// Package logins keeps from when on the login tokens of a person count.
//
// # Data model
//
// Tokens are made and signed elsewhere, and nothing is known here of those that
// are about. An operator who revokes a person's tokens sets a mark: what was
// issued before it is refused, for good. There is one record for each person
// who has a mark, and a later mark takes the place of an earlier one.
//
// # Concurrency
//
// A Book is safe for concurrent use. A mark that was set is on the disk and
// seen by everybody.
package logins

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"weir/store"
	"weir/wavelet"
)

// bucket is where marks are stored, by address.
const bucket = "login"

// record is a mark as it is stored.
type record struct {
	Format int       `json:"format"`
	Since  time.Time `json:"since"`
}

// recordFormat is the format of records written now.
const recordFormat = 1

// Store is the part of a store.Store that marks are kept in.
type Store interface {
	Commit(ctx context.Context, b store.Batch) error
	Scan(bucket string, from, to []byte) iter.Seq2[store.Record, error]
}

// Book is everybody's marks.
type Book struct {
	store Store
	now   func() time.Time

	mu    sync.RWMutex
	since map[wavelet.Participant]time.Time
}

// Open reads the marks in s. A nil now is time.Now.
func Open(s Store, now func() time.Time) (*Book, error) {
	if now == nil {
		now = time.Now
	}
	b := &Book{store: s, now: now, since: map[wavelet.Participant]time.Time{}}
	for r, err := range s.Scan(bucket, nil, nil) {
		if err != nil {
			return nil, fmt.Errorf("read revoked logins: %w", err)
		}
		var rec record
		if err := json.Unmarshal(r.Value, &rec); err != nil || rec.Format != recordFormat {
			return nil, fmt.Errorf("read revoked logins: record %s: format %d: %w", r.Key, rec.Format, errors.Join(err, errors.ErrUnsupported))
		}
		b.since[wavelet.Participant(r.Key)] = rec.Since
	}
	return b, nil
}

// Revoke makes everything that was issued to a person until now void, and
// returns the mark, in whole milliseconds and after now.
func (b *Book) Revoke(ctx context.Context, who wavelet.Participant) (time.Time, error) {
	since := b.now().UTC().Truncate(time.Millisecond).Add(time.Millisecond)
	value, err := json.Marshal(record{recordFormat, since})
	if err != nil {
		return time.Time{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock() // over the commit, so that the disk and the memory agree on which of two was the last
	if b.since[who].After(since) {
		return b.since[who], nil // the clock was set back
	}
	if err := b.store.Commit(ctx, store.Batch{{Bucket: bucket, Key: []byte(who), Value: value}}); err != nil {
		return time.Time{}, fmt.Errorf("revoke logins: %w", err)
	}
	b.since[who] = since
	return since, nil
}

// Since is a person's mark: what was issued before it is void. Zero if there is
// none.
func (b *Book) Since(who wavelet.Participant) time.Time {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.since[who]
}
