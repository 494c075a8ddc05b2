package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"weir/admission"
	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/host"
)

// importedDelta is one delta of somebody elsewhere: operations, or the text of a
// message.
type importedDelta struct {
	ID     string          `json:"id,omitempty" maxLength:"200" doc:"Makes the import repeatable: of the deltas with one id in a wavelet the first is taken. None: the delta is taken each time it comes." example:"mail-4711"`
	Author string          `json:"author" doc:"Address of its author, who takes part in the wavelet and lives elsewhere." example:"carol@elsewhere.example"`
	Text   string          `json:"text,omitempty" maxLength:"200000" doc:"Plain text of a message, written at the end. Either text or ops."`
	Ops    json.RawMessage `json:"ops,omitempty" doc:"Operations as in the live protocol's publish. Either text or ops."`
	Base   *uint64         `json:"base,omitempty" doc:"The version that the ops were made against. None: the newest."`
}

type importInput struct {
	Body struct {
		Wavelet string          `json:"wavelet" doc:"Where they go: wave/wavelet." example:"example.com!w+abc/example.com!conv+root"`
		Deltas  []importedDelta `json:"deltas" minItems:"1" maxItems:"1000" doc:"In the order in which they go in."`
	}
}

// imported is what became of one delta: the version it was committed as, or why
// it was not.
type imported struct {
	ID      string        `json:"id,omitzero"`
	Version uint64        `json:"version,omitzero"`
	Err     *client.Error `json:"err,omitzero"`
}

type importReport struct {
	Taken   int        `json:"taken" doc:"How many went in, now or before."`
	Results []imported `json:"results" doc:"One for each delta, in order."`
}

// importRoutes is the door for what was written elsewhere.
func (s *Server) importRoutes(api huma.API) {
	op := operation(http.MethodPost, "/import/deltas", "import-deltas", "Bring in deltas of authors elsewhere", "admin")
	op.BodyReadTimeout = largeTime
	op.Description = "A delta that is refused does not keep those behind it out, but after a temporary error none is tried, " +
		"so that they can be sent again in their order. Nobody vouches for what comes in here: it counts as nobody's, and never as a person's."
	huma.Register(api, op, asAdmin(s, s.importDeltas))
}

func (s *Server) importDeltas(ctx context.Context, in *importInput) (*body[importReport], error) {
	name, err := wavelet.ParseName(in.Body.Wavelet)
	if err != nil {
		return nil, refuse(client.CodeBadField, "bad_field", "wavelet", err.Error(), "give wave and wavelet id with a slash between")
	}
	ctx, leave, err := s.d.Work.Enter(ctx, admission.WorkImport)
	if err != nil {
		return nil, err
	}
	defer leave()
	state, err := s.d.Host.Snapshot(ctx, name, host.Head)
	if err != nil {
		return nil, err
	}
	head := state.Version()
	report := importReport{Results: make([]imported, len(in.Body.Deltas))}
	var stop *client.Error
	for i := range in.Body.Deltas {
		if err := context.Cause(ctx); err != nil {
			return nil, err // nobody is left to read the report; what is in is in, and may be sent again
		}
		d, r := &in.Body.Deltas[i], &report.Results[i]
		r.ID = d.ID
		if stop != nil {
			r.Err = notTried(stop)
			continue
		}
		v, err := s.importDelta(ctx, name, head, d)
		if err != nil {
			if r.Err = s.toError(err); r.Err.Temporary {
				stop = r.Err
			}
			continue
		}
		head, r.Version = max(head, v), uint64(v)
		report.Taken++
	}
	return answer(report, nil)
}

// notTried is what is said of a delta behind one that failed for a while.
func notTried(why *client.Error) *client.Error {
	return &client.Error{
		Code: why.Code, Reason: "not_tried", Message: "one before it failed", Temporary: true,
		Scope: why.Scope, RetryAfterMS: why.RetryAfterMS, Remedy: "send it again behind that one",
	}
}

// importDelta commits one delta, against head unless it names a version itself.
func (s *Server) importDelta(ctx context.Context, name wavelet.Name, head wavelet.Version, in *importedDelta) (wavelet.Version, error) {
	d := wavelet.Delta{Author: wavelet.Participant(in.Author), Base: head}
	if err := d.Author.Check(); err != nil {
		return 0, refuse(client.CodeBadField, "bad_field", "author", err.Error(), "use an address like carol@elsewhere.example")
	}
	if strings.EqualFold(d.Author.Domain(), s.d.Domain) {
		return 0, refuse(client.CodeForbidden, "no_access", "author", in.Author+" belongs to this server",
			"its people and robots write by their own doors; import what was written elsewhere")
	}
	if in.ID != "" {
		d.ID = wavelet.DeltaID("import/" + in.ID)
	}
	if in.Base != nil {
		d.Base = wavelet.Version(*in.Base)
	}
	switch {
	case (in.Text == "") == (len(in.Ops) == 0):
		return 0, refuse(client.CodeMissingField, "missing_field", "text", "needs either text or ops", "give one of the two")
	case in.Text != "" && in.Base != nil:
		return 0, refuse(client.CodeBadField, "bad_field", "base", "a text is written at the end, whatever the version", "leave base out, or send ops")
	case in.Text != "":
		d.Ops = []wavelet.Op{wavelet.CreateBlip{Blip: wavelet.NewBlipID(), Content: plain(in.Text)}}
	default:
		var err error
		if d.Ops, err = wavelet.DecodeOps(in.Ops); err != nil {
			return 0, err
		}
	}
	c, err := s.d.Host.Import(ctx, name, d)
	return c.Version, err
}
