package web

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
)

// heardKey finds, in the context of a connection, whether what arrives there now
// has become a request.
type heardKey struct{}

// connection is what is known of one HTTP connection.
type connection struct {
	conn  net.Conn
	begun atomic.Bool // something arrived that is no whole request yet
}

// ConnContext and ConnState are for the http.Server before this one. They count
// what never became a request: headers that were too long, came too slowly, or
// could not be read, all of which that server turns away by itself.
func (s *Server) ConnContext(ctx context.Context, c net.Conn) context.Context {
	k := &connection{conn: c}
	s.unheard.Store(c, k)
	return context.WithValue(ctx, heardKey{}, k)
}

// ConnState follows a connection; see ConnContext.
func (s *Server) ConnState(c net.Conn, state http.ConnState) {
	v, ok := s.unheard.Load(c)
	if !ok {
		return
	}
	k := v.(*connection)
	switch state {
	case http.StateActive:
		k.begun.Store(true)
	case http.StateClosed:
		if k.begun.Load() {
			s.refusals.add("http", "unreadable")
		}
		fallthrough
	case http.StateHijacked:
		s.unheard.Delete(c)
	}
}

// heard notes that a request has been read.
func heard(r *http.Request) {
	if k, ok := r.Context().Value(heardKey{}).(*connection); ok {
		k.begun.Store(false)
	}
}

// hush has hardly anything more read from the connection of a request. One that
// Listen did not make is left alone.
func hush(r *http.Request) {
	if k, ok := r.Context().Value(heardKey{}).(*connection); ok {
		if p, ok := k.conn.(*placed); ok {
			p.hush()
		}
	}
}
