package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"weir/events"
	"weir/governor"
	"weir/governor/decisions"
	"weir/wavelet"
)

// errand is an act that takes more than a moment to carry out.
type errand struct {
	act      governor.Kind
	seat     wavelet.Seat
	decision governor.Decision
}

// proclaim tells the participants what was done to a robot and why, and removes
// it if it was evicted, in one delta. It does not rest until that is committed or
// ctx ends. What a stop of the server interrupts is taken up again from the
// records.
func (g *Gateway) proclaim(ctx context.Context, e errand) {
	g.mu.Lock()
	g.evicting++
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		g.evicting--
		g.mu.Unlock()
	}()
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := g.save(ctx)
		if err == nil {
			err = g.announce(ctx, e)
		}
		if err == nil || ctx.Err() != nil {
			return
		}
		g.o.Logger.Error("act put off", "act", string(e.act), "wavelet", e.seat.Wavelet.String(), "robot", string(e.seat.Robot), "error", err)
		g.tell(Happening{At: g.clock.now(), Kind: Interrupted, Seat: e.seat, Err: err})
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// announce commits the notice and, of an eviction, the removal. The delta's id
// is made of the decision, so that it is committed once however often this is
// called.
func (g *Gateway) announce(ctx context.Context, e errand) error {
	head, err := g.host.Snapshot(ctx, e.seat.Wavelet, Head)
	if gone := (*wavelet.Refusal)(nil); errors.As(err, &gone) && gone.Code == wavelet.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	var ops []wavelet.Op
	if e.act == governor.Evict {
		ops = removal(head, e.seat.Robot)
	}
	tag := tagOf(e)
	content := notice(e.decision)
	c, err := g.host.Submit(ctx, e.seat.Wavelet, wavelet.Delta{
		ID:     noticeID(e),
		Author: g.server(e.seat.Wavelet),
		Base:   head.Version(),
		Ops:    append(ops, wavelet.CreateBlip{Blip: wavelet.BlipID("b+" + tag), Thread: wavelet.RootThread, Content: content}),
		Cause:  wavelet.Cause{Kind: wavelet.System},
	})
	if err != nil {
		return err
	}
	g.o.Logger.Info("robot acted on", "act", string(e.act), "wavelet", e.seat.Wavelet.String(), "robot", string(e.seat.Robot), "verdict", e.decision.Rule)
	kind := Announced
	if e.act == governor.Evict {
		kind = Evicted
	}
	g.tell(Happening{
		At: g.clock.now(), Kind: kind, Seat: e.seat, Version: c.Version,
		Decision: &e.decision, Notice: strings.TrimSuffix(content.Text(), "\n"),
	})
	return nil
}

// removal takes the robot out of the wavelet, under whatever names it is there.
func removal(head *wavelet.State, robot wavelet.Participant) []wavelet.Op {
	var ops []wavelet.Op
	for _, m := range head.Participants() {
		if m.Address.Robot() == robot {
			ops = append(ops, wavelet.RemoveParticipant{Who: m.Address})
		}
	}
	if len(ops) == 0 {
		ops = append(ops, wavelet.RemoveParticipant{Who: robot})
	}
	return ops
}

// noticeID is the id of the delta that holds the notice of an act.
func noticeID(e errand) wavelet.DeltaID {
	return wavelet.DeltaID(string(e.act) + "/" + tagOf(e))
}

// tagOf names an act: the same after a restart, and no other's.
func tagOf(e errand) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", e.seat.Wavelet, e.seat.Robot, e.decision.Time.UnixNano()))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// server is the participant in whose name the gateway writes.
func (g *Gateway) server(in wavelet.Name) wavelet.Participant {
	if g.o.Server != "" {
		return g.o.Server
	}
	domain, _, _ := strings.Cut(in.Wave, "!")
	return wavelet.Participant("weir@" + domain)
}

// overdue is the act that is in force at a seat but that the participants were
// not told of, as after a stop between the verdict and the commit; false if there
// is none.
func (g *Gateway) overdue(ctx context.Context, id wavelet.Seat) (e errand, due bool, err error) {
	now := g.clock.now()
	n, out := g.gov.Banned(now, id)
	switch {
	case out:
		e = errand{act: governor.Kind(n.Action), seat: id}
	case g.gov.Reading(now, id).Status == "cut":
		e = errand{act: governor.Cut, seat: id}
	default:
		return errand{}, false, nil
	}
	head, err := g.host.Snapshot(ctx, id.Wavelet, Head)
	if err != nil || !events.Present(head, id.Robot) {
		return errand{}, false, err
	}
	found := false
	for d, err := range g.keeper.log.Before(0, decisions.Filter{Robot: id.Robot, Wavelet: id.Wavelet, Action: string(e.act)}) {
		if err == nil && !d.DryRun {
			e.decision, found = d.Decision, true
			break
		}
	}
	switch {
	case e.act != governor.Evict:
		if found {
			_, told, err := g.host.Resolve(ctx, id.Wavelet, noticeID(e))
			return e, err == nil && !told, err
		}
		return errand{}, false, nil
	case !found:
		e.decision = governor.Decision{
			Time: n.Since, Robot: id.Robot, Wavelet: id.Wavelet.String(), Rule: n.Rule, Action: string(governor.Evict),
			Evidence: governor.Evidence{Cooldown: n.Cooldown},
		}
	}
	return e, true, nil
}
