package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"weir/governor"
	"weir/wavelet"

	"github.com/nats-io/nats.go"
)

// version is that of the messages of the feed.
const version = 1

// DecisionMessage is a decision as the feed tells it.
type DecisionMessage struct {
	V      int    `json:"v"`
	Server string `json:"server"` // the domain of the server that decided
	Number uint64 `json:"number"` // ascending, without a gap
	governor.Decision
}

// What happens to robots.
const (
	Connected    = "connected"    // a connection over NATS stands
	Disconnected = "disconnected" // and no longer; Reason if the server ended it: flood, not_allowed
	Registered   = "registered"
	Removed      = "removed"
	Suspended    = "suspended"
	Resumed      = "resumed"
	Blocked      = "blocked"
	Unblocked    = "unblocked"
	Changed      = "changed" // anything else about its service: profile, callback, key
)

// Event is something that happened to a robot, as the feed tells it.
type Event struct {
	V       int                 `json:"v"`
	At      time.Time           `json:"at"`
	Robot   wavelet.Participant `json:"robot"`
	Event   string              `json:"event"`
	Reason  string              `json:"reason,omitzero"`
	Profile string              `json:"profile,omitzero"` // the robot's own, of events that are about its registration
}

// Bounds of the feed.
const (
	maxBatch  = 256 // decisions between two confirmations
	confirmIn = 5 * time.Second
	hearIn    = 5 * time.Second // for NATS to pass on why a robot is disconnected
)

// feed tells what the log holds, until ctx ends. It goes on where NATS has last
// confirmed to have it all.
func (b *Bus) feed(ctx context.Context) {
	log := b.o.Decisions
	number, err := log.Published()
	for begun := err == nil; ctx.Err() == nil; {
		changed := log.Changed()
		if !begun {
			number, err = log.Published()
			begun = err == nil
		}
		if begun {
			number, err = b.publish(ctx, number)
		}
		var again <-chan time.Time
		if err != nil { // then more to tell is no reason to try
			if b.conn.IsConnected() && ctx.Err() == nil {
				b.log.Warn("decisions are not told, trying again", "error", err)
			}
			changed, again = nil, time.After(b.o.Reconnect)
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-b.restored:
		case <-again:
		}
	}
}

// publish tells everything after a number, and returns the last that is
// confirmed.
func (b *Bus) publish(ctx context.Context, confirmed uint64) (uint64, error) {
	last, n := confirmed, 0
	confirm := func() error {
		if n == 0 {
			return nil
		}
		ctx, cancel := context.WithTimeout(ctx, confirmIn)
		defer cancel()
		if err := b.conn.FlushWithContext(ctx); err != nil {
			return err
		}
		confirmed, n = last, 0
		return b.o.Decisions.Told(ctx, confirmed)
	}
	for d, err := range b.o.Decisions.After(confirmed) {
		if err == nil {
			err = b.decided(d)
		}
		if err != nil {
			return confirmed, err
		}
		last, n = d.Number, n+1
		if n >= maxBatch {
			if err := confirm(); err != nil {
				return confirmed, err
			}
		}
	}
	return confirmed, confirm()
}

// decided tells of one decision. A stream that keeps the feed knows by the
// message's id what it has already.
func (b *Bus) decided(d Decision) error {
	if !b.conn.IsConnected() {
		return ErrAway
	}
	data, err := json.Marshal(DecisionMessage{version, b.o.Domain, d.Number, d.Decision})
	if err != nil {
		return fmt.Errorf("encode decision %d: %w", d.Number, err)
	}
	msg := nats.NewMsg(DecisionSubject(d.Robot, d.Action))
	msg.Data = data
	msg.Header.Set(nats.MsgIdHdr, fmt.Sprintf("%s/%d", b.o.Domain, d.Number))
	err = b.conn.PublishMsg(msg)
	if errors.Is(err, nats.ErrMaxPayload) {
		b.log.Warn("decision too long for the feed", "number", d.Number, "bytes", len(data))
		return nil // it must not stand in the way of the others
	}
	return err
}

// tell publishes an event about a robot, at once or not at all.
func (b *Bus) tell(robot wavelet.Participant, e Event) {
	e.V, e.At, e.Robot = version, time.Now().UTC().Truncate(time.Millisecond), robot
	data, err := json.Marshal(e)
	if err == nil {
		err = b.conn.Publish(EventSubject(robot, e.Event), data)
	}
	if err == nil && e.Event == Disconnected {
		err = b.conn.FlushTimeout(hearIn) // the robot hears it before it is gone
	}
	if err != nil {
		b.log.Debug("event not told", "robot", robot, "event", e.Event, "error", err)
	}
}
