package web

import (
	"context"
	"net"
	"net/http"
)

// placedKey finds the connection of a request in its context.
type placedKey struct{}

// ConnContext and ConnState are for an http.Server that serves what Listen
// returns. They count what never became a request: headers that were too long,
// came too slowly, or could not be read, all of which that server turns away by
// itself.
func (s *Server) ConnContext(ctx context.Context, c net.Conn) context.Context {
	if p, ok := c.(*placed); ok {
		return context.WithValue(ctx, placedKey{}, p)
	}
	return ctx
}

// ConnState follows a connection; see ConnContext.
func (s *Server) ConnState(c net.Conn, state http.ConnState) {
	p, ok := c.(*placed)
	switch {
	case !ok:
	case state == http.StateActive:
		p.begun.Store(true)
	case state == http.StateClosed && p.begun.Load():
		s.refusals.add("http", "unreadable")
	}
}

// heard notes that a request has been read.
func heard(r *http.Request) {
	if p, ok := r.Context().Value(placedKey{}).(*placed); ok {
		p.begun.Store(false)
	}
}

// hush has hardly anything more read from the connection of a request. One that
// Listen did not make is left alone.
func hush(r *http.Request) {
	if p, ok := r.Context().Value(placedKey{}).(*placed); ok {
		p.hush()
	}
}
