package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"weir/wavelet"
)

// Status is where a Replica stands towards the server.
type Status uint8

// The three states of a replica.
const (
	Synchronized       Status = iota // everything local is committed
	AwaitingAck                      // a delta is in flight
	AwaitingWithBuffer               // a delta is in flight and more waits behind it
)

// String is "synchronized", "awaiting ack" or "awaiting with buffer".
func (s Status) String() string {
	return [...]string{"synchronized", "awaiting ack", "awaiting with buffer"}[s]
}

// What Remote and Local refuse.
var (
	ErrGap      = errors.New("a commit is missing between the replica and the one received")
	ErrDiverged = errors.New("the replica does not agree with the server")
	ErrTitle    = errors.New("a title is set at the server, not in a local copy: use Client.SetTitle")
	ErrFull     = errors.New("too much is unsent: wait for the server")
)

// maxBuffer bounds the buffer, in encoded bytes: what is merged there must
// still fit into one delta, whatever is typed while the server is away.
const maxBuffer = 128 << 10

// maxSent bounds one delta, in encoded bytes, with room in its message for the
// rest of the frame.
const maxSent = MaxMessage - 4<<10

// Replica is one client's copy of one wavelet: a state machine without clock
// or network. Its zero value is not usable; see NewReplica.
//
// The shadow, which State returns, is always the confirmed state with the
// delta in flight and the buffer applied to it.
type Replica struct {
	me        wavelet.Participant
	confirmed *wavelet.State // what the server has, as last heard
	shadow    *wavelet.State // nil while synchronized: then it is confirmed
	flight    *flight        // sent and not yet answered
	buffer    []wavelet.Op   // behind the flight, one merged delta
	size      int            // encoded bytes that went into the buffer
	seq       uint64         // of the last delta sent
}

// flight is the delta in flight.
type flight struct {
	Publication              // as it was sent first
	ops         []wavelet.Op // as they apply to confirmed now
	reply       *PublishOK   // the server's answer, until confirmed has come as far as that
}

// Publication is a delta to send. The same one is sent again after a
// reconnect, byte for byte.
type Publication struct {
	Seq  uint64
	Base wavelet.Version
	Ops  json.RawMessage
}

// Step is what follows from one input to a Replica.
type Step struct {
	Send *Publication // to be sent now, nil if nothing is
	Ops  []wavelet.Op // what changed in the shadow by the doing of others, as it applies there
	Lost *Lost        // local changes that could not be kept, nil if none
}

// NewReplica starts a replica of me at the server's state s, which it owns
// from now on. Its deltas are numbered after seq.
func NewReplica(me wavelet.Participant, s *wavelet.State, seq uint64) *Replica {
	return &Replica{me: me, confirmed: s, seq: seq}
}

// State is the shadow: the wavelet with every local change in it. It belongs to
// the replica and is valid until the next input. While local changes are
// pending its version is a local count; Version is the server's.
func (r *Replica) State() *wavelet.State {
	if r.shadow != nil {
		return r.shadow
	}
	return r.confirmed
}

// Version is the last version heard of from the server.
func (r *Replica) Version() wavelet.Version { return r.confirmed.Version() }

// Seq is the number of the last delta sent.
func (r *Replica) Seq() uint64 { return r.seq }

// Status tells where the replica stands.
func (r *Replica) Status() Status {
	switch {
	case r.flight == nil:
		return Synchronized
	case len(r.buffer) == 0:
		return AwaitingAck
	}
	return AwaitingWithBuffer
}

// InFlight is the delta in flight as it was sent first, nil if there is none:
// what to send again on a new connection.
func (r *Replica) InFlight() *Publication {
	if r.flight == nil {
		return nil
	}
	p := r.flight.Publication
	return &p
}

// pending is what the shadow has and the server's state has not.
func (r *Replica) pending() []wavelet.Op {
	if r.flight == nil {
		return nil
	}
	return slices.Concat(r.flight.ops, r.buffer)
}

// Local applies ops by the replica's own user to the shadow and queues them.
// It refuses, and changes nothing, what the shadow refuses (*wavelet.Refusal),
// and anything while the buffer has no room for it (ErrFull).
func (r *Replica) Local(now time.Time, ops ...wavelet.Op) (Step, error) {
	for _, op := range ops {
		if _, ok := op.(wavelet.SetTitle); ok {
			return Step{}, ErrTitle
		}
	}
	encoded, err := wavelet.MarshalOps(ops)
	if err != nil {
		return Step{}, fmt.Errorf("encode ops: %w", err)
	}
	if len(encoded) > maxSent {
		return Step{}, &wavelet.Refusal{Code: wavelet.CodeLimit, Op: -1, Field: "ops", Reason: "the delta is larger than a message may be", Remedy: "send it in parts"}
	}
	if r.size > 0 && r.size+len(encoded) > maxBuffer {
		return Step{}, ErrFull
	}
	shadow := r.shadow
	if shadow == nil {
		shadow = r.confirmed.Clone()
	}
	d := wavelet.Delta{Author: r.me, Base: shadow.Version(), Ops: ops}
	if err := shadow.Check(d); err != nil {
		return Step{}, err
	}
	if err := apply(shadow, d, now); err != nil {
		return Step{}, err
	}
	r.shadow = shadow
	r.buffer = merge(r.buffer, ops)
	r.size += len(encoded)
	return r.next()
}

