package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"weir/events"
	"weir/wavelet"
)

// MaxBody is the most bytes of an answer or of a call that are read.
const MaxBody = 1 << 20

// MaxOperations is the most operations that an answer or a call may hold.
const MaxOperations = 1000

// ErrAnswer says that an answer or a call is no list of operations. What it
// wraps says why.
var ErrAnswer = errors.New("not a list of operations")

// Operation is one thing that a robot wants done.
type Operation struct {
	ID     string // unique in its list, if the robot keeps to the rules
	Method Method
	params params
	bad    error // why it could not be read, nil if it could
}

// Notice is what a robot tells about itself with the robot.notify of a list.
type Notice struct {
	Hash     string // its capabilities' hash, "" if it did not say
	Protocol string
	Bundle   string // the token of the bundle that it answers, "" if it did not say
	// Capabilities are those that it announces; nil: none. Only a robot that
	// connects to this server does so, others are asked.
	Capabilities *Capabilities
}

// NoticeOf is the first robot.notify of a list; zero if there is none.
func NoticeOf(ops []Operation) Notice {
	for _, op := range ops {
		if op.Method == Notify && op.bad == nil {
			p := op.params
			n := Notice{Hash: p.CapabilitiesHash.String(), Protocol: p.ProtocolVersion.String(), Bundle: p.Bundle.String()}
			if c, err := p.Capabilities.capabilities(n.Hash, n.Protocol); p.Capabilities.set && err == nil {
				n.Capabilities = &c
			}
			return n
		}
	}
	return Notice{}
}

// Decode reads the operations of an answer or of a call: a list, a single
// operation, or nothing at all. An operation that cannot be read fails alone,
// when it is applied. Errors wrap ErrAnswer.
func Decode(body []byte) ([]Operation, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	switch {
	case len(body) > MaxBody:
		return nil, fmt.Errorf("%w: more than %d bytes", ErrAnswer, MaxBody)
	case len(body) == 0:
		return nil, nil
	}
	entries := []json.RawMessage{body}
	if body[0] != '{' {
		if err := json.Unmarshal(body, &entries); err != nil {
			return nil, fmt.Errorf("%w: %s", ErrAnswer, misread(err))
		}
	} else if !json.Valid(body) {
		return nil, fmt.Errorf("%w: invalid JSON", ErrAnswer)
	}
	if len(entries) > MaxOperations {
		return nil, fmt.Errorf("%w: %d operations, at most %d", ErrAnswer, len(entries), MaxOperations)
	}
	ops := make([]Operation, len(entries))
	for i, entry := range entries {
		ops[i] = decodeOperation(entry)
	}
	return ops, nil
}

// decodeOperation reads one entry.
func decodeOperation(entry json.RawMessage) Operation {
	var in struct {
		Method *string         `json:"method"`
		ID     scalar          `json:"id"`
		Params json.RawMessage `json:"params"`
	}
	if err := json.Unmarshal(entry, &in); err != nil {
		return Operation{ID: in.ID.String(), bad: fmt.Errorf("want {method, id, params}: %s", misread(err))}
	}
	op := Operation{ID: in.ID.String()}
	if in.Method == nil || *in.Method == "" {
		op.bad = errors.New("property method not found")
		return op
	}
	op.Method = MethodOf(*in.Method)
	if len(in.Params) > 0 {
		if err := json.Unmarshal(in.Params, &op.params); err != nil {
			op.bad = fmt.Errorf("params: %s", misread(err))
		}
	}
	return op
}

// misread is why JSON was not what it should be, in the terms of who wrote it.
func misread(err error) string {
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case !ok:
		return err.Error()
	case wrong.Field == "":
		return "unexpected " + wrong.Value
	}
	return "unexpected " + wrong.Value + " as " + wrong.Field
}

// Result is what became of one operation.
type Result struct {
	ID      string
	Data    any                      // what to answer, nil if Failure is set
	Failure *events.OperationFailure // nil if it was done
	Delta   int                      // index in the answer of the delta that holds what it did, -1 if it changed nothing
}

// fail makes the failure of an operation.
func fail(code int, format string, args ...any) *events.OperationFailure {
	return &events.OperationFailure{Code: code, Message: fmt.Sprintf(format, args...)}
}

// missing is the failure of an operation without a parameter that it needs.
func missing(name string) *events.OperationFailure {
	return fail(http.StatusBadRequest, "property %s not found", name)
}

// refused turns the refusal of a delta into the failure of an operation. The
// number of an op in the delta means nothing to a robot and is left out.
func refused(err error) *events.OperationFailure {
	r, ok := errors.AsType[*wavelet.Refusal](err)
	if !ok {
		return fail(http.StatusBadRequest, "%v", err)
	}
	code := http.StatusBadRequest
	switch r.Code {
	case wavelet.CodeNotParticipant, wavelet.CodeNoAccess, wavelet.CodeEvicted:
		code = http.StatusForbidden
	case wavelet.CodeUnknownBlip, wavelet.CodeUnknownThread, wavelet.CodeUnknownMember, wavelet.CodeBlipDeleted:
		code = http.StatusNotFound
	}
	message := r.Reason
	if r.Remedy != "" {
		message += "; " + r.Remedy
	}
	return fail(code, "%s: %s", r.Code, message)
}

// scalar is a JSON string, number or boolean, as text. Null and absent are not
// set.
type scalar struct {
	text string
	set  bool
}

// String is the text, "" if it is not set.
func (s scalar) String() string { return s.text }

// UnmarshalJSON takes any value that is neither list nor object.
func (s *scalar) UnmarshalJSON(raw []byte) error {
	switch {
	case string(raw) == "null":
		*s = scalar{}
	case raw[0] == '"':
		s.set = true
		return json.Unmarshal(raw, &s.text)
	case raw[0] == '[' || raw[0] == '{':
		return errors.New("want text or a number")
	default:
		*s = scalar{string(raw), true}
	}
	return nil
}

// within is the value of a parameter that is a whole number from least to most,
// or otherwise if it is not set.
func (s scalar) within(name string, otherwise, least, most int) (int, *events.OperationFailure) {
	if !s.set {
		return otherwise, nil
	}
	n, ok := s.number()
	if !ok || n < least || n > most {
		return 0, fail(http.StatusBadRequest, "%s %s is no whole number from %d to %d", name, s, least, most)
	}
	return n, nil
}

// number is the value as a whole number, false if it is none.
func (s scalar) number() (int, bool) {
	if !s.set {
		return 0, false
	}
	if n, err := strconv.Atoi(s.text); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(s.text, 64)
	if err != nil || f != float64(int(f)) {
		return 0, false
	}
	return int(f), true
}
