package events

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"weir/policies"
	"weir/wavelet"
)

// Lane tells who set off what a bundle carries. Human-originated and
// robot-originated deltas never share a bundle.
type Lane uint8

// The two lanes. Deltas of unknown origin travel in the human lane; the
// server's own in none.
const (
	HumanLane Lane = iota
	RobotLane
)

// String is "human" or "robot".
func (l Lane) String() string {
	if l == RobotLane {
		return "robot"
	}
	return "human"
}

// Bundle is one delivery to a seat: what changed in one lane since the lane's
// cursor, and the wavelet as it is now. The same window delivered again, even
// grown, has the same ID.
type Bundle struct {
	ID      string // hash of seat, lane and from-cursor
	Token   string // signed: an active call that echoes it inherits the bundle's lineage
	Seed    string // known to the server alone, of the ID: wavelets that the answer creates are named from it
	Seat    wavelet.Seat
	Lane    Lane
	From    wavelet.Version // the lane's cursor: the last version the robot was told about
	Version wavelet.Version // the head the bundle was made at, and State's version
	Attempt int             // 1 for the first delivery
	Events  []Event         // never empty
	State   *wavelet.State  // at Version; read only
	Limits  policies.Limits
	Cause   wavelet.Cause // the deepest cause in the bundle, as an answer will inherit it (Depth is that delta's own)
	Deltas  int           // how many deltas of this lane were merged into it
}

// NewWavelet names the n-th wavelet that the answer creates, in a domain. A
// redelivery gives the same names, so that its answer creates nothing twice; who
// does not know the Seed cannot take them first.
func (b Bundle) NewWavelet(domain string, n int) wavelet.Name {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", b.ID, b.Seed, n))
	id := base64.RawURLEncoding.EncodeToString(sum[:12])
	return wavelet.Name{Wave: domain + "!w+" + id, Wavelet: domain + "!conv+root"}
}

// Answer is what a robot wants changed in return. No deltas: it has nothing to
// say, which is no answer in the governor's count.
type Answer struct {
	Deltas       []AnswerDelta
	Failures     []OperationFailure // operations that could not be turned into ops, with the reason; the good ones are in Deltas
	Capabilities string             // the hash the robot sent, "" if none

	// Release gives back the room that the answer takes. Whoever received the
	// answer calls it when he needs it no longer; nil: it takes none.
	Release func()
}

// AnswerDelta is one atomic change of an answer, against the state the bundle
// carried.
type AnswerDelta struct {
	Wavelet wavelet.Name
	Author  wavelet.Participant // the robot, or robot+proxy@domain
	Base    wavelet.Version
	Ops     []wavelet.Op
}
