package gateway

import (
	"context"
	"iter"

	"weir/events"
	"weir/policies"
	"weir/wavelet"
)

// Host is the part of the wavelet host that the gateway works through.
type Host interface {
	// Submit commits d, whose Cause the gateway has stamped, and returns the
	// commit; a delta id seen before returns the first commit again.
	Submit(ctx context.Context, name wavelet.Name, d wavelet.Delta) (wavelet.Commit, error)
	// Snapshot is the state at version v, or at the head if v is Head. It is
	// read only and stays valid.
	Snapshot(ctx context.Context, name wavelet.Name, v wavelet.Version) (*wavelet.State, error)
	// Read yields the commits after version from, in order, up to the head.
	Read(ctx context.Context, name wavelet.Name, from wavelet.Version) iter.Seq2[wavelet.Commit, error]
	// Resolve tells whether a delta with this id was committed, and as what.
	Resolve(ctx context.Context, name wavelet.Name, id wavelet.DeltaID) (wavelet.Commit, bool, error)
	// Of yields the wavelets that p takes part in.
	Of(ctx context.Context, p wavelet.Participant) iter.Seq2[wavelet.Name, error]
}

// Head asks Snapshot for the newest version.
const Head = ^wavelet.Version(0)

// Robot receives bundles: over HTTP, over NATS, or in process. Receive returns
// when the robot has answered or cannot be reached; it may be called from any
// goroutine, by one at a time for a seat.
type Robot interface {
	Receive(ctx context.Context, b events.Bundle) (events.Answer, error)
}

// Chooser is a Robot that does not want to hear of everything. A bundle it does
// not want is not sent, and not counted as delivered.
type Chooser interface {
	Wants(b events.Bundle) bool
}

// Roster tells which robots are registered and in service, with their profiles.
// Its methods answer from memory, and do not call the gateway, except for
// RobotChanged.
type Roster interface {
	// Robot is the transport and profile of the robot at address id; false if
	// none is registered there, or it is suspended by its operator: then the
	// profile is given all the same.
	Robot(id wavelet.Participant) (Robot, policies.Profile, bool)
	// Registered reports whether id is a robot's address at all, in service or
	// not.
	Registered(id wavelet.Participant) bool
}
