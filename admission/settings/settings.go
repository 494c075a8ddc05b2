// Package settings keeps the configuration of admission that a server is told
// while it runs.
//
// # Data model
//
// There is one record, the text in force with who set it and when. It is in
// force again after a restart. A server that is given a file of its own has the
// file put in force at its start, and whenever it is told to read it again. With
// neither, the default configuration holds.
//
// # Concurrency
//
// A Book is safe for concurrent use. Changes follow one another: each is stored
// first and in force afterwards.
package settings

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"weir/admission"
	"weir/store"
)

// Where the record is.
const bucket = "admission"

var key = []byte("settings")

// Store is the part of a store.Store that the record is kept in.
type Store interface {
	Commit(ctx context.Context, b store.Batch) error
	Get(bucket string, key []byte) ([]byte, error)
}

// Options of a Book.
type Options struct {
	File    string                 // the server's own file, only for its name; "" for none
	Text    []byte                 // and what it says
	Changed func(admission.Config) // called when another is in force, but not by Open. nil: nobody
}

// Edition is a configuration and how it came about.
type Edition struct {
	At   time.Time `json:"at,omitzero"`
	By   string    `json:"by,omitzero"`   // as whoever set it said
	File string    `json:"file,omitzero"` // name of the file it was read from
	Own  bool      `json:"own,omitzero"`  // the server read its own file, nobody set it
	Text string    `json:"text"`          // "" for the default
}

// Book keeps the configuration.
type Book struct {
	kv Store
	o  Options

	mu      sync.Mutex // held over a change
	current Edition
	config  admission.Config
}

// Open takes up what is kept in kv, and puts the server's own file in force if
// there is one. A text with faults is an error of type policies.Faults.
func Open(ctx context.Context, kv Store, o Options) (*Book, error) {
	b := &Book{kv: kv, o: o, config: admission.Default()}
	if o.File != "" {
		return b, b.change(ctx, Edition{File: o.File, Own: true, Text: string(o.Text)}, nil)
	}
	raw, err := kv.Get(bucket, key)
	if errors.Is(err, store.ErrNotFound) {
		return b, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &b.current)
	}
	if err != nil {
		return nil, fmt.Errorf("read the admission settings: %w", err)
	}
	if b.config, err = admission.Parse([]byte(b.current.Text), b.current.File); err != nil {
		return nil, fmt.Errorf("the admission settings in force do not read any more; give others by --admission: %w", err)
	}
	return b, nil
}

// Config is what is in force.
func (b *Book) Config() admission.Config {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.config
}

// Current is the text in force.
func (b *Book) Current() Edition {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.current
}

// File is the name of the server's own file, "" if it has none.
func (b *Book) File() string { return b.o.File }

// Apply puts the text of a file in force, in the name of by. Errors are of type
// policies.Faults, or those of the store; nothing has changed then.
func (b *Book) Apply(ctx context.Context, by, file, text string) (Edition, error) {
	if err := b.change(ctx, Edition{By: by, File: file, Text: text}, b.o.Changed); err != nil {
		return Edition{}, err
	}
	return b.Current(), nil
}

// Reread puts the server's own file in force, as it is now.
func (b *Book) Reread(ctx context.Context, text []byte) error {
	return b.change(ctx, Edition{File: b.o.File, Own: true, Text: string(text)}, b.o.Changed)
}

// change stores s, puts it in force and tells of it, if there is somebody to tell.
func (b *Book) change(ctx context.Context, s Edition, tell func(admission.Config)) error {
	c, err := admission.Parse([]byte(s.Text), s.File)
	if err != nil {
		return err
	}
	s.At = time.Now().UTC()
	value, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("write the admission settings: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	// A caller who hangs up now must not leave it open whether this happened.
	if err := b.kv.Commit(context.WithoutCancel(ctx), store.Batch{{Bucket: bucket, Key: key, Value: value}}); err != nil {
		return fmt.Errorf("write the admission settings: %w", err)
	}
	b.current, b.config = s, c
	if tell != nil {
		tell(c)
	}
	return nil
}
