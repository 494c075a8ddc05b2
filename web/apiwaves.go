package web

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"weir/admission"
	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/richtext"
)

type createInput struct {
	Body struct {
		Title        string   `json:"title,omitempty" maxLength:"1000"`
		Participants []string `json:"participants,omitempty" maxItems:"200" doc:"Addresses of people and robots to let in."`
	}
}

type listInput struct {
	Query string `query:"query" maxLength:"500" doc:"Words of the text; with:ann, title:word and tag:word narrow it down."`
	Limit int    `query:"limit" default:"50" minimum:"1" maximum:"200"`
}

type readInput struct {
	WaveletPath
	LinkHeader
	Format  string    `query:"format" enum:"json,text,html" default:"json"`
	Version uint64    `query:"version" doc:"The wavelet as it was at this version. 0: now."`
	Time    time.Time `query:"time" doc:"The wavelet as it was then."`
}

type readOutput struct {
	ContentType string `header:"Content-Type"`
	Policy      string `header:"Content-Security-Policy"`
	Cache       string `header:"Cache-Control"`
	Body        []byte
}

type appendInput struct {
	WaveletPath
	Body struct {
		Text   string `json:"text" minLength:"1" maxLength:"200000" doc:"Plain text of the message."`
		Thread string `json:"thread,omitempty" doc:"Thread to write in; none: the root thread."`
		Parent string `json:"parent,omitempty" doc:"Blip to reply to, in a new thread below it."`
	}
}

type appended struct {
	Blip    string `json:"blip"`
	Version uint64 `json:"version"`
}

type editInput struct {
	WaveletPath
	Blip string `path:"blip" example:"b+abc"`
	Body struct {
		Base uint64          `json:"base" doc:"The version that the ops were made against."`
		Ops  json.RawMessage `json:"ops" doc:"A rich-text delta: a list of retain, insert and delete."`
	}
}

type deltaInput struct {
	WaveletPath
	Body struct {
		Base uint64          `json:"base" doc:"The version that the ops were made against."`
		Ops  json.RawMessage `json:"ops" doc:"Operations as in the live protocol's publish."`
	}
}

type titleInput struct {
	WaveletPath
	Body struct {
		Title string `json:"title" maxLength:"1000"`
	}
}

type tagInput struct {
	WaveletPath
	Tag string `path:"tag"`
}

// waveRoutes are the calls that make, list, read and write waves.
func (s *Server) waveRoutes(api huma.API) {
	create := operation(http.MethodPost, "/waves", "create-wave", "Make a wave", "person")
	create.DefaultStatus = http.StatusCreated
	huma.Register(api, create, asPerson(s, func(ctx context.Context, user wavelet.Participant, in *createInput) (*body[client.Placed], error) {
		var others []wavelet.Participant
		for _, p := range in.Body.Participants {
			others = append(others, wavelet.Participant(p))
		}
		name, v, err := s.createWave(ctx, user, in.Body.Title, others)
		return answer(at(name, v), err)
	}))
	huma.Register(api, operation(http.MethodGet, "/waves", "list-waves", "List the wavelets you take part in", "person"),
		asPerson(s, func(ctx context.Context, user wavelet.Participant, in *listInput) (*body[inbox], error) {
			found, err := s.list(ctx, user, in.Query, in.Limit)
			return answer(inbox{found}, err)
		}))
	huma.Register(api, operation(http.MethodGet, "/waves/{wave}/{wavelet}", "read-wavelet", "Read a wavelet as JSON, text or HTML", "person"),
		asPerson(s, s.readWavelet))
	post := operation(http.MethodPost, "/waves/{wave}/{wavelet}/blips", "append-blip", "Write a message", "person")
	post.DefaultStatus = http.StatusCreated
	huma.Register(api, post, asPerson(s, s.appendMessage))
	huma.Register(api, operation(http.MethodPost, "/waves/{wave}/{wavelet}/blips/{blip}", "edit-blip", "Edit a message", "person"),
		asPerson(s, func(ctx context.Context, user wavelet.Participant, in *editInput) (*body[client.Placed], error) {
			d, err := richtext.DecodeOps(in.Body.Ops)
			if err != nil {
				return nil, refuse(client.CodeBadField, "bad_delta", "ops", err.Error(), "send a rich-text delta")
			}
			return s.placeOps(ctx, user, in.WaveletPath, in.Body.Base, wavelet.EditBlip{Blip: wavelet.BlipID(in.Blip), Delta: d})
		}))
	huma.Register(api, operation(http.MethodPost, "/waves/{wave}/{wavelet}/deltas", "submit-delta", "Submit a delta of any operations", "person"),
		asPerson(s, func(ctx context.Context, user wavelet.Participant, in *deltaInput) (*body[client.Placed], error) {
			ops, err := wavelet.DecodeOps(in.Body.Ops)
			if err != nil {
				return nil, err
			}
			return s.placeOps(ctx, user, in.WaveletPath, in.Body.Base, ops...)
		}))
	huma.Register(api, operation(http.MethodPut, "/waves/{wave}/{wavelet}/title", "set-title", "Set the title", "person"),
		asPerson(s, func(ctx context.Context, user wavelet.Participant, in *titleInput) (*body[client.Placed], error) {
			return s.changeAt(ctx, user, in.WaveletPath, wavelet.SetTitle{Title: in.Body.Title})
		}))
	huma.Register(api, operation(http.MethodPut, "/waves/{wave}/{wavelet}/tags/{tag}", "add-tag", "Add a tag", "person"),
		asPerson(s, func(ctx context.Context, user wavelet.Participant, in *tagInput) (*body[client.Placed], error) {
			return s.changeAt(ctx, user, in.WaveletPath, wavelet.SetTag{Tag: in.Tag})
		}))
	huma.Register(api, operation(http.MethodDelete, "/waves/{wave}/{wavelet}/tags/{tag}", "remove-tag", "Remove a tag", "person"),
		asPerson(s, func(ctx context.Context, user wavelet.Participant, in *tagInput) (*body[client.Placed], error) {
			return s.changeAt(ctx, user, in.WaveletPath, wavelet.SetTag{Tag: in.Tag, Remove: true})
		}))
}

