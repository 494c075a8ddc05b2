package sim

import (
	"math/rand/v2"
	"time"

	"weir/wavelet"
)

// person is a source of what a person writes.
type person struct {
	*Human
	id   wavelet.Participant
	rnd  *rand.Rand
	turn int // which of the wavelets is next
	left time.Duration
	said int
}

// invite lets a person begin.
func (w *world) invite(h *Human) {
	p := &person{Human: h, id: address(h.Name, h.Remote), rnd: w.chance("human", h.Name)}
	for _, name := range h.In {
		w.room(name)
	}
	if h.Stop == 0 {
		p.Human = new(Human)
		*p.Human = *h
		p.Stop = w.sc.Duration
	}
	next := w.says
	gap := Range{}
	if h.Typing != nil {
		next, gap = w.types, h.Typing.Gap
		p.left = h.Typing.Burst.draw(p.rnd)
	} else {
		gap = h.Messages.Every
	}
	w.after(h.Start+gap.draw(p.rnd), func() { next(p) })
}

// says writes a line, and another one later.
func (w *world) says(p *person) {
	if w.at > p.Stop {
		return
	}
	w.human(p, aLine)
	p.turn++
	if p.said++; p.said != p.Messages.Count {
		w.after(p.Messages.Every.draw(p.rnd), func() { w.says(p) })
	}
}

// types presses a key, and another one later: after a pause if the burst is over.
func (w *world) types(p *person) {
	if w.at > p.Stop {
		return
	}
	w.human(p, aKey)
	gap := p.Typing.Gap.draw(p.rnd)
	if p.left -= gap; p.left < 0 {
		gap, p.left = p.Typing.Pause.draw(p.rnd), p.Typing.Burst.draw(p.rnd)
		p.turn++
	}
	w.after(gap, func() { w.types(p) })
}

// human commits a person's delta, labelled as the host labels it. One that comes
// from another server begins a chain of its own and is nobody's for certain.
func (w *world) human(p *person, ops []wavelet.Op) {
	in := w.rooms[p.In[p.turn%len(p.In)]]
	cause := wavelet.Cause{Kind: wavelet.Unknown}
	if p.Remote {
		cause.ID = w.nextID(p.Name)
	} else {
		c := in.chains[p.id]
		if c.cause == "" || w.at-c.last >= causeGap {
			c.cause = w.nextID(p.Name)
		}
		c.last = w.at
		in.chains[p.id] = c
		cause = wavelet.Cause{Kind: wavelet.Human, ID: c.cause}
	}
	e := entry{by: p.Name, person: true, truth: truth{chain: w.nextID(p.Name)}}
	w.commit(in, e, p.id, cause, ops)
}
