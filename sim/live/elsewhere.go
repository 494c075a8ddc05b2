package live

import (
	"time"

	"weir/gateway"
	"weir/sim"
	"weir/wavelet"
)

// A robot on another server hears what happens here by that server's gateway, of
// which nobody here knows more than that it is one like this.

// instant is an instant of the scenario as lanes elsewhere read it.
func instant(at time.Duration) time.Time { return time.Unix(1, 0).Add(at) }

// listen has a robot elsewhere hear what is due, until the run ends.
func (r *run) listen(s *seat) {
	for {
		r.mu.Lock()
		t, wake, due := s.lane.Next(instant(r.at()))
		r.mu.Unlock()
		if due {
			r.landed(s, t)
			continue
		}
		var timer <-chan time.Time
		if !wake.IsZero() {
			timer = time.After(r.real(wake.Sub(instant(r.at()))))
		}
		select {
		case <-timer:
		case <-s.news:
		case <-r.ctx.Done():
			return
		}
	}
}

// landed takes a bundle elsewhere through.
func (r *run) landed(s *seat, t gateway.Take) {
	b := s.robot
	r.mu.Lock()
	at := r.at()
	o := gateway.Outcome{Kind: gateway.Silent, Sent: instant(at), Through: t.To}
	heard := s.room.heard(b.Address, t.Lane, t.From, t.To, nil)
	w, until := sim.Writes{}, at
	if len(heard) > 0 {
		o.Kind = gateway.Delivered
		until += b.Takes()
		w = b.Answer(at, s.room.called, label(heard), heard)
	}
	r.mu.Unlock()
	if r.until(until) {
		r.goOnElsewhere(b, s.id, &w)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s.lane.Done(instant(r.at()), o)
}

// goOnElsewhere writes what a robot elsewhere writes.
func (r *run) goOnElsewhere(b *robot, seat wavelet.Seat, w *sim.Writes) {
	begun := r.at()
	for i, x := range w.List {
		if x.Gap > 0 && !r.until(begun+x.Gap) {
			return
		}
		begun = r.at()
		to := r.rooms[x.To]
		line := r.number(&written{w, i, seat})
		r.mu.Lock()
		if b.pens == nil {
			b.pens = map[*room]*pen{}
		}
		if b.pens[to] == nil {
			b.pens[to] = &pen{}
		}
		ops := b.pens[to].line(line)
		r.mu.Unlock()
		r.keep(r.bringIn(to, b.Address, ops))
	}
}
