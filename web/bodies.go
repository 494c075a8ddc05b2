package web

import (
	"errors"
	"io"
	"net/http"
	"time"

	"weir/admission/bounds"
	"weir/wavelet/client"
)

// held is the body of a request that takes of the room for large bodies until
// the request is answered.
type held struct {
	*bounds.Body
	io.Closer
}

// hold puts a request's body, which is capped already, in the room for large
// ones; release is called when the request is answered. The request given is a
// copy: the server looks at what it knows of its own.
func (s *Server) hold(w http.ResponseWriter, r *http.Request) (_ *http.Request, release func()) {
	from := s.timed(w, r)
	body := s.d.Bodies.Body(r.Context(), from, r.ContentLength, maxBody, func() {
		_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)) // ends the reading
	})
	copied := *r
	copied.Body = held{body, from}
	return &copied, body.Release
}

// bodyError is the refusal of a body that was not read for want of room, or of
// patience; nil for any other error.
func bodyError(err error) error {
	switch {
	case errors.Is(err, bounds.ErrFull):
		return unavailable(errors.New("there is no room for so long a request now"))
	case errors.Is(err, bounds.ErrSlow):
		return refuse(client.CodeMalformed, "too_slow", "body", err.Error(), "send it faster, or in parts")
	}
	return nil
}
