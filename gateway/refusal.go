package gateway

import (
	"context"
	"errors"
	"fmt"

	"weir/events"
	"weir/governor"
	"weir/wavelet"
)

// ErrEvicted is why a delivery under way, and the seat it was for, came to an
// end: the robot was put out of the wavelet.
var ErrEvicted = errors.New("the robot was evicted")

// refusal gives what the governor refused the form in which every refusal
// leaves the server. It accepts nil.
func refusal(r *governor.Refusal) error {
	if r == nil {
		return nil
	}
	code := wavelet.Code(r.Code)
	if code == wavelet.CodeLimit {
		code = wavelet.CodeRate
	}
	return &wavelet.Refusal{
		Code: code, Op: -1, Limit: r.Limit, Reason: r.Reason, Remedy: r.Remedy, RetryAfter: r.RetryAfter, Err: r,
	}
}

// FailureOf is what a robot is told about an operation of its own, with this id,
// that failed with err.
func FailureOf(id string, err error) events.OperationFailure {
	f := events.OperationFailure{ID: id, Code: 500, Message: "the server could not carry it out; try again"}
	var r *wavelet.Refusal
	if !errors.As(err, &r) {
		return f
	}
	f.Message = fmt.Sprintf("%s: %s", r.Code, r.Error())
	f.Limit.Name, f.RetryAfter = r.Limit, r.RetryAfter
	switch r.Code {
	case wavelet.CodeRate:
		f.Code = 429
	case wavelet.CodeEvicted, wavelet.CodeSuspended, wavelet.CodeCooldown, wavelet.CodeNotParticipant, wavelet.CodeNoAccess:
		f.Code = 403
	case wavelet.CodeNotFound, wavelet.CodeUnknownBlip, wavelet.CodeUnknownThread, wavelet.CodeUnknownMember, wavelet.CodeBlipDeleted:
		f.Code = 404
	case wavelet.CodeDiskFull, wavelet.CodeUnavailable, wavelet.CodeOutcome:
		f.Code = 500
	default:
		f.Code = 400
	}
	return f
}

// failure is what a robot is told about a delta of an answer that came to nothing,
// with the numbers of the limit that stopped it.
func (g *Gateway) failure(id wavelet.Seat, err error) events.OperationFailure {
	f := FailureOf("", err)
	if f.Limit.Name == "" {
		return f
	}
	for _, l := range g.gov.SeatLimits(g.clock.now(), id).Limits {
		if l.Name == f.Limit.Name {
			f.Limit = note(l)
		}
	}
	if r := (*governor.Refusal)(nil); errors.As(err, &r) && r.Max > 0 {
		f.Limit.Used, f.Limit.Max = r.Measured, r.Max
	}
	return f
}

// final reports whether an error, nil included, will be the same however often the delta is
// submitted.
func final(err error) bool {
	var r *wavelet.Refusal
	if err == nil {
		return true
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &r) {
		return false
	}
	switch r.Code {
	case wavelet.CodeDiskFull, wavelet.CodeUnavailable, wavelet.CodeOutcome:
		return false
	}
	return true
}
