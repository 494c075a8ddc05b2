package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"weir/wavelet"
)

// This file is the protocol's side of a Wavelet. Everything here is called with
// the client's mutex held.

// end closes the wavelet for a reason; only the first one counts.
func (w *Wavelet) end(err error) {
	if w.err != nil {
		return
	}
	w.err = err
	if w.replica != nil {
		w.c.seqs[w.name] = w.replica.Seq()
	}
	delete(w.c.open, w.name)
	close(w.changes)
	close(w.presence.changes)
	close(w.pulse)
}

// do carries a step of the replica out.
func (w *Wavelet) do(s Step) {
	if s.Lost != nil {
		w.lost = append(w.lost, *s.Lost)
	}
	if s.Send != nil && w.c.link != nil && w.subscribed {
		w.send(w.c.link, s.Send)
	}
	w.changed()
}

// changed wakes whoever waits.
func (w *Wavelet) changed() {
	close(w.pulse)
	w.pulse = make(chan struct{})
	select {
	case w.changes <- struct{}{}:
	default:
	}
}

// point is where the wavelet goes on after a lost connection.
func (w *Wavelet) point(name wavelet.Name) Point {
	p := Point{Wave: name.Wave, Wavelet: name.Wavelet, Version: w.replica.Version(), Link: w.link}
	if f := w.replica.InFlight(); f != nil {
		p.Seq = f.Seq
	}
	return p
}

// subscribe asks for the wavelet: from the version it has if resume is set, else
// from a snapshot.
func (w *Wavelet) subscribe(l *link, resume bool) {
	r := Request{Op: OpSubscribe, Wave: w.name.Wave, Wavelet: w.name.Wavelet, Link: w.link}
	if w.replica != nil {
		p := w.point(w.name)
		r.Seq = p.Seq
		if resume {
			r.Version = &p.Version
		}
	}
	l.request(r, func(f *Frame, err error) {
		if w.err != nil || errors.Is(err, ErrLost) {
			return // the next connection takes it up
		}
		var refusal *Error
		if errors.As(err, &refusal) {
			w.refusedSubscription(l, refusal)
			return
		}
		var ok SubscribeOK
		if err == nil {
			err = json.Unmarshal(f.OK, &ok)
		}
		if err != nil {
			l.fail = badFrame(fmt.Errorf("subscribe: %w", err))
			return
		}
		w.goOn(l, ok)
	})
}

// restart drops the subscription and takes a snapshot: the replica does not
// agree with the server.
func (w *Wavelet) restart(l *link, why error) {
	w.c.stats.Diverged++
	w.c.o.Logger.Warn("replica restarts from a snapshot", "wavelet", w.name.String(), "error", why)
	w.subscribed = false
	l.request(Request{Op: OpUnsubscribe, Wave: w.name.Wave, Wavelet: w.name.Wavelet}, func(*Frame, error) {})
	w.afresh(l)
}

// afresh takes a snapshot: at once the first time on a link, and then after a
// wait that doubles. A server that makes it start over again and again is not
// asked as fast as the network can.
func (w *Wavelet) afresh(l *link) {
	w.again++
	n := w.again
	if n == 1 {
		w.subscribe(l, false)
		return
	}
	w.after(l, w.c.o.Backoff.Wait(n-1, 0, 0), func() {
		if w.again == n {
			w.subscribe(l, false)
		}
	})
}

// refusedSubscription takes a snapshot if that is what the server asks for, and
// tries again later if the refusal is temporary.
func (w *Wavelet) refusedSubscription(l *link, refusal *Error) {
	switch {
	case refusal.Code == CodeResync || refusal.Code == CodePastHead:
		w.afresh(l)
		return
	case !refusal.Temporary:
		w.end(refusal)
		return
	}
	w.later(l, refusal, func() { w.subscribe(l, w.replica != nil) })
}

