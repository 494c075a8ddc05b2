package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"weir/governor/traffic"
	"weir/policies"
	"weir/wavelet"
	"weir/wavelet/client"
)

// PolicyTrial says which policy file is to be tried on which traffic.
type PolicyTrial struct {
	PolicyFile
	Since   time.Time `json:"since,omitzero"`   // none: all that is recorded
	Until   time.Time `json:"until,omitzero"`   // none: up to now
	Robot   string    `json:"robot,omitzero"`   // compare only what is about this robot
	Wavelet string    `json:"wavelet,omitzero"` // and in this wavelet: wave/wavelet
}

// tryPolicies is POST /api/v1/policies/try. The answer is a stream: how far it has
// come, and at the end the report. It takes one at a time, and ends when the
// caller goes.
func (s *Server) tryPolicies(w http.ResponseWriter, r *http.Request) {
	q, err := s.trialOf(r)
	if err == nil && !s.trying.CompareAndSwap(false, true) {
		err = unavailable(errors.New("another policy file is being tried"))
	}
	if err != nil {
		s.deny(w, s.fault("", err))
		return
	}
	ctx, done := s.reading(r)
	defer done()
	out := beginStream(w)
	q.Progress = func(p traffic.Progress) {
		if err := out.send("event: progress\ndata: %s\n\n", encode(p)); err != nil {
			done()
		}
	}
	report, err := s.try(ctx, q)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		_ = out.send("event: failed\ndata: %s\n\n", encode(s.problem(err)))
	default:
		_ = out.send("event: report\ndata: %s\n\n", encode(report))
	}
}

// try answers the question. Whoever has the answer may ask the next one.
func (s *Server) try(ctx context.Context, q traffic.Question) (traffic.Report, error) {
	defer s.trying.Store(false)
	return s.d.Traffic.Try(ctx, q)
}

// trialOf reads what is to be tried.
func (s *Server) trialOf(r *http.Request) (q traffic.Question, err error) {
	if !s.d.Auth.Admin(r) {
		return q, refuse(client.CodeUnauthorized, "unauthorized", "Authorization", "the operators' token is required", "send it as a bearer token")
	}
	if s.d.Traffic == nil || s.d.Policies == nil {
		return q, refuse(client.CodeBadField, "not_recorded", "", "this server records no traffic", "start it with --traffic-bytes above 0")
	}
	var in PolicyTrial
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		if bad := bodyError(err); bad != nil {
			return q, bad
		}
		return q, refuse(client.CodeMalformed, "malformed", "body", "the request cannot be read: "+err.Error(), "send one JSON object")
	}
	filter, err := DecisionFilter{Robot: in.Robot, Wavelet: in.Wavelet}.filter()
	if err != nil {
		return q, err
	}
	set, err := policies.Parse([]byte(in.Text), in.File)
	if err != nil {
		return q, policyError(err)
	}
	return traffic.Question{
		InForce: s.rulesOf(s.d.Policies.Set()), Tried: s.rulesOf(set),
		Since: in.Since, Until: in.Until, Robot: filter.Robot, Wavelet: filter.Wavelet,
	}, nil
}

// rulesOf gives each robot the profile that it would be under by the set, as the
// directory does: its own, or the default one if that is not defined.
func (s *Server) rulesOf(set policies.Set) traffic.Policies {
	names := map[wavelet.Participant]string{}
	for _, r := range s.d.Robots.List() {
		names[r.Address] = r.Profile
	}
	fallback, _ := set.Profile("")
	return traffic.Policies{Default: fallback, Rules: func(id wavelet.Participant) policies.Profile {
		p, ok := set.For(string(id), names[id])
		if !ok {
			p, _ = set.For(string(id), "")
		}
		return p
	}}
}
