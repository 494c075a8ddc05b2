// Package grants keeps what people have allowed programs to do in their name:
// the tokens of the data API.
//
// # Data model
//
// A token has a key, which requests name, and a secret, which they are signed
// with. A program first gets a request token, which is good for ten minutes and
// of which nothing is kept: it says itself what it is for, under a signature of
// this server, so that any number of strangers may ask. A person who consents
// makes it an approval, kept in memory. The program then exchanges it for an
// access token: a [Grant], stored under the hash of its key with its secret
// sealed. It ends by itself after an hour, or when it is revoked.
//
// A program that named its callback when it asked for the request token is given
// a verifier through that callback, and must present it: so nobody gets a
// consent that was given to somebody else. Programs of the time before that do
// not; people are told only to consent to what they have just begun themselves.
//
// # Concurrency
//
// A Book is safe for concurrent use. One mutex guards what is in memory; it is
// not held over a call of the store.
package grants

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"weir/robots/vault"
	"weir/store"
	"weir/wavelet"
)

// Bounds of what is kept.
const (
	maxPerPerson = 32   // access tokens; the oldest gives way
	maxApprovals = 1000 // consents that wait to be exchanged; the oldest gives way
)

// How long tokens last.
const (
	requestLife = 10 * time.Minute
	accessLife  = time.Hour
)

// bucket is where grants are stored.
const bucket = "grant"

// Errors of this package.
var (
	ErrToken    = errors.New("the token is not known, has expired or was revoked")
	ErrConsent  = errors.New("nobody has consented to this token yet")
	ErrVerifier = errors.New("oauth_verifier is not the one that the callback was given")
	ErrUnknown  = errors.New("there is no such grant")
)

// Token is a key and the secret that goes with it.
type Token struct{ Key, Secret string }

// Grant is a person's permission to a program. It holds no secret.
type Grant struct {
	ID      string              `json:"id"`
	Person  wavelet.Participant `json:"person"`
	Program string              `json:"program"` // its consumer key
	Created time.Time           `json:"created"`
	Expires time.Time           `json:"expires"`
}

// record is a grant as it is stored.
type record struct {
	Format int    `json:"format"`
	Grant  Grant  `json:"grant"`
	Secret string `json:"secret"` // sealed about the hash of the key
}

// recordFormat is the format of records written now.
const recordFormat = 1

// Store is the part of a store.Store that grants are kept in.
type Store interface {
	Commit(ctx context.Context, b store.Batch) error
	Scan(bucket string, from, to []byte) iter.Seq2[store.Record, error]
}

// Book is all grants.
type Book struct {
	store  Store
	vault  *vault.Vault
	now    func() time.Time
	sealer sealer

	mu        sync.Mutex
	access    map[string]record   // by the hash of the key
	approvals map[string]approval // by the request token
}

// approval is a consent that waits to be exchanged.
type approval struct {
	person   wavelet.Participant
	verifier string // "" if none is asked for
	until    time.Time
}

// Open reads the grants in s. A nil now is time.Now.
func Open(s Store, v *vault.Vault, now func() time.Time) (*Book, error) {
	if now == nil {
		now = time.Now
	}
	b := &Book{store: s, vault: v, now: now, sealer: sealer{v.Derive("request token")}, access: map[string]record{}, approvals: map[string]approval{}}
	for r, err := range s.Scan(bucket, nil, nil) {
		if err != nil {
			return nil, fmt.Errorf("read grants: %w", err)
		}
		var rec record
		if err := json.Unmarshal(r.Value, &rec); err != nil || rec.Format != recordFormat {
			return nil, fmt.Errorf("read grants: record %s: format %d: %w", r.Key, rec.Format, errors.Join(err, errors.ErrUnsupported))
		}
		b.access[string(r.Key)] = rec
	}
	return b, nil
}

