package sim

import (
	"time"

	"weir/events"
	"weir/gateway"
	"weir/governor"
	"weir/wavelet"
)

// seat is a robot in a wavelet.
type seat struct {
	id      wavelet.Seat
	robot   *robot
	room    *room
	lane    *gateway.Lane
	listens bool // the scenario has the robot in here; else it only writes here
	present bool
	wake    time.Duration // in the agenda, never if it is not
	tick    func()
	flight  int // grows when a flight begins and when it is called back
	flying  bool
	sent    time.Time // when the flight's bundle was sent

	working time.Duration // since when the robot is at work on the bundle in flight, never if it is not
	worked  time.Duration // at all bundles before

	first  governor.Delivery // of the human lane
	offers [2]offer          // by lane
	ending bool              // of an answer to a bundle of before a restart: nothing is due
	people []said            // by people, not in a bundle yet
}

// said is a person's delta that waits for its bundle.
type said struct {
	version wavelet.Version
	at      time.Duration
	busy    time.Duration // seat.busy when it came
}

// offer is an answer that the robot gave, as Gateway.promise writes it down.
type offer struct {
	take  gateway.Take
	work  *work // nil: none was given
	wrote bool  // some of it
}

// never is no instant.
const never = time.Duration(-1)

func (w *world) seat(r *robot, in *room, listens bool) {
	s := &seat{
		id: wavelet.Seat{Wavelet: in.name, Robot: r.Address}, robot: r, room: in, listens: listens, present: true,
		lane: gateway.NewLane(r.Profile, gateway.Cursor{}), wake: never, working: never,
	}
	s.tick = func() {
		if s.wake == w.at {
			s.wake = never
			w.due(s)
		}
	}
	in.seats = append(in.seats, s)
}

// busy is how long the robot has been at work on bundles so far.
func (s *seat) busy(at time.Duration) time.Duration {
	if s.working == never {
		return s.worked
	}
	return s.worked + at - s.working
}

// rest notes that the robot is done with the bundle in flight.
func (s *seat) rest(at time.Duration) {
	if s.working != never {
		s.worked, s.working = s.worked+at-s.working, never
	}
}

// rearm enters in the agenda when the seat is due next.
func (w *world) rearm(s *seat) {
	wake := s.lane.Wake()
	if wake.IsZero() || s.ending {
		s.wake = never
		return
	}
	if at := max(wake.Sub(began), w.at); at != s.wake {
		s.wake = at
		w.agenda.add(at, s.tick)
	}
}

// due sends the bundle that is due, as Gateway.fly and deliver do.
func (w *world) due(s *seat) {
	t, _, due := s.lane.Next(w.now())
	if !due {
		w.rearm(s)
		return
	}
	s.flight++
	s.flying, s.sent = true, time.Time{}
	if s.robot.out {
		w.landed(s, gateway.Outcome{Kind: gateway.Parked})
		return
	}
	heard := w.window(s, t)
	if len(heard) == 0 {
		w.landed(s, gateway.Outcome{Kind: gateway.Silent})
		return
	}
	by := parts(heard)
	named := governor.Delivery{
		Seat: s.id, Bundle: events.BundleID(s.id, t.Lane, t.From), RobotLane: by != nil,
		Cause: t.Cause, Author: t.Author, Parts: by, Sent: w.now(),
	}
	if !t.Last && !s.robot.Remote && !w.let(s, t, named) {
		return
	}
	w.send(s, t, named, heard)
}

// let asks whether the bundle may go out.
func (w *world) let(s *seat, t gateway.Take, named governor.Delivery) bool {
	flight := s.flight
	v := w.det.Deliver(w.now(), named)
	w.carry(v)
	switch {
	case s.flight != flight: // the verdict put this seat out
	case v.Refuse != nil && v.Refuse.Code == string(wavelet.CodeSuspended):
		w.landed(s, gateway.Outcome{Kind: gateway.Parked})
	case v.Refuse != nil:
		w.landed(s, gateway.Outcome{Kind: gateway.Dropped})
	case v.Delay > 0:
		w.tally.Delayed(w.at, s.robot.Habits, t.Lane, v.Delay)
		w.landed(s, gateway.Outcome{Kind: gateway.Held, Delay: v.Delay})
	default:
		return true
	}
	return false
}

