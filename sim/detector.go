package sim

import (
	"time"

	"weir/governor"
	"weir/policies"
	"weir/wavelet"
)

// Detector decides in a run what the governor decides in a server; see
// governor.Governor for what its methods mean. One that also has Checkpoint and
// Restore, as the governor does, is put through restarts.
type Detector interface {
	SetProfile(robot wavelet.Participant, p policies.Profile)
	Commit(now time.Time, c wavelet.Commit) governor.Verdict
	Deliver(now time.Time, d governor.Delivery) governor.Verdict
	Answer(now time.Time, a governor.Answer) governor.Verdict
	Call(now time.Time, robot wavelet.Participant, limitsQuery bool) governor.Verdict
	Cuts(seat wavelet.Seat, author wavelet.Participant) bool
	Banned(now time.Time, seat wavelet.Seat) (policies.SeatNote, bool)
}
