package sim

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"weir/governor"
	"weir/policies"
	"weir/wavelet"
)

// Domain is the server's, elsewhere that of the others.
const (
	Domain    = "example.com"
	elsewhere = "example.org"
)

// began is the instant at which every run begins.
var began = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)

// world is one run.
type world struct {
	sc      *Scenario
	o       Options
	at      time.Duration // since began
	agenda  agenda
	det     Detector
	rooms   map[string]*room
	list    []*room // the same, in the order in which they were made
	robots  []*robot
	luck    *rand.Rand // of the network and the gateway
	ids     int
	wrote   int           // deltas by robots
	counted time.Duration // since then
	epoch   int           // grows with each restart
	saved   *save         // what a restart would find, nil while none is near
	tally   *Tally
}

// A run in which robots write more than flood deltas within a lull is given up: a
// storm that nobody stops grows without bounds.
const (
	flood = 10_000
	lull  = 10 * time.Second
)

// run plays the scenario from beginning to end.
func (w *world) run() {
	for len(w.agenda.heap) > 0 && w.agenda.heap[0].at <= w.sc.Duration {
		e := w.agenda.pop()
		w.at = e.at
		e.do()
		if w.wrote > flood {
			w.tally.flooded = true
			return
		}
	}
	w.at = w.sc.Duration
}

// written counts a delta by a robot.
func (w *world) written() {
	if w.at-w.counted >= lull {
		w.wrote, w.counted = 0, w.at
	}
	w.wrote++
}

func (w *world) now() time.Time { return began.Add(w.at) }

// after has something done later.
func (w *world) after(d time.Duration, do func()) { w.agenda.add(w.at+max(d, 0), do) }

// chance is a generator for one source.
func chance(sc *Scenario, seed uint64, kind, name string) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %s %s", sc.Name, kind, name)
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// draw is a value from the range.
func (r Range) draw(from *rand.Rand) time.Duration {
	return r.Min + time.Duration(from.Int64N(int64(r.Max-r.Min)+1))
}

// newWorld makes everybody, and enters what they do first in the agenda.
func newWorld(sc *Scenario, o Options) (*world, error) {
	w := &world{sc: sc, o: o, det: o.detector(), rooms: map[string]*room{}, tally: NewTally(sc, o)}
	w.luck = chance(sc, o.Seed, "server", "")
	for i := range sc.Robots {
		if err := w.enrol(&sc.Robots[i]); err != nil {
			return nil, err
		}
	}
	for i := range sc.Humans {
		w.invite(&sc.Humans[i])
	}
	for _, at := range sc.Faults.Restart {
		w.planRestart(at)
	}
	return w, nil
}

// enrol registers a robot and seats it where it takes part: it is a participant
// of the wavelets it writes to, too, and is sent what happens there, but does
// not care.
func (w *world) enrol(b *Robot) error {
	p, ok := w.o.Profiles.For(string(address(b.Name, b.Remote)), b.Profile)
	if !ok {
		return fmt.Errorf("robot %s: no profile is called %q", b.Name, b.Profile)
	}
	r := &robot{Habits: NewHabits(w.sc, b, w.o.Seed, p)}
	w.robots = append(w.robots, r)
	w.tally.turns, w.tally.silence = max(w.tally.turns, p.Depth.Act), max(w.tally.silence, p.Human.Within)
	if !b.Remote {
		w.det.SetProfile(r.Address, p)
	}
	for _, name := range b.In {
		w.seat(r, w.room(name), true)
	}
	for _, name := range b.To {
		if in := w.room(name); in.seat(r) == nil && !b.Remote {
			w.seat(r, in, false)
		}
	}
	if b.Spontaneous != nil {
		w.beginUnasked(r)
	}
	return nil
}

func address(name string, remote bool) wavelet.Participant {
	if remote {
		return wavelet.Participant(name + "@" + elsewhere)
	}
	return wavelet.Participant(name + "@" + Domain)
}