// Approve notes that a person consents to a request token. The verifier is what
// the program is to be given through its callback, "" if it asks for none.
func (b *Book) Approve(token string, person wavelet.Participant) (verifier string, err error) {
	r, err := b.Request(token)
	if err != nil {
		return "", err
	}
	if r.Callback != "" {
		verifier = rand.Text()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	oldest := ""
	for key, a := range b.approvals {
		if now.After(a.until) {
			delete(b.approvals, key)
		} else if oldest == "" || a.until.Before(b.approvals[oldest].until) {
			oldest = key
		}
	}
	if len(b.approvals) >= maxApprovals {
		delete(b.approvals, oldest)
	}
	b.approvals[token] = approval{person, verifier, r.Expires}
	return verifier, nil
}

// Exchange makes a request token that was consented to an access token. It can
// be done once.
func (b *Book) Exchange(ctx context.Context, token, verifier string) (Token, Grant, error) {
	r, err := b.Request(token)
	if err != nil {
		return Token{}, Grant{}, err
	}
	b.mu.Lock()
	a, ok := b.approvals[token]
	if ok && a.verifier == verifier {
		delete(b.approvals, token)
	}
	b.mu.Unlock()
	switch {
	case !ok:
		return Token{}, Grant{}, ErrConsent
	case a.verifier != verifier:
		return Token{}, Grant{}, ErrVerifier
	}
	return b.issue(ctx, a.person, r.Program)
}

// issue makes an access token, and lets go of what the person has too many of.
func (b *Book) issue(ctx context.Context, person wavelet.Participant, program string) (Token, Grant, error) {
	t := Token{Key: "wt_" + rand.Text() + rand.Text(), Secret: rand.Text() + rand.Text()}
	hash := hashOf(t.Key)
	now := b.now().UTC().Truncate(time.Millisecond)
	rec := record{Format: recordFormat, Secret: b.vault.Seal(hash, t.Secret), Grant: Grant{
		ID: hash[:16], Person: person, Program: program, Created: now, Expires: now.Add(accessLife),
	}}
	value, err := json.Marshal(rec)
	if err != nil {
		return Token{}, Grant{}, err
	}
	gone := b.outdated(person)
	batch := store.Batch{{Bucket: bucket, Key: []byte(hash), Value: value}}
	for _, key := range gone {
		batch = append(batch, store.Write{Bucket: bucket, Key: []byte(key), Delete: true})
	}
	if err := b.store.Commit(ctx, batch); err != nil {
		return Token{}, Grant{}, fmt.Errorf("store a grant: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, key := range gone {
		delete(b.access, key)
	}
	b.access[hash] = rec
	return t, rec.Grant, nil
}

// outdated is what goes when a person is given another token: all that have
// expired, whosesoever, and the person's oldest, if there are too many.
func (b *Book) outdated(person wavelet.Participant) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var gone, own []string
	for key, r := range b.access {
		switch {
		case !b.now().Before(r.Grant.Expires):
			gone = append(gone, key)
		case r.Grant.Person == person:
			own = append(own, key)
		}
	}
	slices.SortFunc(own, func(x, y string) int { return b.access[y].Grant.Created.Compare(b.access[x].Grant.Created) })
	if len(own) >= maxPerPerson {
		gone = append(gone, own[maxPerPerson-1:]...)
	}
	return gone
}

// Find is the grant of an access token and the token's secret, or ErrToken.
func (b *Book) Find(key string) (Grant, string, error) {
	hash := hashOf(key)
	b.mu.Lock()
	r, ok := b.access[hash]
	b.mu.Unlock()
	if !ok || !b.now().Before(r.Grant.Expires) {
		return Grant{}, "", ErrToken
	}
	secret, err := b.vault.Open(hash, r.Secret)
	if err != nil {
		return Grant{}, "", fmt.Errorf("grant %s: %w", r.Grant.ID, err)
	}
	return r.Grant, secret, nil
}

// List is a person's grants that are good now, or everybody's for "", newest
// first.
func (b *Book) List(person wavelet.Participant) []Grant {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := []Grant{}
	for _, r := range b.access {
		if b.now().Before(r.Grant.Expires) && (person == "" || r.Grant.Person == person) {
			list = append(list, r.Grant)
		}
	}
	slices.SortFunc(list, func(x, y Grant) int { return y.Created.Compare(x.Created) })
	return list
}

// Revoke ends a grant at once: a person's own, or anybody's for "". The error is
// ErrUnknown, or the store's.
func (b *Book) Revoke(ctx context.Context, id string, person wavelet.Participant) error {
	b.mu.Lock()
	hash := ""
	for key, r := range b.access {
		if r.Grant.ID == id && (person == "" || r.Grant.Person == person) {
			hash = key
		}
	}
	b.mu.Unlock()
	if hash == "" {
		return ErrUnknown
	}
	if err := b.store.Commit(ctx, store.Batch{{Bucket: bucket, Key: []byte(hash), Delete: true}}); err != nil {
		return fmt.Errorf("revoke a grant: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.access, hash)
	return nil
}

// hashOf is what an access token is kept under.
func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}
