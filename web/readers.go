package web

import (
	"context"
	"net/http"
	"net/netip"
	"sync"
)

// readers are those to whom a stream is sent now, each with the address it comes
// from and what ends its stream. The zero value has none.
type readers struct {
	mu  sync.Mutex
	all map[*reader]struct{}
}

type reader struct {
	from netip.Addr
	end  context.CancelFunc
}

// reading is for a request that is answered by a stream: the context ends when the
// reader has gone or is blocked, and when the server goes down. Done ends it too,
// and is to be called at the end of the stream at the latest.
func (s *Server) reading(r *http.Request) (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(s.ctx, cancel)
	one := &reader{from: s.address(r), end: cancel}
	s.readers.add(one)
	if _, blocked := s.blockedFrom(one.from); blocked { // since the request was let in
		cancel()
	}
	return ctx, func() {
		s.readers.remove(one)
		stop()
		cancel()
	}
}

func (rs *readers) add(one *reader) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.all == nil {
		rs.all = map[*reader]struct{}{}
	}
	rs.all[one] = struct{}{}
}

func (rs *readers) remove(one *reader) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	delete(rs.all, one)
}

// end ends the streams to a network.
func (rs *readers) end(network netip.Prefix) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for one := range rs.all {
		if network.Contains(one.from) {
			one.end()
		}
	}
}
