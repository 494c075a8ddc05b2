package web

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/reading"
)

// rpcRead notes what the person has read of a wavelet. What was read as of an
// older version does not make unread what was read since.
func (s *Server) rpcRead(ctx context.Context, user wavelet.Participant, params json.RawMessage) (any, error) {
	var p struct {
		where
		Blip    wavelet.BlipID   `json:"blip"`
		Version *wavelet.Version `json:"version"`
		Unread  bool             `json:"unread"`
	}
	name, err := decodeWhere(params, &p)
	if err != nil {
		return nil, err
	}
	state, _, err := s.read(ctx, user, name)
	if err != nil {
		return nil, err
	}
	if p.Version != nil {
		if *p.Version > state.Version() {
			return nil, refuse(client.CodePastHead, "past_head", "params.version", fmt.Sprintf("the wavelet is at version %d", state.Version()), "name a version that you have")
		}
		if state, err = s.d.Host.Snapshot(ctx, name, *p.Version); err != nil {
			return nil, err
		}
	}
	if _, ok := state.Blip(p.Blip); p.Blip != "" && !ok {
		return nil, unknownBlip(p.Blip)
	}
	if s.d.Reading == nil {
		return nil, refuse(client.CodeUnknownMethod, "unknown_method", "method", "this server does not note what is read", "keep it in the client")
	}
	return struct{}{}, s.d.Reading.Change(ctx, user, name, func(r *reading.Record) {
		known := r.Through
		if p.Blip != "" {
			if at, ok := r.Blips[p.Blip]; ok {
				known = at
			}
		}
		if !p.Unread && known > state.Version() {
			return
		}
		since := maps.Clone(r.Blips)
		maps.DeleteFunc(since, func(_ wavelet.BlipID, v wavelet.Version) bool { return v <= state.Version() })
		r.Mark(state, p.Blip, !p.Unread)
		if !p.Unread && p.Blip == "" && len(since) > 0 {
			r.Blips = since
		}
	})
}
