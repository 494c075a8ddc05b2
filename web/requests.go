package web

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"weir/admission"
	"weir/wavelet"
	"weir/wavelet/client"
)

// person is who makes a request by a door for people, charged to her for what
// she asks for. Requests that fail to log in are charged to their address, and one
// that made too many is not listened to; nor is a person whose requests were
// answered with too many errors.
func (s *Server) person(r *http.Request) (Login, error) {
	return s.admitted(r, commandOf(r), func() (Login, error) { return s.d.Auth.Person(r) })
}

// admitted logs somebody in, charged with a command.
func (s *Server) admitted(r *http.Request, c admission.Command, login func() (Login, error)) (Login, error) {
	l, now := s.limits, time.Now()
	at := l.addresses.Enter(networkOf(s.address(r)), now)
	defer l.addresses.Leave(at)
	in, stranger := l.rules.Load()[userLayer], payer{layer: userLayer, scope: "address", account: &at.Account}
	// Those who log in cost their address nothing: it may be that of many.
	if wait, ok := at.Has(in, now, c); !ok && !l.over(userLayer, c.Op, in) {
		return Login{}, s.refuseCommand(stranger, c, wait)
	}
	who, err := login()
	if err != nil {
		var turn *wait
		if !errors.As(err, &turn) { // to wait is no failure to log in
			at.Take(in, now, c)
		}
		return who, err
	}
	if c.Op != admission.Connect {
		if err := s.faultless(who.User, now, c); err != nil {
			return Login{}, err
		}
	}
	var p paying
	p.open(l, who.User, now)
	defer p.close(l)
	user, cluster := p.payers()
	if err := s.charge(now, c, user, cluster); err != nil {
		return Login{}, err
	}
	return who, nil
}

// faultless refuses a command of a person whose requests were answered with too
// many errors lately. Those of a socket count by themselves.
func (s *Server) faultless(who wavelet.Participant, now time.Time, c admission.Command) error {
	l := s.limits
	faults, in := l.faults.Enter(who, now), l.rules.Load()[errorLayer]
	defer l.faults.Leave(faults)
	wait, ok := faults.Has(in, now, admission.Command{Op: admission.Other})
	if ok || l.over(errorLayer, c.Op, in) {
		return nil
	}
	return s.refuseCommand(payer{layer: errorLayer, scope: "user"}, c, wait)
}

// fault is an error that a request is answered with, counted, and charged to the
// person if there is one who made the mistake.
func (s *Server) fault(who wavelet.Participant, err error) *client.Error {
	e := s.toError(err)
	s.countRefusal("rest", e)
	if who != "" && mistaken(e) {
		l, now := s.limits, time.Now()
		faults := l.faults.Enter(who, now)
		defer l.faults.Leave(faults)
		faults.Take(l.rules.Load()[errorLayer], now, admission.Command{Op: admission.Other})
	}
	return e
}

// mistaken reports whether an error is the doing of whoever is answered with it,
// and not the server's.
func mistaken(e *client.Error) bool {
	switch e.Code {
	case client.CodeInternal, client.CodeOverloaded, client.CodeStorageFull:
		return false
	}
	return true
}

// commandOf is the operation of the live protocol that a request of the REST API
// stands for: what changes a document publishes, to read a whole one is to export
// it, its past is its history, to read anything else of it is to subscribe, and
// everything else is a call, of the same method as there where there is one.
func commandOf(r *http.Request) admission.Command {
	c := admission.Command{Op: admission.RPC, Method: r.Pattern, Wave: r.PathValue("wave"), Wavelet: r.PathValue("wavelet")}
	switch {
	case r.Pattern == "POST /api/v1/waves":
		c.Method = "wave.create"
	case r.Pattern == "GET /api/v1/waves":
		c.Method = "wavelet.list"
	case r.Pattern == "GET /api/v1/waves/{wave}/{wavelet}":
		c.Method = "wavelet.export"
	case c.Wave == "":
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		c.Op = admission.Publish
	case strings.HasSuffix(r.Pattern, "/history"):
		c.Op = admission.History
	default:
		c.Op = admission.Subscribe
	}
	return c
}
