package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"weir/gateway"
	"weir/wavelet"
	"weir/wavelet/client"
)

// Bounds of tracing.
const (
	maxTraces    = 8    // at a time
	traceWaiting = 1024 // events that wait for a reader; those beyond are dropped and counted
)

// Traced is one thing that a person or a robot did, or that was done to it. It
// tells of what kind and size it was, and never what was written: no text, no
// token, no key, and of errors the code alone.
type Traced struct {
	At         time.Time `json:"at"`
	Kind       string    `json:"kind"`                // in, out, call, or what happened to a robot: sent, received, answered, refused, held, decided, ...
	Connection string    `json:"connection,omitzero"` // the socket's id
	Op         string    `json:"op,omitzero"`         // of a frame: the operation, or the push
	Method     string    `json:"method,omitzero"`     // of an rpc that was carried out
	ID         uint64    `json:"id,omitzero"`         // of a frame
	Wavelet    string    `json:"wavelet,omitzero"`
	Version    uint64    `json:"version,omitzero"`
	Bytes      int       `json:"bytes,omitzero"`
	TookUS     int64     `json:"tookUs,omitzero"` // microseconds
	Code       int       `json:"code,omitzero"`   // of an error
	Reason     string    `json:"reason,omitzero"` // the same in a word
	Bundle     string    `json:"bundle,omitzero"`
	Lane       string    `json:"lane,omitzero"`
	Attempt    int       `json:"attempt,omitzero"`
	Deltas     int       `json:"deltas,omitzero"`
	Events     int       `json:"events,omitzero"`
	Answers    int       `json:"answers,omitzero"`
	Operations int       `json:"operations,omitzero"` // of a call
	Depth      int       `json:"depth,omitzero"`
	Rule       string    `json:"rule,omitzero"` // of a decision, with the action
	Action     string    `json:"action,omitzero"`
}

// trace is one reader's view of one person or robot.
type trace struct {
	who     wavelet.Participant
	events  chan Traced
	dropped atomic.Uint64
}

// traces are those that are read now. The zero value has none.
type traces struct {
	n   atomic.Int32 // asked before anything is done for a trace
	mu  sync.Mutex
	all map[*trace]struct{}
}

// on reports whether anybody traces anybody.
func (ts *traces) on() bool { return ts.n.Load() > 0 }

// begin adds a trace, nil if there are enough.
func (ts *traces) begin(who wavelet.Participant) *trace {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if len(ts.all) >= maxTraces {
		return nil
	}
	if ts.all == nil {
		ts.all = map[*trace]struct{}{}
	}
	t := &trace{who: who, events: make(chan Traced, traceWaiting)}
	ts.all[t] = struct{}{}
	ts.n.Add(1)
	return t
}

func (ts *traces) end(t *trace) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	delete(ts.all, t)
	ts.n.Add(-1)
}

// follow reports whether anybody traces who.
func (ts *traces) follow(who wavelet.Participant) bool {
	if !ts.on() {
		return false
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for t := range ts.all {
		if t.who == who {
			return true
		}
	}
	return false
}

// tell gives an event to those who trace who. It never waits.
func (ts *traces) tell(who wavelet.Participant, e Traced) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for t := range ts.all {
		if t.who != who {
			continue
		}
		select {
		case t.events <- e:
		default:
			t.dropped.Add(1)
		}
	}
}

// tracing is the instant at which a frame came in, zero if nobody traces.
func (k *socket) tracing() time.Time {
	if !k.server.traces.on() {
		return time.Time{}
	}
	return time.Now()
}

// traceIn tells of a frame that was handled. What it names is told only if it is
// of the protocol: anything else somebody may have written by hand.
func (k *socket) traceIn(began time.Time, r client.Request, size int, refusal *client.Error) {
	if began.IsZero() {
		return
	}
	e := Traced{At: began.UTC(), Kind: "in", Connection: k.flow.id, ID: r.ID, Bytes: size, TookUS: time.Since(began).Microseconds()}
	if _, _, known := fieldsOf(r.Op); known {
		e.Op = r.Op
	}
	if refusal != nil {
		e.Code, e.Reason = refusal.Code, refusal.Reason
	} else {
		e.Method = r.Method
	}
	e.Wavelet = namedWavelet(r.Wave, r.Wavelet)
	k.server.traces.tell(k.login.User, e)
}

