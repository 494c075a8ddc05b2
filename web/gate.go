package web

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"weir/admission"
	"weir/wavelet"
	"weir/wavelet/client"
)

// gate is how many connections stand: in all, by network address, and of each
// person. What is over a maximum is turned away before anything is done for it.
type gate struct {
	total     admission.Connections
	addresses admission.Owners[netip.Prefix]
	people    admission.Owners[wavelet.Participant]
}

// setLimits changes the maxima. Connections that stand stay.
func (g *gate) setLimits(l admission.ConnectionLimits) {
	g.total.SetMaximum(l.Total)
	g.addresses.SetMaximum(l.PerAddress)
	g.people.SetMaximum(l.PerUser)
}

// Listen is l with the connections that are too many closed as soon as they are
// accepted: nothing is read from them and no goroutine is started.
func (s *Server) Listen(l net.Listener) net.Listener { return &door{l, s} }

// door is a listener with a gate.
type door struct {
	net.Listener
	s *Server
}

// Accept waits for a connection for which there is a place.
func (d *door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if leave, ok := d.s.enter(conn.RemoteAddr()); ok {
			return &placed{Conn: conn, leave: leave, gone: make(chan struct{})}, nil
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // nothing is left of it, not even in the kernel
		}
		_ = conn.Close()
	}
}

// enter takes a place for a connection from an address until leave is called.
func (s *Server) enter(from net.Addr) (leave func(), ok bool) {
	tcp, isTCP := from.(*net.TCPAddr)
	if isTCP {
		if _, ok := s.blockedFrom(tcp.AddrPort().Addr()); ok {
			s.refusals.add("block", "address")
			return nil, false
		}
	}
	if !s.gate.total.Enter() {
		s.refusals.add("connections", "total")
		if untold, tell := s.gate.total.Refused(time.Now()); tell {
			s.d.Logger.Warn("too many connections", "total", s.gate.total.Active(), "maximum", s.gate.total.Maximum(), "untold", untold)
		}
		return nil, false
	}
	if !isTCP || within(tcp.AddrPort().Addr().Unmap(), s.Admission().TrustedProxies) {
		return s.gate.total.Leave, true // what a proxy brings counts for others
	}
	network := networkOf(tcp.AddrPort().Addr())
	if !s.enterAddress(network) {
		s.gate.total.Leave()
		return nil, false
	}
	return func() {
		s.gate.addresses.Leave(network)
		s.gate.total.Leave()
	}, true
}

// enterAddress takes a place for a network, or notes that none is free.
func (s *Server) enterAddress(network netip.Prefix) bool {
	if s.gate.addresses.Enter(network) {
		return true
	}
	s.refusals.add("connections", "address")
	if untold, tell := s.gate.addresses.Refused(network, time.Now()); tell {
		s.d.Logger.Warn("too many connections", "address", network, "total", s.gate.addresses.Active(network), "maximum", s.gate.addresses.Maximum(), "untold", untold)
	}
	return false
}

// networkOf is what an address is counted under: itself, or the /64 of IPv6
// that one customer has.
func networkOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	network, _ := a.Prefix(bits) // the zero one for the zero address
	return network
}

// placed is a connection that has a place, and gives it back once when it is
// closed.
type placed struct {
	net.Conn
	once  sync.Once
	leave func()
	gone  chan struct{} // closed with it
	begun atomic.Bool   // something arrived that is no whole request yet
	last  atomic.Int64  // one more than may still be read; 0: no matter
	until time.Time     // when reading ends, once last is set
}

// goodbye is how long a client may take to answer the closing of its socket.
const goodbye = 5 * time.Second

// hush has no more read than so many bytes, for so long: enough for a client's
// goodbye, and the network tells one who sends on and on to stop.
func (p *placed) hush() {
	p.until = time.Now().Add(goodbye)
	_ = p.Conn.SetReadDeadline(p.until)
	p.last.Store(1 + 16<<10)
}

// Read reads on.
func (p *placed) Read(b []byte) (int, error) {
	switch last := p.last.Load(); {
	case last == 1:
		select {
		case <-p.gone:
		case <-time.After(time.Until(p.until)):
		}
		return 0, net.ErrClosed
	case last > 1:
		n, err := p.Conn.Read(b[:min(int64(len(b)), last-1)])
		p.last.Add(-int64(n))
		return n, err
	}
	return p.Conn.Read(b)
}

// Close closes the connection.
func (p *placed) Close() error {
	err := p.Conn.Close()
	p.once.Do(func() {
		close(p.gone)
		p.leave()
	})
	return err
}

// place takes the places of a live connection of a person, until leave is
// called: hers, and that of the address she has behind a proxy.
func (s *Server) place(who wavelet.Participant, from netip.Addr, r *http.Request) (leave func(), err error) {
	leavePerson, err := s.placeOf(who)
	if err != nil || from == parseHop(r.RemoteAddr) {
		return leavePerson, err // the address of the connection was counted when it was accepted
	}
	network := networkOf(from)
	if !s.enterAddress(network) {
		leavePerson()
		return nil, tooManyConnections("address", network, s.gate.addresses.Maximum())
	}
	return func() {
		s.gate.addresses.Leave(network)
		leavePerson()
	}, nil
}

// placeOf takes a place of a person.
func (s *Server) placeOf(who wavelet.Participant) (leave func(), err error) {
	if s.gate.people.Enter(who) {
		return func() { s.gate.people.Leave(who) }, nil
	}
	s.refusals.add("connections", "user")
	total, most := s.gate.people.Active(who), s.gate.people.Maximum()
	if untold, tell := s.gate.people.Refused(who, time.Now()); tell {
		s.d.Logger.Warn("too many connections", "user", who, "total", total, "maximum", most, "untold", untold)
	}
	return nil, tooManyConnections("user", who, most)
}

// tooManyConnections is the refusal of one more connection of a person or from
// an address.
func tooManyConnections(scope string, who any, most int) *client.Error {
	return &client.Error{
		Code: client.CodeTooMany, Reason: "connections", Field: scope, Scope: scope, Temporary: true, RetryAfterMS: time.Second.Milliseconds(),
		Message: fmt.Sprintf("%s has %d connections already", who, most), Remedy: "close some, or wait until one is free",
	}
}
