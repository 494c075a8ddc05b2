package web

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"weir/admission"
	"weir/wavelet"
)

// ticketLife is how long a ticket waits to be spent.
const ticketLife = 30 * time.Second

// tickets issues what POST /connect gives and GET /ws takes: a signed and
// numbered note of who logged in, good for one connection. Of those that are
// spent a bit is remembered, and of those that are not which grant of the queue
// they carry.
type tickets struct {
	seal  admission.Seal
	last  atomic.Uint64
	spent admission.Spent

	mu     sync.Mutex
	grants map[uint64]granted
	swept  time.Time
}

// granted is leave to begin a session that a ticket carries.
type granted struct {
	*admission.Grant
	until time.Time
}

// passport is what a ticket says.
type passport struct {
	Login
	number  uint64
	expires time.Time
}

func newTickets() *tickets {
	return &tickets{seal: admission.NewSeal(newKey()), grants: map[uint64]granted{}}
}

// newKey is a key that no other server has.
func newKey() (key [32]byte) {
	rand.Read(key[:])
	return key
}

// A ticket is its number, its expiry, the login's and the login's instant (8
// bytes each, times in Unix milliseconds, 0: none) and the user, signed.
const ticketHead = 4 * 8

// issue makes a ticket. Its grant is kept for it; nil is none.
func (t *tickets) issue(now time.Time, l Login, g *admission.Grant) string {
	number, expires := t.last.Add(1), now.Add(ticketLife)
	if g != nil {
		t.keep(now, number, granted{g, expires})
	}
	b := make([]byte, 0, ticketHead+len(l.User)+16)
	b = binary.BigEndian.AppendUint64(b, number)
	b = binary.BigEndian.AppendUint64(b, uint64(expires.UnixMilli()))
	var until int64
	if !l.Until.IsZero() {
		until = l.Until.UnixMilli()
	}
	b = binary.BigEndian.AppendUint64(b, uint64(until))
	b = binary.BigEndian.AppendUint64(b, uint64(l.At.UnixMilli()))
	return t.seal.Sign(append(b, l.User...))
}

// read is what a ticket says; false if it is forged, expired or spent.
func (t *tickets) read(now time.Time, ticket string) (passport, bool) {
	b, ok := t.seal.Open(ticket)
	if !ok || len(b) < ticketHead {
		return passport{}, false
	}
	instant := func(at int) time.Time { return time.UnixMilli(int64(binary.BigEndian.Uint64(b[at:]))) }
	p := passport{Login{User: wavelet.Participant(b[ticketHead:]), At: instant(24)}, binary.BigEndian.Uint64(b), instant(8)}
	if until := instant(16); until.UnixMilli() != 0 {
		p.Until = until
	}
	return p, now.Before(p.expires) && !t.spent.Used(p.number)
}

// redeem spends a ticket; false if somebody else has.
func (t *tickets) redeem(now time.Time, p passport) bool {
	if !t.spent.Spend(now, p.number, p.expires) {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.grants, p.number)
	return true
}

// grant is what a ticket carries; nil for nothing.
func (t *tickets) grant(p passport) *admission.Grant {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.grants[p.number].Grant
}

// keep remembers a grant until its ticket is spent or expires.
func (t *tickets) keep(now time.Time, number uint64, g granted) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.swept) >= ticketLife {
		t.swept = now
		for n, g := range t.grants {
			if !now.Before(g.until) {
				delete(t.grants, n)
			}
		}
	}
	t.grants[number] = g
}