// window is what a take holds: the deltas of its lane that raise an event here.
func (w *world) window(s *seat, t gateway.Take) []*Entry {
	var heard []*Entry
	for i := t.From; i < t.To; i++ {
		e := s.room.log[i]
		cut := e.Delta.Cause.Kind != wavelet.Human && !s.robot.Remote && w.det.Cuts(s.id, e.Delta.Author)
		if p := w.pending(s, e, cut); p.Quiet || p.Lane != t.Lane || t.Lane == events.RobotLane && muted(t.Mutes, e) {
			continue
		}
		heard = append(heard, e)
	}
	return heard
}

// pending is how a seat sees a commit. If lanes are mixed, all of them come in
// people's.
func (w *world) pending(s *seat, e *Entry, cut bool) gateway.Pending {
	p := gateway.See(s.id.Robot, e.Commit, cut)
	if w.o.MixedLanes {
		p.Lane = events.HumanLane
	}
	return p
}

func muted(mutes []gateway.Mute, e *Entry) bool {
	for _, m := range mutes {
		if m.Cause == e.Delta.Cause.ID && e.Version <= m.Through {
			return true
		}
	}
	return false
}

// parts is what each robot wrote of a bundle, nil if none did.
func parts(heard []*Entry) (out []governor.Part) {
	for _, e := range heard {
		if lane, _ := events.LaneOf(e.Delta.Cause); lane == events.RobotLane {
			out = gateway.AddPart(out, e.Commit)
		}
	}
	return out
}

// send hands the bundle to the robot. It may get lost on the way.
func (w *world) send(s *seat, t gateway.Take, named governor.Delivery, heard []*Entry) {
	s.sent = w.now()
	w.arrived(s, t)
	takes := s.robot.Takes()
	if j := w.sc.Faults.Jitter; j > 0 {
		takes += Range{0, j}.draw(w.luck)
	}
	flight := s.flight
	if w.luck.Float64() < w.sc.Faults.Lose {
		w.after(takes, func() {
			if s.flight == flight {
				w.landed(s, gateway.Outcome{Kind: gateway.Failed, Sent: s.sent, Jitter: w.luck.Float64()})
			}
		})
		return
	}
	if t.Lane == events.HumanLane && s.first.Bundle == "" {
		s.first = named
	}
	w.tally.Delivered(w.at, s.id)
	k := s.robot.plan(w, s, t, named, heard)
	s.working = w.at
	w.after(takes, func() {
		if s.flight == flight {
			s.rest(w.at)
			s.offers[t.Lane] = offer{take: t, work: k}
			w.goOn(k)
		} else if k.door() == governor.Call {
			w.goOn(k) // the robot does not know that its bundle was called back
		}
	})
}

// arrived measures how long people's deltas waited for their first bundle.
func (w *world) arrived(s *seat, t gateway.Take) {
	if t.Lane != events.HumanLane {
		return
	}
	n := 0
	for n < len(s.people) && s.people[n].version <= t.To {
		if x := s.people[n]; x.version > t.From {
			w.waited(s, w.at-x.at-(s.busy(w.at)-x.busy))
		} else {
			w.missing(s)
		}
		n++
	}
	s.people = s.people[n:]
}

// leftWaiting measures the deltas that no bundle brought until the end.
func (w *world) leftWaiting() {
	for _, in := range w.list {
		for _, s := range in.seats {
			for _, x := range s.people {
				if d := w.at - x.at - (s.busy(w.at) - x.busy); d > patience {
					w.waited(s, d)
					if d > time.Minute+2*s.robot.Latency.Max { // not just behind a delivery that failed
						w.missing(s)
					}
				}
			}
		}
	}
}

// waited has the wait of a person's delta measured.
func (w *world) waited(s *seat, d time.Duration) {
	if !s.robot.Remote && s.listens {
		w.tally.Waited(d, s.robot.Profile.Pace.Merge)
	}
}

// missing has it noted that a person's delta was passed over.
func (w *world) missing(s *seat) {
	if !s.robot.Remote && s.listens {
		w.tally.Missing()
	}
}

// patience is how long a delta may well wait at the end of a run.
const patience = 2 * time.Second

// landed tells the lane what became of its bundle.
func (w *world) landed(s *seat, o gateway.Outcome) {
	s.flying, s.ending = false, false
	s.rest(w.at)
	s.lane.Done(w.now(), o)
	if s.lane.Over() {
		s.room.close(s)
		return
	}
	w.rearm(s)
}

// callBack ends a flight without its answer.
func (w *world) callBack(s *seat) {
	if !s.flying {
		return
	}
	s.flight++
	w.landed(s, gateway.Outcome{Kind: gateway.Dropped, Sent: s.sent})
}
