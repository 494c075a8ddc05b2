package bus

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"weir/policies"
	"weir/wavelet"

	"github.com/nats-io/nats.go"
)

// Bounds of the calls of one robot that wait.
const (
	maxCalls     = 32
	maxCallBytes = 4 << 20
)

// callers is the robots that call now.
type callers struct {
	work sync.WaitGroup
	mu   sync.Mutex
	of   map[wavelet.Participant]*caller
	idle chan struct{} // closed when nobody calls; nil: nobody waits for that
	shut bool
}

// caller is a robot's calls that wait, behind the one that is carried out.
type caller struct {
	waiting []*nats.Msg
	bytes   int
}

// called takes a call from NATS. It does not block.
func (b *Bus) called(msg *nats.Msg) {
	token, _, _ := strings.Cut(strings.TrimPrefix(msg.Subject, robotsPrefix), ".")
	robot, ok := robotOf(token)
	if !ok || msg.Reply != "" && !strings.HasPrefix(msg.Reply, InboxPrefix(robot)+".") {
		b.o.Refused("bus", "bad_reply")
		return
	}
	b.arrived(robot)
	if len(msg.Data) > MaxPayload { // another server may let more through
		b.o.Refused("bus", "too_large")
		b.respond(msg, Reply{Status: http.StatusRequestEntityTooLarge, Body: problem(http.StatusRequestEntityTooLarge, "too_large",
			fmt.Sprintf("the call is longer than %d bytes; send it in parts", MaxPayload))})
		return
	}
	switch first, ok := b.callers.add(robot, msg); {
	case !ok:
		b.o.Refused("bus", "busy")
		b.respond(msg, busy())
	case first:
		b.callers.work.Go(func() { b.carryOut(robot) })
	}
}

// add puts a call behind the others of a robot. First says that there are none;
// ok is false if it is one too many.
func (c *callers) add(robot wavelet.Participant, msg *nats.Msg) (first, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shut {
		return false, false
	}
	of := c.of[robot]
	if of == nil {
		of = &caller{}
		c.of[robot] = of
		first = true
	}
	if len(of.waiting) >= maxCalls || of.bytes+len(msg.Data) > maxCallBytes {
		return false, false
	}
	of.waiting = append(of.waiting, msg)
	of.bytes += len(msg.Data)
	return first, true
}

// next is the next call of a robot, nil if there is none.
func (c *callers) next(robot wavelet.Participant) *nats.Msg {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := c.of[robot]
	if len(of.waiting) == 0 {
		delete(c.of, robot)
		if len(c.of) == 0 && c.idle != nil {
			close(c.idle)
			c.idle = nil
		}
		return nil
	}
	msg := of.waiting[0]
	of.waiting = of.waiting[1:]
	of.bytes -= len(msg.Data)
	return msg
}

// drain takes no more calls and waits until those there are done, or so long.
func (c *callers) drain(most time.Duration) {
	c.mu.Lock()
	c.shut = true
	idle := make(chan struct{})
	if len(c.of) == 0 {
		close(idle)
	} else {
		c.idle = idle
	}
	c.mu.Unlock()
	select {
	case <-idle:
	case <-time.After(most):
	}
}

// carryOut carries out the calls of a robot until none is left.
func (b *Bus) carryOut(robot wavelet.Participant) {
	for msg := b.callers.next(robot); msg != nil; msg = b.callers.next(robot) {
		b.respond(msg, b.o.Call(b.ctx, robot, msg.Data))
	}
}

// respond answers a call, if whoever made it waits for that.
func (b *Bus) respond(msg *nats.Msg, r Reply) {
	if msg.Reply == "" {
		return
	}
	out, err := r.encode(min(MaxPayload, int(b.conn.MaxPayload())))
	if err == nil {
		err = b.conn.Publish(msg.Reply, out)
	}
	if err != nil {
		b.log.Debug("call not answered", "subject", msg.Subject, "error", err)
	}
}

// message is a Reply as it is sent.
type message struct {
	V            int              `json:"v"`
	Status       int              `json:"status"`
	Body         any              `json:"body"`
	RetryAfterMS int64            `json:"retryAfterMs,omitzero"`
	Limits       *policies.Limits `json:"limits,omitzero"`
}

// encode writes a reply in so many bytes at most: with the limits of the robot as a
// whole, which are left out if there is no room for them.
func (r Reply) encode(most int) ([]byte, error) {
	m := message{V: 1, Status: r.Status, Body: r.Body, RetryAfterMS: r.RetryAfter.Milliseconds()}
	if r.Limits.Robot != "" {
		whole := r.Limits
		whole.Limits = []policies.Limit{}
		for _, l := range r.Limits.Limits {
			if l.Wavelet == "" {
				whole.Limits = append(whole.Limits, l)
			}
		}
		m.Limits = &whole
	}
	out, err := json.Marshal(m)
	if err == nil && len(out) > most {
		m.Limits = nil
		out, err = json.Marshal(m)
	}
	if err == nil && len(out) > most {
		m.Status, m.Body = http.StatusRequestEntityTooLarge, problem(http.StatusRequestEntityTooLarge, "too_long",
			fmt.Sprintf("the answer is longer than %d bytes; what was asked for is done, ask for less at once", most))
		out, err = json.Marshal(m)
	}
	return out, err
}

// problem is the body of a reply to a call that was not carried out.
func problem(status int, reason, text string) any {
	return map[string]any{"error": map[string]any{"code": status, "reason": reason, "message": text}}
}

func busy() Reply {
	return Reply{
		Status: http.StatusServiceUnavailable, RetryAfter: time.Second,
		Body: problem(http.StatusServiceUnavailable, "busy", fmt.Sprintf("more than %d calls wait; await the answers to some", maxCalls)),
	}
}
