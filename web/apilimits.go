package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"weir/governor"
	"weir/wavelet"
	"weir/wavelet/client"
)

type decisionsInput struct {
	Robot   string `query:"robot" doc:"Only those about this robot."`
	Wavelet string `query:"wavelet" doc:"Only those in this wavelet: wave/wavelet."`
	Limit   int    `query:"limit" default:"100" minimum:"1" maximum:"1000"`
}

type decisionList struct {
	Decisions []governor.Decision `json:"decisions"`
}

type profileList struct {
	Default  string        `json:"default"`
	Profiles []profileLine `json:"profiles"`
}

type profileLine struct {
	Name     string    `json:"name"`
	About    string    `json:"about"`
	Settings []setting `json:"settings"`
}

type setting struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// limitRoutes are the calls about what robots are held to.
func (s *Server) limitRoutes(api huma.API) {
	if s.d.RPC != nil {
		limits := operation(http.MethodGet, "/robots/{id}/limits", "robot-limits", "Tell a robot its limits; operators may ask too", "robot")
		limits.Parameters = []*huma.Param{{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}}
		limits.Responses = map[string]*huma.Response{"200": {Description: "The limits with what is used of them, and the last decisions."}}
		api.OpenAPI().AddOperation(&limits) // its handler is the robots' own
	}
	huma.Register(api, operation(http.MethodGet, "/decisions", "list-decisions", "List the governor's decisions, newest first", "admin"),
		asAdmin(s, s.decisions))
	huma.Register(api, operation(http.MethodGet, "/profiles", "list-profiles", "List the limit profiles", "person"),
		asPerson(s, func(context.Context, wavelet.Participant, *struct{}) (*body[profileList], error) {
			return answer(s.profiles(), nil)
		}))
}

func (s *Server) decisions(ctx context.Context, in *decisionsInput) (*body[decisionList], error) {
	var name wavelet.Name
	if in.Wavelet != "" {
		var err error
		if name, err = wavelet.ParseName(in.Wavelet); err != nil {
			return nil, refuse(client.CodeBadField, "bad_field", "wavelet", err.Error(), "give wave and wavelet id with a slash between")
		}
	}
	list := decisionList{Decisions: []governor.Decision{}}
	for d, err := range s.d.Gateway.Decisions(wavelet.Participant(in.Robot), name, time.Time{}, in.Limit) {
		if err != nil {
			return nil, err
		}
		list.Decisions = append(list.Decisions, d)
	}
	return answer(list, nil)
}

func (s *Server) profiles() profileList {
	set := s.d.Profiles()
	list := profileList{Default: set.Default(), Profiles: []profileLine{}}
	for _, name := range set.Names() {
		p, _ := set.Profile(name)
		line := profileLine{Name: p.Name, About: p.About, Settings: []setting{}}
		for _, x := range p.Settings() {
			line.Settings = append(line.Settings, setting{x.Key, x.Value})
		}
		list.Profiles = append(list.Profiles, line)
	}
	return list
}
