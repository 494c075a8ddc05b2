package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"weir/policies"
	"weir/policies/book"
	"weir/wavelet"
	"weir/wavelet/client"
)

// Reasons of refusals about policies.
const (
	reasonBadPolicy = "bad_policy"
	reasonNoVersion = "unknown_version"
)

// PolicyFile is a policy file as it is sent.
type PolicyFile struct {
	File string `json:"file" maxLength:"1000" doc:"Name of the file, for faults and the history." example:"policies.yaml"`
	Text string `json:"text" doc:"What the file says."`
}

type policyDiffInput struct{ Body PolicyFile }

type policyApplyInput struct {
	Body struct {
		PolicyFile
		By string `json:"by" minLength:"1" maxLength:"200" doc:"Who makes the change, for the history." example:"ann@example.com"`
	}
}

type policyHistoryInput struct {
	Cursor uint64 `query:"cursor" doc:"Versions below this number. None: the newest."`
	Limit  int    `query:"limit" default:"20" minimum:"1" maximum:"200"`
}

type policyVersionInput struct {
	Number uint64 `path:"number"`
}

// policyState is what is in force.
type policyState struct {
	Version  book.Version  `json:"version"`
	Note     string        `json:"note,omitzero" doc:"How long it holds, if that is not for good."`
	Default  string        `json:"default"`
	Profiles []profileLine `json:"profiles"`
}

type policyDiff struct {
	Changes []policies.Change `json:"changes"`
}

type policyHistory struct {
	Versions []book.Version `json:"versions"`
}

// policyRoutes are the operators' calls about the policies in force.
func (s *Server) policyRoutes(api huma.API) {
	b := s.d.Policies
	if b == nil {
		return
	}
	huma.Register(api, operation(http.MethodGet, "/policies", "show-policies", "Show the policies in force", "admin"),
		asAdmin(s, func(context.Context, *struct{}) (*body[policyState], error) {
			return answer(s.policyState(b.Current()), nil)
		}))
	huma.Register(api, operation(http.MethodPut, "/policies", "apply-policies", "Put a policy file in force at once; robots keep their counts", "admin"),
		asAdmin(s, func(ctx context.Context, in *policyApplyInput) (*body[policyState], error) {
			v, err := b.Apply(ctx, in.Body.By, in.Body.File, in.Body.Text)
			if err != nil {
				return nil, policyError(err)
			}
			return answer(s.policyState(v), nil)
		}))
	huma.Register(api, operation(http.MethodPost, "/policies/diff", "diff-policies", "Tell what a policy file would change", "admin"),
		asAdmin(s, func(_ context.Context, in *policyDiffInput) (*body[policyDiff], error) {
			changes, err := b.Diff(in.Body.File, in.Body.Text)
			if err != nil {
				return nil, policyError(err)
			}
			return answer(policyDiff{changes}, nil)
		}))
	huma.Register(api, operation(http.MethodGet, "/policies/history", "list-policies", "List the changes of the policies, newest first", "admin"),
		asAdmin(s, func(_ context.Context, in *policyHistoryInput) (*body[policyHistory], error) {
			list, err := b.History(in.Cursor, in.Limit)
			return answer(policyHistory{list}, err)
		}))
	huma.Register(api, operation(http.MethodGet, "/policies/history/{number}", "read-policies", "Show a version of the policies with its text", "admin"),
		asAdmin(s, func(_ context.Context, in *policyVersionInput) (*body[book.Version], error) {
			v, err := b.Version(in.Number)
			if err != nil {
				return nil, policyError(err)
			}
			return answer(v, nil)
		}))
}

func (s *Server) policyState(v book.Version) policyState {
	list := s.profiles()
	state := policyState{Version: v, Default: list.Default, Profiles: list.Profiles}
	if file := s.d.Policies.File(); file != "" && !v.Own {
		state.Note = "the server has a policy file of its own, " + file + ": this holds until that is read again, at a restart or SIGHUP"
	}
	return state
}

// policyError says what is wrong with a policy file, a fault to a line.
func policyError(err error) error {
	var faults policies.Faults
	switch {
	case errors.As(err, &faults):
		return refuseFaults(reasonBadPolicy, faults)
	case errors.Is(err, book.ErrNoVersion):
		return refuse(client.CodeBadField, reasonNoVersion, "number", err.Error(), "list the history for those that are kept")
	}
	return err
}

// refuseFaults says what is wrong with a file, a fault to a line.
func refuseFaults(reason string, faults policies.Faults) error {
	const most = 100
	text := faults[:min(len(faults), most)].Error()
	if more := len(faults) - most; more > 0 {
		text += fmt.Sprintf("\nand %d more", more)
	}
	return refuse(client.CodeBadField, reason, "", strings.ToValidUTF8(text, "?"), "")
}

// policyKind is the part of kindOf about files that operators write.
func policyKind(reason wavelet.Code) (kind, bool) {
	switch reason {
	case reasonBadPolicy, reasonBadAdmission:
		return kind{code: client.CodeBadField, status: http.StatusUnprocessableEntity}, true
	case reasonNoVersion:
		return kind{code: client.CodeBadField, status: http.StatusNotFound}, true
	}
	return kind{}, false
}
