package gateway

import (
	"context"
	"fmt"
	"time"

	"weir/events"
	"weir/wavelet"
)

// Check refuses what an evicted robot writes, and its coming back too early. The
// host asks it in the wavelet's goroutine, before a delta is committed. It reads
// the gateway's clock, not the host's.
func (g *Gateway) Check(_ time.Time, s *wavelet.State, d wavelet.Delta) error {
	if d.Cause.Kind == wavelet.System {
		return nil
	}
	if err := g.Barred(wavelet.Seat{Wavelet: s.Name(), Robot: d.Author.Robot()}); err != nil {
		return err
	}
	for i, op := range d.Ops {
		if op, ok := op.(wavelet.AddParticipant); ok {
			if r := g.mayReturn(wavelet.Seat{Wavelet: s.Name(), Robot: op.Who.Robot()}, d.Cause.Kind); r != nil {
				r.Op = i
				return r
			}
		}
	}
	return nil
}

// screen takes what lets a robot in that may not come back out of a robot's
// delta, so that the rest of it is not refused along with that.
func (g *Gateway) screen(d events.AnswerDelta) (events.AnswerDelta, []events.OperationFailure) {
	var failed []events.OperationFailure
	out := map[wavelet.Participant]bool{}
	ops := make([]wavelet.Op, 0, len(d.Ops))
	for _, op := range d.Ops {
		switch op := op.(type) {
		case wavelet.AddParticipant:
			if r := g.mayReturn(wavelet.Seat{Wavelet: d.Wavelet, Robot: op.Who.Robot()}, wavelet.Robot); r != nil {
				failed = append(failed, FailureOf("", r))
				out[op.Who] = true
				continue
			}
		case wavelet.SetRole:
			if out[op.Who] {
				continue
			}
		case wavelet.RemoveParticipant:
			if out[op.Who] {
				continue
			}
		}
		ops = append(ops, op)
	}
	if failed != nil {
		d.Ops = ops
	}
	return d, failed
}

// mayReturn refuses to let a robot in that was put out and may not come back
// yet, or not by this hand.
func (g *Gateway) mayReturn(id wavelet.Seat, by wavelet.CauseKind) *wavelet.Refusal {
	r := g.gov.MayReturn(g.clock.now(), id, by == wavelet.Human)
	if r == nil {
		return nil
	}
	return &wavelet.Refusal{
		Code: wavelet.Code(r.Code), Op: -1, Field: "add.who", Limit: r.Limit, Reason: r.Reason, Remedy: r.Remedy, RetryAfter: r.RetryAfter, Err: r,
	}
}

// Readmit ends the ban of a seat and adds the robot to the wavelet again, in the
// name of by. Before the cooldown is over, or if the profile forbids it, that
// needs override; else the error is a *wavelet.Refusal with code "cooldown". Of a
// seat that is cut off from others it lets them through again, at any time. A
// seat that is free, or a robot that is there, is no error.
func (g *Gateway) Readmit(ctx context.Context, id wavelet.Seat, by wavelet.Participant, override bool) error {
	now := g.clock.now()
	if !override {
		if r := g.mayReturn(id, wavelet.Human); r != nil {
			return r
		}
	}
	d, err := g.gov.Readmit(now, id, by, override)
	if err != nil {
		return fmt.Errorf("readmit %s to %s: %w", id.Robot, id.Wavelet, err)
	}
	if d.Action == "" {
		return nil
	}
	g.keeper.touch()
	g.keeper.log.Add(d)
	g.tell(Happening{At: now, Kind: Readmitted, Seat: id, Decision: &d})
	head, err := g.host.Snapshot(ctx, id.Wavelet, Head)
	if err != nil {
		return fmt.Errorf("readmit %s to %s: %w", id.Robot, id.Wavelet, err)
	}
	if events.Present(head, id.Robot) {
		return nil
	}
	_, err = g.host.Submit(ctx, id.Wavelet, wavelet.Delta{
		ID:     wavelet.DeltaID(fmt.Sprintf("readmit/%s/%d", id.Robot, d.Time.UnixNano())),
		Author: g.server(id.Wavelet),
		Base:   head.Version(),
		Ops:    []wavelet.Op{wavelet.AddParticipant{Who: id.Robot}},
		Cause:  wavelet.Cause{Kind: wavelet.System},
	})
	if err != nil {
		return fmt.Errorf("add %s to %s again: %w", id.Robot, id.Wavelet, err)
	}
	return nil
}
