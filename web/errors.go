package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"weir/admission/bounds"
	"weir/robots"
	"weir/wavelet"
	"weir/wavelet/client"
)

// refuse makes an error of the protocol.
func refuse(code int, reason, field, message, remedy string) *client.Error {
	return &client.Error{Code: code, Reason: reason, Field: field, Message: message, Remedy: remedy}
}

func malformed(err error) *client.Error {
	return refuse(client.CodeMalformed, "malformed", "frame", "the frame cannot be read: "+err.Error(), "send one JSON object a line")
}

func missing(field string) *client.Error {
	return refuse(client.CodeMissingField, "missing_field", field, fmt.Sprintf("%q is missing", field), "add it")
}

func badField(field, want string) *client.Error {
	return refuse(client.CodeBadField, "bad_field", field, fmt.Sprintf("%q cannot be read", field), want)
}

// kind is what a reason means to programs. kindOf is the one map from what can go wrong to the protocol and to HTTP: by
// the stable word of a refusal, its code, its status and whether trying again
// may help.
type kind struct {
	code, status int
	temporary    bool
	scope        string
}

func kindOf(reason wavelet.Code) (kind, bool) {
	switch reason {
	case wavelet.CodeBadDelta:
		return kind{code: client.CodeBadDelta, status: http.StatusUnprocessableEntity}, true
	case wavelet.CodeUnknownBlip, wavelet.CodeUnknownThread, wavelet.CodeUnknownMember:
		return kind{code: client.CodeUnknownBlip, status: http.StatusNotFound}, true
	case wavelet.CodeBlipDeleted:
		return kind{code: client.CodeBlipDeleted, status: http.StatusGone}, true
	case wavelet.CodeDuplicateID:
		return kind{code: client.CodeDuplicate, status: http.StatusConflict}, true
	case wavelet.CodeNotParticipant:
		return kind{code: client.CodeNotParticipant, status: http.StatusForbidden}, true
	case wavelet.CodeNoAccess:
		return kind{code: client.CodeForbidden, status: http.StatusForbidden}, true
	case wavelet.CodeLimit:
		return kind{code: client.CodeLimit, status: http.StatusRequestEntityTooLarge, scope: "wavelet"}, true
	case wavelet.CodeBaseUnknown:
		return kind{code: client.CodeBaseUnknown, status: http.StatusConflict}, true
	case wavelet.CodePastHead:
		return kind{code: client.CodePastHead, status: http.StatusConflict}, true
	case wavelet.CodeResync:
		return kind{code: client.CodeResync, status: http.StatusConflict}, true
	case wavelet.CodeNotFound:
		return kind{code: client.CodeUnknownWavelet, status: http.StatusNotFound}, true
	case wavelet.CodeExists:
		return kind{code: client.CodeExists, status: http.StatusConflict}, true
	case wavelet.CodeDiskFull:
		return kind{code: client.CodeStorageFull, status: http.StatusInsufficientStorage, temporary: true, scope: "server"}, true
	case wavelet.CodeUnavailable, wavelet.CodeOutcome:
		return kind{code: client.CodeOverloaded, status: http.StatusServiceUnavailable, temporary: true, scope: "server"}, true
	case wavelet.CodeEvicted:
		return kind{code: client.CodeEvicted, status: http.StatusForbidden, scope: "robot"}, true
	case wavelet.CodeSuspended:
		return kind{code: client.CodeEvicted, status: http.StatusForbidden, scope: "robot"}, true
	case wavelet.CodeCooldown:
		return kind{code: client.CodeCooldown, status: http.StatusConflict, scope: "robot"}, true
	case wavelet.CodeRate:
		return kind{code: client.CodeTooMany, status: http.StatusTooManyRequests, temporary: true, scope: "user"}, true
	case robots.CodeUnknownRobot:
		return kind{code: client.CodeUnknownRobot, status: http.StatusNotFound}, true
	case robots.CodeTaken:
		return kind{code: client.CodeExists, status: http.StatusConflict}, true
	case robots.CodeBadKey:
		return kind{code: client.CodeUnauthorized, status: http.StatusUnauthorized}, true
	case robots.CodeAddress, robots.CodeDomain, robots.CodeProfile, robots.CodeCallback, robots.CodeTransport:
		return kind{code: client.CodeBadField, status: http.StatusUnprocessableEntity}, true
	}
	return policyKind(reason)
}

// toError says an error in the protocol's terms. What is nobody's fault but the
// server's is logged here, where it is handled, and not shown.
func (s *Server) toError(err error) *client.Error {
	var (
		done    *client.Error
		refusal *wavelet.Refusal
	)
	if busy, ok := errors.AsType[*bounds.Busy](err); ok {
		return &client.Error{
			Code: client.CodeOverloaded, Reason: "busy", Message: busy.Error(), Temporary: true,
			Scope: "server", RetryAfterMS: busy.RetryAfter.Milliseconds(), Remedy: "send it again then",
		}
	}
	switch {
	case errors.As(err, &done):
		return done
	case errors.As(err, &refusal):
		if k, ok := kindOf(refusal.Code); ok {
			e := &client.Error{
				Code: k.code, Reason: string(refusal.Code), Message: refusal.Reason, Field: refusal.Field, Remedy: refusal.Remedy,
				Temporary: k.temporary, Scope: k.scope, RetryAfterMS: refusal.RetryAfter.Milliseconds(),
			}
			if refusal.Op >= 0 {
				e.Field = fmt.Sprintf("ops[%d].%s", refusal.Op, refusal.Field)
			}
			return e
		}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &client.Error{
			Code: client.CodeOverloaded, Reason: "unavailable", Message: "the request was not finished", Temporary: true,
			Scope: "server", RetryAfterMS: time.Second.Milliseconds(), Remedy: "send it again",
		}
	}
	s.d.Logger.Error("request failed", "error", err)
	return &client.Error{
		Code: client.CodeInternal, Reason: "internal", Message: "the server failed", Temporary: true,
		Scope: "server", RetryAfterMS: time.Second.Milliseconds(), Remedy: "send it again, and tell the operator if it goes on",
	}
}

// statusOf is the HTTP status of an error.
func statusOf(e *client.Error) int {
	if k, ok := kindOf(wavelet.Code(e.Reason)); ok {
		return k.status
	}
	switch e.Code {
	case client.CodeInternal:
		return http.StatusInternalServerError
	case client.CodeOverloaded:
		return http.StatusServiceUnavailable
	case client.CodeUnauthorized, client.CodeExpired:
		return http.StatusUnauthorized
	case client.CodeForbidden, client.CodeNotAPerson:
		return http.StatusForbidden
	case client.CodeUnknownRobot, client.CodeUnknownLink:
		return http.StatusNotFound
	case client.CodeTooMany:
		return http.StatusTooManyRequests
	case client.CodeExists:
		return http.StatusConflict
	}
	return http.StatusBadRequest
}

// writeError answers a plain HTTP request with an error.
func writeError(w http.ResponseWriter, e *client.Error) {
	body := struct {
		Err       *client.Error `json:"err"`
		RetryInMS int64         `json:"retry_in_ms,omitzero"`
	}{e, e.RetryAfterMS}
	writeAdvice(w.Header(), e)
	writeJSON(w, statusOf(e), body)
}

// writeAdvice sets Retry-After, in whole seconds, if the error has advice.
func writeAdvice(h http.Header, e *client.Error) {
	if e.RetryAfterMS > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(float64(e.RetryAfterMS)/1000))))
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic("web: answer cannot be encoded: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}
