// Package sharing keeps share links: tokens that let people who do not take
// part in a wavelet read it, or join it, until they expire.
//
// # Data model
//
// A [Link] belongs to one wavelet and to the participant who made it. Its token
// is the link's id and a secret; of the secret only a hash is kept, so that a
// token can be shown once only. One record is stored for each link. Links that
// have expired are forgotten when the next one is made in their wavelet, and at
// a restart. Whether who made a link may still share the wavelet is the
// caller's to know; [Book.Disown] ends the links of one who may not.
//
// # Concurrency
//
// A Book is safe for concurrent use. One mutex guards what is in memory and is
// not held over a call of the store; another has one change at a time written.
package sharing

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"weir/wavelet"
)

// Bounds of links.
const (
	MaxPerWavelet = 100
	MaxLife       = 365 * 24 * time.Hour
	DefaultLife   = 7 * 24 * time.Hour
)

// Errors of this package.
var (
	ErrUnknown = errors.New("the link is not known here, or was revoked")
	ErrExpired = errors.New("the link has expired")
	ErrFull    = fmt.Errorf("the wavelet has %d links already", MaxPerWavelet)
	ErrLife    = fmt.Errorf("a link lasts at least a second and at most %d days", int(MaxLife.Hours()/24))
)

// Link is permission to read a wavelet, and to join it if the role is more than
// Read. It holds no secret.
type Link struct {
	ID      string              `json:"id"`
	Wavelet wavelet.Name        `json:"wavelet"`
	Role    wavelet.Role        `json:"role"`
	Creator wavelet.Participant `json:"creator"`
	Created time.Time           `json:"created"`
	Expires time.Time           `json:"expires"`
	Joined  []Join              `json:"joined,omitzero"` // by it, in order; the last wavelet.MaxParticipants
}

// Join tells who joined by a link.
type Join struct {
	Who wavelet.Participant `json:"who"`
	At  time.Time           `json:"at"`
}

// Book is all links.
type Book struct {
	store Store
	now   func() time.Time

	writing sync.Mutex // held over a change of the store

	mu    sync.Mutex
	links map[wavelet.Name]map[string]record // by id
}

// Open reads the links in s. A nil now is time.Now.
func Open(ctx context.Context, s Store, now func() time.Time) (*Book, error) {
	if now == nil {
		now = time.Now
	}
	b := &Book{store: s, now: now, links: map[wavelet.Name]map[string]record{}}
	var over []string
	for r, err := range s.Scan(bucket, nil, nil) {
		if err != nil {
			return nil, fmt.Errorf("read links: %w", err)
		}
		var rec record
		if err := json.Unmarshal(r.Value, &rec); err != nil || rec.Format != recordFormat {
			return nil, fmt.Errorf("read links: record %s: format %d: %w", r.Key, rec.Format, errors.Join(err, errors.ErrUnsupported))
		}
		if !b.now().Before(rec.Link.Expires) {
			over = append(over, rec.Link.ID)
			continue
		}
		b.put(rec)
	}
	if err := b.commit(ctx, deletions(over)); err != nil {
		return nil, err
	}
	return b, nil
}

// Make makes a link that lasts so long, DefaultLife for 0, and returns it with
// its token. The error is ErrLife, ErrFull or the store's.
func (b *Book) Make(ctx context.Context, name wavelet.Name, by wavelet.Participant, role wavelet.Role, life time.Duration) (Link, string, error) {
	if life == 0 {
		life = DefaultLife
	}
	if life < time.Second || life > MaxLife {
		return Link{}, "", ErrLife
	}
	b.writing.Lock()
	defer b.writing.Unlock()
	over, left := b.outdated(name)
	if left >= MaxPerWavelet {
		return Link{}, "", ErrFull
	}
	now := b.now().UTC().Truncate(time.Millisecond)
	id, secret := rand.Text()[:16], rand.Text()
	rec := record{Format: recordFormat, Hash: hashOf(secret), Link: Link{
		ID: id, Wavelet: name, Role: role, Creator: by, Created: now, Expires: now.Add(life),
	}}
	if err := b.keep(ctx, rec, deletions(over)...); err != nil {
		return Link{}, "", err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range over {
		b.remove(name, id)
	}
	b.put(rec)
	return rec.Link, prefix + id + "_" + secret, nil
}

// prefix tells what a token is.
const prefix = "wl_"

// Find is the link of a token, if it is one to this wavelet. The error is
// ErrUnknown or ErrExpired.
func (b *Book) Find(name wavelet.Name, token string) (Link, error) {
	text, ok := strings.CutPrefix(token, prefix)
	id, secret, both := strings.Cut(text, "_")
	if !ok || !both {
		return Link{}, ErrUnknown
	}
	b.mu.Lock()
	rec, known := b.links[name][id]
	b.mu.Unlock()
	switch {
	case !known || subtle.ConstantTimeCompare([]byte(rec.Hash), []byte(hashOf(secret))) != 1:
		return Link{}, ErrUnknown
	case !b.now().Before(rec.Link.Expires):
		return Link{}, ErrExpired
	}
	return rec.Link, nil
}

// Has reports whether a link that was found is still there.
func (b *Book) Has(l Link) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.links[l.Wavelet][l.ID]
	return ok
}

// List is a wavelet's links that are good now, newest first.
func (b *Book) List(name wavelet.Name) []Link {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := []Link{}
	for _, rec := range b.links[name] {
		if b.now().Before(rec.Link.Expires) {
			list = append(list, rec.Link)
		}
	}
	slices.SortFunc(list, func(x, y Link) int { return y.Created.Compare(x.Created) })
	return list
}

// Revoke ends a link at once. The error is ErrUnknown or the store's.
func (b *Book) Revoke(ctx context.Context, name wavelet.Name, id string) error {
	b.writing.Lock()
	defer b.writing.Unlock()
	if !b.Has(Link{Wavelet: name, ID: id}) {
		return ErrUnknown
	}
	if err := b.commit(ctx, deletions([]string{id})); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.remove(name, id)
	return nil
}

// Disown ends the links that somebody made to a wavelet, at once and without
// waiting for the store: Forget is to be called with them.
func (b *Book) Disown(name wavelet.Name, who wavelet.Participant) []Link {
	b.mu.Lock()
	defer b.mu.Unlock()
	var gone []Link
	for _, rec := range b.links[name] {
		if rec.Link.Creator == who {
			gone = append(gone, rec.Link)
		}
	}
	for _, l := range gone {
		b.remove(name, l.ID)
	}
	return gone
}

// Forget deletes links that were disowned from the store.
func (b *Book) Forget(ctx context.Context, links []Link) error {
	b.writing.Lock()
	defer b.writing.Unlock()
	var ids []string
	for _, l := range links {
		ids = append(ids, l.ID)
	}
	return b.commit(ctx, deletions(ids))
}

// Join notes who joined by a link. A link that is gone notes nothing.
func (b *Book) Join(ctx context.Context, l Link, who wavelet.Participant) error {
	b.writing.Lock()
	defer b.writing.Unlock()
	b.mu.Lock()
	rec, ok := b.links[l.Wavelet][l.ID]
	b.mu.Unlock()
	if !ok {
		return nil
	}
	joined := append(slices.Clone(rec.Link.Joined), Join{who, b.now().UTC().Truncate(time.Millisecond)})
	rec.Link.Joined = joined[max(0, len(joined)-wavelet.MaxParticipants):]
	if err := b.keep(ctx, rec); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.links[l.Wavelet][l.ID]; ok {
		b.put(rec)
	}
	return nil
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
