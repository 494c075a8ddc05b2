package host

import (
	"context"
	"errors"
	"fmt"

	"weir/store"
	"weir/wavelet"
)

// refusal makes what a person sees of an error: a *wavelet.Refusal that wraps
// it. Refusals, nil and the end of a caller's own context stay as they are.
func refusal(err error) error {
	if _, ok := errors.AsType[*wavelet.Refusal](err); ok || err == nil {
		return err
	}
	r := &wavelet.Refusal{Op: -1, Err: err, Code: wavelet.CodeUnavailable, Reason: "the wavelet cannot be served now", Remedy: "try again later"}
	switch {
	case errors.Is(err, ErrNotFound):
		r.Code, r.Field, r.Reason, r.Remedy = wavelet.CodeNotFound, "wavelet", "there is no such wavelet", ""
	case errors.Is(err, ErrUnknown):
		r.Code, r.Reason, r.Remedy = wavelet.CodeOutcome, "it is not known whether the delta was committed", "send it again under the same id"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, store.ErrFull):
		r.Code, r.Reason, r.Remedy = wavelet.CodeDiskFull, "there is no room left to store the edit", "try again when there is space; reading goes on"
	case errors.Is(err, ErrDamaged):
		r.Reason, r.Remedy = "the stored wavelet is damaged and was not opened", "tell the operator, who has to restore it from a backup"
	}
	return r
}

// refuse makes a Refusal about the delta as a whole.
func refuse(code wavelet.Code, field, remedy, format string, args ...any) *wavelet.Refusal {
	return &wavelet.Refusal{Code: code, Op: -1, Field: field, Remedy: remedy, Reason: fmt.Sprintf(format, args...)}
}
