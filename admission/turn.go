package admission

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Turn is a place in the queue: an instant that is nobody else's, by its number.
type Turn struct {
	At     time.Time
	Number uint64
}

// ticketLife is how long after its instant a turn can be taken.
const ticketLife = 2 * time.Minute

// expires is when a turn is lost.
func (t Turn) expires() time.Time { return t.At.Add(ticketLife) }

// A ticket is a turn's instant (Unix milliseconds, 8 bytes) and number (8), the
// hash of its account (8) and the epoch of the queue that gave it (4), signed.
const ticketSize = 8 + 8 + 8 + 4

// Why a ticket is worth nothing. Whoever shows one is treated as if there were
// none.
const (
	TicketForged  = "ticket_forged"  // not one of this queue's, or another account's
	TicketExpired = "ticket_expired" // two minutes past its turn, or of an earlier queue
	TicketSpent   = "ticket_spent"
)

// ticket writes a turn down for account to carry.
func (q *Queue) ticket(t Turn, account string) string {
	b := make([]byte, 0, ticketSize+sealSize)
	b = binary.BigEndian.AppendUint64(b, uint64(t.At.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, t.Number)
	b = append(b, accountHash(account)...)
	return q.seal.Sign(binary.BigEndian.AppendUint32(b, q.epoch))
}

// read is the turn of a ticket, or what is wrong with it.
func (q *Queue) read(now time.Time, ticket, account string) (Turn, string) {
	b, ok := q.seal.Open(ticket)
	if !ok || len(b) != ticketSize || string(b[16:24]) != string(accountHash(account)) {
		return Turn{}, TicketForged
	}
	t := Turn{At: time.UnixMilli(int64(binary.BigEndian.Uint64(b))), Number: binary.BigEndian.Uint64(b[8:])}
	switch {
	case binary.BigEndian.Uint32(b[24:]) != q.epoch, !now.Before(t.expires()):
		return Turn{}, TicketExpired
	case q.spent.Used(t.Number):
		return Turn{}, TicketSpent
	}
	return t, ""
}

func accountHash(account string) []byte {
	sum := sha256.Sum256([]byte(account))
	return sum[:8]
}

// maxTurns bounds how many turns are remembered for callers who may come back
// without their ticket. Those beyond need it.
const maxTurns = 1 << 17

// turns remembers the turn of each account at each address until it is taken or
// lost. Its owner's mutex guards it.
type turns struct {
	of    map[caller]Turn
	swept time.Time
}

// caller is an account at an address, hashed.
type caller uint64

// find is the turn of a caller, if there is one that can still be taken.
func (t *turns) find(now time.Time, c caller) (Turn, bool) {
	turn, ok := t.of[c]
	return turn, ok && now.Before(turn.expires())
}

// keep remembers a turn, unless too many are.
func (t *turns) keep(now time.Time, c caller, turn Turn) {
	if t.of == nil {
		t.of = map[caller]Turn{}
	}
	if len(t.of) >= maxTurns/2 && now.Sub(t.swept) >= time.Second {
		t.swept = now
		for c, turn := range t.of {
			if !now.Before(turn.expires()) {
				delete(t.of, c)
			}
		}
	}
	if _, there := t.of[c]; there || len(t.of) < maxTurns {
		t.of[c] = turn
	}
}

// drop forgets a turn that was taken.
func (t *turns) drop(c caller, number uint64) {
	if t.of[c].Number == number {
		delete(t.of, c)
	}
}
