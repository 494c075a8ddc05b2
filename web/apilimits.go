package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"weir/wavelet"
)

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
	huma.Register(api, operation(http.MethodGet, "/profiles", "list-profiles", "List the limit profiles", "person"),
		asPerson(s, func(context.Context, wavelet.Participant, *struct{}) (*body[profileList], error) {
			return answer(s.profiles(), nil)
		}))
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
