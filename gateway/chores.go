package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"weir/events"
	"weir/governor"
	"weir/wavelet"

	"golang.org/x/sync/errgroup"
)

// RobotChanged has the gateway look again at a robot that was registered,
// changed, suspended, resumed or removed: its seats, its profile, and whether it
// is in service.
func (g *Gateway) RobotChanged(id wavelet.Participant) {
	g.news.Lock()
	g.changed[id] = true
	g.news.Unlock()
	call(g.chores)
}

// call wakes the loop that waits on c.
func call(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// runErrands starts the acts that are to be carried out, until ctx ends.
func (g *Gateway) runErrands(ctx context.Context) {
	for {
		select {
		case <-g.called:
		case <-ctx.Done():
			return
		}
		g.mu.Lock()
		errands := g.errands
		g.errands = nil
		g.mu.Unlock()
		for _, e := range errands {
			g.flights.Go(func() { g.run(ctx, e) })
		}
	}
}

// doChores does what takes more than a moment, until ctx ends: it takes seats up
// after a start, and looks at robots that changed. What fails is tried again.
func (g *Gateway) doChores(ctx context.Context) {
	retry := time.NewTimer(0)
	defer retry.Stop()
	for {
		select {
		case <-g.chores:
		case <-retry.C:
		case <-ctx.Done():
			return
		}
		g.mu.Lock()
		loading := g.loading
		g.loading = nil
		g.mu.Unlock()
		g.news.Lock()
		changed := g.changed
		g.changed = map[wavelet.Participant]bool{}
		g.news.Unlock()
		if again := g.takeUp(ctx, loading); again != nil {
			retry.Reset(ownTrouble)
			g.mu.Lock()
			g.loading = append(g.loading, again...)
			g.mu.Unlock()
		}
		for id := range changed {
			if err := g.look(ctx, id); err != nil && ctx.Err() == nil {
				g.o.Logger.Warn("robot not looked at, trying again", "robot", string(id), "error", err)
				retry.Reset(ownTrouble)
				g.news.Lock()
				g.changed[id] = true
				g.news.Unlock()
			}
		}
	}
}

// run carries out an act.
func (g *Gateway) run(ctx context.Context, e errand) {
	if e.act == governor.Evict {
		g.evict(ctx, e)
		return
	}
	if g.o.Suspend == nil {
		return
	}
	if err := g.o.Suspend(ctx, e.seat.Robot, e.decision); err != nil && ctx.Err() == nil {
		g.o.Logger.Error("robot not suspended", "robot", string(e.seat.Robot), "error", err)
	}
}

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
			news := g.see(now, s, c, passages(c.Delta.Ops), nil)
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
			return g.settleBan(ctx, s)
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

// settleBan carries out an eviction that a stop of the server interrupted.
func (g *Gateway) settleBan(ctx context.Context, s *seat) error {
	if _, out := g.gov.Banned(g.clock.now(), s.Seat); !out {
		return nil
	}
	head, err := g.host.Snapshot(ctx, s.Wavelet, Head)
	if err != nil {
		return err
	}
	e, due := g.overdue(s.Seat, head)
	if !due {
		return nil
	}
	g.mu.Lock()
	g.stop(s.Seat, e.decision)
	g.errands = append(g.errands, e)
	g.mu.Unlock()
	call(g.called)
	return nil
}

// look sees what there is to be done about a robot that changed.
func (g *Gateway) look(ctx context.Context, id wavelet.Participant) error {
	if !g.roster.Registered(id) {
		g.dismiss(id)
		return nil
	}
	g.enlist(id)
	for name, err := range g.host.Of(ctx, id) {
		if err != nil {
			return err
		}
		if err := g.seatIn(ctx, wavelet.Seat{Wavelet: name, Robot: id}); err != nil {
			return err
		}
	}
	return nil
}

// enlist puts a robot's profile into force, and its seats into or out of service.
// A robot that was out of service and no longer is has been resumed by somebody.
func (g *Gateway) enlist(id wavelet.Participant) {
	_, profile, serves := g.roster.Robot(id)
	if serves {
		g.gov.SetProfile(id, profile)
	}
	g.mu.Lock()
	r := g.robotAt(id)
	back := serves && r.out
	r.out = !serves
	if serves {
		r.profile = profile
		for s := range r.seats {
			s.lane.SetProfile(profile)
			s.lane.Resume()
			g.rearm(s)
		}
	}
	g.mu.Unlock()
	if back {
		g.gov.Resume(g.clock.now(), id)
		g.keeper.touch()
	}
}

// dismiss closes the seats of a robot that is registered no more.
func (g *Gateway) dismiss(id wavelet.Participant) {
	g.mu.Lock()
	if r := g.robots[id]; r != nil {
		for s := range r.seats {
			g.close(s)
		}
		delete(g.robots, id)
	}
	g.mu.Unlock()
	g.gov.Forget(id)
	g.keeper.touch()
}

// lately is how many commits back a robot's coming is looked for when it has no
// seat yet.
const lately = 1000

// seatIn opens the seat of a robot that takes part in a wavelet but has no seat,
// because it was registered later than it was added. If it was added lately it
// is told about that and everything since, otherwise about what comes from now
// on.
func (g *Gateway) seatIn(ctx context.Context, id wavelet.Seat) error {
	g.mu.Lock()
	there := g.seats[id] != nil
	g.mu.Unlock()
	if there {
		return nil
	}
	head, err := g.host.Snapshot(ctx, id.Wavelet, Head)
	if notFound(err) || err == nil && !events.Present(head, id.Robot) {
		return nil
	}
	if err != nil {
		return err
	}
	cursor, names, err := g.beginning(ctx, id, head)
	if err != nil {
		return err
	}
	g.mu.Lock()
	if g.seats[id] != nil {
		g.mu.Unlock()
		return nil
	}
	s := g.open(id, Cursor{Human: cursor, Robot: cursor}, names)
	s.recovering = true
	g.mu.Unlock()
	g.tell(Happening{At: g.clock.now(), Kind: Opened, Seat: id, Version: cursor})
	if err := g.recover(ctx, s); err != nil {
		g.mu.Lock()
		g.loading = append(g.loading, s)
		g.mu.Unlock()
		return err
	}
	return nil
}

// beginning is where a robot that has no seat begins to be told, and under which
// names it takes part there.
func (g *Gateway) beginning(ctx context.Context, id wavelet.Seat, head *wavelet.State) (wavelet.Version, []wavelet.Participant, error) {
	var names []wavelet.Participant
	for _, m := range head.Participants() {
		if m.Address.Robot() == id.Robot {
			names = append(names, m.Address)
		}
	}
	comes := func(m passage) bool { return m.comes && slices.Contains(names, m.who) }
	cursor := head.Version()
	for c, err := range g.host.Read(ctx, id.Wavelet, max(cursor, lately)-lately) {
		if err != nil {
			return 0, nil, err
		}
		if c.Version <= head.Version() && slices.ContainsFunc(passages(c.Delta.Ops), comes) {
			cursor = c.Version - 1
		}
	}
	if cursor < head.Version() {
		names = nil // they come with the commits from there on
	}
	return cursor, names, nil
}

func notFound(err error) bool {
	var r *wavelet.Refusal
	return errors.As(err, &r) && r.Code == wavelet.CodeNotFound
}