// readWavelet renders a wavelet as it is, or as it was.
func (s *Server) readWavelet(ctx context.Context, user wavelet.Participant, in *readInput) (*readOutput, error) {
	name, err := in.name()
	if err != nil {
		return nil, err
	}
	ctx, leave, err := s.d.Work.Enter(ctx, admission.WorkExport)
	if err != nil {
		return nil, err
	}
	defer leave()
	state, _, _, err := s.view(ctx, user, name, in.Link)
	if err != nil {
		return nil, err
	}
	v := wavelet.Version(in.Version)
	if !in.Time.IsZero() {
		if v, err = s.versionAt(ctx, state, in.Time); err != nil {
			return nil, err
		}
	}
	if in.Version != 0 || !in.Time.IsZero() {
		if state, err = s.d.Host.Snapshot(ctx, name, v); err != nil {
			return nil, err
		}
	}
	content, kind, err := export(state, in.Format)
	if err != nil {
		return nil, err
	}
	return &readOutput{ContentType: kind, Policy: pagePolicy, Cache: "no-store", Body: content}, nil
}

// appendMessage writes a new blip: in a thread, or as the first of a new thread
// below the blip it replies to.
func (s *Server) appendMessage(ctx context.Context, user wavelet.Participant, in *appendInput) (*body[appended], error) {
	name, err := in.name()
	if err != nil {
		return nil, err
	}
	id := wavelet.NewBlipID()
	ops := []wavelet.Op{wavelet.CreateBlip{Blip: id, Thread: wavelet.ThreadID(in.Body.Thread), Content: plain(in.Body.Text)}}
	if in.Body.Parent != "" {
		thread := wavelet.NewThreadID()
		ops = []wavelet.Op{
			wavelet.CreateThread{Thread: thread, Parent: wavelet.BlipID(in.Body.Parent)},
			wavelet.CreateBlip{Blip: id, Thread: thread, Content: plain(in.Body.Text)},
		}
	}
	v, err := s.change(ctx, user, name, ops...)
	if err == nil {
		s.d.Gateway.EditDone(name, user, id) // a message is whole when it is sent
	}
	return answer(appended{string(id), uint64(v)}, err)
}

// placeOps submits ops made against a version the caller has read.
func (s *Server) placeOps(ctx context.Context, user wavelet.Participant, in WaveletPath, base uint64, ops ...wavelet.Op) (*body[client.Placed], error) {
	name, err := in.name()
	if err != nil {
		return nil, err
	}
	v, err := s.submit(ctx, user, name, wavelet.Version(base), ops...)
	return answer(at(name, v), err)
}

// changeAt submits ops against the head.
func (s *Server) changeAt(ctx context.Context, user wavelet.Participant, in WaveletPath, ops ...wavelet.Op) (*body[client.Placed], error) {
	name, err := in.name()
	if err != nil {
		return nil, err
	}
	v, err := s.change(ctx, user, name, ops...)
	return answer(at(name, v), err)
}
