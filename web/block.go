package web

import (
	"net/http"
	"net/netip"

	"weir/admission/blocks"
	"weir/wavelet"
	"weir/wavelet/client"
)

// blockedRefusal is what one who is blocked is answered.
func blockedRefusal(b blocks.Block) *client.Error {
	return refuse(client.CodeForbidden, "blocked", "", "you are "+b.String(), "ask the operator of this server")
}

// blocked is the refusal of a person who is blocked, nil of one who is not.
func (s *Server) blocked(who wavelet.Participant) *client.Error {
	if s.d.Blocks == nil {
		return nil
	}
	if b, ok := s.d.Blocks.Participant(who); ok {
		return blockedRefusal(b)
	}
	return nil
}

// blockedFrom is the block of an address, false if there is none.
func (s *Server) blockedFrom(a netip.Addr) (blocks.Block, bool) {
	if s.d.Blocks == nil {
		return blocks.Block{}, false
	}
	return s.d.Blocks.Address(a)
}

// unblocked answers requests from addresses that are blocked, and hands on the
// others. Connections from such addresses are not even accepted; this is for
// those that stood already, and for those that a proxy makes for others.
func (s *Server) unblocked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b, ok := s.blockedFrom(s.address(r)); ok {
			s.refusals.add("block", "address")
			w.Header().Set("Connection", "close")
			writeError(w, blockedRefusal(b))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// closeBlocked closes a socket that came up while its person or its address was
// being blocked. It is asked once the socket is among those that closing finds.
func (k *socket) closeBlocked() {
	if e := k.server.blocked(k.login.User); e != nil {
		k.close(&disconnect{client.CloseBlocked, e.Message})
	}
	if b, ok := k.server.blockedFrom(k.flow.from); ok {
		k.close(&disconnect{client.CloseBlocked, b.String()})
	}
}

// blockChanged closes the sockets of whoever is blocked from now on, and ends the
// streams to where nobody is let in from.
func (s *Server) blockChanged(b blocks.Block, begins bool) {
	if !begins {
		return
	}
	who, person := b.Participant()
	network, _ := b.Network()
	s.sockets.end(func(k *socket) bool {
		if person {
			return k.login.User == who
		}
		return network.Contains(k.flow.from)
	}, &disconnect{client.CloseBlocked, "you are " + b.String()})
	s.readers.end(network) // all of them operators', whom no name tells apart
}

// Refused counts a refusal of a door behind the edge. Layer and reason are of
// small fixed sets.
func (s *Server) Refused(layer, reason string) { s.refusals.add(layer, reason) }

// countRefusal counts the refusal of one who knocks or asks, once: a limit of
// commands, of work under way or of time for a body has counted it already.
func (s *Server) countRefusal(layer string, e *client.Error) {
	switch e.Reason {
	case "too_many", "busy", "too_slow":
	case "blocked":
		s.refusals.add("block", "user")
	case "connections":
		s.refusals.add("connections", e.Scope)
	default:
		s.refusals.add(layer, e.Reason)
	}
}
