package rpc

import (
	"crypto/sha256"
	"sync"
)

// window is how far a signed request's timestamp may be from this server's
// clock, in seconds, in either direction.
const window = 300

// maxNonces is how many nonces are remembered of one signer. Beyond it the
// oldest are forgotten, and nothing as old as they is taken any more.
const maxNonces = 4096

// nonces remembers the signed requests of the last minutes, so that none counts
// twice. Only requests whose signature fits come here, so a signer can use up
// nobody's place but its own. It is safe for concurrent use.
type nonces struct {
	mu    sync.Mutex
	of    map[string]*signer
	swept int64 // when all signers were last looked at, in Unix seconds
}

// signer is what is remembered of one who signs.
type signer struct {
	seen  map[int64]map[[16]byte]bool // the nonces, hashed, of each timestamp
	count int                         // of nonces
	floor int64                       // nothing as old as this is taken
}

func newNonces() *nonces { return &nonces{of: map[string]*signer{}} }

// fresh reports whether the request of a signer with this timestamp and nonce is
// seen for the first time. The timestamp is within the window around now; both
// are Unix seconds.
func (n *nonces) fresh(who string, at, now int64, nonce string) bool {
	sum := sha256.Sum256([]byte(nonce))
	key := [16]byte(sum[:16])
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sweep(now)
	s := n.of[who]
	if s == nil {
		s = &signer{seen: map[int64]map[[16]byte]bool{}}
		n.of[who] = s
	}
	s.forget(now - window - 1)
	if at <= s.floor || s.seen[at][key] {
		return false
	}
	if s.seen[at] == nil {
		s.seen[at] = map[[16]byte]bool{}
	}
	s.seen[at][key] = true
	s.count++
	for s.count > maxNonces {
		s.forget(s.oldest())
	}
	return at > s.floor
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

// sweep drops the signers of whom nothing is remembered any more, once a minute.
func (n *nonces) sweep(now int64) {
	if now-n.swept < 60 {
		return
	}
	n.swept = now
	for who, s := range n.of {
		if s.forget(now - window - 1); s.count == 0 {
			delete(n.of, who)
		}
	}
}
