package live

import (
	"errors"
	"time"

	"weir/events"
	"weir/robots/kit"
	"weir/sim"
	"weir/wavelet"
)

// nameOf is the wavelet of a bundle.
func nameOf(in *kit.Bundle) wavelet.Name {
	return wavelet.Name{Wave: in.Wavelet.WaveID, Wavelet: in.Wavelet.WaveletID}
}

func laneOf(in *kit.Bundle) events.Lane {
	if in.Label.Lane == kit.Robots {
		return events.RobotLane
	}
	return events.HumanLane
}

// blipsOf is what the events are about.
func blipsOf(in *kit.Bundle) map[wavelet.BlipID]bool {
	set := map[wavelet.BlipID]bool{}
	for _, e := range in.Events {
		set[wavelet.BlipID(e.Properties.BlipID)], set[wavelet.BlipID(e.Properties.NewBlipID)] = true, true
	}
	delete(set, "")
	return set
}

// Why a robot does not answer.
var (
	errOver = errors.New("it is over")
	errLost = errors.New("lost on the way")
)

// answer has a robot answer a bundle, when it gets round to it. Those who answer by
// calls make them before they respond, so the bundle is under way until they have.
func (r *run) answer(who *robot, in *kit.Bundle, out *kit.Reply) error {
	if !r.enter() {
		return errOver
	}
	defer r.wg.Done()
	v := r.hear(who, in)
	if !r.until(v.until) || v.lost {
		return errLost
	}
	if v.writes.Landing == 0 || who.Via != sim.ViaReply { // else when the gateway has taken the answer
		r.rested(v)
	}
	begun := r.at()
	done := 0
	for gone := false; done < v.writes.Landing && !gone; done++ {
		to := r.rooms[v.writes.List[done].To]
		line := r.number(&written{v.writes, done, v.seat.id})
		if who.Via == sim.ViaReply && to == v.seat.room {
			r.compose(out, who, to, line)
		} else {
			gone = r.call(who, v.shown, to, line)
		}
	}
	if done == v.writes.Landing && done < len(v.writes.List) {
		r.wg.Go(func() {
			r.goOn(v.seat.id, v.writes, done, begun, func(to *room, line string) bool { return r.call(who, v.shown, to, line) })
		})
	}
	return nil
}

// enter has Run wait for the robot; false: it is over.
func (r *run) enter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over {
		r.wg.Add(1)
	}
	return !r.over
}

// visit is a bundle that a robot works on.
type visit struct {
	seat   *seat
	flight int
	until  time.Duration // when it has thought
	lost   bool
	shown  *kit.Bundle // that its calls show; nil: none
	writes *sim.Writes
}

// rested notes that a robot has done what it does about a bundle.
func (r *run) rested(v visit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v.seat != nil && v.seat.flight == v.flight {
		v.seat.rest(r.at())
	}
}

// hear takes a bundle in and decides what to do about it.
func (r *run) hear(b *robot, in *kit.Bundle) visit {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.at()
	v := visit{until: at, writes: &sim.Writes{}}
	room := r.places[nameOf(in)]
	if room == nil || b.seats[room] == nil {
		return v
	}
	s, lane, version := b.seats[room], laneOf(in), wavelet.Version(in.Label.Version)
	if lane == events.HumanLane {
		r.arrived(s, at, version)
	}
	heard := room.heard(b.Address, lane, s.begins(in.Label.ID, lane, version), version, blipsOf(in))
	if len(heard) == 0 {
		return v
	}
	v.seat, v.until = s, at+b.Takes()
	if j := r.sc.Faults.Jitter; j > 0 {
		v.until += time.Duration(r.luck.Int64N(int64(j) + 1))
	}
	if v.lost = r.luck.Float64() < r.sc.Faults.Lose; v.lost {
		return v
	}
	if lane == events.HumanLane && s.first == nil {
		s.first = in
	}
	switch b.Lineage {
	case sim.Kept:
		v.shown = in
	case sim.Forged:
		v.shown = s.first
	}
	r.tally.Delivered(at, s.id)
	v.flight = s.begin(at)
	if s.listens {
		*v.writes = b.Answer(at, room.called, label(heard), heard)
	}
	return v
}
