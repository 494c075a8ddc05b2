package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"weir/robots"
	"weir/wavelet"
)

type registerInput struct {
	Body struct {
		Address   string `json:"address" example:"echo@example.com"`
		Callback  string `json:"callback,omitempty" doc:"Base URL at which the robot is called; none for one that only calls." example:"https://robots.example.com/echo"`
		Transport string `json:"transport,omitempty" enum:"nats" doc:"nats for a robot that connects to this server over NATS; none: it is called at its callback, if it has one."`
		Profile   string `json:"profile,omitempty" doc:"Limit profile; none: the default one."`
	}
}

// RobotPath names a robot in the path of a call.
type RobotPath struct {
	ID string `path:"id" doc:"The robot's address." example:"echo@example.com"`
}

type profileInput struct {
	RobotPath
	Body struct {
		Profile string `json:"profile" doc:"\"\" for the default one."`
	}
}

type callbackInput struct {
	RobotPath
	Body struct {
		Callback string `json:"callback" doc:"\"\" if it is not to be called."`
	}
}

// keyed is a robot with its new key, which is shown this once.
type keyed struct {
	Robot robots.Robot `json:"robot"`
	Key   string       `json:"key" doc:"Shown once; it cannot be shown again."`
}

type robotList struct {
	Robots []robots.Robot `json:"robots"`
}

// robotRoutes are the operators' calls about robots.
func (s *Server) robotRoutes(api huma.API) {
	d := s.d.Robots
	register := operation(http.MethodPost, "/robots", "register-robot", "Register a robot; its key is shown once", "admin")
	register.DefaultStatus = http.StatusCreated
	huma.Register(api, register, asAdmin(s, func(ctx context.Context, in *registerInput) (*body[keyed], error) {
		r, key, err := d.Register(ctx, robots.Registration{
			Address: wavelet.Participant(in.Body.Address), Callback: in.Body.Callback, Transport: in.Body.Transport, Profile: in.Body.Profile,
		})
		return answer(keyed{r, key}, err)
	}))
	huma.Register(api, operation(http.MethodGet, "/robots", "list-robots", "List the robots", "admin"),
		asAdmin(s, func(context.Context, *struct{}) (*body[robotList], error) {
			return answer(robotList{append([]robots.Robot{}, d.List()...)}, nil)
		}))
	huma.Register(api, operation(http.MethodGet, "/robots/{id}", "show-robot", "Show a robot", "admin"),
		asAdmin(s, func(_ context.Context, in *RobotPath) (*body[robots.Robot], error) {
			return answer(d.Get(wavelet.Participant(in.ID)))
		}))
	huma.Register(api, operation(http.MethodPut, "/robots/{id}/profile", "set-robot-profile", "Hold a robot under another profile", "admin"),
		asAdmin(s, func(ctx context.Context, in *profileInput) (*body[robots.Robot], error) {
			return answer(d.SetProfile(ctx, wavelet.Participant(in.ID), in.Body.Profile))
		}))
	huma.Register(api, operation(http.MethodPut, "/robots/{id}/callback", "set-robot-callback", "Call a robot at another URL", "admin"),
		asAdmin(s, func(ctx context.Context, in *callbackInput) (*body[robots.Robot], error) {
			return answer(d.SetCallback(ctx, wavelet.Participant(in.ID), in.Body.Callback))
		}))
	huma.Register(api, operation(http.MethodPost, "/robots/{id}/rotate-key", "rotate-robot-key", "Give a robot a new key; the old one is dead at once", "admin"),
		asAdmin(s, func(ctx context.Context, in *RobotPath) (*body[keyed], error) {
			r, key, err := d.RotateKey(ctx, wavelet.Participant(in.ID))
			return answer(keyed{r, key}, err)
		}))
	huma.Register(api, operation(http.MethodPost, "/robots/{id}/suspend", "suspend-robot", "Take a robot out of service", "admin"),
		asAdmin(s, func(ctx context.Context, in *RobotPath) (*body[robots.Robot], error) {
			return answer(d.Suspend(ctx, wavelet.Participant(in.ID)))
		}))
	huma.Register(api, operation(http.MethodPost, "/robots/{id}/resume", "resume-robot", "Take a robot back into service", "admin"),
		asAdmin(s, func(ctx context.Context, in *RobotPath) (*body[robots.Robot], error) {
			id := wavelet.Participant(in.ID)
			if _, ok := robots.PersonOf(id); ok {
				s.d.Gateway.Resume(id)
				return answer(robots.Robot{Address: id}, nil)
			}
			return answer(d.Resume(ctx, id))
		}))
	remove := operation(http.MethodDelete, "/robots/{id}", "remove-robot", "Remove a robot; what it wrote stays", "admin")
	huma.Register(api, remove, asAdmin(s, func(ctx context.Context, in *RobotPath) (*struct{}, error) {
		return nil, d.Remove(ctx, wavelet.Participant(in.ID))
	}))
}

// robotLine is a robot as people see it who may want to invite it.
type robotLine struct {
	Address    string `json:"address"`
	Name       string `json:"name"`
	ImageURL   string `json:"imageUrl,omitzero"`
	ProfileURL string `json:"profileUrl,omitzero"`
	Profile    string `json:"profile"`
	Suspended  bool   `json:"suspended,omitzero"`
}

func (s *Server) robotLines() []robotLine {
	lines := []robotLine{}
	for _, r := range s.d.Robots.List() {
		shown := s.d.Robots.Shown(r.Address)
		lines = append(lines, robotLine{string(r.Address), shown.Name, shown.ImageURL, shown.ProfileURL, s.profileOf(r), r.Suspended})
	}
	return lines
}

// profileOf is the name of the profile a robot is held under.
func (s *Server) profileOf(r robots.Robot) string {
	if p, ok := s.d.Profiles().Profile(r.Profile); ok {
		return p.Name
	}
	return s.d.Profiles().Default()
}
