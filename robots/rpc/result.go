package rpc

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"weir/gateway"
	"weir/robots/wire"
	"weir/wavelet"
)

// result is the entry of one operation in a response: data or an error.
type result struct {
	ID    string   `json:"id"`
	Data  any      `json:"data,omitempty"`
	Error *failure `json:"error,omitempty"`
}

// failure is why an operation was not done.
type failure struct {
	Code    int          `json:"code"`
	Message string       `json:"message"`
	Data    *failureData `json:"data,omitempty"`
}

// failureData is what a program can use of a failure that has to do with a
// limit.
type failureData struct {
	Code         wavelet.Code `json:"code"`
	Limit        string       `json:"limit,omitempty"`
	RetryAfterMS int64        `json:"retryAfterMs,omitempty"`
}

// resultOf is the entry of an operation as wire left it.
func resultOf(r wire.Result) result {
	if r.Failure != nil {
		return result{ID: r.ID, Error: &failure{Code: r.Failure.Code, Message: r.Failure.Message}}
	}
	return result{ID: r.ID, Data: r.Data}
}

// refused is the entry of an operation that err kept from being done.
func refused(id string, err error) result {
	f := gateway.FailureOf(id, err)
	out := &failure{Code: f.Code, Message: f.Message}
	if r, ok := errors.AsType[*wavelet.Refusal](err); ok {
		out.Data = &failureData{Code: r.Code, Limit: r.Limit, RetryAfterMS: r.RetryAfter.Milliseconds()}
	}
	return result{ID: id, Error: out}
}

// retryAfter is how long a refusal asks to wait, 0 if waiting does not help.
func retryAfter(err error) time.Duration {
	if r, ok := errors.AsType[*wavelet.Refusal](err); ok {
		return r.RetryAfter
	}
	return 0
}

// reasonOf is why a request was refused, in a word.
func reasonOf(err error) string {
	if r, ok := errors.AsType[*wavelet.Refusal](err); ok {
		return string(r.Code)
	}
	return "failed"
}

// seconds is a duration in whole seconds, rounded up.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((max(d, 0)+time.Second-1)/time.Second), 10)
}

// write answers a request that is turned away.
func (p *problem) write(w http.ResponseWriter) {
	if p.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
		w.Header().Set("Connection", "close") // the rest of the request is not read
	}
	if p.status == http.StatusUnauthorized {
		w.Header().Add("WWW-Authenticate", `Bearer realm="weir"`)
		w.Header().Add("WWW-Authenticate", `OAuth realm="weir"`)
	}
	writeJSON(w, p.status, p.content())
}

// content is what the answer says of the problem.
func (p *problem) content() any {
	return map[string]any{"error": map[string]any{"code": p.status, "reason": p.code, "message": p.reason}}
}

// writeProblem answers a request that is wrong as a whole.
func writeProblem(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, (&problem{status, code, message}).content())
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone; nobody is left to tell
}
