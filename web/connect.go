package web

import (
	"errors"
	"io"
	"net/http"
	"time"

	"weir/admission"
	"weir/wavelet"
	"weir/wavelet/client"
)

// maxConnect bounds the body of POST /connect: tokens are short, and it is read
// of everybody.
const maxConnect = 16 << 10

// connect is POST /connect: it lets a person in and gives a ticket for a
// socket. All fields are read strictly; a token alone names the user too.
func (s *Server) connect(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxConnect)
	login, grant, err := s.knock(r)
	if err != nil {
		s.finish(grant)
		s.refuseConnect(w, r, err)
		return
	}
	s.counters.tickets.Add(1)
	w.Header().Set("Cache-Control", "no-store")
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close") // the socket comes on one of its own; this one would stand idle
	}
	writeJSON(w, http.StatusOK, client.Ticket{
		Ticket: s.tickets.issue(time.Now(), login, grant), ExpiresInMS: ticketLife.Milliseconds(),
	})
}

// knock waits for a turn and logs somebody in.
func (s *Server) knock(r *http.Request) (login Login, grant *admission.Grant, err error) {
	if err := s.ready(); err != nil {
		return Login{}, nil, unavailable(err)
	}
	login, err = s.admitted(r, admission.Command{Op: admission.Connect}, func() (l Login, err error) {
		l, grant, err = s.login(r)
		return l, err
	})
	return login, grant, err
}

// login reads who wants to come in, waits for her turn, and tells whether she
// may. A grant comes with an error too.
func (s *Server) login(r *http.Request) (Login, *admission.Grant, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return Login{}, nil, malformed(errors.New("the body is too large"))
		}
		return Login{}, nil, malformed(errors.New("the body ends early"))
	}
	fields, err := decodeFields(body)
	if err != nil {
		return Login{}, nil, malformed(err)
	}
	var user, token, ticket string
	for name, raw := range fields {
		switch name {
		case "user":
			if err := text(&user, name, raw); err != nil {
				return Login{}, nil, err
			}
		case "token":
			if err := text(&token, name, raw); err != nil {
				return Login{}, nil, err
			}
		case "ticket":
			if err := text(&ticket, name, raw); err != nil {
				return Login{}, nil, err
			}
		default:
			return Login{}, nil, refuse(client.CodeUnknownField, "unknown_field", name, "connect takes user, token and ticket", "leave it out")
		}
	}
	if user == "" && token == "" {
		return Login{}, nil, missing("user")
	}
	grant, err := s.turn(r.Context(), admission.Knock{Account: accountOf(user, token), Address: s.address(r).String(), Ticket: ticket})
	if err != nil {
		return Login{}, nil, err
	}
	login, err := s.d.Auth.Login(r, wavelet.Participant(user), token)
	if err == nil && s.gate.people.Full(login.User) { // the socket would be refused; a browser can read it here
		err = tooManyConnections("user", login.User, s.gate.people.Maximum())
	}
	return login, grant, err
}
