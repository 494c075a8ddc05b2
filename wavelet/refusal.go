package wavelet

import (
	"fmt"
	"strings"
	"time"
)

// Code is the reason of a Refusal, in a word that never changes its meaning.
type Code string

// The codes of refusals. Those from CodeBaseUnknown on are given by the host
// and the doors in front of it, not by this package.
const (
	CodeBadDelta       Code = "bad_delta"           // malformed, or does not fit the document
	CodeUnknownBlip    Code = "unknown_blip"        // no such blip
	CodeUnknownThread  Code = "unknown_thread"      // no such thread
	CodeUnknownMember  Code = "unknown_participant" // the op is about somebody who is not in the wavelet
	CodeBlipDeleted    Code = "blip_deleted"        // the blip is a tombstone
	CodeDuplicateID    Code = "duplicate_id"        // the id is taken
	CodeNotParticipant Code = "not_participant"     // the author is not in the wavelet, or no longer
	CodeNoAccess       Code = "no_access"           // the author's role does not allow it
	CodeLimit          Code = "limit"               // over a limit of the document or of the request

	CodeBaseUnknown Code = "base_unknown"    // the base is no version of this wavelet
	CodePastHead    Code = "past_head"       // a version the wavelet has not reached
	CodeResync      Code = "resync"          // too far behind: take a snapshot and go on from it
	CodeNotFound    Code = "not_found"       // no such wavelet
	CodeExists      Code = "exists"          // the wavelet is there already
	CodeDiskFull    Code = "disk_full"       // no room to store an edit; reading goes on
	CodeUnavailable Code = "unavailable"     // the wavelet cannot be served now
	CodeOutcome     Code = "outcome_unknown" // may or may not have been committed: send the same delta id again
	CodeEvicted     Code = "evicted"         // the robot was put out of the wavelet
	CodeSuspended   Code = "suspended"       // the robot is out of service
	CodeCooldown    Code = "cooldown"        // the robot may not come back yet
	CodeRate        Code = "rate_limited"    // too many requests
)

// Refusal says why a delta or a request was not let through. It is an error,
// and when it is given nothing has changed.
type Refusal struct {
	Code       Code
	Op         int           // index of the op at fault in the delta as it was judged, where transforms may have left ops out; -1 if it is no single op
	Field      string        // the part at fault, such as "edit.blip"; "" if it is no single part
	Reason     string        // what was wrong, one sentence without a full stop
	Remedy     string        // what to do about it, "" if nothing can be
	Limit      string        // the name of the limit that was reached, "" if it is about none
	RetryAfter time.Duration // when it may succeed, 0 if time alone does not help
	Err        error         // what lies behind it, nil if nothing does
}

// Error is the reason with its place and remedy, in one line.
func (r *Refusal) Error() string {
	var b strings.Builder
	if r.Op >= 0 {
		fmt.Fprintf(&b, "op %d: ", r.Op)
	}
	if r.Field != "" {
		b.WriteString(r.Field + ": ")
	}
	b.WriteString(r.Reason)
	if r.Remedy != "" {
		b.WriteString("; " + r.Remedy)
	}
	return b.String()
}

// Unwrap returns what lies behind the refusal.
func (r *Refusal) Unwrap() error { return r.Err }

// refuse makes a Refusal about no single op; at gives it its op.
func refuse(code Code, field, remedy, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Op: -1, Field: field, Remedy: remedy, Reason: fmt.Sprintf(format, args...)}
}

// at says which op of the delta the refusal is about. It accepts nil.
func (r *Refusal) at(op int) *Refusal {
	if r != nil {
		r.Op = op
	}
	return r
}
