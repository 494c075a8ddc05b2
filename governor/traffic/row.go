package traffic

import (
	"time"

	"weir/governor"
	"weir/wavelet"
)

// Kind tells what a row is about.
type Kind uint8

// The kinds of rows. Each line names the fields that are set besides At and Kind.
const (
	Start   Kind = 1 + iota // a server began to record
	Gap                     // rows are missing: Missing
	Commit                  // Commit
	Deliver                 // Delivery, Outcome, Delay
	Answer                  // Answer, Outcome, Delay
	Call                    // Robot, LimitsQuery, Outcome, Delay
	Readmit                 // Seat, By, Override: a seat was let in again by an operator
	Resume                  // Robot: its suspension was ended
	Forget                  // Robot: it was unregistered
	kinds
)

// Outcome is what the governor said to a delivery, an answer or a request.
type Outcome uint8

// The outcomes.
const (
	Passed  Outcome = iota // it went ahead, answers and requests after Delay
	Delayed                // a delivery was put off by Delay, to be asked about again
	Refused
)

// Row is one call of the governor. Of a Commit the version and the base are not
// kept, and its ops only in kind and extent: how much an edit inserts and deletes,
// in how many lines. A governor that is to measure more needs more kept here.
type Row struct {
	At          time.Time // to the microsecond
	Kind        Kind
	Outcome     Outcome
	Delay       time.Duration
	Commit      wavelet.Commit
	Delivery    governor.Delivery
	Answer      governor.Answer
	Robot       wavelet.Participant
	LimitsQuery bool
	Seat        wavelet.Seat
	By          wavelet.Participant
	Override    bool
	Missing     uint64 // rows; 0 if nobody knows how many
}

// judged notes what a verdict says about the row's subject.
func (r *Row) judged(v *governor.Verdict) {
	r.Delay = v.Delay
	switch {
	case v.Refuse != nil:
		r.Outcome = Refused
	case v.Delay > 0 && r.Kind == Deliver:
		r.Outcome = Delayed
	}
}
