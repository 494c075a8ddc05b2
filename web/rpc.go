package web

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"weir/admission"
	"weir/policies"
	"weir/wavelet"
	"weir/wavelet/client"
)

// at is the result of a call that wrote to a wavelet.
func at(name wavelet.Name, v wavelet.Version) client.Placed {
	return client.Placed{Wave: name.Wave, Wavelet: name.Wavelet, Version: v}
}

// where names a wavelet in an rpc's params.
type where struct {
	Wave    string `json:"wave"`
	Wavelet string `json:"wavelet"`
}

func (w where) name() (wavelet.Name, error) {
	name := wavelet.Name{Wave: w.Wave, Wavelet: w.Wavelet}
	if err := name.Check(); err != nil {
		return name, refuse(client.CodeBadField, "bad_field", "params.wavelet", err.Error(), "use ids like example.com!w+abc and example.com!conv+root")
	}
	return name, nil
}

// rpc carries out one of the methods of the socket's rpc operation.
func (s *Server) rpc(ctx context.Context, user wavelet.Participant, method string, params json.RawMessage) (any, error) {
	switch method {
	case "wave.create":
		return s.rpcCreate(ctx, user, params)
	case "participant.add", "participant.remove", "participant.role":
		return s.rpcParticipant(ctx, user, method, params)
	case "wavelet.title", "wavelet.tag":
		return s.rpcMark(ctx, user, method, params)
	case "wavelet.read":
		return s.rpcRead(ctx, user, params)
	case "blip.done":
		return s.rpcDone(ctx, user, params)
	case "wavelet.list":
		var p struct {
			Query string `json:"query"`
			Limit int    `json:"limit"`
		}
		if err := decodeParams(params, &p); err != nil {
			return nil, err
		}
		found, err := s.list(ctx, user, p.Query, p.Limit)
		return inbox{found}, err
	case "link.create", "link.list", "link.revoke", "link.join":
		return s.rpcLink(ctx, user, method, params)
	case "wavelet.export":
		return s.rpcExport(ctx, user, params)
	case "robot.list":
		if err := decodeParams(params, &struct{}{}); err != nil {
			return nil, err
		}
		return struct {
			Robots []robotLine `json:"robots"`
		}{s.robotLines()}, nil
	case "robot.limits":
		return s.rpcLimits(ctx, user, params)
	case "robot.readmit":
		return s.rpcReadmit(ctx, user, params)
	}
	return nil, refuse(client.CodeUnknownMethod, "unknown_method", "method", fmt.Sprintf("no method is called %q", method), "see docs/protocol.md")
}

func (s *Server) rpcCreate(ctx context.Context, user wavelet.Participant, params json.RawMessage) (any, error) {
	var p struct {
		Title        string                `json:"title"`
		Participants []wavelet.Participant `json:"participants"`
	}
	if err := decodeParams(params, &p); err != nil {
		return nil, err
	}
	name, v, err := s.createWave(ctx, user, p.Title, p.Participants)
	return at(name, v), err
}

func (s *Server) rpcParticipant(ctx context.Context, user wavelet.Participant, method string, params json.RawMessage) (any, error) {
	var p struct {
		where
		Who      wavelet.Participant `json:"who"`
		Role     string              `json:"role"`
		Override bool                `json:"override"`
	}
	name, err := decodeWhere(params, &p)
	if err != nil {
		return nil, err
	}
	role, err := roleOf(p.Role)
	if err != nil {
		return nil, err
	}
	var v wavelet.Version
	switch method {
	case "participant.add":
		v, err = s.addParticipant(ctx, user, name, p.Who, role, p.Override)
	case "participant.remove":
		v, err = s.change(ctx, user, name, wavelet.RemoveParticipant{Who: p.Who})
	default:
		v, err = s.change(ctx, user, name, wavelet.SetRole{Who: p.Who, Role: role})
	}
	return at(name, v), err
}

// roleOf reads a role; none given is full.
func roleOf(word string) (wavelet.Role, error) {
	if word == "" {
		return wavelet.Full, nil
	}
	role, err := wavelet.ParseRole(word)
	if err != nil {
		return role, refuse(client.CodeBadField, "bad_field", "role", err.Error(), "choose one of them")
	}
	return role, nil
}

func (s *Server) rpcMark(ctx context.Context, user wavelet.Participant, method string, params json.RawMessage) (any, error) {
	var p struct {
		where
		Title  string `json:"title"`
		Tag    string `json:"tag"`
		Remove bool   `json:"remove"`
	}
	name, err := decodeWhere(params, &p)
	if err != nil {
		return nil, err
	}
	op := wavelet.Op(wavelet.SetTag{Tag: p.Tag, Remove: p.Remove})
	if method == "wavelet.title" {
		op = wavelet.SetTitle{Title: p.Title}
	}
	v, err := s.change(ctx, user, name, op)
	return at(name, v), err
}

// rpcDone ends an edit session, so that robots are told of it.
func (s *Server) rpcDone(ctx context.Context, user wavelet.Participant, params json.RawMessage) (any, error) {
	var p struct {
		where
		Blip wavelet.BlipID `json:"blip"`
	}
	name, err := decodeWhere(params, &p)
	if err != nil {
		return nil, err
	}
	state, _, err := s.read(ctx, user, name)
	if err != nil {
		return nil, err
	}
	if _, ok := state.Blip(p.Blip); !ok {
		return nil, unknownBlip(p.Blip)
	}
	s.d.Gateway.EditDone(name, user, p.Blip)
	return struct{}{}, nil
}

