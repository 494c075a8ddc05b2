package web

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"weir/admission/bounds"
	"weir/wavelet/client"
)

// Times within which what was begun has to be finished. What is large enough to
// need room (bounds.Free) may have to wait for it, and takes longer.
const (
	smallTime  = 10 * time.Second // to send a body or a message
	largeTime  = 40 * time.Second // the same, if it is large: its wait for room, and its time once it has it
	answerTime = 2 * time.Minute  // to take an answer; streams and sockets have times of their own
)

// timely is the body of a request that has to arrive in time.
type timely struct {
	io.ReadCloser
	s *Server
	c *http.ResponseController
}

// timed gives a request its times: the body has to come within so long, and the
// answer to be taken. Once the body is there nothing is asked of the client any
// more, however long the answer takes.
func (s *Server) timed(w http.ResponseWriter, r *http.Request) io.ReadCloser {
	c := http.NewResponseController(w)
	now := time.Now()
	_ = c.SetWriteDeadline(now.Add(answerTime))
	switch {
	case r.ContentLength == 0:
		_ = c.SetReadDeadline(time.Time{})
		return r.Body
	case r.ContentLength > 0 && r.ContentLength <= bounds.Free:
		_ = c.SetReadDeadline(now.Add(smallTime))
	default:
		_ = c.SetReadDeadline(now.Add(largeTime))
	}
	return &timely{r.Body, s, c}
}

// Read reads on.
func (t *timely) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		_ = t.c.SetReadDeadline(time.Time{})
	case errors.Is(err, os.ErrDeadlineExceeded):
		t.s.refusals.add("http", "slow_body")
	}
	return n, err
}

// message reads a message of which the first frame has begun. It has to come in
// time and, if it is large, takes of the room for large bodies until release is
// called.
func (k *socket) message(from io.Reader) (message []byte, release func(), err error) {
	late := func() {
		k.server.refusals.add("socket", "unfinished")
		k.close(&disconnect{client.CloseUnfinished, "a message was begun and not finished in time"})
	}
	limit := time.AfterFunc(smallTime, late)
	defer limit.Stop()
	body := k.server.d.Bodies.Body(k.ctx, from, -1, client.MaxMessage, late)
	message, err = io.ReadAll(io.LimitReader(body, bounds.Free))
	if err == nil && len(message) == bounds.Free {
		limit.Reset(largeTime)
		var rest []byte
		rest, err = io.ReadAll(body)
		message = append(message, rest...)
	}
	if errors.Is(err, bounds.ErrFull) {
		err = &disconnect{client.CloseBusy, "retry_after_ms=1000"}
	}
	return message, body.Release, err
}
