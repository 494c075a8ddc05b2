package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"weir/admission"
	"weir/admission/settings"
	"weir/policies"
)

// AdmissionFile is a configuration of admission as it is sent.
type AdmissionFile struct {
	File string `json:"file" maxLength:"1000" doc:"Name of the file, for faults." example:"admission.yaml"`
	Text string `json:"text" doc:"What the file says. Empty: the default configuration."`
}

type admissionInput struct {
	Check bool `query:"check" doc:"Only check the text; nothing changes."`
	Body  struct {
		AdmissionFile
		By string `json:"by" minLength:"1" maxLength:"200" doc:"Who makes the change." example:"ann@example.com"`
	}
}

// admissionState is what is in force, or would be.
type admissionState struct {
	Edition   settings.Edition `json:"edition"`
	Effective string           `json:"effective" doc:"The whole configuration as YAML, with what the text leaves to the default."`
	Note      string           `json:"note,omitzero" doc:"How long it holds, if that is not for good."`
}

// admissionRoutes are the operators' calls about who is let in, and how often.
func (s *Server) admissionRoutes(api huma.API) {
	b := s.d.Settings
	if b == nil {
		return
	}
	huma.Register(api, operation(http.MethodGet, "/admission/config", "show-admission-config", "Show the configuration of admission in force", "admin"),
		asAdmin(s, func(context.Context, *struct{}) (*body[admissionState], error) {
			return answer(s.admissionState(b.Current(), b.Config()))
		}))
	huma.Register(api, operation(http.MethodPut, "/admission/config", "set-admission-config", "Put a configuration of admission in force at once; what was used up stays used up", "admin"),
		asAdmin(s, func(ctx context.Context, in *admissionInput) (*body[admissionState], error) {
			if in.Check {
				c, err := admission.Parse([]byte(in.Body.Text), in.Body.File)
				if err != nil {
					return nil, admissionError(err)
				}
				return answer(s.admissionState(settings.Edition{By: in.Body.By, File: in.Body.File, Text: in.Body.Text}, c))
			}
			set, err := b.Apply(ctx, in.Body.By, in.Body.File, in.Body.Text)
			if err != nil {
				return nil, admissionError(err)
			}
			return answer(s.admissionState(set, b.Config()))
		}))
}

func (s *Server) admissionState(set settings.Edition, c admission.Config) (admissionState, error) {
	text, err := c.YAML()
	state := admissionState{Edition: set, Effective: string(text)}
	if file := s.d.Settings.File(); file != "" && !set.Own {
		state.Note = "the server has an admission file of its own, " + file + ": this holds until that is read again, at a restart or SIGHUP"
	}
	return state, err
}

// reasonBadAdmission is the reason of a configuration with faults.
const reasonBadAdmission = "bad_admission"

// admissionError says what is wrong with a configuration, a fault to a line.
func admissionError(err error) error {
	if faults, ok := errors.AsType[policies.Faults](err); ok {
		return refuseFaults(reasonBadAdmission, faults)
	}
	return err
}
