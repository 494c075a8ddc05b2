package governor

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"weir/policies"
	"weir/wavelet"
)

// format is the number of the checkpoint's form. A governor reads its own form
// and no other.
const format = 2

// ErrCheckpoint is wrapped by the errors of Restore.
var ErrCheckpoint = errors.New("checkpoint not readable")

// Checkpoint is everything that a restart needs: a governor that is restored
// from it decides as this one would.
func (g *Governor) Checkpoint() []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := &archive{numbers: map[string]uint64{}, places: map[*seat]uint64{}}
	a.uvarint(format)
	g.keep(a)
	return a.data
}

// Restore replaces the governor's counts with those of a checkpoint. Profiles
// are not part of it: a robot keeps the one that it has here. On an error
// nothing has changed.
func (g *Governor) Restore(checkpoint []byte) error {
	a := &archive{reading: true, data: checkpoint}
	if v := a.uvarint(0); a.err == nil && v != format {
		return fmt.Errorf("%w: it has form %d, and this server reads %d", ErrCheckpoint, v, format)
	}
	fresh := &Governor{ratioOnly: g.ratioOnly, fallback: g.fallback}
	fresh.reset()
	g.mu.Lock()
	defer g.mu.Unlock()
	for id, r := range g.robots {
		fresh.robot(id).rules = r.rules
	}
	fresh.keep(a)
	if a.err == nil && len(a.data) > 0 {
		a.err = errors.New("there is more after its end")
	}
	if a.err != nil {
		return fmt.Errorf("%w: %w", ErrCheckpoint, a.err)
	}
	g.latest = max(g.latest, fresh.latest)
	g.robots, g.seats, g.rooms, g.causes = fresh.robots, fresh.seats, fresh.rooms, fresh.causes
	g.idle, g.quick, g.slow = fresh.idle, fresh.quick, fresh.slow
	return nil
}

// keep writes or reads all of the governor: first which seats there are, so that
// everything can refer to them, then what is known of each thing.
func (g *Governor) keep(a *archive) {
	number(a, &g.latest)
	g.keepSeats(a)
	g.keepRobots(a)
	for _, s := range a.seats {
		s.keep(a)
	}
	g.keepRooms(a)
	g.keepCauses(a, g.quick, false)
	g.keepCauses(a, g.slow, true)
}

// keepSeats keeps which seats there are, in the order they were last touched.
func (g *Governor) keepSeats(a *archive) {
	var ids []wavelet.Seat
	for s := range g.idle.all() {
		ids = append(ids, s.id)
	}
	list(a, &ids, func(id *wavelet.Seat) {
		a.name(&id.Wavelet)
		text(a, &id.Robot)
	})
	for _, id := range ids {
		s := g.seats[id]
		if s == nil {
			s = g.newSeat(0, id)
		}
		a.seats = append(a.seats, s)
		if !a.reading {
			a.places[s] = uint64(len(a.seats))
		}
	}
}

