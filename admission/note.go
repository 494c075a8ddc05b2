package admission

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"time"
)

// Seal signs notes that somebody else carries: the server remembers nothing of
// them, and knows them again by HMAC-SHA-256, cut to 128 bits.
type Seal struct{ key [32]byte }

// sealSize is how many bytes a signature has.
const sealSize = 16

// NewSeal makes a seal of a secret key.
func NewSeal(key [32]byte) Seal { return Seal{key} }

// Sign gives body with its signature, as base64 that fits into a URL.
func (s Seal) Sign(body []byte) string {
	return base64.RawURLEncoding.EncodeToString(append(body, s.mac(body)...))
}

// Open gives the body of a note that Sign made; false for any other.
func (s Seal) Open(note string) ([]byte, bool) {
	b, err := base64.RawURLEncoding.DecodeString(note)
	if err != nil || len(b) < sealSize {
		return nil, false
	}
	body, mac := b[:len(b)-sealSize], b[len(b)-sealSize:]
	return body, hmac.Equal(mac, s.mac(body))
}

func (s Seal) mac(body []byte) []byte {
	h := hmac.New(sha256.New, s.key[:])
	h.Write(body)
	return h.Sum(nil)[:sealSize]
}

// Spent remembers which numbered notes were used, a bit for each, in pages that
// exist only where one was. The zero value is ready, and safe for concurrent
// use. Numbers are to be given out in ascending order; then the memory is that
// of the numbers alive at a time, divided by eight.
type Spent struct {
	mu    sync.Mutex
	pages map[uint64]*page
}

// page holds the bits of 4096 numbers in a row.
type page struct {
	bits  [64]uint64
	until time.Time // when the last of the notes used has expired
}

// Spend marks a number; false if it was marked before. Until is when the note
// expires: it must not be taken after that, for then the mark is forgotten.
func (s *Spent) Spend(now time.Time, number uint64, until time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, bit := number>>12, number&4095
	p := s.pages[at]
	if p == nil {
		p = s.open(now, at)
	}
	mask := uint64(1) << (bit & 63)
	if p.bits[bit>>6]&mask != 0 {
		return false
	}
	p.bits[bit>>6] |= mask
	if until.After(p.until) {
		p.until = until
	}
	return true
}

// Used reports whether a number is marked.
func (s *Spent) Used(number uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, bit := s.pages[number>>12], number&4095
	return p != nil && p.bits[bit>>6]&(1<<(bit&63)) != 0
}

// open adds a page and drops those whose notes have all expired.
func (s *Spent) open(now time.Time, at uint64) *page {
	if s.pages == nil {
		s.pages = map[uint64]*page{}
	}
	for n, p := range s.pages {
		if !now.Before(p.until) {
			delete(s.pages, n)
		}
	}
	p := &page{}
	s.pages[at] = p
	return p
}
