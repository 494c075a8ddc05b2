package gateway

import (
	"context"
	"errors"
	"fmt"

	"weir/events"
	"weir/governor"
	"weir/wavelet"

	"golang.org/x/sync/errgroup"
)

// takeUp adds to seats the commits that they missed, a few seats at a time, and
// returns the seats for which that failed.
func (g *Gateway) takeUp(ctx context.Context, seats []*seat) (again []*seat) {
	failed := make([]bool, len(seats))
	var some errgroup.Group
	some.SetLimit(8)
	for i, s := range seats {
		some.Go(func() error {
			if err := g.recover(ctx, s); err != nil {
				failed[i] = true
				if ctx.Err() == nil {
					g.o.Logger.Warn("seat not taken up, trying again", "wavelet", s.Wavelet.String(), "robot", string(s.Robot), "error", err)
				}
			}
			return nil
		})
	}
	some.Wait()
	for i, s := range seats {
		if failed[i] {
			again = append(again, s)
		}
	}
	return again
}

// recover brings a seat up to its wavelet's head: it first finds out what became
// of an answer that was under way, and then adds the commits since.
func (g *Gateway) recover(ctx context.Context, s *seat) error {
	if !g.roster.Registered(s.Robot) {
		g.dismiss(s.Robot)
		return nil
	}
	if err := g.resolve(ctx, s); err != nil {
		return err
	}
	for {
		g.mu.Lock()
		from := s.lane.Head()
		g.mu.Unlock()
		for c, err := range g.host.Read(ctx, s.Wavelet, from) {
			if notFound(err) {
				g.mu.Lock()
				g.close(s)
				g.mu.Unlock()
				return nil
			}
			if err != nil {
				return err
			}
			now := g.clock.now()
			g.mu.Lock()
			news := g.see(now, s, newsOf(c), nil)
			gone := s.gone
			g.mu.Unlock()
			if g.tell(news...); gone {
				return nil
			}
		}
		g.mu.Lock()
		in := g.rooms[s.Wavelet]
		if caught := in == nil || in.head <= s.lane.Head(); caught {
			s.recovering = false
			g.rearm(s)
			g.mu.Unlock()
			return g.settle(ctx, s)
		}
		g.mu.Unlock()
	}
}

// resolve moves the cursors past bundles whose answers were committed before the
// cursors could be written.
func (g *Gateway) resolve(ctx context.Context, s *seat) error {
	for _, lane := range []events.Lane{events.HumanLane, events.RobotLane} {
		o, found, err := g.keeper.promised(s.Seat, lane)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		bundle := events.BundleID(s.Seat, lane, o.From)
		if found, err = g.wrote(ctx, bundle, o); err != nil {
			return fmt.Errorf("resolve the answer to bundle %s: %w", bundle, err)
		}
		if found {
			g.mu.Lock()
			s.lane.Skip(lane, o.To)
			g.mark(s)
			g.mu.Unlock()
		}
	}
	return nil
}

// wrote reports whether any delta of an answer was committed.
func (g *Gateway) wrote(ctx context.Context, bundle string, o offer) (bool, error) {
	for i, in := range o.Wrote {
		name, err := wavelet.ParseName(in)
		if err != nil {
			return false, err
		}
		_, found, err := g.host.Resolve(ctx, name, answerID(bundle, i))
		if notFound(err) {
			continue
		}
		if err != nil || found {
			return found, err
		}
	}
	return false, nil
}

// settle carries out an act that a stop of the server interrupted.
func (g *Gateway) settle(ctx context.Context, s *seat) error {
	e, due, err := g.overdue(ctx, s.Seat)
	if !due || err != nil {
		return err
	}
	g.mu.Lock()
	if e.act == governor.Evict {
		g.stop(s.Seat, e.decision)
	}
	g.errands = append(g.errands, e)
	g.mu.Unlock()
	call(g.called)
	return nil
}

func notFound(err error) bool {
	var r *wavelet.Refusal
	return errors.As(err, &r) && r.Code == wavelet.CodeNotFound
}
