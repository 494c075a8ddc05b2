package live

import (
	"errors"
	"slices"
	"time"

	"weir/events"
	"weir/sim"
	"weir/wavelet"
)

// ReadEvery is how often a robot that is not called reads, by the scenario's clock:
// as often as it may under the default profile if it answers each time.
const ReadEvery = 2 * time.Second

// asker is how a robot that is not called gets at the wavelets: by the active API,
// or by the tools for agents. Its errors are errRefused or errOut, or say that it
// could not ask.
type asker interface {
	// read reads a seat's wavelet.
	read(s *seat) (page, error)
	// say writes a line, and says whom it answers of those that were read from the
	// seat. Without a seat it answers nobody.
	say(from *seat, whom audience, to *room, line string) error
	close()
}

// page is a wavelet as an asker was shown it.
type page struct {
	version wavelet.Version
	held    bool // what robots wrote is held back for a while
}

// audience is whom a line answers, by what its robot says.
type audience string

// The audiences.
const (
	people audience = "people"
	robots audience = "robots"
	nobody audience = "nobody"
)

// What an asker is refused.
var (
	errRefused = errors.New("it was refused")
	errOut     = errors.New("it was put out, and gives up")
)

// attend has an asker read where it listens, in turn, until the run ends or it is
// put out everywhere.
func (r *run) attend(b *robot) {
	r.mu.Lock()
	var seats []*seat
	for _, s := range b.seats {
		if s.listens {
			seats = append(seats, s)
			s.begin(0) // it is at work on something else unless it reads
		}
	}
	due := time.Duration(r.luck.Int64N(int64(ReadEvery)))
	r.mu.Unlock()
	for ; r.until(due); due = max(due+ReadEvery, r.at()) {
		if len(seats) == 0 {
			return
		}
		s := seats[0]
		if seats = seats[1:]; !r.turn(s) {
			seats = append(seats, s)
		}
	}
}

// turn has an asker read a wavelet and answer; out reports that it was put out.
func (r *run) turn(s *seat) (out bool) {
	r.mu.Lock()
	s.rest(r.at())
	r.mu.Unlock()
	read, err := s.robot.asks.read(s)
	r.mu.Lock()
	at := r.at()
	if err == nil {
		r.arrived(s, at, read.version)
	}
	s.begin(at)
	lost := r.luck.Float64() < r.sc.Faults.Lose
	r.mu.Unlock()
	if err != nil || lost {
		return errors.Is(err, errOut)
	}
	for _, lane := range []events.Lane{events.HumanLane, events.RobotLane} {
		if lane == events.RobotLane && read.held {
			continue // it is told that these are held back, and leaves them for later
		}
		w, until := r.makeOut(s, lane, read.version)
		if !r.until(until) {
			return true
		}
		if r.answerRead(s, lane, w) {
			return true
		}
	}
	return false
}

// makeOut has an asker decide what to do about what it has read of a lane, and until
// when it thinks.
func (r *run) makeOut(s *seat, lane events.Lane, through wavelet.Version) (w *sim.Writes, until time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, at := s.robot, r.at()
	w = &sim.Writes{}
	heard := s.room.heard(b.Address, lane, s.found[lane], through, nil)
	s.found[lane] = max(s.found[lane], through)
	if len(heard) == 0 {
		return w, at
	}
	r.tally.Delivered(at, s.id)
	until = at + b.Takes()
	if j := r.sc.Faults.Jitter; j > 0 {
		until += time.Duration(r.luck.Int64N(int64(j) + 1))
	}
	*w = b.Answer(at, s.room.called, label(heard), heard)
	return w, until
}

// answerRead has an asker write what it has made out; out reports that it was put
// out.
func (r *run) answerRead(s *seat, lane events.Lane, w *sim.Writes) (out bool) {
	whom := map[events.Lane]audience{events.HumanLane: people, events.RobotLane: robots}[lane]
	switch s.robot.Lineage {
	case sim.Stripped:
		whom = nobody
	case sim.Forged:
		whom = people
	}
	say := func(to *room, line string) bool { return errors.Is(s.robot.asks.say(s, whom, to, line), errOut) }
	begun := r.at()
	for i := range w.Landing {
		if say(r.rooms[w.List[i].To], r.number(&written{w, i, s.id})) {
			return true
		}
	}
	if w.Landing < len(w.List) {
		r.wg.Go(func() { r.goOn(s.id, w, w.Landing, begun, say) })
	}
	return false
}

// refused notes that a robot was refused something, by which limit if it was one,
// and is the error: errOut if that is for good.
func (r *run) refused(b *robot, limit string, code wavelet.Code) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tally.Refused(r.at(), b.Address, limit)
	if slices.Contains([]wavelet.Code{wavelet.CodeEvicted, wavelet.CodeSuspended, wavelet.CodeNotParticipant}, code) {
		return errOut
	}
	return errRefused
}
