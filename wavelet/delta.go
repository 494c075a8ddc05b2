package wavelet

import "time"

// Version counts the deltas applied to a wavelet; 0 is the empty wavelet.
type Version uint64

// DeltaID makes a submission idempotent: a second delta with the id of a
// committed one is answered with the first one's commit. It is "client/seq" for
// people, "bundle/index" for a robot's answer, and a UUIDv7 otherwise.
type DeltaID string

// CauseKind tells where a chain of deltas began, or what wrote a delta.
type CauseKind uint8

// The kinds of a cause. The zero kind is Unknown: what nobody vouches for is
// never taken for a human.
const (
	Unknown CauseKind = iota // imported or federated: human lane, depth 0, never counts as a human
	Human                    // an authenticated person's socket or REST edit
	Robot                    // a robot that named the bundle it answers
	Assumed                  // a robot that named none, within a minute of a bundle to it
	System                   // the server itself: no lane, no reset
)

// String is the word stored and shown: unknown, human, robot, assumed, system.
func (k CauseKind) String() string {
	switch k {
	case Human:
		return "human"
	case Robot:
		return "robot"
	case Assumed:
		return "assumed"
	case System:
		return "system"
	}
	return "unknown"
}

// Cause is the lineage of a delta. Only the server's doors write it.
type Cause struct {
	ID     string      // the chain: what one human message set off; "" if none is known
	Depth  int         // robot generations since that message, 0 for a human's own delta
	Exact  int         // of these, the generations that are proved by a bundle named
	Parent Participant // author of the delta answered, "" at depth 0
	Bundle string      // id of the bundle answered, "" if none
	Kind   CauseKind
}

// Delta is an atomic list of ops by one author against version Base: all of
// them are applied, or none.
type Delta struct {
	ID     DeltaID
	Author Participant
	Base   Version
	Ops    []Op
	Cause  Cause
}

// Commit is a delta with its place in the history. Applied to the state at
// Version-1 it gives the state at Version; its Delta's ops are as transformed
// to that place and its Base is Version-1.
type Commit struct {
	Wavelet Name
	Version Version
	Delta   Delta
	At      time.Time
}
