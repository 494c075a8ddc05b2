package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"sync"
	"time"

	"weir/wavelet"
)

// ticketLife is how long a ticket waits to be spent.
const ticketLife = 30 * time.Second

// tickets issues what POST /connect gives and GET /ws takes: a signed note of
// who logged in, good for one connection. Nothing is remembered of tickets that
// are not spent; a spent one is remembered until it would have expired.
type tickets struct {
	key [32]byte

	mu    sync.Mutex
	spent map[[16]byte]time.Time
	swept time.Time
}

func newTickets() *tickets {
	t := &tickets{spent: map[[16]byte]time.Time{}}
	rand.Read(t.key[:])
	return t
}

// A ticket is nonce (16 bytes), its expiry, the login's and the login's instant
// (8 each, Unix milliseconds, 0: none), the user, and 16 bytes of HMAC over it
// all.
const ticketHead = 16 + 8 + 8 + 8

func (t *tickets) issue(now time.Time, l Login) string {
	b := make([]byte, ticketHead, ticketHead+len(l.User)+16)
	rand.Read(b[:16])
	binary.BigEndian.PutUint64(b[16:], uint64(now.Add(ticketLife).UnixMilli()))
	if !l.Until.IsZero() {
		binary.BigEndian.PutUint64(b[24:], uint64(l.Until.UnixMilli()))
	}
	binary.BigEndian.PutUint64(b[32:], uint64(l.At.UnixMilli()))
	b = append(b, l.User...)
	return base64.RawURLEncoding.EncodeToString(append(b, t.mac(b)...))
}

// redeem spends a ticket; false if it is forged, expired or spent.
func (t *tickets) redeem(now time.Time, ticket string) (Login, bool) {
	b, err := base64.RawURLEncoding.DecodeString(ticket)
	if err != nil || len(b) < ticketHead+16 {
		return Login{}, false
	}
	body, mac := b[:len(b)-16], b[len(b)-16:]
	expires := time.UnixMilli(int64(binary.BigEndian.Uint64(b[16:])))
	if !hmac.Equal(mac, t.mac(body)) || !now.Before(expires) {
		return Login{}, false
	}
	if !t.spend(now, [16]byte(b), expires) {
		return Login{}, false
	}
	l := Login{User: wavelet.Participant(body[ticketHead:]), At: time.UnixMilli(int64(binary.BigEndian.Uint64(b[32:])))}
	if until := binary.BigEndian.Uint64(b[24:]); until != 0 {
		l.Until = time.UnixMilli(int64(until))
	}
	return l, true
}

// spend marks a nonce; false if it was marked before.
func (t *tickets) spend(now time.Time, nonce [16]byte, expires time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, spent := t.spent[nonce]; spent {
		return false
	}
	if now.Sub(t.swept) >= ticketLife {
		t.swept = now
		for n, e := range t.spent {
			if !now.Before(e) {
				delete(t.spent, n)
			}
		}
	}
	t.spent[nonce] = expires
	return true
}

func (t *tickets) mac(b []byte) []byte {
	h := hmac.New(sha256.New, t.key[:])
	h.Write(b)
	return h.Sum(nil)[:16]
}
