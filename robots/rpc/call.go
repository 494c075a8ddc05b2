package rpc

import (
	"context"
	"errors"
	"net/http"
	"time"

	"weir/admission"
	"weir/admission/bounds"
	"weir/gateway"
	"weir/policies"
	"weir/robots/wire"
	"weir/wavelet"
)

// Call is a call of a robot that came by another transport than HTTP, which has
// made sure whose it is.
type Call struct {
	Robot wavelet.Participant // the address it is registered under
	Via   gateway.Via
	Token string // of the bundle it answers, "" if the transport has no place for it
	Body  []byte // the operations, as in the body of POST /robot/rpc
}

// Reply is what became of a Call, as over HTTP.
type Reply struct {
	Status     int             // 200, unless the call was turned away as a whole
	Body       any             // to be written as JSON: an entry for each operation, or an object with "error"
	RetryAfter time.Duration   // 0: waiting does not help, or there is no need
	Limits     policies.Limits // of the robot after the call
}

// Serve answers a call that came by another transport. The connections of that
// transport are the transport's to count.
func (h *Handler) Serve(ctx context.Context, c Call) Reply {
	r := h.served(ctx, c)
	return Reply{Status: r.status, Body: r.content(), RetryAfter: r.wait, Limits: h.limits(c.Robot)}
}

func (h *Handler) served(ctx context.Context, c Call) reply {
	robot, err := h.directory.Get(c.Robot)
	if err != nil {
		return h.denied(badKey(err))
	}
	if wrong := h.blocked(c.Robot); wrong != nil {
		return h.denied(wrong)
	}
	ops, wrong := decoded(c.Body)
	who := caller{id: c.Robot, via: c.Via, capabilities: robot.Capabilities, suspended: robot.Suspended}
	return h.answer(ctx, who, c.Token, ops, wrong)
}

// caller is who makes a call: a robot, or a person's program.
type caller struct {
	id           wavelet.Participant // under which it is counted
	via          gateway.Via
	person       wavelet.Participant // in whose name it writes, "" for a robot
	capabilities *wire.Capabilities  // nil if they are not known
	suspended    bool                // it may ask for its limits, and nothing else
}

// author is in whose name the caller writes.
func (c caller) author() wavelet.Participant {
	if c.person != "" {
		return c.person
	}
	return c.id
}

// work is what kind of work a call is.
func (c caller) work() admission.WorkKind {
	if c.person != "" {
		return admission.WorkData
	}
	return admission.WorkRPC
}

// reply is the answer to a call, by whatever transport it goes.
type reply struct {
	status int
	body   any
	wait   time.Duration // to ask for, 0 for none
	wrong  *problem      // instead of a body
}

// content is what the reply says.
func (r reply) content() any {
	if r.wrong != nil {
		return r.wrong.content()
	}
	return r.body
}

// denied counts a call that is wrong as a whole, and is the reply to it.
func (h *Handler) denied(wrong *problem) reply {
	h.count(wrong)
	return reply{status: wrong.status, wrong: wrong}
}

// answer has a call of one who is known admitted and carried out. Wrong is why
// its operations could not be read, nil if they were.
func (h *Handler) answer(ctx context.Context, who caller, token string, ops []wire.Operation, wrong *problem) reply {
	if who.suspended && (wrong != nil || !onlyLimits(ops)) {
		return h.denied(suspended())
	}
	// A request that makes no sense counts all the same.
	if refusal := h.gateway.Admit(ctx, who.id, wrong == nil && onlyLimits(ops)); refusal != nil {
		h.refused("robots", reasonOf(refusal))
		h.called(who.id, len(ops), 0, reasonOf(refusal))
		return turnedAway(ops, refusal)
	}
	if wrong != nil {
		return h.denied(wrong)
	}
	ctx, leave, err := h.work.Enter(ctx, who.work())
	if err != nil {
		h.called(who.id, len(ops), 0, "busy")
		return busy(err)
	}
	defer leave() // before the reply is written: whoever reads slowly does no work
	began := time.Now()
	results := h.call(ctx, who, token, ops)
	h.called(who.id, len(ops), time.Since(began), "")
	return reply{status: http.StatusOK, body: results}
}

// decoded is the operations that a body holds.
func decoded(body []byte) ([]wire.Operation, *problem) {
	ops, err := wire.Decode(body)
	if err != nil {
		return nil, &problem{http.StatusBadRequest, "bad_request", err.Error()}
	}
	return ops, nil
}

// turnedAway is the reply to a call that was not admitted. Its body has an entry
// for each operation, for those who read it.
func turnedAway(ops []wire.Operation, refusal error) reply {
	results := []result{}
	for _, op := range ops {
		if op.Method == wire.Notify {
			results = append(results, result{ID: op.ID, Data: struct{}{}})
			continue
		}
		results = append(results, refused(op.ID, refusal))
	}
	wait := retryAfter(refusal)
	status := http.StatusForbidden
	if wait > 0 {
		status = http.StatusTooManyRequests
	}
	return reply{status: status, body: results, wait: wait}
}

// busy is the reply to a call for which there is no room, or whose sender has
// gone.
func busy(err error) reply {
	wait := time.Second
	if full, ok := errors.AsType[*bounds.Busy](err); ok {
		wait = full.RetryAfter
	}
	return reply{status: http.StatusServiceUnavailable, wait: wait, body: map[string]any{
		"error":       map[string]any{"code": http.StatusServiceUnavailable, "reason": "busy", "message": err.Error()},
		"retry_in_ms": wait.Milliseconds(),
	}}
}
