package rpc

import (
	"context"

	"weir/events"
	"weir/gateway"
	"weir/policies"
	"weir/robots/wire"
	"weir/wavelet"
)

// onlyLimits reports whether operations ask for limits and for nothing else.
func onlyLimits(ops []wire.Operation) bool {
	asks := false
	for _, op := range ops {
		switch op.Method {
		case wire.GetLimits:
			asks = true
		case wire.Notify:
		default:
			return false
		}
	}
	return asks
}

// call carries out operations and says what became of each.
func (h *Handler) call(ctx context.Context, who caller, token string, ops []wire.Operation) []result {
	notice := wire.NoticeOf(ops)
	if notice.Bundle != "" {
		token = notice.Bundle
	}
	if notice.Capabilities != nil && who.person == "" {
		h.directory.Announce(who.id, *notice.Capabilities)
	}
	c := wire.Call{
		Robot: who.author(),
		Find: func(ctx context.Context, name wavelet.Name) (*wavelet.State, error) {
			return h.gateway.Find(ctx, wavelet.Seat{Wavelet: name, Robot: who.id})
		},
		NewName: func(int) wavelet.Name { return wavelet.NewName(h.directory.Domain()) },
		Limits:  func() policies.Limits { return h.limits(who.id) },

		Surroundings: h.around,
	}
	switch {
	case notice.Protocol != "":
		c.Dialect = wire.Capabilities{Protocol: notice.Protocol}.Dialect()
	case who.capabilities != nil:
		c.Dialect = who.capabilities.Dialect()
	}
	if who.untold {
		c.Read = func(ctx context.Context, name wavelet.Name) (wire.Shown, error) { return h.read(ctx, who.id, name) }
	}
	outcome := c.Apply(ctx, ops)
	failures := make([]error, len(outcome.Answer.Deltas))
	for i, delta := range outcome.Answer.Deltas {
		s := gateway.Submission{Robot: who.id, Via: who.via, Token: token, Delta: delta, Person: who.person}
		if who.person != "" {
			s.Token = "" // it was sent no bundle
		}
		if _, failures[i] = h.gateway.Submit(ctx, s); failures[i] != nil {
			h.log.Debug("call refused", "robot", who.id, "wavelet", delta.Wavelet, "error", failures[i])
		}
	}
	results := make([]result, len(outcome.Results))
	for i, r := range outcome.Results {
		results[i] = resultOf(r)
		if r.Delta >= 0 && failures[r.Delta] != nil {
			results[i] = refused(r.ID, failures[r.Delta])
		}
	}
	return results
}

// read has a robot told of what was written in a wavelet that it fetches.
func (h *Handler) read(ctx context.Context, robot wavelet.Participant, name wavelet.Name) (wire.Shown, error) {
	in, err := h.gateway.Read(ctx, wavelet.Seat{Wavelet: name, Robot: robot})
	shown := wire.Shown{State: in.State, Held: in.Held, Limits: &in.Limits}
	for lane, token := range in.Named {
		if token != "" {
			shown.News = append(shown.News, wire.News{Lane: events.Lane(lane).String(), Token: token})
		}
	}
	return shown, err
}
