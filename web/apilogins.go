package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"weir/wavelet"
	"weir/wavelet/client"
)

type userPath struct {
	Address string `path:"address" example:"ann@example.com"`
}

// revoked is the answer to a revocation.
type revoked struct {
	User   wavelet.Participant `json:"user"`
	Since  time.Time           `json:"since" doc:"Tokens that were issued before are void."`
	Closed int                 `json:"closed" doc:"Connections of the person that were closed."`
}

// loginRoutes are the operators' calls about people's logins.
func (s *Server) loginRoutes(api huma.API) {
	if s.d.Logins == nil {
		return
	}
	huma.Register(api, operation(http.MethodPost, "/users/{address}/revoke", "revoke-logins", "Make a person's login tokens void, and close her connections", "admin"),
		asAdmin(s, func(ctx context.Context, in *userPath) (*body[revoked], error) {
			return answer(s.revoke(ctx, wavelet.Participant(in.Address)))
		}))
}

// revoke makes every login token void that a person has now. The mark is set
// before sockets are closed, and a socket looks at it when it is among those
// that are: none slips through.
func (s *Server) revoke(ctx context.Context, who wavelet.Participant) (revoked, error) {
	if err := who.Check(); err != nil {
		return revoked{}, refuse(client.CodeBadField, "bad_field", "address", err.Error(), "use an address like ann@example.com")
	}
	since, err := s.d.Logins.Revoke(ctx, who)
	if err != nil {
		return revoked{}, err
	}
	out := revoked{User: who, Since: since, Closed: s.sockets.end(func(k *socket) bool { return k.login.User == who }, loginRevoked)}
	s.d.Logger.Info("logins revoked", "user", who, "since", since, "closed", out.Closed)
	return out, nil
}
