// Package attachment keeps the files that belong to wavelets.
//
// # Data model
//
// A file is stored once under the SHA-256 of its content, however often it is
// attached. A [Record] ties it to one wavelet under an id that is unique there,
// with a file name, the type that its content has, and who attached it. An
// attachment is never changed and never removed, for old versions of the wavelet
// refer to it. Elements in a document name the id and nothing else.
//
// Who may see an attachment is who takes part in its wavelet; the callers ask.
// What may be attached is decided here: at most [MaxSize] bytes, nothing that a
// browser or a system would run, and nothing whose name promises another kind of
// content than it has.
//
// All methods of a [Shelf] may be called from any number of goroutines.
package attachment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"weir/store"
	"weir/wavelet"
)

// Bounds of what is kept.
const (
	MaxSize  = 5 << 20   // bytes of one file
	MaxName  = 255       // bytes of a file name
	MaxCount = 1000      // attachments of one wavelet
	MaxTotal = 256 << 20 // bytes of all attachments of one wavelet
)

// Errors of a Shelf. What wraps them says more.
var (
	ErrNotFound = errors.New("there is no such attachment")
	ErrTaken    = errors.New("another attachment of the wavelet has this id")
	ErrRefused  = errors.New("the file cannot be attached")
	ErrFull     = errors.New("the wavelet cannot take more attachments")
)

// The buckets of a Shelf.
const (
	contentBucket = "attachment.content" // SHA-256 -> content
	recordBucket  = "attachment"         // id, 0, name of the wavelet -> Record
	sizeBucket    = "attachment.size"    // name of the wavelet, 0, id -> the Record's size as text
)

// Record is a file that is attached to a wavelet.
type Record struct {
	ID      string              `json:"id"`
	Wavelet wavelet.Name        `json:"wavelet"`
	Name    string              `json:"name"` // of the file, "" if it has none
	Type    string              `json:"type"` // of its content, as in Content-Type
	Creator wavelet.Participant `json:"creator"`
	Size    int                 `json:"size"` // bytes
	Hash    string              `json:"hash"` // SHA-256 of the content, in hex
	Created time.Time           `json:"created"`
}

// Store is the part of a store.Store that attachments are kept in.
type Store interface {
	Commit(ctx context.Context, b store.Batch) error
	Get(bucket string, key []byte) ([]byte, error)
	Scan(bucket string, from, to []byte) iter.Seq2[store.Record, error]
}

// Shelf keeps attachments.
type Shelf struct{ store Store }

// New returns the attachments in s.
func New(s Store) *Shelf { return &Shelf{s} }

// Put attaches a file. Of r, ID, Wavelet, Name and Creator are given; an empty
// ID stands for one made of the content. The same file under the same id is no
// error and changes nothing. Errors: ErrRefused, ErrTaken, ErrFull, and the
// store's.
func (s *Shelf) Put(ctx context.Context, r Record, content []byte) (Record, error) {
	sum := sha256.Sum256(content)
	r.Hash, r.Size, r.Created = hex.EncodeToString(sum[:]), len(content), time.Now().UTC().Truncate(time.Millisecond)
	if r.ID == "" {
		r.ID = "a+" + r.Hash[:32]
	}
	var err error
	if r.Type, err = check(r, content); err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return s.put(ctx, r, store.Write{Bucket: contentBucket, Key: sum[:], Value: content})
}

// Share attaches a file that is attached to another wavelet already, under the
// same id. Errors as of Put.
func (s *Shelf) Share(ctx context.Context, r Record, with wavelet.Name, by wavelet.Participant) (Record, error) {
	r.Wavelet, r.Creator = with, by
	return s.put(ctx, r)
}

