package admission

import (
	"hash/maphash"
	"sync"
	"time"
)

// Verdict is what becomes of a knock.
type Verdict uint8

// The verdicts.
const (
	Refuse Verdict = iota // answer it, with the advice
	Admit                 // begin the session
	Park                  // keep it, spend nothing on it, and ask Due at Until
)

// Why a knock is refused.
const (
	ReasonQueue   = "queue"   // its turn is later
	ReasonFull    = "full"    // its turn has come, but too many sessions are pending
	ReasonHorizon = "horizon" // the queue is as long as it may be
)

// Knock is a request to begin a session.
type Knock struct {
	Account string // who it says it is from; the ticket is bound to it
	Address string // where it comes from
	Ticket  string // what an earlier answer gave; "": none
	// Wake is called, once at most, when a parked knock is let in before its
	// time; it must neither block nor call the queue. Nil: it cannot be parked.
	Wake func()
}

// Answer is what to do with a knock.
type Answer struct {
	Verdict Verdict
	Grant   *Grant // of Admit; nil while the queue is switched off

	Place *Place    // of Park
	Until time.Time // of Park: when to ask Due

	Reason     string        // of Refuse
	RetryAfter time.Duration // of Refuse: when to come back
	Ticket     string        // of Refuse: what to show then; "": nothing
	Promised   time.Time     // of Refuse: the turn that the ticket stands for

	BadTicket string // what was wrong with the ticket shown; "": nothing
}

// Queue decides who may begin a session. See the package comment.
type Queue struct {
	seal   Seal
	epoch  uint32
	seed   maphash.Seed
	spent  Spent
	pace   slots // of turns
	gentle slots // of those who are told why within a socket

	mu        sync.Mutex
	config    QueueConfig
	pressed   bool // the machine is overloaded
	reading   Reading
	pending   int
	peak      int
	last      uint64 // number of the last turn
	known     turns
	lot       lot
	grants    []*Grant
	admitted  uint64
	early     uint64
	abandoned uint64
}

// NewQueue makes a queue whose tickets are signed with key. Epoch tells its
// tickets from those of an earlier queue with the same key.
func NewQueue(c QueueConfig, key [32]byte, epoch uint32) *Queue {
	return &Queue{config: c, seal: NewSeal(key), epoch: epoch, seed: maphash.MakeSeed()}
}

// Configure changes the settings. Tickets stay good, and those who are parked
// stay parked.
func (q *Queue) Configure(c QueueConfig) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.config = c
}