func unknownBlip(id wavelet.BlipID) *client.Error {
	return refuse(client.CodeUnknownBlip, "unknown_blip", "params.blip", fmt.Sprintf("there is no blip %q", id), "name one of the wavelet's blips")
}

func (s *Server) rpcExport(ctx context.Context, user wavelet.Participant, params json.RawMessage) (any, error) {
	var p struct {
		where
		Format string `json:"format"`
		Link   string `json:"link"`
	}
	name, err := decodeWhere(params, &p)
	if err != nil {
		return nil, err
	}
	ctx, leave, err := s.d.Work.Enter(ctx, admission.WorkExport)
	if err != nil {
		return nil, err
	}
	defer leave()
	state, _, _, err := s.view(ctx, user, name, p.Link)
	if err != nil {
		return nil, err
	}
	content, kind, err := export(state, p.Format)
	return struct {
		Format  string `json:"format"`
		Type    string `json:"type"`
		Version uint64 `json:"version"`
		Content string `json:"content"`
	}{p.Format, kind, uint64(state.Version()), string(content)}, err
}

func (s *Server) rpcLimits(ctx context.Context, user wavelet.Participant, params json.RawMessage) (any, error) {
	var p struct {
		Robot wavelet.Participant `json:"robot"`
	}
	if err := decodeParams(params, &p); err != nil {
		return nil, err
	}
	return s.limitsFor(ctx, user, p.Robot)
}

// limitsFor is a robot's limits as a person may see them: those of the robot as
// a whole and of wavelets that the person takes part in.
func (s *Server) limitsFor(ctx context.Context, user, robot wavelet.Participant) (policies.Limits, error) {
	if !s.d.Robots.Registered(robot) {
		return policies.Limits{}, unknownRobot(robot)
	}
	mine := map[string]bool{"": true}
	for line, err := range s.d.Host.Summaries(ctx, user) {
		if err != nil {
			return policies.Limits{}, err
		}
		mine[line.Name.String()] = true
	}
	all := s.d.Gateway.Limits(robot)
	if r, err := s.d.Robots.Get(robot); err == nil && r.Suspended {
		all.Status = "suspended"
	}
	seen := all
	seen.Limits, seen.Decisions = []policies.Limit{}, []policies.Decided{}
	seen.Evicted, seen.Cuts = []policies.SeatNote{}, []policies.CutNote{}
	for _, l := range all.Limits {
		if mine[l.Wavelet] {
			seen.Limits = append(seen.Limits, l)
		}
	}
	for _, d := range all.Decisions {
		if mine[d.Wavelet] {
			seen.Decisions = append(seen.Decisions, d)
		}
	}
	for _, e := range all.Evicted {
		if mine[e.Wavelet] {
			seen.Evicted = append(seen.Evicted, e)
		}
	}
	for _, c := range all.Cuts {
		if mine[c.Wavelet] {
			seen.Cuts = append(seen.Cuts, c)
		}
	}
	return seen, nil
}

func (s *Server) rpcReadmit(ctx context.Context, user wavelet.Participant, params json.RawMessage) (any, error) {
	var p struct {
		where
		Robot    wavelet.Participant `json:"robot"`
		Override bool                `json:"override"`
	}
	name, err := decodeWhere(params, &p)
	if err != nil {
		return nil, err
	}
	if !s.d.Robots.Registered(p.Robot.Robot()) {
		return nil, unknownRobot(p.Robot)
	}
	v, err := s.addParticipant(ctx, user, name, p.Robot, wavelet.Full, p.Override)
	return at(name, v), err
}

func unknownRobot(id wavelet.Participant) *client.Error {
	return refuse(client.CodeUnknownRobot, "unknown_robot", "robot", fmt.Sprintf("no robot is registered at %q", id), "see the list of robots")
}

// decodeParams reads params into a struct, strictly: field names as they are
// written in its tags, none twice, no others. Absent params are {}.
func decodeParams(params json.RawMessage, into any) error {
	if len(params) == 0 {
		return nil
	}
	fields, err := decodeFields(params)
	if err != nil {
		return refuse(client.CodeBadField, "bad_field", "params", "params cannot be read: "+err.Error(), "send an object")
	}
	known := tagsOf(reflect.TypeOf(into).Elem())
	for name := range fields {
		if !known[name] {
			return refuse(client.CodeUnknownField, "unknown_field", "params."+name, fmt.Sprintf("this method has no parameter %q", name), "leave it out")
		}
	}
	if err := json.Unmarshal(params, into); err != nil {
		return refuse(client.CodeBadField, "bad_field", "params", "params cannot be read: "+err.Error(), "see docs/protocol.md")
	}
	return nil
}

// decodeWhere reads parameters of which one is the wavelet.
func decodeWhere(params json.RawMessage, into interface {
	name() (wavelet.Name, error)
}) (wavelet.Name, error) {
	if err := decodeParams(params, into); err != nil {
		return wavelet.Name{}, err
	}
	return into.name()
}

// tagsOf are the JSON names of a struct's fields, embedded ones included.
func tagsOf(t reflect.Type) map[string]bool {
	names := map[string]bool{}
	for f := range t.Fields() {
		if f.Anonymous {
			for name := range tagsOf(f.Type) {
				names[name] = true
			}
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names[name] = true
	}
	return names
}
