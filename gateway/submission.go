package gateway

import (
	"weir/events"
	"weir/wavelet"
)

// Via is the way a robot's delta came.
type Via string

// The ways.
const (
	ViaReply  Via = "reply"  // in the response to a bundle
	ViaActive Via = "active" // the active API
	ViaData   Via = "data"   // the data API
	ViaNATS   Via = "nats"   // a call over NATS
	ViaMCP    Via = "mcp"    // a tool call
)

// Submission is a delta that a robot wants committed, outside of the response
// to a bundle. The caller has authenticated the robot.
type Submission struct {
	Robot wavelet.Participant // the address it is registered under
	Via   Via
	Token string             // of the bundle it answers, as the robot echoed it; "" if it did not
	ID    wavelet.DeltaID    // makes it idempotent; "" for a new one
	Delta events.AnswerDelta // its Author is Robot or an alias of it
	// Person is who has allowed a program to write in her name, "" for a robot that
	// writes in its own. She is then the delta's Author and has to take part, and
	// Robot is the address under which her programs are counted.
	Person wavelet.Participant
}

// Receipt is what became of a Submission.
type Receipt struct {
	Commit wavelet.Commit // its Delta.Cause is the lineage it was given
	Forged bool           // the token was not one of ours and counted as none
}
