package web

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"weir/wavelet"
	"weir/wavelet/client"
)

type linkInput struct {
	WaveletPath
	Body struct {
		Role      string `json:"role,omitempty" enum:"read,comment,full" doc:"read lets people read; with the others they may join with that role. None: read."`
		ExpiresIn int64  `json:"expires_in,omitempty" minimum:"0" maximum:"31536000" doc:"Seconds until the link expires. None: 7 days."`
	}
}

// linkHeader has the token of a link in a request that reads.
const linkHeader = "Weir-Link"

// LinkHeader is that in a call.
type LinkHeader struct {
	Link string `header:"Weir-Link" doc:"The token of a share link, for who does not take part."`
}

// LinkPath names a share link in the path of a call.
type LinkPath struct {
	WaveletPath
	ID string `path:"id" doc:"The link's id."`
}

type joinInput struct {
	WaveletPath
	Body struct {
		Link string `json:"link" maxLength:"200" doc:"The link's token."`
	}
}

// linkRoutes are the calls about share links. Participants with the full role
// see and end those of their wavelets, operators everybody's.
func (s *Server) linkRoutes(api huma.API) {
	if s.d.Links == nil {
		return
	}
	const path = "/waves/{wave}/{wavelet}/links"
	create := operation(http.MethodPost, path, "create-link", "Share a wavelet by a link; its token is shown once", "person")
	create.DefaultStatus = http.StatusCreated
	huma.Register(api, create, asPerson(s, func(ctx context.Context, user wavelet.Participant, in *linkInput) (*body[client.ShareLink], error) {
		name, err := in.name()
		if err != nil {
			return nil, err
		}
		role, err := linkRole(in.Body.Role)
		if err != nil {
			return nil, err
		}
		return answer(s.createLink(ctx, user, name, role, in.Body.ExpiresIn))
	}))
	list := operation(http.MethodGet, path, "list-links", "List the links to a wavelet, without their tokens", "person", "admin")
	huma.Register(api, list, asOwner(s, func(ctx context.Context, user wavelet.Participant, in *WaveletPath) (*body[client.ShareLinks], error) {
		name, err := in.name()
		if err != nil {
			return nil, err
		}
		return answer(s.listLinks(ctx, user, name))
	}))
	revoke := operation(http.MethodDelete, path+"/{id}", "revoke-link", "End a link, and what is read by it, at once", "person", "admin")
	huma.Register(api, revoke, asOwner(s, func(ctx context.Context, user wavelet.Participant, in *LinkPath) (*struct{}, error) {
		name, err := in.name()
		if err != nil {
			return nil, err
		}
		return nil, s.revokeLink(ctx, user, name, in.ID)
	}))
	huma.Register(api, operation(http.MethodPost, path+"/join", "join-by-link", "Take part, with the role of a link", "person"),
		asPerson(s, func(ctx context.Context, user wavelet.Participant, in *joinInput) (*body[client.Placed], error) {
			name, err := in.name()
			if err != nil {
				return nil, err
			}
			v, err := s.joinByLink(ctx, user, name, in.Body.Link)
			return answer(at(name, v), err)
		}))
}

// linkRole reads the role of a link; none given is read.
func linkRole(word string) (wavelet.Role, error) {
	if word == "" {
		return wavelet.Read, nil
	}
	return roleOf(word)
}

// rpcLink carries out the socket's methods about share links.
func (s *Server) rpcLink(ctx context.Context, user wavelet.Participant, method string, params json.RawMessage) (any, error) {
	var p struct {
		where
		Role      string `json:"role"`
		ExpiresIn int64  `json:"expires_in"`
		ID        string `json:"id"`
		Link      string `json:"link"`
	}
	name, err := decodeWhere(params, &p)
	if err != nil {
		return nil, err
	}
	if s.d.Links == nil {
		return nil, refuse(client.CodeUnknownMethod, "unknown_method", "method", "this server shares nothing by link", "add people as participants")
	}
	switch method {
	case "link.create":
		role, err := linkRole(p.Role)
		if err != nil {
			return nil, err
		}
		return s.createLink(ctx, user, name, role, p.ExpiresIn)
	case "link.list":
		return s.listLinks(ctx, user, name)
	case "link.revoke":
		return struct{}{}, s.revokeLink(ctx, user, name, p.ID)
	default:
		v, err := s.joinByLink(ctx, user, name, p.Link)
		return at(name, v), err
	}
}
