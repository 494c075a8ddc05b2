package sim

import (
	"time"

	"weir/gateway"
	"weir/governor"
)

// save is what the gateway has written down.
type save struct {
	checkpoint []byte
	seats      map[*seat]seatRecord
}

// seatRecord is what is written down about a seat.
type seatRecord struct {
	cursor  gateway.Cursor
	present bool
}

// savedEvery is how often the gateway writes down what it knows.
const savedEvery = time.Second

// keeper is a Detector that survives a restart. One that is none goes on as if
// nothing had happened.
type keeper interface {
	Checkpoint() []byte
	Restore(checkpoint []byte) error
}

// planRestart has the gateway restart, with what it wrote down up to a second
// before.
func (w *world) planRestart(at time.Duration) {
	lost := Range{0, savedEvery}.draw(w.luck)
	w.agenda.add(max(0, at-lost), w.save)
	w.agenda.add(at, w.restart)
}

func (w *world) save() {
	w.saved = &save{seats: map[*seat]seatRecord{}}
	if d, ok := w.det.(keeper); ok {
		w.saved.checkpoint = d.Checkpoint()
	}
	for _, in := range w.list {
		for _, s := range in.seats {
			w.saved.seats[s] = seatRecord{s.lane.Cursor(), s.present}
		}
	}
}

// restart breaks all connections and takes everything up again, as Gateway.load
// and recover do.
func (w *world) restart() {
	if w.epoch++; w.saved == nil { // the second within a second
		w.save()
	}
	if _, ok := w.det.(keeper); ok {
		w.det = w.o.detector()
		for _, r := range w.robots {
			if !r.Remote {
				w.det.SetProfile(r.Address, r.Profile)
			}
		}
		if err := w.det.(keeper).Restore(w.saved.checkpoint); err != nil {
			panic("sim: the governor does not read its own checkpoint: " + err.Error())
		}
	}
	for _, in := range w.list {
		for _, s := range in.seats {
			if !s.robot.Remote {
				w.recover(s, w.saved.seats[s])
			}
		}
	}
	w.saved = nil
	w.tally.Restarted(w.at)
}

// recover brings a seat up to its wavelet's head.
func (w *world) recover(s *seat, record seatRecord) {
	s.flight++
	s.flying = false
	s.rest(w.at)
	s.lane = gateway.NewLane(s.robot.Profile, record.cursor)
	left := w.resolve(s)
	s.present = record.present
	people := s.people
	for i := s.lane.Head(); int(i) < len(s.room.log); i++ {
		w.see(s, s.room.log[i])
	}
	s.people = people                                            // they are measured once
	if _, out := w.det.Banned(w.now(), s.id); out && s.present { // its removal is about to be committed
		s.lane.Stop()
		s.people = nil
	}
	w.rearm(s)
	if left != nil {
		w.goOn(left)
	}
}

// resolve moves a seat past the bundles whose answers were given. What is left to
// commit of one is returned.
func (w *world) resolve(s *seat) (left *work) {
	s.ending = false
	for _, o := range s.offers {
		if o.work == nil || s.lane.Told(o.take) {
			continue
		}
		if o.work.door() == governor.Reply {
			k := *o.work
			o.work.next = len(k.List) // what waits there writes nothing any more
			k.flight, left = s.flight, &k
			s.offers[o.take.Lane].work = left
			s.flying, s.ending = true, true
		} else if !o.wrote {
			continue
		}
		s.lane.Skip(o.take)
	}
	return left
}
