package governor

import (
	"sync"
	"time"

	"weir/policies"
	"weir/wavelet"
)

// Options of a Governor. The zero value is the ordinary governor.
type Options struct {
	// Default is the profile of robots that SetProfile was not called for; the
	// zero Profile stands for the built-in "default".
	Default policies.Profile
	// RatioOnly switches lineage off: labels are written, but depth,
	// amplification and cycles convict nobody; only the ratio windows do, as a
	// robot's profile says.
	RatioOnly bool
}

// Governor keeps the counts and decides. One mutex guards it all.
type Governor struct {
	mu sync.Mutex
}

// New makes a governor that has seen nothing.
func New(o Options) *Governor { return &Governor{} }

// SetProfile puts a robot under a profile, at once; what was counted stays.
func (g *Governor) SetProfile(robot wavelet.Participant, p policies.Profile) {}

// Commit takes note of a commit, of whatever wavelet and author. Every commit
// must come, once, those of one wavelet in version order.
func (g *Governor) Commit(now time.Time, c wavelet.Commit) Verdict { return Verdict{} }

// Deliver decides whether a bundle may go out now. On the zero Verdict (apart
// from warnings) it counts as delivered, once per bundle id.
func (g *Governor) Deliver(now time.Time, d Delivery) Verdict { return Verdict{} }

// Answer decides whether a robot's delta may be committed, and labels it.
func (g *Governor) Answer(now time.Time, a Answer) Verdict { return Verdict{} }

// Call decides about one HTTP request to the active or data API, or its like
// over another transport. A limits query has a cap of its own.
func (g *Governor) Call(now time.Time, robot wavelet.Participant, limitsQuery bool) Verdict {
	return Verdict{}
}

// Limits is what the robot is told about its limits: the very counters that
// the decisions read.
func (g *Governor) Limits(now time.Time, robot wavelet.Participant) policies.Limits {
	return policies.Limits{}
}

// Banned reports whether the seat was evicted and not readmitted since.
func (g *Governor) Banned(now time.Time, seat wavelet.Seat) (policies.SeatNote, bool) {
	return policies.SeatNote{}, false
}

// Readmit ends a ban, if the profile and the cooldown allow it or override is
// set; else the error is a *Refusal. A seat that is not banned is no error.
func (g *Governor) Readmit(now time.Time, seat wavelet.Seat, by wavelet.Participant, override bool) (Decision, error) {
	return Decision{}, nil
}

// Resume ends a suspension of the whole robot.
func (g *Governor) Resume(now time.Time, robot wavelet.Participant) {}

// Forget drops all that is known of a robot that was unregistered.
func (g *Governor) Forget(robot wavelet.Participant) {}

// Removed notes that the robot left the wavelet by another hand than the
// governor's; what was counted of the seat is dropped, a ban stays.
func (g *Governor) Removed(seat wavelet.Seat) {}

// Reading is a seat's counters at an instant, for metrics and displays.
type Reading struct {
	Delivered  uint64  // bundles, since the governor first saw the seat
	Answered   uint64  // of these
	Ratio      float64 // answered / delivered over the shortest ratio window, all bundles
	RobotRatio float64 // the same of robot-lane bundles
	Depth      int     // of the latest answer
	Exact      int
	Status     string // as policies.Limits.Status, of this seat
	Forged     uint64 // tokens that counted as none, of the robot in all wavelets
	Replayed   uint64
	Stale      uint64
}

// Reading reads a seat's counters.
func (g *Governor) Reading(now time.Time, seat wavelet.Seat) Reading { return Reading{} }

// Checkpoint is everything that a restart needs, in a versioned form.
func (g *Governor) Checkpoint() []byte { return nil }

// Restore replaces the governor's counts with those of a checkpoint. Profiles
// are not part of it.
func (g *Governor) Restore(checkpoint []byte) error { return nil }

// Cuts reports whether deltas of author raise no event at the seat, because the
// governor cut the two apart.
func (g *Governor) Cuts(seat wavelet.Seat, author wavelet.Participant) bool { return false }
