package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"weir/wavelet"
	"weir/wavelet/client"
)

// newAPI sets the REST API up on mux, with its description at
// /api/v1/openapi.json.
func (s *Server) newAPI(mux *http.ServeMux) huma.API {
	config := huma.DefaultConfig("weir", "1")
	config.Info.Description = "Waves and their participants for people; robots, their limits and the governor's decisions for operators."
	config.OpenAPIPath = "/api/v1/openapi"
	config.DocsPath, config.SchemasPath = "", ""
	config.CreateHooks = nil // no $schema member in answers
	config.RejectUnknownQueryParameters = true
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"person": {Type: "http", Scheme: "bearer", Description: "A signed login token. On the server's own machine the Weir-User header may be enough. With the operators' token the call is made by the operators' own person."},
		"admin":  {Type: "http", Scheme: "bearer", Description: "The operators' token."},
		"robot":  {Type: "http", Scheme: "bearer", Description: "A robot's key."},
	}
	config.Transformers = []huma.Transformer{s.unreadable}
	api := humago.New(mux, config)
	api.UseMiddleware(func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		if body, ok := r.Body.(held); ok {
			if err := body.Reserve(); err != nil {
				w.Header().Set("Connection", "close")
				s.deny(w, bodyError(err))
				return
			}
		}
		next(huma.WithValue(ctx, requestKey{}, r))
	})
	return api
}

// unreadable counts the requests that are refused before they reach us, each as a
// request and a mistake of who has logged in with it, and does not send back what
// was wrong with them: that may be as long as a body, several times.
func (s *Server) unreadable(ctx huma.Context, _ string, answer any) (any, error) {
	if e, ok := answer.(*huma.ErrorModel); ok {
		var who Login // the zero one for an operator, and for who is not let in
		if r, _ := ctx.Context().Value(requestKey{}).(*http.Request); r != nil && !s.d.Auth.Admin(r) {
			who, _ = s.person(r)
		}
		s.fault(who.User, malformed(e))
		for _, detail := range e.Errors {
			detail.Value = nil
		}
	}
	return answer, nil
}

// requestKey finds the *http.Request in the context of an API call.
type requestKey struct{}

// asPerson makes a handler of one that works for a person who has logged in.
func asPerson[I, O any](s *Server, do func(context.Context, wavelet.Participant, *I) (*O, error)) func(context.Context, *I) (*O, error) {
	return func(ctx context.Context, in *I) (*O, error) {
		login, err := s.person(ctx.Value(requestKey{}).(*http.Request))
		if err != nil {
			return nil, s.problem(s.fault("", err))
		}
		out, err := do(ctx, login.User, in)
		if err != nil {
			return nil, s.problem(s.fault(login.User, err))
		}
		return out, nil
	}
}

// asAdmin makes a handler of one that works for an operator.
func asAdmin[I, O any](s *Server, do func(context.Context, *I) (*O, error)) func(context.Context, *I) (*O, error) {
	return func(ctx context.Context, in *I) (*O, error) {
		if !s.d.Auth.Admin(ctx.Value(requestKey{}).(*http.Request)) {
			return nil, s.problem(s.fault("", refuse(client.CodeUnauthorized, "unauthorized", "Authorization", "the operators' token is required", "send it as a bearer token")))
		}
		out, err := do(ctx, in)
		if err != nil {
			return nil, s.problem(s.fault("", err))
		}
		return out, nil
	}
}

// problem is an error as the REST API shows it, in the form of RFC 9457 with
// the protocol's code, reason, field and remedy beside it.
type problem struct {
	Title        string `json:"title"`
	Status       int    `json:"status"`
	Detail       string `json:"detail"`
	Code         int    `json:"code"`
	Reason       string `json:"reason"`
	Field        string `json:"field,omitempty"`
	Remedy       string `json:"remedy,omitempty"`
	Scope        string `json:"scope,omitempty"`
	RetryAfterMS int64  `json:"retry_after_ms,omitempty"`
	RetryInMS    int64  `json:"retry_in_ms,omitempty" doc:"The same, of an answer 503."`
}

func (s *Server) problem(err error) *problem {
	e := s.toError(err)
	status := statusOf(e)
	p := &problem{
		Title: http.StatusText(status), Status: status, Detail: e.Message, Code: e.Code, Reason: e.Reason,
		Field: e.Field, Remedy: e.Remedy, Scope: e.Scope, RetryAfterMS: e.RetryAfterMS,
	}
	if status == http.StatusServiceUnavailable {
		p.RetryInMS = e.RetryAfterMS
	}
	return p
}

// Error, GetStatus, GetHeaders and ContentType make huma write a problem.
func (p *problem) Error() string             { return p.Detail }
func (p *problem) GetStatus() int            { return p.Status }
func (p *problem) ContentType(string) string { return "application/problem+json" }
func (p *problem) GetHeaders() http.Header {
	h := http.Header{}
	writeAdvice(h, &client.Error{RetryAfterMS: p.RetryAfterMS})
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="weir"`)
	}
	return h
}

// operation describes one call of the API, and who may make it: any one of those.
func operation(method, path, id, summary string, who ...string) huma.Operation {
	o := huma.Operation{Method: method, Path: "/api/v1" + path, OperationID: id, Summary: summary, MaxBodyBytes: maxBody, BodyReadTimeout: smallTime}
	for _, w := range who {
		o.Security = append(o.Security, map[string][]string{w: {}})
	}
	return o
}

// WaveletPath names a wavelet in the path of a call. It and its like are exported
// because huma fills in no others when they are embedded.
type WaveletPath struct {
	Wave    string `path:"wave" example:"example.com!w+abc" doc:"Wave id."`
	Wavelet string `path:"wavelet" example:"example.com!conv+root" doc:"Wavelet id."`
}

func (p WaveletPath) name() (wavelet.Name, error) {
	return where(p).name()
}

// body is an answer with a JSON body.
type body[T any] struct{ Body T }

func answer[T any](v T, err error) (*body[T], error) {
	if err != nil {
		return nil, err
	}
	return &body[T]{v}, nil
}
