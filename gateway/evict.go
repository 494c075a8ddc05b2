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

// evict removes a robot and tells the participants why, in one delta, and does
// not rest until that is committed or ctx ends. An eviction that a stop of the
// server interrupts is taken up again from the records.
func (g *Gateway) evict(ctx context.Context, e errand) {
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
			err = g.remove(ctx, e)
		}
		if err == nil || ctx.Err() != nil {
			return
		}
		g.o.Logger.Error("eviction put off", "wavelet", e.seat.Wavelet.String(), "robot", string(e.seat.Robot), "error", err)
		g.tell(Happening{At: g.clock.now(), Kind: Interrupted, Seat: e.seat, Err: err})
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// remove commits the removal and the notice. The delta's id is made of the
// decision, so that it is committed once however often this is called.
func (g *Gateway) remove(ctx context.Context, e errand) error {
	head, err := g.host.Snapshot(ctx, e.seat.Wavelet, Head)
	if gone := (*wavelet.Refusal)(nil); errors.As(err, &gone) && gone.Code == wavelet.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	var ops []wavelet.Op
	for _, m := range head.Participants() {
		if m.Address.Robot() == e.seat.Robot {
			ops = append(ops, wavelet.RemoveParticipant{Who: m.Address})
		}
	}
	if len(ops) == 0 {
		ops = append(ops, wavelet.RemoveParticipant{Who: e.seat.Robot})
	}
	tag := evictionTag(e)
	content := notice(e.decision)
	c, err := g.host.Submit(ctx, e.seat.Wavelet, wavelet.Delta{
		ID:     wavelet.DeltaID("evict/" + tag),
		Author: g.server(e.seat.Wavelet),
		Base:   head.Version(),
		Ops:    append(ops, wavelet.CreateBlip{Blip: wavelet.BlipID("b+" + tag), Thread: wavelet.RootThread, Content: content}),
		Cause:  wavelet.Cause{Kind: wavelet.System},
	})
	if err != nil {
		return err
	}
	g.o.Logger.Info("robot evicted", "wavelet", e.seat.Wavelet.String(), "robot", string(e.seat.Robot), "verdict", e.decision.Rule)
	g.tell(Happening{
		At: g.clock.now(), Kind: Evicted, Seat: e.seat, Version: c.Version,
		Decision: &e.decision, Notice: strings.TrimSuffix(content.Text(), "\n"),
	})
	return nil
}

// evictionTag names an eviction: the same after a restart, and no other's.
func evictionTag(e errand) string {
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

// overdue is the eviction of a robot that is banned and still there, as after a
// stop between the verdict and the commit; false if there is none.
func (g *Gateway) overdue(id wavelet.Seat, s *wavelet.State) (errand, bool) {
	n, out := g.gov.Banned(g.clock.now(), id)
	if !out || n.Action != string(governor.Evict) || !events.Present(s, id.Robot) {
		return errand{}, false
	}
	e := errand{act: governor.Evict, seat: id}
	for d, err := range g.keeper.log.Before(0, decisions.Filter{Robot: id.Robot, Wavelet: id.Wavelet, Action: string(governor.Evict)}) {
		if err == nil && !d.DryRun {
			e.decision = d.Decision
			return e, true
		}
	}
	e.decision = governor.Decision{
		Time: n.Since, Robot: id.Robot, Wavelet: id.Wavelet.String(), Rule: n.Rule, Action: string(governor.Evict),
		Evidence: governor.Evidence{Cooldown: n.Cooldown},
	}
	return e, true
}
