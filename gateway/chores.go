package gateway

import (
	"context"
	"slices"
	"time"

	"weir/events"
	"weir/governor"
	"weir/governor/decisions"
	"weir/wavelet"
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
	if !e.seat.Wavelet.IsZero() {
		g.proclaim(ctx, e)
		return
	}
	if g.o.Suspend == nil {
		return
	}
	if err := g.o.Suspend(ctx, e.seat.Robot, e.decision); err != nil && ctx.Err() == nil {
		g.o.Logger.Error("robot not suspended", "robot", string(e.seat.Robot), "error", err)
	}
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
	if profile.Name != "" {
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
	now := g.clock.now()
	switch {
	case back:
		g.gov.Resume(now, id)
		g.keeper.touch()
	case serves && g.gov.SeatLimits(now, wavelet.Seat{Robot: id}).Status == "suspended":
		g.suspend(id) // a stop of the server came between the verdict and that
	}
}

// suspend has a robot taken out of service that the governor has suspended.
func (g *Gateway) suspend(id wavelet.Participant) {
	e := errand{act: governor.Suspend, seat: wavelet.Seat{Robot: id}}
	for d, err := range g.keeper.log.Before(0, decisions.Filter{Robot: id, Action: string(governor.Suspend)}) {
		if err == nil && d.Wavelet == "" && !d.DryRun {
			e.decision = d.Decision
			break
		}
	}
	g.mu.Lock()
	g.errands = append(g.errands, e)
	g.mu.Unlock()
	call(g.called)
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
	g.gov.Dismiss(g.clock.now(), id)
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
	return cursor, names, nil
}
