package rpc

import (
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"sync"

	"weir/store"
)

// window is how far a signed request's timestamp may be from this server's
// clock, in seconds, in either direction.
const window = 300

// maxNonces is how many nonces are remembered of one signer. Beyond it the
// oldest are forgotten, and nothing as old as they is taken any more.
const maxNonces = 4096

// reserveAhead is for how many seconds of timestamps a signer's mark is kept in
// advance. So long at most, less what a restart takes, its requests are refused
// after a restart.
const reserveAhead = 2

// bucket holds a mark for each signer, under the hash of its name: nothing with a
// timestamp behind it was taken yet.
const bucket = "nonce"

// Store is the part of a store.Store that the marks are kept in.
type Store interface {
	Commit(ctx context.Context, b store.Batch) error
	Scan(bucket string, from, to []byte) iter.Seq2[store.Record, error]
}

// Nonces remembers the signed requests of the last minutes, so that none counts
// twice, not even after a restart or a crash. The nonces themselves are in memory.
// What is kept is one mark for each signer, always before a request behind it is
// taken: after a start nothing up to the mark is. Only requests whose signature
// fits come here, so a signer can use up nobody's place but its own. It is safe
// for concurrent use.
type Nonces struct {
	kv    Store // nil: in memory only
	mu    sync.Mutex
	of    map[string]*signer // by signerKey
	swept int64              // when all signers were last looked at, in Unix seconds
}

// signer is what is remembered of one who signs.
type signer struct {
	seen  map[int64]map[[16]byte]bool // the nonces, hashed, of each timestamp
	count int                         // of nonces
	floor int64                       // nothing as old as this is taken

	saving sync.Mutex // held while the mark is written
	mark   int64      // as it is kept; guarded by the mutex of the Nonces
}

func newSigner(mark int64) *signer {
	return &signer{seen: map[int64]map[[16]byte]bool{}, floor: mark, mark: mark}
}

func signerKey(who string) string {
	sum := sha256.Sum256([]byte(who))
	return string(sum[:])
}

// OpenNonces takes up the marks in kv. A nil kv keeps nothing.
func OpenNonces(kv Store) (*Nonces, error) {
	n := &Nonces{kv: kv, of: map[string]*signer{}}
	if kv == nil {
		return n, nil
	}
	for rec, err := range kv.Scan(bucket, nil, nil) {
		if err == nil && len(rec.Value) != 8 {
			err = fmt.Errorf("the mark has %d bytes", len(rec.Value))
		}
		if err != nil {
			return nil, fmt.Errorf("read the marks of signers: %w", err)
		}
		n.of[string(rec.Key)] = newSigner(int64(store.KeyPart(rec.Value, 0)))
	}
	return n, nil
}

// first reports whether the request of a signer with this timestamp and nonce is
// seen for the first time. The timestamp is within the window around now; both
// are Unix seconds. After an error the nonce is spent.
func (n *Nonces) first(ctx context.Context, who string, at, now int64, nonce string) (bool, error) {
	key := signerKey(who)
	s, first, gone := n.fresh(key, at, now, nonce)
	if n.kv == nil {
		return first, nil
	}
	if len(gone) > 0 {
		_ = n.kv.Commit(ctx, gone) // what stays is found again by the next start
	}
	if !first {
		return false, nil
	}
	return true, n.reserve(ctx, key, s, at)
}

// reserve has a signer's mark kept at or behind a timestamp.
func (n *Nonces) reserve(ctx context.Context, key string, s *signer, at int64) error {
	s.saving.Lock()
	defer s.saving.Unlock()
	n.mu.Lock()
	kept := s.mark
	n.mu.Unlock()
	if at <= kept {
		return nil
	}
	mark := at + reserveAhead
	if err := n.kv.Commit(ctx, store.Batch{{Bucket: bucket, Key: []byte(key), Value: store.Key(uint64(mark))}}); err != nil {
		return fmt.Errorf("keep the mark of a signer: %w", err)
	}
	n.mu.Lock()
	s.mark = mark
	n.mu.Unlock()
	return nil
}

// fresh is first in memory. It gives the marks that need not be kept any more.
func (n *Nonces) fresh(who string, at, now int64, nonce string) (s *signer, first bool, gone store.Batch) {
	sum := sha256.Sum256([]byte(nonce))
	key := [16]byte(sum[:16])
	n.mu.Lock()
	defer n.mu.Unlock()
	gone = n.sweep(now)
	s = n.of[who]
	if s == nil {
		s = newSigner(0)
		n.of[who] = s
	}
	s.forget(now - window - 1)
	if at <= s.floor || s.seen[at][key] {
		return s, false, gone
	}
	if s.seen[at] == nil {
		s.seen[at] = map[[16]byte]bool{}
	}
	s.seen[at][key] = true
	s.count++
	for s.count > maxNonces {
		s.forget(s.oldest())
	}
	return s, at > s.floor, gone
}

// forget drops the nonces up to a timestamp, and refuses others as old.
func (s *signer) forget(upTo int64) {
	if upTo <= s.floor {
		return
	}
	s.floor = upTo
	for at, keys := range s.seen {
		if at <= upTo {
			s.count -= len(keys)
			delete(s.seen, at)
		}
	}
}

// oldest is the first timestamp of which nonces are remembered.
func (s *signer) oldest() int64 {
	first := int64(0)
	for at := range s.seen {
		if first == 0 || at < first {
			first = at
		}
	}
	return first
}

// sweep drops the signers of whom nothing need be remembered any more, once a
// minute, and gives the deletion of their marks.
func (n *Nonces) sweep(now int64) (gone store.Batch) {
	if now-n.swept < 60 {
		return nil
	}
	n.swept = now
	for who, s := range n.of {
		if s.forget(now - window - 1); s.count > 0 || s.mark >= now-window {
			continue
		}
		delete(n.of, who)
		if s.mark > 0 {
			mark := store.ExpectValue(store.Key(uint64(s.mark))) // unless the signer is back meanwhile
			gone = append(gone, store.Write{Bucket: bucket, Key: []byte(who), Delete: true, Expect: mark})
		}
	}
	return gone
}
