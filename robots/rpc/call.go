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
	"weir/robots"
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
	// Opening tells that a call for Look is part of what its protocol begins with, and
	// shows nothing: one who is suspended may make it, on the way to its limits.
	Opening bool
}

// Reply is what became of a Call, as over HTTP.
type Reply struct {
	Status     int             // 200, unless the call was turned away as a whole
	Body       any             // to be written as JSON: an entry for each operation, or an object with "error"
	Err        error           // why the call was turned away as a whole, nil if it was not
	RetryAfter time.Duration   // 0: waiting does not help, or there is no need
	Limits     policies.Limits // of the robot after the call
}

// Serve answers a call that came by another transport. The connections of that
// transport are the transport's to count.
func (h *Handler) Serve(ctx context.Context, c Call) Reply {
	return h.replied(c, func(who caller) reply {
		ops, wrong := decoded(c.Body)
		return h.answer(ctx, who, c.Token, ops, wrong)
	})
}

// Look answers a call that has no operations: it has it admitted, counted and
// bounded as one that has, and then calls look, which is to change nothing. What
// look finds is the caller's affair, and the reply's body is empty.
func (h *Handler) Look(ctx context.Context, c Call, look func(context.Context)) Reply {
	return h.replied(c, func(who caller) reply {
		if who.suspended && !c.Opening {
			return h.denied(suspended())
		}
		return h.admitted(ctx, who, nil, nil, func(ctx context.Context) any {
			look(ctx)
			return nil
		})
	})
}

// replied answers a call of a robot that may make one.
func (h *Handler) replied(c Call, answer func(caller) reply) Reply {
	robot, err := h.directory.Get(c.Robot)
	wrong := badKey(err)
	if wrong == nil {
		wrong = h.blocked(c.Robot)
	}
	var r reply
	if wrong != nil {
		r = h.denied(wrong)
	} else {
		r = answer(robotCalls(robot, c.Via))
	}
	return Reply{Status: r.status, Body: r.content(), Err: r.why(), RetryAfter: r.wait, Limits: h.limits(c.Robot)}
}

// caller is who makes a call: a robot, or a person's program.
type caller struct {
	id           wavelet.Participant // under which it is counted
	via          gateway.Via
	person       wavelet.Participant // in whose name it writes, "" for a robot
	capabilities *wire.Capabilities  // nil if they are not known
	suspended    bool                // it may ask for its limits, and nothing else
	untold       bool                // nobody tells it what is written: what it fetches it is told by that
}

// robotCalls is a robot that calls for itself.
func robotCalls(r robots.Robot, via gateway.Via) caller {
	return caller{id: r.Address, via: via, capabilities: r.Capabilities, suspended: r.Suspended, untold: !r.Told()}
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
	err    error         // beside a body: why the call was turned away
}

// content is what the reply says.
func (r reply) content() any {
	if r.wrong != nil {
		return r.wrong.content()
	}
	return r.body
}

// why is the reason for which a call was turned away, nil if it was not.
func (r reply) why() error {
	if r.wrong != nil {
		return r.wrong
	}
	return r.err
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
	return h.admitted(ctx, who, ops, wrong, func(ctx context.Context) any { return h.call(ctx, who, token, ops) })
}

// admitted is the reply to a call that is carried out by do, if it may be.
func (h *Handler) admitted(ctx context.Context, who caller, ops []wire.Operation, wrong *problem, do func(context.Context) any) reply {
	// A request that makes no sense counts all the same. One who is suspended gets
	// here on the way to its limits only.
	limitsQuery := who.suspended || wrong == nil && onlyLimits(ops)
	if refusal := h.gateway.Admit(ctx, who.id, limitsQuery); refusal != nil {
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
	body := do(ctx)
	h.called(who.id, len(ops), time.Since(began), "")
	return reply{status: http.StatusOK, body: body}
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
	return reply{status: status, body: results, wait: wait, err: refusal}
}

// busy is the reply to a call for which there is no room, or whose sender has
// gone.
func busy(err error) reply {
	wait := time.Second
	if full, ok := errors.AsType[*bounds.Busy](err); ok {
		wait = full.RetryAfter
	}
	return reply{status: http.StatusServiceUnavailable, wait: wait, err: err, body: map[string]any{
		"error":       map[string]any{"code": http.StatusServiceUnavailable, "reason": "busy", "message": err.Error()},
		"retry_in_ms": wait.Milliseconds(),
	}}
}