func (w *world) room(name string) *room {
	in := w.rooms[name]
	if in == nil {
		in = &room{
			called: name,
			name:   wavelet.Name{Wave: Domain + "!w+" + name, Wavelet: Domain + "!conv+root"},
			chains: map[wavelet.Participant]chain{},
		}
		if len(w.sc.Faults.Restart) > 0 {
			in.written = map[wavelet.DeltaID]bool{}
		}
		w.rooms[name] = in
		w.list = append(w.list, in)
	}
	return in
}

// carry carries a verdict out, as Gateway.carry does.
func (w *world) carry(v governor.Verdict) {
	for i := range v.Decisions {
		w.tally.Decided(w.at, &v.Decisions[i])
	}
	for i := range v.Warnings {
		w.tally.Warned(&v.Warnings[i])
	}
	for i := range v.Acts {
		w.act(&v.Acts[i])
	}
}

// act carries an act out.
func (w *world) act(a *governor.Act) {
	if a.Flush != "" {
		for _, id := range a.Cycle {
			if s := w.find(id); s != nil {
				s.lane.Flush(a.Flush)
				w.rearm(s)
			}
		}
	}
	w.tally.Acted(w.at, a)
	switch a.Kind {
	case governor.Evict:
		w.evict(a.Seat)
	case governor.Suspend:
		for _, r := range w.robots {
			if r.Address == a.Seat.Robot && a.Seat.Wavelet.IsZero() {
				r.out = true
			}
		}
	case governor.Cut: // Detector.Cuts tells which deltas raise no event from now on
	}
}

// find is the seat with this id, nil if there is none.
func (w *world) find(id wavelet.Seat) *seat {
	for _, in := range w.list {
		if in.name != id.Wavelet {
			continue
		}
		for _, s := range in.seats {
			if s.id == id {
				return s
			}
		}
	}
	return nil
}

// evict drops what waits for the seat, calls its flight back, and removes the
// robot by a delta of the server's.
func (w *world) evict(id wavelet.Seat) {
	s := w.find(id)
	if s == nil {
		return
	}
	s.lane.Stop()
	s.people = nil
	w.callBack(s)
	w.rearm(s)
	if w.saved != nil { // an eviction is written down before it is carried out
		w.save()
	}
	w.after(0, func() {
		w.commit(s.room, Entry{}, "weir@"+Domain, wavelet.Cause{Kind: wavelet.System}, []wavelet.Op{wavelet.RemoveParticipant{Who: id.Robot}})
	})
}

// Options of a run.
type Options struct {
	Seed       uint64
	Detector   func(fallback policies.Profile) Detector // nil: the governor
	Name       string                                   // of the detector, for the Result
	Profiles   policies.Set                             // the zero Set stands for the built-in profiles
	MixedLanes bool                                     // people's and robots' deltas share bundles
	Speed      float64                                  // for the Result only: the scenario is as fast as At made it. 0: 1
	Trace      *Trace                                   // what happened, for a plot; nil: nobody wants to know
}

func (o Options) withDefaults() Options {
	if len(o.Profiles.Names()) == 0 {
		o.Profiles = policies.Builtin()
	}
	if o.Speed == 0 {
		o.Speed = 1
	}
	if o.Name == "" {
		o.Name = "weir"
	}
	return o
}

func (o Options) detector() Detector {
	fallback, _ := o.Profiles.Profile("")
	if o.Detector == nil {
		return newGovernor(fallback)
	}
	return o.Detector(fallback)
}

// Run plays a scenario and measures it. An error means that the scenario cannot
// be played with these profiles; what was expected and did not come is in the
// Result.
func Run(sc *Scenario, o Options) (Result, error) {
	o = o.withDefaults()
	w, err := newWorld(sc, o)
	if err != nil {
		return Result{}, fmt.Errorf("scenario %s: %w", sc.Name, err)
	}
	w.run()
	w.leftWaiting()
	return w.tally.Result(w.at), nil
}