// goOn takes a granted subscription.
func (w *Wavelet) goOn(l *link, ok SubscribeOK) {
	w.subscribed, w.expires = true, ok.Expires
	var step Step
	switch {
	case ok.Snapshot == nil && w.replica == nil:
		l.fail = badFrame(errors.New("subscribe: no snapshot"))
		return
	case ok.Snapshot == nil:
		if f := w.replica.InFlight(); f != nil && ok.Acked == 0 {
			w.c.stats.Resends++
			step.Send = f
		}
	default:
		state, err := ok.Snapshot.State(w.name)
		switch {
		case err != nil:
			w.subscribed = false
			l.fail = badFrame(err)
			return
		case w.replica == nil:
			w.replica = NewReplica(w.c.o.User, state, w.c.seqs[w.name])
		default:
			w.c.stats.Snapshots++
			w.presence.crowd.restart()
			step, err = w.replica.Restart(state, ok.Acked, &Error{
				Code: CodeResync, Reason: "resync", Message: "the wavelet changed too much while the connection was away",
			})
		}
		if err != nil {
			w.end(err)
			return
		}
	}
	w.do(step)
	w.moved(nil, "")
	w.connected()
}

// commit takes a commit that the server pushed.
func (w *Wavelet) commit(f *Frame) {
	ops, err := wavelet.DecodeOps(f.Ops)
	var step Step
	c := wavelet.Commit{
		Wavelet: w.name, Version: f.Version, At: f.At,
		Delta: wavelet.Delta{Author: wavelet.Participant(f.Author), Base: f.Version - 1, Ops: ops},
	}
	if err == nil {
		step, err = w.replica.Remote(c, f.Seq)
	}
	if err != nil {
		w.restart(w.c.link, err)
		return
	}
	w.do(step)
	w.committed(c, step.Ops)
}

// send publishes a delta and takes the answer.
func (w *Wavelet) send(l *link, p *Publication) {
	r := Request{Op: OpPublish, Wave: w.name.Wave, Wavelet: w.name.Wavelet, Seq: p.Seq, Base: &p.Base, Ops: p.Ops}
	l.request(r, func(f *Frame, err error) {
		if w.err != nil || errors.Is(err, ErrLost) {
			return // the next connection sends it again
		}
		var ok PublishOK
		if err == nil {
			err = json.Unmarshal(f.OK, &ok)
		}
		var step Step
		var refusal *Error
		switch {
		case err == nil && ok.Seq == p.Seq:
			step, err = w.replica.Acked(ok)
		case errors.As(err, &refusal) && refusal.Temporary:
			w.later(l, refusal, func() { w.resend(l, p.Seq) })
			return
		case refusal != nil && (refusal.Code == CodeResync || refusal.Code == CodeBaseUnknown || refusal.Code == CodePastHead):
			w.restart(l, refusal)
			return
		case refusal != nil:
			step, err = w.replica.Refused(p.Seq, err)
		default: // the delta may have been committed: the next connection tells
			l.fail = badFrame(fmt.Errorf("publish: seq %d: %w", ok.Seq, err))
			return
		}
		if err != nil {
			w.restart(l, err)
			return
		}
		w.do(step)
		w.moved(nil, "")
	})
}

// resend sends the delta in flight again if it is still the one of number seq.
func (w *Wavelet) resend(l *link, seq uint64) {
	if f := w.replica.InFlight(); f != nil && f.Seq == seq && w.subscribed {
		w.c.stats.Resends++
		w.send(l, f)
	}
}

// later does something on the same link when the advised time has passed.
func (w *Wavelet) later(l *link, refusal *Error, do func()) {
	w.after(l, w.c.o.Backoff.Wait(1, time.Duration(refusal.RetryAfterMS)*time.Millisecond, 0), do)
}

// after does something when a time has passed, if link and wavelet are there
// still.
func (w *Wavelet) after(l *link, wait time.Duration, do func()) {
	w.c.wg.Go(func() {
		select {
		case <-time.After(wait):
		case <-l.done:
			return
		}
		w.c.mu.Lock()
		defer w.c.mu.Unlock()
		if w.err == nil && w.c.link == l {
			do()
		}
	})
}