// put writes a record with what belongs to it, unless it is there already.
func (s *Shelf) put(ctx context.Context, r Record, content ...store.Write) (Record, error) {
	before, err := s.Get(r.Wavelet, r.ID)
	switch {
	case err == nil && before.Hash == r.Hash:
		return before, nil
	case err == nil:
		return Record{}, fmt.Errorf("%w: %s", ErrTaken, r.ID)
	case !errors.Is(err, ErrNotFound):
		return Record{}, err
	}
	if err := s.room(ctx, r); err != nil {
		return Record{}, err
	}
	value, err := json.Marshal(r)
	if err != nil {
		return Record{}, err
	}
	err = s.store.Commit(ctx, append(store.Batch{
		{Bucket: recordBucket, Key: recordKey(r.ID, r.Wavelet), Value: value, Expect: store.ExpectAbsent()},
		{Bucket: sizeBucket, Key: sizeKey(r.Wavelet, r.ID), Value: fmt.Append(nil, r.Size)},
	}, content...))
	if errors.Is(err, store.ErrConflict) {
		return s.put(ctx, r, content...) // somebody was faster
	}
	if err != nil {
		return Record{}, fmt.Errorf("attach %s to %s: %w", r.ID, r.Wavelet, err)
	}
	return r, nil
}

// room reports why the wavelet cannot take one more attachment.
func (s *Shelf) room(ctx context.Context, r Record) error {
	count, total := 0, r.Size
	from := sizeKey(r.Wavelet, "")
	for entry, err := range s.store.Scan(sizeBucket, from, store.PrefixEnd(from)) {
		if err = errors.Join(err, context.Cause(ctx)); err != nil {
			return err
		}
		size := 0
		if _, err := fmt.Sscan(string(entry.Value), &size); err != nil {
			return fmt.Errorf("size of an attachment of %s: %w", r.Wavelet, err)
		}
		count, total = count+1, total+size
	}
	if count >= MaxCount || total > MaxTotal {
		return fmt.Errorf("%w: %d of at most %d, %d bytes with this one of at most %d", ErrFull, count, MaxCount, total, MaxTotal)
	}
	return nil
}

// Get is the attachment of a wavelet with an id. Errors: ErrNotFound, and the
// store's.
func (s *Shelf) Get(name wavelet.Name, id string) (Record, error) {
	if checkID(id) != nil {
		return Record{}, fmt.Errorf("%w: %q", ErrNotFound, id)
	}
	raw, err := s.store.Get(recordBucket, recordKey(id, name))
	if errors.Is(err, store.ErrNotFound) {
		return Record{}, fmt.Errorf("%w: %s in %s", ErrNotFound, id, name)
	}
	var r Record
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	if err != nil {
		return Record{}, fmt.Errorf("attachment %s of %s: %w", id, name, err)
	}
	return r, nil
}

// Under yields the attachments with an id, in whichever wavelets there are.
func (s *Shelf) Under(id string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if checkID(id) != nil {
			return
		}
		from := append([]byte(id), 0)
		for entry, err := range s.store.Scan(recordBucket, from, store.PrefixEnd(from)) {
			var r Record
			if err == nil {
				err = json.Unmarshal(entry.Value, &r)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// Content is what an attachment holds. The error is the store's.
func (s *Shelf) Content(r Record) ([]byte, error) {
	sum, err := hex.DecodeString(r.Hash)
	if err != nil {
		return nil, fmt.Errorf("attachment %s: %w", r.ID, err)
	}
	content, err := s.store.Get(contentBucket, sum)
	if err != nil {
		return nil, fmt.Errorf("content of attachment %s: %w", r.ID, err)
	}
	return content, nil
}

func recordKey(id string, name wavelet.Name) []byte {
	return append(append([]byte(id), 0), name.String()...)
}

func sizeKey(name wavelet.Name, id string) []byte {
	return append(append([]byte(name.String()), 0), id...)
}

// checkID refuses ids that cannot stand in a path: 1 to 256 bytes of visible
// ASCII without what has a meaning there.
func checkID(id string) error {
	bad := func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"\/<>&?#%`, r) }
	if id == "" || len(id) > 256 || id == "." || id == ".." || strings.ContainsFunc(id, bad) {
		return fmt.Errorf(`the id %.40q is not 1 to 256 bytes of visible ASCII without " \ / < > & ? # %%`, id)
	}
	return nil
}
