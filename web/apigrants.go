package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"weir/robots/grants"
	"weir/wavelet"
	"weir/wavelet/client"
)

type grantPath struct {
	ID string `path:"id" doc:"The grant's id."`
}

type grantList struct {
	Grants []grants.Grant `json:"grants" doc:"Newest first."`
}

// grantRoutes are the calls about what people have allowed programs. A person
// sees and ends her own, an operator everybody's.
func (s *Server) grantRoutes(api huma.API) {
	if s.d.Grants == nil {
		return
	}
	list := operation(http.MethodGet, "/grants", "list-grants", "List what programs may write in your name; for operators, in anybody's", "person", "admin")
	huma.Register(api, list, asOwner(s, func(_ context.Context, who wavelet.Participant, _ *struct{}) (*body[grantList], error) {
		return answer(grantList{s.d.Grants.List(who)}, nil)
	}))
	revoke := operation(http.MethodDelete, "/grants/{id}", "revoke-grant", "End a program's permission, at once", "person", "admin")
	huma.Register(api, revoke, asOwner(s, func(ctx context.Context, who wavelet.Participant, in *grantPath) (*struct{}, error) {
		err := s.d.Grants.Revoke(ctx, in.ID, who)
		if errors.Is(err, grants.ErrUnknown) {
			err = refuse(client.CodeBadField, "not_found", "id", "there is no grant "+in.ID, "list the grants there are")
		}
		return nil, err
	}))
}

// asOwner makes a handler of one that works for a person, or for an operator,
// for whom the person is "".
func asOwner[I, O any](s *Server, do func(context.Context, wavelet.Participant, *I) (*O, error)) func(context.Context, *I) (*O, error) {
	asAnybody := asPerson(s, do)
	return func(ctx context.Context, in *I) (*O, error) {
		if !s.d.Auth.Admin(ctx.Value(requestKey{}).(*http.Request)) {
			return asAnybody(ctx, in)
		}
		out, err := do(ctx, "", in)
		if err != nil {
			return nil, s.problem(s.fault("", err))
		}
		return out, nil
	}
}
