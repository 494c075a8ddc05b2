package live

import (
	"slices"
	"time"

	"weir/events"
	"weir/gateway"
	"weir/robots/kit"
	"weir/sim"
	"weir/wavelet"
)

// robot is a robot of the scenario.
type robot struct {
	*sim.Habits
	kit   *kit.Robot
	asks  asker // of a robot that is not called
	seats map[*room]*seat
	lines int            // written so far, or meant to be
	pens  map[*room]*pen // of a robot elsewhere
}

// seat is a robot in a wavelet.
type seat struct {
	id      wavelet.Seat
	robot   *robot
	room    *room
	listens bool               // the scenario has the robot in here; else it only writes here
	out     bool               // it was removed
	found   [2]wavelet.Version // by lane: where its newest bundle begins; an asker has read up to there
	first   *kit.Bundle        // its first human-lane bundle

	flight  int
	working bool
	since   time.Duration // while working
	worked  time.Duration // on all bundles before
	people  []said        // by people, not in a bundle yet

	lane *gateway.Lane // of a robot elsewhere
	news chan struct{} // there may be something due, elsewhere
}

// said is a person's delta that waits for its bundle.
type said struct {
	version wavelet.Version
	at      time.Duration
	busy    time.Duration // seat.busy when it came
}

func newSeat(b *robot, in *room, listens bool) *seat {
	s := &seat{robot: b, room: in, listens: listens}
	if b.Remote {
		s.lane, s.news = gateway.NewLane(b.Profile, gateway.Cursor{}), make(chan struct{}, 1)
	}
	return s
}

// see tells a seat of a commit.
func (s *seat) see(at time.Duration, e *sim.Entry) {
	if s.robot.Remote {
		s.lane.Add(instant(at), gateway.See(s.robot.Address, e.Commit, false))
		select {
		case s.news <- struct{}{}:
		default:
		}
		return
	}
	if removes(e.Delta.Ops, s.robot.Address) {
		s.out, s.people = true, nil
	}
	if e.Person && s.listens && !s.out {
		s.people = append(s.people, said{e.Version, at, s.busy(at)})
	}
}

func removes(ops []wavelet.Op, robot wavelet.Participant) bool {
	return slices.ContainsFunc(ops, func(op wavelet.Op) bool {
		out, ok := op.(wavelet.RemoveParticipant)
		return ok && out.Who == robot
	})
}

// busy is how long the robot has been at work on bundles so far.
func (s *seat) busy(at time.Duration) time.Duration {
	if !s.working {
		return s.worked
	}
	return s.worked + at - s.since
}

// begin notes that the robot is at work on a bundle.
func (s *seat) begin(at time.Duration) (flight int) {
	s.rest(at)
	s.flight++
	s.working, s.since = true, at
	return s.flight
}

// rest notes that it is done with it.
func (s *seat) rest(at time.Duration) {
	if s.working {
		s.worked, s.working = s.worked+at-s.since, false
	}
}

// begins is where a bundle begins, which its id tells.
func (s *seat) begins(id string, lane events.Lane, version wavelet.Version) wavelet.Version {
	for _, low := range []wavelet.Version{s.found[lane], 0} {
		for v := low; v < version; v++ {
			if events.BundleID(s.id, lane, v) == id {
				s.found[lane] = v
				return v
			}
		}
	}
	return version // nothing is heard
}

// arrived measures how long people's deltas waited for their first bundle. The
// mutex is held.
func (r *run) arrived(s *seat, at time.Duration, through wavelet.Version) {
	n := 0
	for n < len(s.people) && s.people[n].version <= through {
		x := s.people[n]
		r.tally.Waited(at-x.at-(s.busy(at)-x.busy), s.robot.Profile.Pace.Merge)
		n++
	}
	s.people = s.people[n:]
}

// patience is how long a delta may well wait at the end of a run.
const patience = 2 * time.Second

// leftWaiting measures the deltas that no bundle brought until the end. The
// mutex is held.
func (r *run) leftWaiting(end time.Duration) {
	for _, b := range r.robots {
		for _, s := range b.seats {
			for _, x := range s.people {
				if d := end - x.at - (s.busy(end) - x.busy); d > patience {
					r.tally.Waited(d, s.robot.Profile.Pace.Merge)
				}
			}
		}
	}
}
