package web

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"net/http"
	"syscall"
	"time"

	"github.com/coder/websocket"

	"weir/admission"
	"weir/wavelet/client"
)

// A session begins when POST /connect, or a robot's first call, is let in by the
// queue, and stands when the connect frame was answered, or the call. What is on
// the way between counts as pending. Health, metrics, the REST API, robots who
// are known and sockets that stand have nothing to do with it.

// signalEvery is how often the signs of overload are read.
const signalEvery = 250 * time.Millisecond

// watch reads the signs of overload until the server ends.
func (s *Server) watch() {
	signal := admission.NewSignal()
	every := time.NewTicker(signalEvery)
	defer every.Stop()
	for {
		select {
		case now := <-every.C:
			s.queue.Tick(now, signal.Read(now, processorTime()))
		case <-s.ctx.Done():
			return
		}
	}
}

// processorTime is how much of the processors this process has used.
func processorTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// wait is the error of somebody who is to come again at his turn.
type wait struct {
	refusal *client.Error
	ticket  string
}

func (w *wait) Error() string { return w.refusal.Error() }

// Unwrap gives the refusal in the protocol's terms.
func (w *wait) Unwrap() error { return w.refusal }

// turnedAway makes the refusal of an answer of the queue.
func turnedAway(a admission.Answer) *wait {
	message, remedy := "the server is busy; your turn is later", "come back then, with the ticket"
	switch a.Reason {
	case admission.ReasonFull:
		message = "it is your turn, but the server is not done with those before you"
	case admission.ReasonHorizon:
		message, remedy = "the server is so busy that it gives no turns", "come back later"
	}
	return &wait{&client.Error{
		Code: client.CodeOverloaded, Reason: a.Reason, Message: message, Temporary: true, Scope: "server",
		RetryAfterMS: int64(math.Ceil(float64(a.RetryAfter) / float64(time.Millisecond))), Remedy: remedy,
	}, a.Ticket}
}

// turn asks the queue whether a session may begin, and waits while the request
// is parked: for its turn, until its caller goes or the server ends. Of the
// request nothing is kept meanwhile but what the knock says.
func (s *Server) turn(ctx context.Context, k admission.Knock) (*admission.Grant, error) {
	woken := make(chan struct{}, 1)
	k.Wake = func() {
		select {
		case woken <- struct{}{}:
		default: // not looked at yet
		}
	}
	a := s.ask(k)
	for a.Verdict == admission.Park {
		due := time.NewTimer(time.Until(a.Until))
		select {
		case <-due.C:
		case <-woken:
		case <-ctx.Done():
			s.queue.Leave(time.Now(), a.Place)
			return nil, context.Cause(ctx)
		case <-s.ctx.Done():
			s.queue.Leave(time.Now(), a.Place)
			return nil, unavailable(s.ready())
		}
		due.Stop()
		a = s.queue.Due(time.Now(), a.Place)
	}
	if a.Verdict == admission.Refuse {
		return nil, turnedAway(a)
	}
	return a.Grant, nil
}

// ask knocks at the queue.
func (s *Server) ask(k admission.Knock) admission.Answer {
	a := s.queue.Knock(time.Now(), k)
	if a.BadTicket != "" {
		s.refusals.add("queue", a.BadTicket)
	}
	return a
}

// finish ends a grant: the session stands, or never will.
func (s *Server) finish(g *admission.Grant) { s.queue.Finish(time.Now(), g) }

// accountOf tells callers apart who have not logged in yet: by the name they
// say or, where that is left to the token, by the token.
func accountOf(user, token string) string {
	if user != "" {
		return user
	}
	sum := sha256.Sum256([]byte(token))
	return "token " + string(sum[:])
}

// refuseConnect answers POST /connect.
func (s *Server) refuseConnect(w http.ResponseWriter, r *http.Request, err error) {
	e := s.toError(err)
	var turn *wait
	if errors.As(err, &turn) {
		s.refusals.add("queue", e.Reason)
		writeAdvice(w.Header(), e)
		w.Header().Set("Cache-Control", "no-store")
		writeJSON(w, http.StatusServiceUnavailable, client.Turn{Err: e, RetryInMS: e.RetryAfterMS, Ticket: turn.ticket})
		return
	}
	s.counters.denied.Add(1)
	s.countRefusal("connect", e)
	s.d.Logger.Debug("login refused", "address", s.address(r), "reason", e.Reason)
	writeError(w, e)
}

// spend takes the ticket of an upgrade and the grant that it carries. If that
// came too late and there is no room for another, or if there is no ticket and
// the server has no time for that, the request is answered and nothing is spent.
func (s *Server) spend(w http.ResponseWriter, r *http.Request) (Login, *admission.Grant, bool) {
	now := time.Now()
	p, ok := s.tickets.read(now, r.URL.Query().Get("ticket"))
	if !ok {
		a := s.ask(admission.Knock{Address: s.address(r).String()})
		if a.Verdict == admission.Refuse {
			s.sendBack(w, r, a)
			return Login{}, nil, false
		}
		s.finish(a.Grant)
		s.refuseTicket(w)
		return Login{}, nil, false
	}
	g := s.tickets.grant(p)
	if !s.queue.Hold(now, g) {
		s.sendBack(w, r, admission.Answer{Reason: admission.ReasonFull, RetryAfter: time.Second})
		return Login{}, nil, false
	}
	if !s.tickets.redeem(now, p) {
		s.refuseTicket(w) // who was quicker has the grant
		return Login{}, nil, false
	}
	return p.Login, g, true
}

func (s *Server) refuseTicket(w http.ResponseWriter) {
	s.refusals.add("socket", "ticket")
	writeError(w, refuse(client.CodeUnauthorized, "unauthorized", "ticket", "the ticket is missing, expired or spent", "get one from POST /connect"))
}

// sendBack answers an upgrade for which there is no room: with 503 or, as long
// as there is a budget for it, in the form that a browser can read.
func (s *Server) sendBack(w http.ResponseWriter, r *http.Request, a admission.Answer) {
	e := turnedAway(a).refusal
	e.Remedy = "begin again at POST /connect"
	s.refusals.add("queue", e.Reason)
	if !s.queue.Gently(time.Now()) {
		writeError(w, e)
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: s.d.Origins})
	if err != nil {
		return // Accept has answered
	}
	_ = conn.Close(client.CloseBusy, fmt.Sprintf("retry_after_ms=%d", e.RetryAfterMS))
}
