// Package book keeps the policies of a server: the set that is in force, and
// every change of it with who made it and when.
//
// # Data model
//
// A [Version] is the whole text of a policy file and what it changed against the
// version before. Versions are numbered from 1; version 0 is the built-in
// profiles. The newest version is the one in force, and is in force again after
// a restart. A server that is given a policy file of its own has the file put in
// force at its start, and whenever it is told to read it again; what was applied
// in between is then history. The book keeps the last so many versions.
//
// # Concurrency
//
// All methods of a Book may be called from any goroutine. Set is a load of a
// pointer. Changes follow one another: each is stored first and in force
// afterwards.
package book

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"weir/policies"
	"weir/store"
)

// bucket holds the versions: number -> Version.
const bucket = "policy"

// DefaultKeep is how many versions are kept if Options do not say.
const DefaultKeep = 200

// ErrNoVersion means that the book holds no version with this number.
var ErrNoVersion = errors.New("no such version of the policies")

// Store is the part of a store.Store that a Book needs. It keeps its records in
// the bucket "policy".
type Store interface {
	Commit(ctx context.Context, b store.Batch) error
	Get(bucket string, key []byte) ([]byte, error)
	Scan(bucket string, from, to []byte) iter.Seq2[store.Record, error]
}

// Options of a Book.
type Options struct {
	File    string // the server's own policy file, only for its name; "" for none
	Text    []byte // and what it says
	Keep    int    // versions. 0: DefaultKeep
	Changed func() // called after a change is in force, but not by Open. nil: nobody
}

// Version is one state of the policies.
type Version struct {
	Number  uint64            `json:"number"` // 0: the built-in profiles
	At      time.Time         `json:"at,omitzero"`
	By      string            `json:"by,omitzero"`   // as whoever applied it said
	File    string            `json:"file,omitzero"` // name of the file it was read from
	Own     bool              `json:"own,omitzero"`  // the server read its own file, nobody applied it
	Changes []policies.Change `json:"changes"`       // against the version before
	Text    string            `json:"text,omitzero"`
}

// Book keeps versions.
type Book struct {
	kv      Store
	o       Options
	set     atomic.Pointer[policies.Set]
	mu      sync.Mutex // held over a change
	current Version
	first   uint64 // number of the oldest version kept
}

// Open takes up the book in kv, and puts the server's own file in force if there
// is one. Without one a stored text that no longer reads is an error of type
// policies.Faults.
func Open(ctx context.Context, kv Store, o Options) (*Book, error) {
	if o.Keep <= 0 {
		o.Keep = DefaultKeep
	}
	b := &Book{kv: kv, o: o, current: Version{Changes: []policies.Change{}}}
	builtin := policies.Builtin()
	b.set.Store(&builtin)
	for rec, err := range kv.Scan(bucket, nil, nil) {
		if err == nil {
			b.current = Version{}
			err = json.Unmarshal(rec.Value, &b.current)
		}
		if err != nil {
			return nil, fmt.Errorf("read the policies: %w", err)
		}
		if b.first == 0 {
			b.first = b.current.Number
		}
	}
	if b.current.Number > 0 {
		set, err := policies.Parse([]byte(b.current.Text), b.current.File)
		if err != nil && o.File == "" {
			return nil, fmt.Errorf("the policies in force, version %d, do not read any more: %w", b.current.Number, err)
		}
		if err == nil {
			b.set.Store(&set)
		}
	}
	if o.File != "" {
		if _, err := b.change(ctx, Version{File: o.File, Own: true, Text: string(o.Text)}); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Set is the profiles in force.
func (b *Book) Set() policies.Set { return *b.set.Load() }

// File is the name of the server's own policy file, "" if it has none.
func (b *Book) File() string { return b.o.File }

// Current is the version in force.
func (b *Book) Current() Version {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.current
}

// Diff is what would change if the text of a file were applied. The error is of
// type policies.Faults.
func (b *Book) Diff(file, text string) ([]policies.Change, error) {
	set, err := policies.Parse([]byte(text), file)
	if err != nil {
		return nil, err
	}
	return policies.Diff(b.Set(), set), nil
}

// Apply puts the text of a file in force, in the name of by. A text that is in
// force already makes no new version. Errors are of type policies.Faults, or
// those of the store; nothing has changed then.
func (b *Book) Apply(ctx context.Context, by, file, text string) (Version, error) {
	v, err := b.change(ctx, Version{By: by, File: file, Text: text})
	if err == nil {
		b.tell()
	}
	return v, err
}

// Reread puts the server's own file in force, as it is now.
func (b *Book) Reread(ctx context.Context, text []byte) error {
	_, err := b.change(ctx, Version{File: b.o.File, Own: true, Text: string(text)})
	if err == nil {
		b.tell()
	}
	return err
}

func (b *Book) tell() {
	if b.o.Changed != nil {
		b.o.Changed()
	}
}

// change makes v the newest version.
func (b *Book) change(ctx context.Context, v Version) (Version, error) {
	set, err := policies.Parse([]byte(v.Text), v.File)
	if err != nil {
		return Version{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current.Number > 0 && v.Text == b.current.Text {
		b.set.Store(&set)
		return b.current, nil
	}
	v.Number, v.At, v.Changes = b.current.Number+1, time.Now().UTC(), policies.Diff(b.Set(), set)
	value, err := json.Marshal(v)
	if err != nil {
		return Version{}, fmt.Errorf("write the policies: %w", err)
	}
	batch := store.Batch{{Bucket: bucket, Key: store.Key(v.Number), Value: value}}
	first := max(b.first, 1)
	for ; v.Number-first >= uint64(b.o.Keep); first++ {
		batch = append(batch, store.Write{Bucket: bucket, Key: store.Key(first), Delete: true})
	}
	// A caller who hangs up now must not leave it open whether this happened.
	if err := b.kv.Commit(context.WithoutCancel(ctx), batch); err != nil {
		return Version{}, fmt.Errorf("write the policies: %w", err)
	}
	b.current, b.first = v, first
	b.set.Store(&set)
	return v, nil
}

// History lists the newest versions below number before, at most limit of them
// and without their texts; 0 stands for all numbers.
func (b *Book) History(before uint64, limit int) ([]Version, error) {
	b.mu.Lock()
	first, last := b.first, b.current.Number
	b.mu.Unlock()
	if before == 0 || before > last {
		before = last + 1
	}
	list := []Version{}
	for n := before - 1; n >= max(first, 1) && len(list) < limit; n-- {
		v, err := b.Version(n)
		if errors.Is(err, ErrNoVersion) {
			break // it has gone meanwhile
		}
		if err != nil {
			return nil, err
		}
		v.Text = ""
		list = append(list, v)
	}
	return list, nil
}

// Version is the version with this number. Errors: ErrNoVersion and those of the
// store.
func (b *Book) Version(number uint64) (Version, error) {
	raw, err := b.kv.Get(bucket, store.Key(number))
	if errors.Is(err, store.ErrNotFound) {
		return Version{}, fmt.Errorf("%w: %d", ErrNoVersion, number)
	}
	var v Version
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	if err != nil {
		return Version{}, fmt.Errorf("read version %d of the policies: %w", number, err)
	}
	return v, nil
}
