package sim

import (
	"math/rand/v2"
	"time"

	"weir/wavelet"
)

// Person is a source of what a person writes: it says when, where and how much.
// The zero Person is none; make one with NewPerson.
type Person struct {
	*Human
	Address wavelet.Participant

	rnd  *rand.Rand
	turn int // which of the wavelets is next
	left time.Duration
	said int
}

// NewPerson makes a person of a scenario, whose chance goes by the seed.
func NewPerson(sc *Scenario, h *Human, seed uint64) *Person {
	p := &Person{Human: h, Address: address(h.Name, h.Remote), rnd: chance(sc, seed, "human", h.Name)}
	if h.Stop == 0 {
		p.Human = new(Human)
		*p.Human = *h
		p.Stop = sc.Duration
	}
	if h.Typing != nil {
		p.left = h.Typing.Burst.draw(p.rnd)
	}
	return p
}

// First is when the person writes first.
func (p *Person) First() time.Duration {
	if p.Typing != nil {
		return p.Start + p.Typing.Gap.draw(p.rnd)
	}
	return p.Start + p.Messages.Every.draw(p.rnd)
}

// Utterance is a line or a key that a person writes.
type Utterance struct {
	In   string // the wavelet, as the scenario calls it
	Key  bool
	Next time.Duration // until the next one
	Last bool          // there is no next one
}

// Write is what the person writes at an instant; false: it has stopped.
func (p *Person) Write(at time.Duration) (Utterance, bool) {
	if at > p.Stop {
		return Utterance{}, false
	}
	u := Utterance{In: p.In[p.turn%len(p.In)], Key: p.Typing != nil}
	if !u.Key {
		p.turn++
		if p.said++; p.said == p.Messages.Count {
			u.Last = true
			return u, true
		}
		u.Next = p.Messages.Every.draw(p.rnd)
		return u, true
	}
	u.Next = p.Typing.Gap.draw(p.rnd)
	if p.left -= u.Next; p.left < 0 { // the burst is over
		u.Next, p.left = p.Typing.Pause.draw(p.rnd), p.Typing.Burst.draw(p.rnd)
		p.turn++
	}
	return u, true
}

// invite lets a person begin.
func (w *world) invite(h *Human) {
	p := NewPerson(w.sc, h, w.o.Seed)
	for _, name := range h.In {
		w.room(name)
	}
	w.after(p.First(), func() { w.writes(p) })
}

// writes has a person write now, and again later.
func (w *world) writes(p *Person) {
	u, ok := p.Write(w.at)
	if !ok {
		return
	}
	ops := aLine
	if u.Key {
		ops = aKey
	}
	w.human(p, w.rooms[u.In], ops)
	if !u.Last {
		w.after(u.Next, func() { w.writes(p) })
	}
}

// human commits a person's delta, labelled as the host labels it. One that comes
// from another server begins a chain of its own and is nobody's for certain.
func (w *world) human(p *Person, in *room, ops []wavelet.Op) {
	cause := wavelet.Cause{Kind: wavelet.Unknown}
	if p.Remote {
		cause.ID = w.nextID(p.Name)
	} else {
		c := in.chains[p.Address]
		if c.cause == "" || w.at-c.last >= causeGap {
			c.cause = w.nextID(p.Name)
		}
		c.last = w.at
		in.chains[p.Address] = c
		cause = wavelet.Cause{Kind: wavelet.Human, ID: c.cause}
	}
	e := Entry{By: p.Name, Person: true, Origin: Origin{Chain: w.nextID(p.Name)}}
	w.commit(in, e, p.Address, cause, ops)
}
