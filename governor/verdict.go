package governor

import (
	"time"

	"weir/policies"
	"weir/wavelet"
)

// Delivery is one bundle on its way to a seat.
type Delivery struct {
	Seat      wavelet.Seat        // Robot is the address it is registered under
	Bundle    string              // the bundle's id, the same on every attempt
	RobotLane bool                // robots set off what it carries
	Cause     wavelet.Cause       // of the deepest delta in it; Depth and Exact are that delta's own
	Author    wavelet.Participant // who wrote that delta
	Parts     []Part              // of a robot-lane bundle: what each robot wrote in it; none: all is like Cause
	Sent      time.Time           // when it was first sent; Deliver ignores it, Answer needs it in Answer.Named
}

// Part is what one robot wrote in a bundle: of its deltas the one that tells most.
type Part struct {
	Author wavelet.Participant
	Cause  wavelet.Cause
}

// Tells reports whether the delta tells more of how robots answer each other than
// another one in the same bundle: it has more exact links, or as many and fewer
// assumed ones. Of two without any exact link, the deeper tells more.
func (p Part) Tells(other Part) bool {
	c, o := p.Cause, other.Cause
	switch {
	case c.Exact != o.Exact:
		return c.Exact > o.Exact
	case c.Exact == 0:
		return c.Depth > o.Depth
	}
	return c.Depth < o.Depth
}

// Door tells how a robot's delta came in.
type Door uint8

// The doors. The zero Door is Reply.
const (
	Reply Door = iota // in the response to the bundle it answers
	Call              // through the active or data API, NATS or MCP, with a bundle's token or without
)

// Answer is one delta of a robot, about to be committed.
type Answer struct {
	Robot   wavelet.Participant // the address it is registered under, without proxy
	Wavelet wavelet.Name        // where it will be written
	Delta   wavelet.DeltaID     // its id; a chain that this delta starts is called so
	Door    Door
	Named   Delivery // the bundle it answers, as sent or as the token says; the zero Delivery if it names none
	Forged  bool     // it carried a token that the server never signed; Named is ignored
}

// Verdict is what the governor decided. Its zero value means: go on.
type Verdict struct {
	Cause     wavelet.Cause // of an Answer: the lineage to commit the delta with
	Refuse    *Refusal      // not nil: do not deliver, do not commit, do not serve
	Delay     time.Duration // of Deliver: ask again after so long; of Call: hold the response so long; of Answer: commit it after so long
	Warnings  []Warning     // to be told to robots
	Acts      []Act         // to be carried out
	Decisions []Decision    // to be recorded: every warning, slowing and act, those of dry runs too
}

// Warning tells a robot that it comes near a limit.
type Warning struct {
	Robot   wavelet.Participant
	Wavelet wavelet.Name // the zero Name for a limit of the robot as a whole
	Limit   policies.Limit
}

// Refusal says why something was not let through. It is an error.
type Refusal struct {
	Code       string        // stable: "limit", "evicted", "suspended", "cooldown"
	Limit      string        // the limit's name, as in policies.Limit
	Measured   float64       // what it was, or would have become
	Max        float64       // what is allowed
	RetryAfter time.Duration // 0: time does not help
	Reason     string        // one sentence
	Remedy     string        // what to do about it
}

// Error is the reason and the remedy.
func (r *Refusal) Error() string { return r.Reason + "; " + r.Remedy }

// Kind is what is done to a robot.
type Kind string

// The kinds of acts.
const (
	Evict   Kind = "evict"   // remove the robot from the wavelet and tell the participants
	Cut     Kind = "cut"     // deliver the partners' deltas to the seat no more
	Suspend Kind = "suspend" // Seat.Wavelet zero: take the robot out of service everywhere; else in this wavelet
)

// Act is something to carry out. The governor refuses the seat's operations
// from the moment it returned the act.
type Act struct {
	Kind     Kind
	Seat     wavelet.Seat
	Partners []wavelet.Participant // of Cut: whose deltas raise no event at the seat any more
	Flush    string                // the cause whose pending deltas are dropped from the robot lanes of Cycle, "" for none
	Cycle    []wavelet.Seat        // the seats on the cycle, the one acted on included
	Decision Decision              // with the evidence for the notice
}

// Decision is the record of one decision.
type Decision struct {
	Time     time.Time           `json:"time"`
	Robot    wavelet.Participant `json:"robot"`
	Wavelet  string              `json:"wavelet,omitzero"` // "" for a limit of the robot as a whole
	Rule     string              `json:"rule"`             // the limit's name
	Measured float64             `json:"measured"`
	Limit    float64             `json:"limit"`
	Action   string              `json:"action"` // warn, slow, hold, refuse, evict, cut, suspend, readmit
	Evidence Evidence            `json:"evidence"`
	DryRun   bool                `json:"dry_run,omitzero"`
}
