package gateway

import (
	"time"

	"weir/events"
	"weir/governor"
	"weir/wavelet"
)

// HappeningKind says what happened.
type HappeningKind string

// What may happen. Each line names the fields that are set besides At, Kind and
// Seat.
const (
	Opened      HappeningKind = "opened"      // the robot has a seat in the wavelet
	Closed      HappeningKind = "closed"      // and no longer
	Sent        HappeningKind = "sent"        // a bundle goes out: Bundle, Lane, Attempt, Deltas, Events, Depth, Lag
	Received    HappeningKind = "received"    // the robot took it: Bundle, Lane, Deltas, Events, Took, Answers, Ratio
	Retry       HappeningKind = "retry"       // it did not: Bundle, Lane, Attempt, Err
	Broken      HappeningKind = "broken"      // and its breaker is open now: Err
	Answered    HappeningKind = "answered"    // a delta of the robot was committed: Bundle, Via, Version, Depth, Exact
	Refused     HappeningKind = "refused"     // one was refused: Bundle, Via, Err
	HeldBack    HappeningKind = "held"        // a bundle is held back: Lane, Took (for how long)
	Warned      HappeningKind = "warned"      // the robot comes near a limit: Warning
	Decided     HappeningKind = "decided"     // the governor decided: Decision
	Evicted     HappeningKind = "evicted"     // the robot is out and the notice is written: Decision, Version, Notice
	Announced   HappeningKind = "announced"   // the notice of a cut or a suspension is written: Decision, Version, Notice
	Readmitted  HappeningKind = "readmitted"  // a ban ended: Decision
	Interrupted HappeningKind = "interrupted" // something of the server's own failed and is tried again: Err
)

// Happening is one thing that happened at a seat, for displays and logs.
type Happening struct {
	At       time.Time // by the gateway's clock
	Kind     HappeningKind
	Seat     wavelet.Seat
	Bundle   string
	Lane     events.Lane
	Via      Via
	Attempt  int
	Deltas   int // raw deltas merged into the bundle
	Events   int
	Answers  int // deltas committed in response
	Depth    int
	Exact    int
	Ratio    float64       // answered / delivered over the governor's shortest window
	Lag      time.Duration // from the first delta to the bundle
	Took     time.Duration // from the bundle to the committed answer
	Version  wavelet.Version
	Notice   string // the text of the notice
	Warning  *governor.Warning
	Decision *governor.Decision
	Err      error
}
