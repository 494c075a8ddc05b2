package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"weir/admission/blocks"
	"weir/wavelet/client"
)

type blockInput struct {
	Body struct {
		Who     string `json:"who" doc:"A person, a robot, an address or a network." example:"192.0.2.0/24"`
		Reason  string `json:"reason" doc:"Told to whoever is blocked, and listed." example:"floods the server"`
		By      string `json:"by" minLength:"1" maxLength:"200" doc:"Who says so, for the list." example:"ann@example.com"`
		Seconds int64  `json:"seconds,omitempty" minimum:"0" maximum:"315360000" doc:"For how long. None: for good."`
		Force   bool   `json:"force,omitempty" doc:"Even if this request comes from there, or a trusted proxy is there."`
	}
}

type blockList struct {
	Blocks []blocks.Block `json:"blocks" doc:"The newest first; at most 10,000."`
}

// BlockName names who is blocked.
type BlockName struct {
	Who string `query:"who" required:"true" doc:"As the list shows it." example:"192.0.2.0/24"`
}

// blockRoutes are the operators' calls about who is not let in.
func (s *Server) blockRoutes(api huma.API) {
	if s.d.Blocks == nil {
		return
	}
	add := operation(http.MethodPost, "/blocks", "add-block", "Let a person, a robot or a network in no more, at once", "admin")
	add.DefaultStatus = http.StatusCreated
	huma.Register(api, add, asAdmin(s, s.addBlock))
	huma.Register(api, operation(http.MethodGet, "/blocks", "list-blocks", "List who is blocked, by whom, why and until when", "admin"),
		asAdmin(s, func(context.Context, *struct{}) (*body[blockList], error) {
			return answer(blockList{s.d.Blocks.List()}, nil)
		}))
	huma.Register(api, operation(http.MethodDelete, "/blocks", "remove-block", "Let somebody in again", "admin"),
		asAdmin(s, func(ctx context.Context, in *BlockName) (*body[blocks.Block], error) {
			b, err := s.d.Blocks.Remove(ctx, in.Who)
			return answer(b, blockRefusal(err))
		}))
}

func (s *Server) addBlock(ctx context.Context, in *blockInput) (*body[blocks.Block], error) {
	b := blocks.Block{Who: in.Body.Who, Reason: in.Body.Reason, By: in.Body.By}
	if in.Body.Seconds > 0 {
		b.Until = time.Now().Add(time.Duration(in.Body.Seconds) * time.Second)
	}
	if !in.Body.Force {
		if err := s.wouldShutOut(ctx.Value(requestKey{}).(*http.Request), b.Who); err != nil {
			return nil, err
		}
	}
	b, err := s.d.Blocks.Add(ctx, b)
	if err == nil {
		s.d.Logger.Info("blocked", "who", b.Who, "by", b.By, "reason", b.Reason, "until", b.Until)
	}
	return answer(b, blockRefusal(err))
}

// wouldShutOut refuses a block of the network that the operator calls from, or
// of a proxy that everybody comes through.
func (s *Server) wouldShutOut(r *http.Request, who string) error {
	network, err := blocks.Network(who)
	if err != nil {
		return nil // a participant, or nothing: Add says which
	}
	if network.Contains(s.address(r)) || network.Contains(parseHop(r.RemoteAddr)) {
		return refuse(client.CodeExists, "own_address", "who", "you call from "+s.address(r).String()+", which this would shut out", "force it, if you mean it")
	}
	for _, proxy := range s.Admission().TrustedProxies {
		if network.Overlaps(proxy) {
			return refuse(client.CodeExists, "own_address", "who", "the trusted proxy "+proxy.String()+" would be shut out, and all who come through it", "force it, if you mean it")
		}
	}
	return nil
}

// blockRefusal gives what is wrong with a block the form of every refusal.
func blockRefusal(err error) error {
	switch {
	case errors.Is(err, blocks.ErrReason):
		return refuse(client.CodeBadField, "bad_field", "reason", err.Error(), "say in a line why")
	case errors.Is(err, blocks.ErrUnknown):
		return refuse(client.CodeBadField, "not_found", "who", err.Error(), "list who is")
	case errors.Is(err, blocks.ErrFull):
		return refuse(client.CodeLimit, "limit", "who", err.Error(), "remove some, or block a network")
	case errors.Is(err, blocks.ErrEnded):
		return refuse(client.CodeBadField, "bad_field", "seconds", err.Error(), "give how long it shall last")
	case errors.Is(err, blocks.ErrWho):
		return refuse(client.CodeBadField, "bad_field", "who", err.Error(), "name a participant, an address or a network")
	}
	return err
}