// Remote takes the next commit from the server. Seq is the number it carries
// if this client published it, else 0. A commit the replica already has is
// ignored; ErrGap and ErrDiverged ask for a Restart.
func (r *Replica) Remote(c wavelet.Commit, seq uint64) (Step, error) {
	switch have := r.confirmed.Version(); {
	case c.Version <= have:
		return Step{}, nil
	case c.Version > have+1:
		return Step{}, fmt.Errorf("version %d after %d: %w", c.Version, have, ErrGap)
	}
	own := r.flight != nil && seq != 0 && seq == r.flight.Seq
	if own && !sameOps(r.flight.ops, c.Delta.Ops) {
		return Step{}, fmt.Errorf("own delta %d at version %d: %w", seq, c.Version, ErrDiverged)
	}
	if err := r.confirmed.Apply(c); err != nil {
		return Step{}, fmt.Errorf("commit %d: %w: %w", c.Version, ErrDiverged, err)
	}
	if own {
		return r.landed()
	}
	ops := c.Delta.Ops
	if r.flight != nil {
		ops, r.flight.ops = wavelet.TransformPair(ops, r.flight.ops)
		ops, r.buffer = wavelet.TransformPair(ops, r.buffer)
		if !r.reshadow(c.At) {
			// The server will refuse what is pending. Until then it stays in sight.
			if err := apply(r.shadow, wavelet.Delta{Author: c.Delta.Author, Ops: ops}, c.At); err != nil {
				return Step{}, fmt.Errorf("shadow at commit %d: %w: %w", c.Version, ErrDiverged, err)
			}
		}
		if ok := r.flight.reply; ok != nil && ok.Version <= c.Version {
			step, err := r.answered(*ok)
			step.Ops = ops
			return step, err
		}
	}
	return Step{Ops: ops}, nil
}

// reshadow makes the shadow anew: what is confirmed, with what is pending. It
// reports false, and changes nothing, if that does not fit any more.
func (r *Replica) reshadow(at time.Time) bool {
	s := r.confirmed.Clone()
	if r.flight != nil && apply(s, wavelet.Delta{Author: r.me, Ops: r.flight.ops}, at) != nil {
		return false
	}
	if len(r.buffer) > 0 && apply(s, wavelet.Delta{Author: r.me, Ops: r.buffer}, at) != nil {
		return false
	}
	r.shadow = s
	return true
}

// Acked takes the server's reply to a publication: it stands at a version, or
// came to nothing by then. The delta is done when the replica has reached that
// version, because its own commit, if there is one, comes in the stream.
func (r *Replica) Acked(ok PublishOK) (Step, error) {
	if r.flight == nil || r.flight.Seq != ok.Seq {
		return Step{}, nil
	}
	if r.confirmed.Version() < ok.Version {
		r.flight.reply = &ok
		return Step{}, nil
	}
	return r.answered(ok)
}

// answered ends a flight whose commit did not come in the stream though the
// stream has come as far: it came to nothing, or it is in the snapshot that the
// replica started from. If the server dropped it and there is something left of
// it here, that is given back.
func (r *Replica) answered(ok PublishOK) (Step, error) {
	if ok.Empty && !nothing(r.flight.ops) {
		return r.without(r.confirmed, ErrDiverged)
	}
	return r.without(r.confirmed, nil)
}

// Refused takes the server's final refusal of delta seq. What it would have
// done is undone in the shadow and given back as Lost; what was typed behind it
// is kept where it does not build on it.
func (r *Replica) Refused(seq uint64, reason error) (Step, error) {
	if r.flight == nil || r.flight.Seq != seq {
		return Step{}, nil
	}
	return r.without(r.confirmed, reason)
}

