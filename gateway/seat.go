package gateway

import (
	"slices"
	"time"

	"weir/events"
	"weir/governor"
	"weir/policies"
	"weir/wavelet"
)

// seat is a robot in a wavelet. Gateway.mu guards it.
type seat struct {
	wavelet.Seat
	robot *robot
	lane  *Lane
	names []wavelet.Participant // under which the robot takes part; none: it was removed

	wake  time.Time // in the agenda
	place int       // in the agenda, counted from 1; 0: not in it

	queued     bool // due, but the robot has enough bundles in flight
	recovering bool // commits of before the start are still to be added
	gone       bool // closed
	dirty      bool // its record is to be written: it is in Gateway.dirty

	cancel   func(error) // calls the flight under way back, nil if none is
	failed   []events.OperationFailure
	told     int       // how many of them are in the bundle under way; if it fails they are told with a later one
	errorsAt time.Time // when OPERATION_ERROR was sent last
	warnings []governor.Warning
	telling  []governor.Warning // in the bundle under way; if it fails they are told with the next one
	verdict  *governor.Decision // why it was stopped, nil if it was not
	reader   *reader            // nil until the robot reads by a call
}

// robot is what the seats of one robot share. Gateway.mu guards it.
type robot struct {
	id       wavelet.Participant
	profile  policies.Profile
	seats    map[*seat]bool
	out      bool // it was seen out of service
	inFlight int
	queue    []*seat            // due, in order, when inFlight allows
	warnings []governor.Warning // about the robot as a whole
	stats    RobotStats
}

// room is the seats of a wavelet.
type room struct {
	head  wavelet.Version // of the last commit seen, 0 if none was yet
	seats []*seat
}

// maxNotes is how many warnings, or failures of its own operations, wait to be
// told to a seat.
const maxNotes = 10

// robotAt is the record of a robot, made if there is none. g.mu is held.
func (g *Gateway) robotAt(id wavelet.Participant) *robot {
	r := g.robots[id]
	if r == nil {
		r = &robot{id: id, seats: map[*seat]bool{}}
		r.stats.Robot = id
		g.robots[id] = r
		if _, profile, _ := g.roster.Robot(id); profile.Name != "" {
			r.profile = profile
			g.gov.SetProfile(id, profile)
		}
	}
	return r
}

// open makes a seat. g.mu is held.
func (g *Gateway) open(id wavelet.Seat, c Cursor, names []wavelet.Participant) *seat {
	r := g.robotAt(id.Robot)
	s := &seat{Seat: id, robot: r, lane: NewLane(r.profile, c), names: names}
	g.mark(s)
	g.seats[id] = s
	r.seats[s] = true
	in := g.rooms[id.Wavelet]
	if in == nil {
		in = &room{}
		g.rooms[id.Wavelet] = in
	}
	in.seats = append(in.seats, s)
	return s
}

// close ends a seat. g.mu is held.
func (g *Gateway) close(s *seat) {
	if s.gone {
		return
	}
	s.gone = true
	g.agenda.set(s, time.Time{})
	delete(g.seats, s.Seat)
	delete(s.robot.seats, s)
	in := g.rooms[s.Wavelet]
	in.seats = slices.DeleteFunc(slices.Clone(in.seats), func(x *seat) bool { return x == s })
	if len(in.seats) == 0 {
		delete(g.rooms, s.Wavelet)
	}
	if s.cancel != nil {
		s.cancel(ErrEvicted)
	}
	g.keeper.forget(s.Seat)
}

// Committed takes note of a commit. The host calls it for every commit, those of
// one wavelet in version order.
func (g *Gateway) Committed(c wavelet.Commit) {
	now := g.clock.now()
	v := g.gov.Commit(now, c)
	n := newsOf(c)
	var news []Happening
	g.mu.Lock()
	if in := g.rooms[c.Wavelet]; in != nil {
		in.head = c.Version
		for _, s := range in.seats {
			if !s.recovering {
				news = g.see(now, s, n, news)
			}
		}
	}
	for _, m := range n.moves {
		news = g.welcome(now, c, m, news)
	}
	g.mu.Unlock()
	g.tell(news...)
	g.carry(now, v)
}

// passage is somebody's coming or going.
type passage struct {
	who   wavelet.Participant
	comes bool
}

