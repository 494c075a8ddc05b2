package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"weir/wavelet"
	"weir/wavelet/client"
)

type historyInput struct {
	WaveletPath
	LinkHeader
	From uint64 `query:"from" doc:"Commits after this version."`
	To   uint64 `query:"to" doc:"Up to and with this version. 0: the newest."`
}

// historyRoutes are the calls that read what was committed.
func (s *Server) historyRoutes(api huma.API) {
	huma.Register(api, operation(http.MethodGet, "/waves/{wave}/{wavelet}/history", "read-history", "Read the commits of a wavelet", "person"),
		asPerson(s, func(ctx context.Context, user wavelet.Participant, in *historyInput) (*body[client.HistoryOK], error) {
			name, err := in.name()
			if err != nil {
				return nil, err
			}
			r := client.Request{From: new(wavelet.Version(in.From)), Link: in.Link}
			if in.To != 0 {
				r.To = new(wavelet.Version(in.To))
			}
			return answer(s.history(ctx, user, name, r, ""))
		}))
}
