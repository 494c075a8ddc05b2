package gateway

import (
	"strings"
	"time"

	"weir/events"
	"weir/wavelet"
)

// Pending is a commit as a seat sees it.
type Pending struct {
	Version wavelet.Version
	Lane    events.Lane
	Quiet   bool // it raises no event here
	Author  wavelet.Participant
	Cause   wavelet.Cause
}

// See is how a robot sees a commit, from whose author it may be cut. What the robot
// did itself is Quiet, what the server did is too unless it brought the robot in
// or put it out.
func See(robot wavelet.Participant, c wavelet.Commit, cut bool) Pending {
	lane, ok := events.LaneOf(c.Delta.Cause)
	p := Pending{Version: c.Version, Lane: lane, Author: c.Delta.Author, Cause: c.Delta.Cause}
	p.Quiet = !ok && !names(robot, c.Delta.Ops) || isRobot(p.Author, robot) || cut
	return p
}

// isRobot reports whether p is a robot's address or an alias of it: whether
// p.Robot() is robot, but without making that address.
func isRobot(p, robot wavelet.Participant) bool {
	i := strings.IndexByte(string(robot), '@')
	if p == robot || i < 0 || len(p) <= len(robot) || p[:i] != robot[:i] {
		return p == robot
	}
	return (p[i] == '+' || p[i] == '#') && strings.HasSuffix(string(p), string(robot[i:]))
}

// names reports whether ops bring a robot in or put it out.
func names(robot wavelet.Participant, ops []wavelet.Op) bool {
	for _, op := range ops {
		switch op := op.(type) {
		case wavelet.AddParticipant:
			if op.Who.Robot() == robot {
				return true
			}
		case wavelet.RemoveParticipant:
			if op.Who.Robot() == robot {
				return true
			}
		}
	}
	return false
}

// Take is a bundle that is due: the window of one lane from From to To.
type Take struct {
	Lane     events.Lane
	From, To wavelet.Version
	Cause    wavelet.Cause       // of the deepest delta that waits
	Author   wavelet.Participant // who wrote that one
	Deltas   int                 // of this lane in the window; at most so many if part of it was told before
	Since    time.Time           // when the first of them came
	Attempt  int                 // 1 for the first
	Mutes    []Mute              // what raises no event though it is of this lane
	Last     bool                // the robot was removed at To: nothing follows
	Ended    []Session           // edit sessions that have ended: the bundle tells of them and of nothing else
}

// Mute says that the deltas of a cause up to a version raise no event.
type Mute struct {
	Cause   string          `json:"cause"`
	Through wavelet.Version `json:"through"`
}

func muted(mutes []Mute, v wavelet.Version, c wavelet.Cause) bool {
	for _, m := range mutes {
		if m.Cause == c.ID && v <= m.Through {
			return true
		}
	}
	return false
}

// Outcome is what became of a Take.
type Outcome struct {
	Kind    OutcomeKind
	Sent    time.Time       // when the bundle was sent; zero if it was not
	Through wavelet.Version // Delivered, Silent: how far the window went; 0: all the way
	Delay   time.Duration   // Held: for how long
	Jitter  float64         // Failed: from 0 to 1, spreads the retries
}

// OutcomeKind tells how a Take ended.
type OutcomeKind uint8

// The ends of a Take.
const (
	Delivered OutcomeKind = iota // the robot has it, and its answer is committed
	Silent                       // nothing had changed: no bundle
	Failed                       // to be sent again, with whatever else has come
	Held                         // not to be sent yet
	Parked                       // the robot is out of service: to be sent after Resume
	Dropped                      // not to be sent at all
)

// Cursor is what a seat must remember across a restart: up to where the robot
// need not be told about the commits of each lane, and what it is not to be told
// after that.
type Cursor struct {
	Human wavelet.Version `json:"human"`
	Robot wavelet.Version `json:"robot"`
	Mutes []Mute          `json:"mutes,omitempty"`
	// Sessions are the edit sessions whose end the robot was not told, as the
	// commits up to Heard have left them.
	Sessions []Session       `json:"sessions,omitempty"`
	Heard    wavelet.Version `json:"heard,omitempty"`
}

// earlier is the earlier of two instants of which a zero one is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func latest(ts ...time.Time) time.Time {
	var max time.Time
	for _, t := range ts {
		if t.After(max) {
			max = t
		}
	}
	return max
}