func (g *Governor) keepRobots(a *archive) {
	var ids []wavelet.Participant
	for id := range g.robots {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if a.reading {
		ids = nil
	}
	list(a, &ids, func(id *wavelet.Participant) {
		text(a, id)
		g.robot(*id).keep(a)
	})
}

func (g *Governor) keepRooms(a *archive) {
	var names []wavelet.Name
	for name := range g.rooms {
		names = append(names, name)
	}
	slices.SortFunc(names, func(x, y wavelet.Name) int { return strings.Compare(x.String(), y.String()) })
	if a.reading {
		names = nil
	}
	list(a, &names, func(name *wavelet.Name) {
		a.name(name)
		in := g.rooms[*name]
		if in == nil {
			in = &room{}
		}
		number(a, &in.lastHuman)
		list(a, &in.remotes, func(r *remote) { r.keep(a) })
	})
}

// keepCauses keeps one of the two lists of causes, from the oldest on.
func (g *Governor) keepCauses(a *archive, l *recency[cause], slow bool) {
	all := slices.Collect(l.all())
	list(a, &all, func(p **cause) {
		if a.reading {
			*p = &cause{slow: slow}
		}
		c := *p
		c.idle.of = c
		c.keep(a)
		if a.reading && g.causes[c.id] == nil {
			g.causes[c.id] = c
			l.put(&c.idle)
		}
	})
}

func (r *robot) keep(a *archive) {
	r.ring.keep(a, r.rules.callSpans)
	number(a, &r.slot)
	number(a, &r.marks)
	optional(a, &r.cut, func(c *cutOff) { c.keep(a) })
	number(a, &r.latest)
	optional(a, &r.suspended, func(b *ban) { b.keep(a) })
	r.newest.keep(a)
	optional(a, &r.debts, func(x *debts) { x.keep(a) })
	list(a, &r.let, func(p *letPass) {
		number(a, &p.delta)
		a.seat(&p.seat)
	})
	list(a, &r.decisions, func(d *policies.Decided) { keepDecided(a, d) })
	if a.reading {
		r.let = slices.DeleteFunc(r.let, func(p letPass) bool { return p.seat == nil })
	}
}

func keepDecided(a *archive, d *policies.Decided) {
	t := at(d.At)
	number(a, &t)
	d.At = t.time()
	text(a, &d.Wavelet)
	text(a, &d.Rule)
	text(a, &d.Action)
	a.fraction(&d.Measured)
	a.fraction(&d.Limit)
	text(a, &d.Reason)
	a.flag(&d.DryRun)
}

func (s *seat) keep(a *archive) {
	s.ring.keep(a, s.robot.rules.spans)
	for i := range s.hashes {
		if number(a, &s.hashes[i]); s.hashes[i] != 0 {
			s.bundles[i].keep(a, s.ring.first)
		}
	}
	number(a, &s.next)
	for i := range s.latest {
		number(a, &s.latest[i])
	}
	number(a, &s.sent)
	s.deep.keep(a)
	optional(a, &s.habit, func(h *habit) { h.keep(a, s) })
	number(a, &s.delivered)
	number(a, &s.answered)
	number(a, &s.depth)
	number(a, &s.exact)
	s.toHumans.keep(a)
	s.toRobots.keep(a)
	list(a, &s.triggers, func(e *edge) {
		a.seat(&e.from)
		e.count.keep(a)
		number(a, &e.exact)
	})
	number(a, &s.lastVoice)
	list(a, &s.voices, func(v *voice) {
		text(a, &v.author)
		number(a, &v.id)
		number(a, &v.sent)
		number(a, &v.heeded)
	})
	number(a, &s.marks)
	for i := range s.over {
		number(a, &s.over[i])
	}
	number(a, &s.slowed)
	number(a, &s.aboveAt)
	number(a, &s.acted)
	number(a, &s.struck)
	list(a, &s.offences, func(t *instant) { number(a, t) })
	list(a, &s.cuts, func(p *wavelet.Participant) { text(a, p) })
	optional(a, &s.ban, func(b *ban) { b.keep(a) })
	number(a, &s.touched)
	if a.reading {
		s.next = min(s.next, recent-1)
		s.triggers = slices.DeleteFunc(s.triggers, func(e edge) bool { return e.from == nil })
	}
}

// keep keeps a bundle; its slot counts from the ring's oldest, where a ring that
// is read starts to number.
func (b *bundle) keep(a *archive, first uint32) {
	number(a, &b.at)
	seq := int64(int32(b.seq - first))
	number(a, &seq)
	if a.reading {
		b.seq = first + uint32(seq)
	}
	a.flag(&b.robots)
	number(a, &b.only)
	a.flag(&b.answered)
}

func (h *heard) keep(a *archive) {
	number(a, &h.at)
	text(a, &h.cause)
	number(a, &h.depth)
	number(a, &h.exact)
	text(a, &h.author)
	a.seat(&h.seat)
}

func (d *decayed) keep(a *archive) {
	a.fraction(&d.value)
	number(a, &d.at)
}

func (c *cutOff) keep(a *archive) {
	number(a, &c.began)
	number(a, &c.until)
	text(a, &c.rule)
}

func (b *ban) keep(a *archive) {
	text(a, &b.kind)
	text(a, &b.rule)
	number(a, &b.since)
	number(a, &b.cooldown)
}

func (c *cause) keep(a *archive) {
	text(a, &c.id)
	number(a, &c.kind)
	text(a, &c.by)
	a.name(&c.wavelet)
	number(a, &c.began)
	number(a, &c.first)
	number(a, &c.last)
	number(a, &c.answers)
	number(a, &c.robots)
	number(a, &c.all)
	number(a, &c.acted)
	number(a, &c.touched)
	list(a, &c.links, func(l *link) {
		a.seat(&l.seat)
		number(a, &l.answers)
		number(a, &l.robots)
		number(a, &l.depth)
		number(a, &l.last)
		list(a, &l.from, func(p *pair) {
			text(a, &p.from)
			number(a, &p.n)
		})
	})
	if a.reading {
		c.links = slices.DeleteFunc(c.links, func(l link) bool { return l.seat == nil })
	}
}

// keep keeps a ring's slots. One that is read starts numbering them at 0 and
// has the windows in spans.
func (r *ring) keep(a *archive, spans []int64) {
	number(a, &r.last)
	slots := make([]slot, 0, r.size)
	for i := range r.size {
		slots = append(slots, *r.slot(r.first + uint32(i)))
	}
	list(a, &slots, func(s *slot) {
		number(a, &s.gap)
		for c := range s.n {
			number(a, &s.n[c])
		}
	})
	if !a.reading {
		return
	}
	*r = ring{buf: slots, size: len(slots), last: r.last}
	for _, s := range slots {
		for c, n := range s.n {
			r.sum[c] += uint32(n)
		}
	}
	r.fit(spans)
}