// namedWavelet is a wavelet's name, "" if it is none.
func namedWavelet(wave, id string) string {
	name := wavelet.Name{Wave: wave, Wavelet: id}
	if name.Check() != nil {
		return ""
	}
	return name.String()
}

// traceOut tells of the frames of a message that was written.
func (k *socket) traceOut(message []byte) {
	if !k.server.traces.follow(k.login.User) { // reading frames again is not cheap
		return
	}
	now := time.Now().UTC()
	for line := range bytes.SplitSeq(message, []byte{'\n'}) {
		var f client.Frame
		if json.Unmarshal(line, &f) != nil {
			continue
		}
		e := Traced{At: now, Kind: "out", Connection: k.flow.id, Op: f.Push, ID: f.ID, Bytes: len(line), Version: uint64(f.Version)}
		if f.Err != nil {
			e.Code, e.Reason = f.Err.Code, f.Err.Reason
		}
		e.Wavelet = namedWavelet(f.Wave, f.Wavelet)
		k.server.traces.tell(k.login.User, e)
	}
}

// Happened takes note of what happens to robots, for those who trace one.
func (s *Server) Happened(h gateway.Happening) {
	if !s.traces.on() {
		return
	}
	e := Traced{
		At: h.At.UTC(), Kind: string(h.Kind), Wavelet: h.Seat.Wavelet.String(), Version: uint64(h.Version), TookUS: h.Took.Microseconds(),
		Bundle: h.Bundle, Attempt: h.Attempt, Deltas: h.Deltas, Events: h.Events, Answers: h.Answers, Depth: h.Depth,
	}
	if h.Bundle != "" {
		e.Lane = h.Lane.String()
	}
	if h.Decision != nil {
		e.Rule, e.Action = h.Decision.Rule, h.Decision.Action
	}
	if h.Err != nil {
		e.Reason = "failed" // what a robot answered may be in the error
		if r, ok := errors.AsType[*wavelet.Refusal](h.Err); ok {
			e.Reason = string(r.Code)
		}
	}
	s.traces.tell(h.Seat.Robot.Robot(), e)
}

// Called takes note of a call at the robots' doors: who made it, of how many
// operations, how long it took, and why it was refused, if it was.
func (s *Server) Called(who wavelet.Participant, operations int, took time.Duration, refused string) {
	if s.traces.on() {
		s.traces.tell(who, Traced{At: time.Now().UTC(), Kind: "call", Operations: operations, TookUS: took.Microseconds(), Reason: refused})
	}
}

// streamTrace is GET /api/v1/trace?who=ADDRESS: what a person or a robot does, as
// it happens, for as long as it is read.
func (s *Server) streamTrace(w http.ResponseWriter, r *http.Request) {
	t, err := s.traceOf(r)
	if err != nil {
		s.deny(w, s.fault("", err))
		return
	}
	defer s.traces.end(t)
	ctx, done := s.reading(r)
	defer done()
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	out := beginStream(w)
	for err = out.send("event: tracing\ndata: %s\n\n", encode(string(t.who))); err == nil; {
		select {
		case <-ctx.Done():
			return
		case e := <-t.events:
			if n := t.dropped.Swap(0); n > 0 {
				err = out.send("event: dropped\ndata: %d\n\n", n)
			}
			if err == nil {
				err = out.send("event: traced\ndata: %s\n\n", encode(e))
			}
		case <-beat.C:
			err = out.send(": \n\n")
		}
	}
}

func (s *Server) traceOf(r *http.Request) (*trace, error) {
	if !s.d.Auth.Admin(r) {
		return nil, refuse(client.CodeUnauthorized, "unauthorized", "Authorization", "the operators' token is required", "send it as a bearer token")
	}
	who := wavelet.Participant(r.URL.Query().Get("who"))
	if err := who.Check(); err != nil {
		return nil, refuse(client.CodeBadField, "bad_field", "who", err.Error(), "name a person or a robot, like ann@example.com")
	}
	t := s.traces.begin(who)
	if t == nil {
		return nil, unavailable(errors.New("8 traces are read already"))
	}
	return t, nil
}
