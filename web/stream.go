package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"weir/governor/decisions"
	"weir/wavelet/client"
)

const (
	eventStream = "text/event-stream"

	maxStreams   = 64               // of decisions, at a time
	streamBeat   = 15 * time.Second // between two signs of life
	streamWrite  = 10 * time.Second // a reader that takes nothing for so long is let go
	streamResume = 1000             // milliseconds that a client is asked to wait before it comes back
)

// streamDecisions is GET /api/v1/decisions/stream. The log is read at the pace
// of the client: one that is slow costs no memory, one that stands still is let
// go and resumes where it was.
func (s *Server) streamDecisions(w http.ResponseWriter, r *http.Request) {
	filter, after, err := s.streamOf(r)
	if err == nil && s.streams.Add(1) > maxStreams {
		s.streams.Add(-1)
		err = &client.Error{
			Code: client.CodeOverloaded, Reason: "unavailable", Message: fmt.Sprintf("%d streams are open already", maxStreams), Temporary: true,
			Scope: "server", RetryAfterMS: streamBeat.Milliseconds(), Remedy: "close one, or list the decisions",
		}
	}
	if err != nil {
		s.deny(w, s.fault("", err))
		return
	}
	defer s.streams.Add(-1)
	ctx, done := s.reading(r)
	defer done()
	out := beginStream(w)
	if err := out.follow(ctx, s.d.Gateway.Decisions(), filter, after); err != nil && ctx.Err() == nil {
		s.d.Logger.Info("a reader of decisions was let go", "from", r.RemoteAddr, "error", err)
	}
}

// deny answers a request with what is wrong, outside of the described API in its
// form.
func (s *Server) deny(w http.ResponseWriter, err error) {
	p := s.problem(err)
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_, _ = w.Write(encode(p))
}

// streamOf reads what a stream shall hold: which decisions, and after which
// number.
func (s *Server) streamOf(r *http.Request) (decisions.Filter, uint64, error) {
	var none decisions.Filter
	if !s.d.Auth.Admin(r) {
		return none, 0, refuse(client.CodeUnauthorized, "unauthorized", "Authorization", "the operators' token is required", "send it as a bearer token")
	}
	query := r.URL.Query()
	known := []string{"robot", "wavelet", "since", "rule", "action", "after"}
	for name := range query {
		if !slices.Contains(known, name) {
			return none, 0, badField(name, "leave it out")
		}
	}
	in := DecisionFilter{Robot: query.Get("robot"), Wavelet: query.Get("wavelet"), Rule: query.Get("rule"), Action: query.Get("action")}
	var after uint64
	last := s.d.Gateway.Decisions().Stats().Last
	if text := query.Get("since"); text != "" {
		var err error
		if in.Since, err = time.Parse(time.RFC3339, text); err != nil {
			return none, 0, badField("since", "give an instant like 2026-05-01T12:00:00Z")
		}
	} else {
		after = last
	}
	for _, at := range [][2]string{{"after", query.Get("after")}, {"Last-Event-ID", r.Header.Get("Last-Event-ID")}} {
		if at[1] == "" {
			continue
		}
		n, err := strconv.ParseUint(at[1], 10, 64)
		if err != nil {
			return none, 0, badField(at[0], "give the number of a decision")
		}
		after = min(n, last)
	}
	filter, err := in.filter()
	return filter, after, err
}

// stream writes server-sent events.
type stream struct {
	w http.ResponseWriter
	c *http.ResponseController
}

// beginStream begins an answer that is a stream.
func beginStream(w http.ResponseWriter) *stream {
	w.Header().Set("Content-Type", eventStream)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // proxies that gather answers shall not gather this one
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Time{}) // the request is read, and its answer may take long
	return &stream{w: w, c: c}
}

// send writes one piece of the stream and sees it off.
func (o *stream) send(format string, args ...any) error {
	if err := o.c.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(o.w, format, args...); err != nil {
		return err
	}
	return o.c.Flush()
}

// follow writes the entries after a number as they come, until ctx ends or the
// client takes no more.
func (o *stream) follow(ctx context.Context, log *decisions.Log, filter decisions.Filter, after uint64) error {
	if err := o.send("retry: %d\n\n", streamResume); err != nil {
		return err
	}
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	for {
		changed := log.Changed()
		for e, err := range log.After(after, decisions.Filter{}) {
			if err == nil {
				err = ctx.Err()
			}
			if err == nil && after > 0 && e.Number > after+1 {
				err = o.send("event: missed\ndata: {\"after\":%d,\"next\":%d}\n\n", after, e.Number)
			}
			if err == nil && filter.Fits(e.Decision) {
				err = o.send("id: %d\nevent: decision\ndata: %s\n\n", e.Number, encode(e))
			}
			if err != nil {
				return err
			}
			after = e.Number
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-beat.C:
			if err := o.send(": %d\n\n", after); err != nil {
				return err
			}
		}
	}
}
