package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"weir/governor/decisions"
	"weir/wavelet"
	"weir/wavelet/client"
)

// DecisionFilter says which decisions are wanted. Its fields are the query
// parameters of the list and of the stream.
type DecisionFilter struct {
	Robot   string    `query:"robot" doc:"Only those about this robot."`
	Wavelet string    `query:"wavelet" doc:"Only those in this wavelet: wave/wavelet."`
	Since   time.Time `query:"since" doc:"Only those taken then or later."`
	Rule    string    `query:"rule" doc:"Only those by this rule." example:"depth"`
	Action  string    `query:"action" doc:"Only those with this outcome: warn, slow, refuse, evict, cut, suspend, readmit."`
}

type decisionsInput struct {
	DecisionFilter
	Cursor uint64 `query:"cursor" doc:"The next of the page before. None: the newest."`
	Limit  int    `query:"limit" default:"100" minimum:"1" maximum:"1000"`
}

type decisionList struct {
	Decisions []decisions.Entry `json:"decisions"`
	Next      uint64            `json:"next,omitzero" doc:"The cursor of the next page. None: this is the last one."`
	Last      uint64            `json:"last" doc:"Number of the newest decision of all: where a stream goes on."`
}

// decisionRoutes are the calls about what the governor decided.
func (s *Server) decisionRoutes(api huma.API) {
	huma.Register(api, operation(http.MethodGet, "/decisions", "list-decisions", "List the governor's decisions, newest first", "admin"),
		asAdmin(s, s.decisions))
	stream := operation(http.MethodGet, "/decisions/stream", "stream-decisions", "Follow the governor's decisions", "admin")
	stream.Description = `Server-sent events: each "decision" has its number as id and the decision as data. After a break, send the last id ` +
		`as Last-Event-ID and the stream goes on behind it; "missed" says that the log no longer reaches back so far. ` +
		`Without Last-Event-ID, after or since it begins with the next decision.`
	for _, name := range []string{"robot", "wavelet", "since", "rule", "action", "after"} {
		stream.Parameters = append(stream.Parameters, &huma.Param{Name: name, In: "query", Schema: &huma.Schema{Type: huma.TypeString}})
	}
	stream.Responses = map[string]*huma.Response{"200": {
		Description: "The events.", Content: map[string]*huma.MediaType{eventStream: {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
	api.OpenAPI().AddOperation(&stream) // its handler writes on and on
}

// filter is the filter in the log's terms.
func (f DecisionFilter) filter() (decisions.Filter, error) {
	out := decisions.Filter{Robot: wavelet.Participant(f.Robot), Since: f.Since, Rule: f.Rule, Action: f.Action}
	if f.Wavelet == "" {
		return out, nil
	}
	var err error
	if out.Wavelet, err = wavelet.ParseName(f.Wavelet); err != nil {
		return out, refuse(client.CodeBadField, "bad_field", "wavelet", err.Error(), "give wave and wavelet id with a slash between")
	}
	return out, nil
}

// decisions is a page of the log.
func (s *Server) decisions(ctx context.Context, in *decisionsInput) (*body[decisionList], error) {
	filter, err := in.filter()
	if err != nil {
		return nil, err
	}
	log := s.d.Gateway.Decisions()
	list := decisionList{Decisions: []decisions.Entry{}, Last: log.Stats().Last}
	for e, err := range log.Before(in.Cursor, filter) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		if len(list.Decisions) == in.Limit {
			list.Next = list.Decisions[in.Limit-1].Number
			break
		}
		list.Decisions = append(list.Decisions, e)
	}
	return answer(list, nil)
}