// Restart goes on from a newer state of the server with a gap in between. Acked
// is the version at which the delta in flight was committed, 0 if it was not.
// Local changes are kept if what they change is as it was; the others are Lost
// for the given reason.
func (r *Replica) Restart(s *wavelet.State, acked wavelet.Version, reason error) (Step, error) {
	if r.flight == nil {
		r.confirmed = s
		return Step{}, nil
	}
	if acked != 0 {
		return r.without(s, nil)
	}
	from := r.confirmed
	r.confirmed = s
	kept, lost := carry(from, s, r.me, r.flight.ops)
	behind := from.Clone()
	if err := apply(behind, wavelet.Delta{Author: r.me, Ops: r.flight.ops}, s.Modified()); err != nil {
		return Step{}, fmt.Errorf("delta in flight on its base: %w", err)
	}
	r.shadow = s.Clone()
	if err := apply(r.shadow, wavelet.Delta{Author: r.me, Ops: kept}, s.Modified()); err != nil {
		return Step{}, fmt.Errorf("delta in flight on the new state: %w", err)
	}
	buffer, more := carry(behind, r.shadow, r.me, r.buffer)
	if err := apply(r.shadow, wavelet.Delta{Author: r.me, Ops: buffer}, s.Modified()); err != nil {
		return Step{}, fmt.Errorf("buffer on the new state: %w", err)
	}
	r.buffer = buffer
	step := Step{Lost: newLost(append(lost, more...), reason)}
	// The number stays: should the first sending still arrive somewhere, only
	// one of the two is committed.
	f, err := newFlight(r.flight.Seq, s.Version(), kept)
	if err != nil {
		return step, err
	}
	r.flight = f
	step.Send = r.InFlight()
	return step, nil
}

// without drops the flight and goes on from state s, keeping of the buffer
// what still fits. A reason tells that the flight is lost; without one it is in
// s, or came to nothing.
func (r *Replica) without(s *wavelet.State, reason error) (Step, error) {
	from := r.confirmed.Clone()
	if err := apply(from, wavelet.Delta{Author: r.me, Ops: r.flight.ops}, s.Modified()); err != nil {
		return Step{}, fmt.Errorf("delta in flight on its base: %w", err)
	}
	var gone []wavelet.Op
	if reason != nil {
		gone = r.flight.ops
	} else {
		reason = ErrDiverged
	}
	kept, lost := carry(from, s, r.me, r.buffer)
	r.confirmed, r.flight, r.buffer = s, nil, kept
	r.shadow = nil
	if len(kept) > 0 {
		r.shadow = s.Clone()
		if err := apply(r.shadow, wavelet.Delta{Author: r.me, Ops: kept}, s.Modified()); err != nil {
			return Step{}, fmt.Errorf("buffer on the new state: %w", err)
		}
	}
	step, err := r.next()
	step.Lost = newLost(append(gone, lost...), reason)
	return step, err
}

// landed ends the flight whose own commit has arrived: the shadow has it
// already.
func (r *Replica) landed() (Step, error) {
	r.flight = nil
	switch {
	case len(r.buffer) == 0:
		r.shadow = nil
	case !r.reshadow(r.confirmed.Modified()):
		return Step{}, fmt.Errorf("buffer behind an own commit: %w", ErrDiverged)
	}
	return r.next()
}

// next sends the buffer if nothing is in flight.
func (r *Replica) next() (Step, error) {
	if r.flight != nil || len(r.buffer) == 0 {
		return Step{}, nil
	}
	f, err := newFlight(r.seq+1, r.confirmed.Version(), r.buffer)
	if err != nil {
		return Step{}, err
	}
	r.seq++
	r.flight = f
	r.buffer, r.size = nil, 0
	return Step{Send: r.InFlight()}, nil
}

// newFlight is a delta as the server will read it.
func newFlight(seq uint64, base wavelet.Version, ops []wavelet.Op) (*flight, error) {
	encoded, err := wavelet.MarshalOps(ops)
	if err != nil {
		return nil, fmt.Errorf("encode ops: %w", err)
	}
	if ops, err = wavelet.DecodeOps(encoded); err != nil {
		return nil, fmt.Errorf("encode ops: %w", err)
	}
	return &flight{Publication: Publication{Seq: seq, Base: base, Ops: encoded}, ops: ops}, nil
}

// apply gives d the next place in s, whatever its Base says.
func apply(s *wavelet.State, d wavelet.Delta, at time.Time) error {
	d.Base = s.Version()
	return s.Apply(wavelet.Commit{Wavelet: s.Name(), Version: s.Version() + 1, Delta: d, At: at})
}

// nothing reports whether no op changes anything.
func nothing(ops []wavelet.Op) bool {
	for _, op := range ops {
		if edit, ok := op.(wavelet.EditBlip); !ok || len(edit.Delta) > 0 {
			return false
		}
	}
	return true
}

// sameOps reports whether two lists of ops are written alike.
func sameOps(a, b []wavelet.Op) bool {
	x, err := wavelet.MarshalOps(a)
	if err != nil {
		return false
	}
	y, err := wavelet.MarshalOps(b)
	return err == nil && bytes.Equal(x, y)
}
