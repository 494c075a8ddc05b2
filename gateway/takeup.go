package gateway

import (
	"context"
	"errors"

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

// recover brings a seat up to its wavelet's head: it first sees to it that an
// answer which was under way is committed, and then adds the commits since.
func (g *Gateway) recover(ctx context.Context, s *seat) error {
	if !g.roster.Registered(s.Robot) {
		g.dismiss(s.Robot)
		return nil
	}
	if ready, err := g.resolve(ctx, s); !ready || err != nil {
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
