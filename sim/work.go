package sim

import (
	"fmt"
	"time"

	"weir/gateway"
	"weir/governor"
	"weir/wavelet"
)

// work is what a robot writes in one go: its answers to a bundle, or a group of
// deltas unasked. It writes one after the other, and waits for the response to
// each.
type work struct {
	robot  *robot
	seat   *seat // where the bundle was heard; nil if nobody asked
	flight int
	take   gateway.Take
	named  governor.Delivery // the bundle
	via    Via
	Writes
	next int
}

// door is the one that the next write comes by. A streamed answer goes on by
// the active API when the response to the bundle has ended.
func (k *work) door() governor.Door {
	if k.via == ViaReply && k.seat != nil && k.next < k.Landing {
		return governor.Reply
	}
	return governor.Call
}

// inFlight reports whether the bundle that the work answers still waits for its
// response.
func (k *work) inFlight() bool { return k.seat != nil && k.seat.flying && k.seat.flight == k.flight }

// heardIn is the seat that the bundle was for, zero if nobody asked.
func (k *work) heardIn() wavelet.Seat {
	if k.seat == nil {
		return wavelet.Seat{}
	}
	return k.seat.id
}

// goOn writes the next delta.
func (w *world) goOn(k *work) {
	if k.next >= k.Landing && k.inFlight() {
		w.landed(k.seat, gateway.Outcome{Kind: gateway.Delivered, Sent: k.seat.sent})
	}
	if k.next >= len(k.List) {
		return
	}
	begun := w.at
	done := func(out bool) {
		if k.next++; out { // it was put out: it gives up
			k.next = len(k.List)
		}
		if k.next < len(k.List) {
			if gap := begun + k.List[k.next].Gap - w.at; gap > 0 {
				w.after(gap, func() { w.goOn(k) })
				return
			}
		}
		w.goOn(k)
	}
	switch {
	case k.robot.Remote:
		w.arrive(k, w.room(k.List[k.next].To))
		done(false)
	case k.door() == governor.Reply:
		if k.inFlight() {
			w.submit(k, done)
		}
	default:
		w.call(k, done)
	}
}

// arrive commits what a robot on another server wrote.
func (w *world) arrive(k *work, to *room) {
	cause := wavelet.Cause{ID: w.nextID(k.robot.Name), Kind: wavelet.Unknown}
	w.answered(k, to, "", cause)
}

// call makes a request of the active or data API, as Gateway.Admit decides, and
// writes with it.
func (w *world) call(k *work, done func(out bool)) {
	v := w.det.Call(w.now(), k.robot.Address, false)
	w.carry(v)
	if v.Refuse != nil {
		w.tally.Refused(w.at, k.robot.Address, v.Refuse.Limit)
		done(v.Refuse.Code == string(wavelet.CodeSuspended))
		return
	}
	w.wait(v.Delay, done, func() { w.submit(k, done) })
}

// wait goes on later. If the gateway restarts in between, the connection breaks
// and what was to be written is lost.
func (w *world) wait(d time.Duration, done func(out bool), then func()) {
	if d <= 0 {
		then()
		return
	}
	epoch := w.epoch
	w.after(d, func() {
		if w.epoch != epoch {
			done(false)
			return
		}
		then()
	})
}

// submit commits a robot's delta if nothing speaks against it, as Gateway.submit
// does.
func (w *world) submit(k *work, done func(out bool)) {
	to := w.room(k.List[k.next].To)
	id := wavelet.Seat{Wavelet: to.name, Robot: k.robot.Address}
	if _, out := w.det.Banned(w.now(), id); out || !to.has(k.robot) {
		done(true)
		return
	}
	a := governor.Answer{Robot: k.robot.Address, Wavelet: to.name, Door: k.door(), Named: k.token()}
	if a.Door == governor.Reply {
		a.Delta = wavelet.DeltaID(fmt.Sprintf("%s/%d", k.named.Bundle, k.next))
	} else {
		a.Delta = wavelet.DeltaID(w.nextID(k.robot.Name))
	}
	v := w.det.Answer(w.now(), a)
	w.carry(v)
	if v.Refuse != nil {
		w.tally.Refused(w.at, k.robot.Address, v.Refuse.Limit)
		done(v.Refuse.Code != string(wavelet.CodeLimit))
		return
	}
	if v.Delay > 0 && a.Door == governor.Reply { // people wait behind the robot's own answer
		k.seat.working = w.at
	}
	w.wait(v.Delay, done, func() {
		if k.inFlight() {
			k.seat.rest(w.at)
		}
		if _, out := w.det.Banned(w.now(), id); out {
			done(true)
			return
		}
		w.answered(k, to, a.Delta, v.Cause)
		done(false)
	})
}

// has reports whether the robot takes part in the wavelet.
func (in *room) has(r *robot) bool {
	s := in.seat(r)
	return s != nil && s.present
}

// token is what the robot says it answers. The response to a bundle says so by
// itself.
func (k *work) token() governor.Delivery {
	switch {
	case k.seat == nil:
		return governor.Delivery{}
	case k.door() == governor.Reply || k.robot.Lineage == Kept:
		return k.named
	case k.robot.Lineage == Forged:
		return k.seat.first
	}
	return governor.Delivery{}
}

// answered commits a robot's delta.
func (w *world) answered(k *work, to *room, id wavelet.DeltaID, cause wavelet.Cause) {
	if k.inFlight() && k.next < k.Landing {
		k.seat.offers[k.take.Lane].wrote = true
		if to.written[id] { // before a restart
			return
		}
		if to.written != nil && id != "" { // elsewhere nothing restarts
			to.written[id] = true
		}
	}
	e := Entry{By: k.robot.Name, Origin: k.Origin}
	e.Delta.ID = id
	w.written()
	w.tally.Answered(w.at, k.robot.Name, k.heardIn(), &k.Writes, k.next)
	w.commit(to, e, k.robot.Address, cause, lines(k.robot.Operations))
}
