package gateway

import (
	"container/heap"
	"context"
	"time"
)

// agenda is the seats for which something is due at a known time, the earliest
// first.
type agenda []*seat

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].wake.Before(a[j].wake) }
func (a agenda) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].place, a[j].place = i+1, j+1
}

func (a *agenda) Push(x any) {
	s := x.(*seat)
	s.place = len(*a) + 1
	*a = append(*a, s)
}

func (a *agenda) Pop() any {
	old := *a
	s := old[len(old)-1]
	old[len(old)-1] = nil
	*a = old[:len(old)-1]
	s.place = 0
	return s
}

// set enters a seat under an instant, or strikes it out if that is zero.
func (a *agenda) set(s *seat, wake time.Time) {
	switch {
	case s.place == 0 && wake.IsZero():
	case s.place != 0 && wake.Equal(s.wake):
	case s.place == 0:
		s.wake = wake
		heap.Push(a, s)
	case wake.IsZero():
		heap.Remove(a, s.place-1)
	default:
		s.wake = wake
		heap.Fix(a, s.place-1)
	}
}

// schedule starts the bundles that are due, until ctx ends.
func (g *Gateway) schedule(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-g.wake:
		case <-ctx.Done():
			return
		}
		if next := g.startDue(ctx); !next.IsZero() {
			timer.Reset(g.clock.real(max(next.Sub(g.clock.now()), 0)))
		}
	}
}

// startDue starts every bundle that is due and tells when the next one is, zero
// if none is in sight.
func (g *Gateway) startDue(ctx context.Context) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	for now := g.clock.now(); len(g.agenda) > 0; {
		s := g.agenda[0]
		if s.wake.After(now) {
			return s.wake
		}
		if s.robot.inFlight >= g.o.InFlight {
			g.agenda.set(s, time.Time{})
			s.robot.queue = append(s.robot.queue, s)
			s.queued = true
			continue
		}
		t, wake, due := s.lane.Next(now)
		g.agenda.set(s, wake)
		if due {
			s.robot.inFlight++
			flight, cancel := context.WithCancelCause(ctx)
			s.cancel = cancel
			g.flights.Go(func() {
				defer cancel(nil)
				g.fly(flight, s, t)
			})
		}
	}
	return time.Time{}
}

// rearm enters in the agenda when a seat is due next. It is called, with g.mu
// held, after whatever may have changed that.
func (g *Gateway) rearm(s *seat) {
	first := time.Time{}
	if len(g.agenda) > 0 {
		first = g.agenda[0].wake
	}
	wake := s.lane.Wake()
	if s.recovering || s.queued {
		wake = time.Time{}
	}
	g.agenda.set(s, wake)
	if len(g.agenda) > 0 && (first.IsZero() || g.agenda[0].wake.Before(first)) {
		call(g.wake)
	}
}

// landed ends a flight: it lets the next seat of the robot have its turn.
func (g *Gateway) landed(s *seat, now time.Time, o Outcome) {
	s.cancel = nil
	s.lane.Done(now, o)
	r := s.robot
	r.inFlight--
	g.rearm(s)
	if len(r.queue) > 0 {
		next := r.queue[0]
		r.queue = r.queue[1:]
		next.queued = false
		g.rearm(next)
	}
}
