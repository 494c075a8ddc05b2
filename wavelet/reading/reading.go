// Package reading remembers what each participant has read.
//
// # Data model
//
// A [Record] belongs to one participant and one wavelet. It says up to which
// version the wavelet was read as a whole, and for single blips up to which
// version they were, which goes before. A blip that was changed since is unread
// again. What somebody alone has written is read. A wavelet about which nothing
// was recorded is unread.
//
// [Marks] keeps the records in a store, each as JSON under participant and
// wavelet. A record is changed by compare-and-set, so that marks set at the same
// time are all kept. All methods of Marks may be called from any number of
// goroutines; a Record is a value of its own.
package reading

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"weir/store"
	"weir/wavelet"
)

// bucket holds the records: participant, 0, name of the wavelet.
const bucket = "reading"

// Store is the part of a store.Store that marks are kept in.
type Store interface {
	Commit(ctx context.Context, b store.Batch) error
	Get(bucket string, key []byte) ([]byte, error)
}

// Record is what one participant has read of one wavelet. The zero Record is of
// one who has read nothing.
type Record struct {
	Through wavelet.Version                    `json:"through"`        // all that was changed up to here is read
	Blips   map[wavelet.BlipID]wavelet.Version `json:"blips,omitzero"` // but of these blips, what was changed up to there
}

// Read reports whether who, whose record it is, has read a blip as it is.
func (r Record) Read(b *wavelet.Blip, who wavelet.Participant) bool {
	through, ok := r.Blips[b.ID]
	if !ok {
		through = r.Through
		if len(b.Contributors) == 1 && b.Contributors[0] == who {
			return true
		}
	}
	return b.Version <= through
}

// Unread counts the blips of s that who has not read.
func (r Record) Unread(s *wavelet.State, who wavelet.Participant) int {
	n := 0
	for b := range s.Blips() {
		if !r.Read(b, who) {
			n++
		}
	}
	return n
}

// Mark sets whether s, or one blip of it unless id is "", is read as it is.
func (r *Record) Mark(s *wavelet.State, id wavelet.BlipID, read bool) {
	through := wavelet.Version(0)
	if read {
		through = s.Version()
	}
	if id == "" {
		r.Through, r.Blips = through, nil
		if !read {
			r.forget(s)
		}
		return
	}
	blips := maps.Clone(r.Blips)
	if blips == nil {
		blips = map[wavelet.BlipID]wavelet.Version{}
	}
	blips[id] = through
	maps.DeleteFunc(blips, func(id wavelet.BlipID, v wavelet.Version) bool {
		b, ok := s.Blip(id)
		return !ok || b.Deleted
	})
	r.Blips = blips
}

// forget makes every blip unread, the reader's own too.
func (r *Record) forget(s *wavelet.State) {
	r.Blips = map[wavelet.BlipID]wavelet.Version{}
	for b := range s.Blips() {
		r.Blips[b.ID] = 0
	}
}

// Marks keeps records.
type Marks struct{ store Store }

// New returns the marks in s.
func New(s Store) *Marks { return &Marks{s} }

// Of is the record of a participant for a wavelet, the zero Record if there is
// none. The error is the store's.
func (m *Marks) Of(who wavelet.Participant, name wavelet.Name) (Record, error) {
	r, _, err := m.read(who, name)
	return r, err
}

// read is a record with its stored form, nil if there is none.
func (m *Marks) read(who wavelet.Participant, name wavelet.Name) (r Record, raw []byte, err error) {
	raw, err = m.store.Get(bucket, key(who, name))
	if errors.Is(err, store.ErrNotFound) {
		return Record{}, nil, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	if err != nil {
		return Record{}, nil, fmt.Errorf("what %s has read of %s: %w", who, name, err)
	}
	return r, raw, nil
}

// Change has f change the record of a participant for a wavelet, again if it was
// changed meanwhile. The error is the store's.
func (m *Marks) Change(ctx context.Context, who wavelet.Participant, name wavelet.Name, f func(*Record)) error {
	for {
		r, before, err := m.read(who, name)
		if err != nil {
			return err
		}
		f(&r)
		w := store.Write{Bucket: bucket, Key: key(who, name), Expect: store.ExpectAbsent()}
		if before != nil {
			w.Expect = store.ExpectValue(before)
		}
		if w.Value, err = json.Marshal(r); err != nil {
			return err
		}
		err = m.store.Commit(ctx, store.Batch{w})
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return fmt.Errorf("note what %s has read of %s: %w", who, name, err)
		}
		return nil
	}
}

func key(who wavelet.Participant, name wavelet.Name) []byte {
	return append(append([]byte(who), 0), name.String()...)
}
