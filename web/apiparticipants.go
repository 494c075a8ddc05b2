package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"weir/wavelet"
	"weir/wavelet/client"
)

type addInput struct {
	WaveletPath
	Body struct {
		Who      string `json:"who" doc:"Address of a person or robot." example:"bob@example.com"`
		Role     string `json:"role,omitempty" enum:"full,comment,read"`
		Override bool   `json:"override,omitempty" doc:"Bring a robot that was put out back before its cooldown is over."`
	}
}

// MemberPath names a participant in the path of a call.
type MemberPath struct {
	WaveletPath
	Who string `path:"who" example:"bob@example.com"`
}

type roleInput struct {
	MemberPath
	Body struct {
		Role string `json:"role" enum:"full,comment,read"`
	}
}

// participantRoutes are the calls that let people and robots in and out.
func (s *Server) participantRoutes(api huma.API) {
	const path = "/waves/{wave}/{wavelet}/participants"
	huma.Register(api, operation(http.MethodPost, path, "add-participant", "Let somebody in, or a robot back in", "person"),
		asPerson(s, func(ctx context.Context, user wavelet.Participant, in *addInput) (*body[client.Placed], error) {
			name, err := in.name()
			if err != nil {
				return nil, err
			}
			role, err := roleOf(in.Body.Role)
			if err != nil {
				return nil, err
			}
			v, err := s.addParticipant(ctx, user, name, wavelet.Participant(in.Body.Who), role, in.Body.Override)
			return answer(at(name, v), err)
		}))
	huma.Register(api, operation(http.MethodPut, path+"/{who}", "set-role", "Change a participant's role", "person"),
		asPerson(s, func(ctx context.Context, user wavelet.Participant, in *roleInput) (*body[client.Placed], error) {
			role, err := roleOf(in.Body.Role)
			if err != nil {
				return nil, err
			}
			return s.changeAt(ctx, user, in.WaveletPath, wavelet.SetRole{Who: wavelet.Participant(in.Who), Role: role})
		}))
	huma.Register(api, operation(http.MethodDelete, path+"/{who}", "remove-participant", "Put a participant out", "person"),
		asPerson(s, func(ctx context.Context, user wavelet.Participant, in *MemberPath) (*body[client.Placed], error) {
			return s.changeAt(ctx, user, in.WaveletPath, wavelet.RemoveParticipant{Who: wavelet.Participant(in.Who)})
		}))
}
