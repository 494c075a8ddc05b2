package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"weir/events"
	"weir/governor"
	"weir/store"
	"weir/wavelet"
)

// offer is an answer that a robot gave. It is written down before the first delta
// is submitted: if the process ends before the last one is committed, the next
// one commits what is missing, and the robot is not asked again. Each lane has two,
// the last answer to changes and the last one to the end of edit sessions. One to
// what the lane knows to be told says nothing.
type offer struct {
	Take   Take              `json:"take"` // its To is the version up to which the bundle told
	Named  governor.Delivery `json:"named"`
	Deltas []reply           `json:"deltas"`
}

// reply is a delta of an answer, under the id by which it is committed once.
type reply struct {
	ID wavelet.DeltaID
	events.AnswerDelta
}

// replies names the deltas of the answer to a bundle: by the bundle and their
// index.
func replies(bundle string, deltas []events.AnswerDelta) []reply {
	list := make([]reply, len(deltas))
	for i, d := range deltas {
		list[i] = reply{ID: wavelet.DeltaID(fmt.Sprintf("%s/%d", bundle, i)), AnswerDelta: d}
	}
	return list
}

// storedReply is a reply as it is stored, its ops in the form of the client
// protocol.
type storedReply struct {
	ID      wavelet.DeltaID     `json:"id"`
	Wavelet wavelet.Name        `json:"wavelet"`
	Author  wavelet.Participant `json:"author"`
	Base    wavelet.Version     `json:"base"`
	Ops     json.RawMessage     `json:"ops"`
}

// MarshalJSON implements json.Marshaler.
func (r reply) MarshalJSON() ([]byte, error) {
	ops, err := wavelet.MarshalOps(r.Ops)
	if err != nil {
		return nil, err
	}
	return json.Marshal(storedReply{r.ID, r.Wavelet, r.Author, r.Base, ops})
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *reply) UnmarshalJSON(raw []byte) error {
	var in storedReply
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	ops, err := wavelet.DecodeOps(in.Ops)
	*r = reply{in.ID, events.AnswerDelta{Wavelet: in.Wavelet, Author: in.Author, Base: in.Base, Ops: ops}}
	return err
}

func offerKey(id wavelet.Seat, lane events.Lane, ends bool) []byte {
	if ends {
		return fmt.Appendf(nil, "%s %s ends", seatKey(id), lane)
	}
	return fmt.Appendf(nil, "%s %s", seatKey(id), lane)
}

// offerKeys is the keys of all offers of a seat.
func offerKeys(id wavelet.Seat) [][]byte {
	return [][]byte{
		offerKey(id, events.HumanLane, false), offerKey(id, events.RobotLane, false),
		offerKey(id, events.HumanLane, true), offerKey(id, events.RobotLane, true),
	}
}

// promise writes an offer down, unless it is empty.
func (g *Gateway) promise(ctx context.Context, s *seat, o offer) error {
	if len(o.Deltas) == 0 {
		return nil
	}
	value, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("write down the answer of %s in %s: %w", s.Robot, s.Wavelet, err)
	}
	key := offerKey(s.Seat, o.Take.Lane, o.Take.Ended != nil)
	return g.insist(ctx, s, o.Take, func() error {
		if err := g.keeper.kv.Commit(ctx, store.Batch{{Bucket: bucketOffer, Key: key, Value: value}}); err != nil {
			return fmt.Errorf("write down the answer of %s in %s: %w", s.Robot, s.Wavelet, err)
		}
		return nil
	})
}

// promised reads an offer, an empty one if there is none. One that cannot be read,
// because as JSON a delta is longer than deltas may be, counts as none: the robot
// is asked again then.
func (g *Gateway) promised(key []byte) (o offer, err error) {
	value, err := g.keeper.kv.Get(bucketOffer, key)
	if errors.Is(err, store.ErrNotFound) {
		return offer{}, nil
	}
	if err != nil {
		return offer{}, fmt.Errorf("the answer %q: %w", key, err)
	}
	if err := json.Unmarshal(value, &o); err != nil {
		g.o.Logger.Warn("an answer cannot be read, the robot is asked again", "seat", string(key), "error", err)
		return offer{}, nil
	}
	return o, nil
}

// resolve moves a seat past the bundles whose answers were given before the
// cursor could be written. False: there is something left of one to commit, and the
// seat will be among those to be loaded again when that is done.
func (g *Gateway) resolve(ctx context.Context, s *seat) (ready bool, err error) {
	for _, key := range offerKeys(s.Seat) {
		o, err := g.promised(key)
		if err != nil {
			return false, err
		}
		g.mu.Lock()
		told := s.lane.Told(o.Take)
		g.mu.Unlock()
		if told || len(o.Deltas) == 0 {
			continue
		}
		if o.Deltas, err = g.missing(ctx, o.Deltas); err != nil {
			return false, fmt.Errorf("resolve the answer to bundle %s: %w", o.Named.Bundle, err)
		}
		if len(o.Deltas) > 0 {
			g.flights.Go(func() { g.finish(ctx, s, o) }) // the governor may hold it back
			return false, nil
		}
		g.mu.Lock()
		s.lane.Skip(o.Take)
		g.mark(s)
		g.mu.Unlock()
	}
	return true, nil
}

// missing is the deltas of an answer that are not committed.
func (g *Gateway) missing(ctx context.Context, all []reply) ([]reply, error) {
	var list []reply
	for _, r := range all {
		_, found, err := g.host.Resolve(ctx, r.Wavelet, r.ID)
		if err != nil && !notFound(err) {
			return nil, err
		}
		if !found {
			list = append(list, r)
		}
	}
	return list, nil
}

// finish commits what is left of an answer, and has the seat loaded then.
func (g *Gateway) finish(ctx context.Context, s *seat, o offer) {
	_, failed, err := g.write(ctx, s, o)
	if err != nil {
		return // ctx has ended, and the next start goes on
	}
	g.note(s, failed)
	g.mu.Lock()
	defer g.mu.Unlock()
	s.lane.Skip(o.Take)
	if s.gone {
		return
	}
	g.mark(s)
	g.loading = append(g.loading, s)
	call(g.chores)
}
