package governor

import (
	"slices"
	"sync"
	"time"

	"weir/policies"
	"weir/wavelet"
)

// Options of a Governor. The zero value is the ordinary governor.
type Options struct {
	// Default is the profile of robots that SetProfile was not called for; the
	// zero Profile stands for the built-in "default".
	Default policies.Profile
	// RatioOnly switches lineage off: labels are written, but depth,
	// amplification and cycles convict nobody; only the ratio windows do, as a
	// robot's profile says.
	RatioOnly bool
}

// Governor keeps the counts and decides. One mutex guards it all.
type Governor struct {
	ratioOnly bool
	fallback  *rules

	mu     sync.Mutex
	latest instant // the latest now that was passed in
	robots map[wavelet.Participant]*robot
	seats  map[wavelet.Seat]*seat
	rooms  map[wavelet.Name]*room
	causes map[string]*cause
	quick  *recency[cause] // those that end or go on soon
	slow   *recency[cause]
	idle   *recency[seat]
}

// room is a wavelet in which some robot has a seat.
type room struct {
	seats     int
	lastHuman instant
	remotes   []remote // who writes here from other servers
}

// New makes a governor that has seen nothing.
func New(o Options) *Governor {
	if o.Default.Name == "" {
		o.Default, _ = policies.Builtin().Profile("default")
	}
	g := &Governor{ratioOnly: o.RatioOnly, fallback: compile(o.Default)}
	g.reset()
	return g
}

func (g *Governor) reset() {
	g.latest = 0
	g.robots = map[wavelet.Participant]*robot{}
	g.seats = map[wavelet.Seat]*seat{}
	g.rooms = map[wavelet.Name]*room{}
	g.causes = map[string]*cause{}
	g.quick, g.slow, g.idle = newRecency[cause](), newRecency[cause](), newRecency[seat]()
}

// clock turns now into an instant. Calls come from many goroutines, so a now
// may be a little older than the one before; counts need time to go forward.
func (g *Governor) clock(now time.Time) instant {
	g.latest = max(g.latest, at(now))
	return g.latest
}

// SetProfile puts a robot under a profile, at once; what was counted stays. What
// the old profile did and the new one would not, it ends: a cut-off from the API,
// a slower lane.
func (g *Governor) SetProfile(id wavelet.Participant, p policies.Profile) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.robot(robotOf(id))
	r.rules = compile(p)
	r.ring.fit(r.rules.callSpans)
	if g.latest < r.cutUntil() {
		r.ring.move(g.latest.tick())
		r.cut.until = min(r.cut.until, r.frees())
	}
	for _, s := range r.seats {
		s.ring.fit(r.rules.spans)
		s.slowed &= r.rules.slowing()
	}
}

// robot is the record of the robot at address id, made if there is none.
func (g *Governor) robot(id wavelet.Participant) *robot {
	r := g.robots[id]
	if r == nil {
		r = &robot{id: id, rules: g.fallback}
		r.ring.fit(r.rules.callSpans)
		g.robots[id] = r
	}
	return r
}

// seat is the record of a seat, made if there is none, and now the latest
// touched.
func (g *Governor) seat(t instant, id wavelet.Seat) *seat {
	s := g.seats[id]
	if s == nil {
		s = g.newSeat(t, id)
		g.forgetSeats(t)
	} else if t-s.touched > instant(time.Minute) {
		s.touched = t
		g.idle.put(&s.idle)
		g.forgetSeats(t)
	}
	return s
}

func (g *Governor) newSeat(t instant, id wavelet.Seat) *seat {
	r := g.robot(id.Robot)
	in := g.rooms[id.Wavelet]
	if in == nil {
		in = &room{}
		g.rooms[id.Wavelet] = in
	}
	in.seats++
	s := &seat{id: id, robot: r, room: in, touched: t, place: int32(len(r.seats))}
	s.idle.of = s
	s.ring.fit(r.rules.spans)
	r.seats = append(r.seats, s)
	g.seats[id] = s
	g.idle.put(&s.idle)
	return s
}

// seatFor is how long a seat in which nothing happens is remembered. One that
// was evicted is remembered until it is readmitted.
const seatFor = time.Hour

func (g *Governor) forgetSeats(t instant) {
	for s := g.idle.oldest(); s != nil && t-s.touched > instant(seatFor); s = g.idle.oldest() {
		if s.ban == nil && len(s.cuts) == 0 {
			g.dropSeat(s)
			continue
		}
		s.touched = t
		g.idle.put(&s.idle)
	}
}

// dropSeat forgets a seat. Edges and links that still point to it count no more.
func (g *Governor) dropSeat(s *seat) {
	s.gone = true
	s.robot.forget(s)
	s.robot.let = slices.DeleteFunc(s.robot.let, func(p letPass) bool { return p.seat == s })
	s.idle.leave()
	delete(g.seats, s.id)
	seats := s.robot.seats
	last := seats[len(seats)-1]
	seats[s.place], last.place = last, s.place
	seats[len(seats)-1] = nil
	s.robot.seats = seats[:len(seats)-1]
	if s.room.seats--; s.room.seats == 0 {
		delete(g.rooms, s.id.Wavelet)
	}
}

// Forget drops all that is known of a robot that was unregistered.
func (g *Governor) Forget(id wavelet.Participant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.robots[robotOf(id)]
	if r == nil {
		return
	}
	for len(r.seats) > 0 {
		g.dropSeat(r.seats[0])
	}
	delete(g.robots, r.id)
}
