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

// connect is POST /connect: it lets a person in and gives a ticket for a
// socket. Both fields are read strictly; a token alone names the user too.
func (s *Server) connect(w http.ResponseWriter, r *http.Request) {
	login, err := s.knock(r)
	if err != nil {
		s.counters.denied.Add(1)
		e := s.toError(err)
		s.countRefusal("connect", e)
		s.d.Logger.Debug("login refused", "address", s.address(r), "reason", e.Reason)
		writeError(w, e)
		return
	}
	s.counters.tickets.Add(1)
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, client.Ticket{
		Ticket: s.tickets.issue(time.Now(), login), ExpiresInMS: ticketLife.Milliseconds(),
	})
}

func (s *Server) knock(r *http.Request) (Login, error) {
	if err := s.ready(); err != nil {
		return Login{}, unavailable(err)
	}
	return s.admitted(r, admission.Command{Op: admission.Connect}, func() (Login, error) { return s.login(r) })
}

// login reads who wants to come in, and whether she may.
func (s *Server) login(r *http.Request) (Login, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return Login{}, malformed(errors.New("the body is too large"))
		}
		return Login{}, malformed(errors.New("the body ends early"))
	}
	fields, err := decodeFields(body)
	if err != nil {
		return Login{}, malformed(err)
	}
	var user, token string
	for name, raw := range fields {
		switch name {
		case "user":
			if err := text(&user, name, raw); err != nil {
				return Login{}, err
			}
		case "token":
			if err := text(&token, name, raw); err != nil {
				return Login{}, err
			}
		default:
			return Login{}, refuse(client.CodeUnknownField, "unknown_field", name, "connect takes user and token", "leave it out")
		}
	}
	if user == "" && token == "" {
		return Login{}, missing("user")
	}
	login, err := s.d.Auth.Login(r, wavelet.Participant(user), token)
	if err == nil && s.gate.people.Full(login.User) { // the socket would be refused; a browser can read it here
		return Login{}, tooManyConnections("user", login.User, s.gate.people.Maximum())
	}
	return login, err
}