func passages(ops []wavelet.Op) []passage {
	var list []passage
	for _, op := range ops {
		switch op := op.(type) {
		case wavelet.AddParticipant:
			list = append(list, passage{op.Who, true})
		case wavelet.RemoveParticipant:
			list = append(list, passage{op.Who, false})
		}
	}
	return list
}

// committed is a commit, with what the seats look for in it.
type committed struct {
	wavelet.Commit
	moves []passage
	wrote []wavelet.BlipID // blips that were made or edited
}

func newsOf(c wavelet.Commit) committed {
	n := committed{Commit: c, moves: passages(c.Delta.Ops)}
	for _, op := range c.Delta.Ops {
		switch op := op.(type) {
		case wavelet.CreateBlip:
			n.wrote = append(n.wrote, op.Blip)
		case wavelet.EditBlip:
			if len(op.Delta) > 0 && !slices.Contains(n.wrote, op.Blip) {
				n.wrote = append(n.wrote, op.Blip)
			}
		}
	}
	return n
}

// see tells a seat's lane about the next commit. g.mu is held.
func (g *Gateway) see(now time.Time, s *seat, c committed, news []Happening) []Happening {
	if c.Version <= s.lane.Head() {
		return news
	}
	p := See(s.Robot, c.Commit, c.Delta.Cause.Kind != wavelet.Human && g.gov.Cuts(s.Seat, c.Delta.Author))
	was := len(s.names) > 0
	for _, m := range c.moves {
		g.rename(s, m)
	}
	switch is := len(s.names) > 0; {
	case was && !is:
		s.lane.Leave(now, p)
	case is && !was:
		s.lane.Return()
		s.verdict = nil
		fallthrough
	default:
		s.lane.Add(now, p)
		if p.Quiet {
			return news
		}
		s.lane.Edited(now, c.At, p, c.wrote)
	}
	if s.lane.Over() {
		g.close(s)
		return append(news, Happening{At: now, Kind: Closed, Seat: s.Seat})
	}
	g.rearm(s)
	return news
}

// EditDone takes note that somebody says he is done with a blip. Robots that wait
// for that need not wait until he was idle.
func (g *Gateway) EditDone(name wavelet.Name, who wavelet.Participant, blip wavelet.BlipID) {
	now := g.clock.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if in := g.rooms[name]; in != nil {
		for _, s := range in.seats {
			s.lane.EditDone(now, who, blip)
			g.rearm(s)
		}
	}
}

// rename keeps track of the names under which a robot takes part. g.mu is held.
func (g *Gateway) rename(s *seat, m passage) {
	if m.who.Robot() != s.Robot {
		return
	}
	i := slices.Index(s.names, m.who)
	switch {
	case m.comes && i < 0:
		s.names = append(s.names, m.who)
		g.mark(s)
	case !m.comes && i >= 0:
		s.names = slices.Delete(s.names, i, i+1)
		g.mark(s)
	}
}

// welcome opens a seat for a robot that a commit brought in. g.mu is held.
func (g *Gateway) welcome(now time.Time, c wavelet.Commit, m passage, news []Happening) []Happening {
	id := wavelet.Seat{Wavelet: c.Wavelet, Robot: m.who.Robot()}
	if s := g.seats[id]; s != nil {
		if s.lane.Head() == c.Version { // a second name, in the commit that opened the seat
			g.rename(s, m)
		}
		return news
	}
	if !m.comes || !g.roster.Registered(id.Robot) {
		return news
	}
	s := g.open(id, Cursor{Human: c.Version - 1, Robot: c.Version - 1}, []wavelet.Participant{m.who})
	g.rooms[c.Wavelet].head = c.Version
	s.lane.Add(now, See(s.Robot, c, false))
	g.rearm(s)
	return append(news, Happening{At: now, Kind: Opened, Seat: id, Version: c.Version})
}

// mark has a seat's record written with the next saving. g.mu is held.
func (g *Gateway) mark(s *seat) {
	if !s.dirty {
		s.dirty = true
		g.dirty = append(g.dirty, s)
	}
}

// tell lets the Feed know. No mutex is held.
func (g *Gateway) tell(news ...Happening) {
	if g.o.Feed == nil {
		return
	}
	for _, h := range news {
		g.o.Feed(h)
	}
}