// Knock decides about a request to begin a session.
func (q *Queue) Knock(now time.Time, k Knock) Answer {
	var turn Turn
	var bad string
	if k.Ticket != "" {
		turn, bad = q.read(now, k.Ticket, k.Account)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.config.Enabled {
		return Answer{Verdict: Admit}
	}
	q.sweep(now)
	a := q.knock(now, k, turn, k.Ticket != "" && bad == "")
	a.BadTicket = bad
	return a
}

func (q *Queue) knock(now time.Time, k Knock, turn Turn, holds bool) Answer {
	c := q.caller(k)
	if !holds {
		turn, holds = q.known.find(now, c)
	}
	if holds && !q.spent.Used(turn.Number) {
		return q.settle(now, &Place{knock: k, turn: turn, at: turn.At, patience: now.Add(q.config.Park), index: -1}, true)
	}
	if at := q.pace.next(now); at.After(now) && q.idle() || !at.After(now) && !q.config.Triggers.Rate && q.room() {
		return q.admit(now)
	}
	at, ok := q.pace.take(now, q.config.interval(), q.config.Horizon)
	if !ok {
		return Answer{Verdict: Refuse, Reason: ReasonHorizon, RetryAfter: q.config.Horizon}
	}
	q.last++
	p := &Place{knock: k, turn: Turn{At: at, Number: q.last}, at: at, patience: now.Add(q.config.Park), index: -1}
	a := q.settle(now, p, false)
	if a.Verdict != Admit {
		q.known.keep(now, c, p.turn)
	}
	return a
}

// settle decides about somebody who has a turn; early, if they were told of it
// before.
func (q *Queue) settle(now time.Time, p *Place, early bool) Answer {
	due := !now.Before(p.at)
	if due && q.room() || q.idle() {
		return q.take(now, p)
	}
	reason := ReasonQueue
	if !now.Before(p.turn.At) {
		reason = ReasonFull
	}
	if due {
		p.at = now.Add(later(now, p.turn))
	}
	wait := p.at.Sub(now)
	if p.knock.Wake != nil && (early || wait < q.config.Park) && len(q.lot) < q.config.MaxParked && now.Before(p.patience) {
		q.lot.add(p)
		return Answer{Verdict: Park, Place: p, Until: earliest(p.at, p.patience)}
	}
	return Answer{Verdict: Refuse, Reason: reason, RetryAfter: wait, Ticket: q.ticket(p.turn, p.knock.Account), Promised: p.turn.At}
}

// later is how long a turn that has come is put off while there is no room: half
// a second to one and a half, different for each.
func later(now time.Time, t Turn) time.Duration {
	mixed := (uint64(now.UnixNano()) ^ t.Number) * 0x9e3779b97f4a7c15
	return time.Second/2 + time.Duration(mixed>>32)%time.Second
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Due decides about a parked knock whose time has come, or that was woken.
func (q *Queue) Due(now time.Time, p *Place) Answer {
	q.mu.Lock()
	defer q.mu.Unlock()
	if p.grant != nil {
		return Answer{Verdict: Admit, Grant: p.grant}
	}
	q.lot.remove(p)
	q.sweep(now)
	return q.settle(now, p, true)
}

// Leave gives up a parked knock whose caller has gone.
func (q *Queue) Leave(now time.Time, p *Place) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lot.remove(p)
	if p.grant != nil {
		q.finish(p.grant)
		q.wake(now)
	}
}

// take lets somebody in who has a turn, and uses it up.
func (q *Queue) take(now time.Time, p *Place) Answer {
	if !q.spent.Spend(now, p.turn.Number, p.turn.expires()) {
		// The same turn was shown twice at once, and the other was quicker.
		return Answer{Verdict: Refuse, Reason: ReasonQueue, RetryAfter: time.Second, BadTicket: TicketSpent}
	}
	q.known.drop(q.caller(p.knock), p.turn.Number)
	if now.Before(p.turn.At) {
		q.early++
	}
	return q.admit(now)
}

func (q *Queue) admit(now time.Time) Answer {
	return Answer{Verdict: Admit, Grant: q.grant(now)}
}

// room reports whether one more session may be pending.
func (q *Queue) room() bool {
	return q.pending < q.config.few() || !q.pressed && (q.pending < q.config.pending() || !q.config.Triggers.Pending)
}

// idle reports whether so little is pending that anybody may come in.
func (q *Queue) idle() bool { return !q.pressed && q.pending < q.config.few() }

// wake lets the earliest of those parked in while there is little to do.
func (q *Queue) wake(now time.Time) {
	for len(q.lot) > 0 && q.idle() {
		p := q.lot.first()
		a := q.take(now, p)
		if a.Verdict == Admit {
			p.grant = a.Grant
		}
		p.knock.Wake()
	}
}

func (q *Queue) caller(k Knock) caller {
	var h maphash.Hash
	h.SetSeed(q.seed)
	h.WriteString(k.Account)
	h.WriteByte(0)
	h.WriteString(k.Address)
	return caller(h.Sum64())
}

// gentleShare is the part of the capacity that may go into telling clients
// within a socket that they are to come back.
const gentleShare = 10

// Gently reports whether a caller who cannot read a refusal may have one in the
// form it can read, at the cost of a handshake. There is a budget for that of
// its own, and none under pressure.
func (q *Queue) Gently(now time.Time) bool {
	q.mu.Lock()
	interval, pressed := gentleShare*q.config.interval(), q.pressed
	q.mu.Unlock()
	if pressed {
		return false
	}
	_, ok := q.gentle.take(now, interval, time.Second)
	return ok
}

// Tick is to be called every quarter of a second with what was read off the
// machine: it takes back grants that were not used and wakes those parked who
// have room now.
func (q *Queue) Tick(now time.Time, r Reading) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reading, q.pressed = r, q.config.Triggers.pressed(r)
	q.sweep(now)
	q.wake(now)
}
