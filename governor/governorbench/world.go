package governorbench

import (
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"time"

	"weir/governor"
	"weir/policies"
	"weir/wavelet"
)

// spending is what decisions cost, by kind: a value for each stretch that was
// timed, in turn with as many of the primitives.
type spending struct {
	base   []float64 // ns of the primitives
	ns     [len(kinds)][]float64
	ratio  [len(kinds)][]float64
	calls  [len(kinds)]int
	allocs [len(kinds)]uint64
}

// stretch is how many decisions are timed together: so few that on a busy machine
// most stretches are not interrupted.
const stretch = 256

// world is a number of seats, in pairs of robots that answer each other.
type world struct {
	g       *governor.Governor
	now     time.Time
	every   time.Duration
	speaks  int64 // seconds between two messages of a person
	calls   bool  // robots make requests also while nothing is measured
	seats   []wavelet.Seat
	bundles []string // the ids of each seat's bundles, one after the other
	deltas  []wavelet.DeltaID
	given   []governor.Answer
	chains  []wavelet.Cause // what the bundles are set off by
	causes  []wavelet.Cause // the labels of the answers
	n       int

	mu    sync.Mutex
	table map[wavelet.Seat]*int
}

// ids is how many bundle ids a seat goes through before the first comes again,
// more than the governor remembers. It keeps those of one seat apart from those of
// another, so all may have the same.
const ids = 64

// newWorld makes seats that are sent a bundle each every interval.
func newWorld(seats int, every time.Duration, profile *policies.Profile) *world {
	o := governor.Options{}
	if profile != nil {
		o.Default = *profile
	}
	w := &world{g: governor.New(o), now: time.Unix(1_772_366_400, 0), every: every, speaks: 15, table: map[wavelet.Seat]*int{}}
	for i := range seats {
		seat := wavelet.Seat{
			Wavelet: wavelet.Name{Wave: "example.com!w+" + strconv.Itoa(i/2), Wavelet: "example.com!conv+root"},
			Robot:   wavelet.Participant("robot-" + strconv.Itoa(i%2) + "-" + strconv.Itoa(i/2) + "@example.com"),
		}
		w.seats = append(w.seats, seat)
		w.table[seat] = new(int)
	}
	for n := range ids {
		id := fmt.Sprintf("%08x%08x%08x", n*2654435761, n*40503, n)
		w.bundles, w.deltas = append(w.bundles, id), append(w.deltas, wavelet.DeltaID(id+"/0"))
	}
	w.given = make([]governor.Answer, seats)
	w.causes = make([]wavelet.Cause, seats)
	w.chains = make([]wavelet.Cause, seats)
	return w
}

// pass lets time go on to the next bundles. A person speaks now and then, and the
// chains begin anew.
func (w *world) pass() {
	before := w.now.Unix() / w.speaks
	w.now = w.now.Add(w.every)
	if w.n++; w.n > 1 && w.now.Unix()/w.speaks == before {
		return
	}
	for i := range w.chains {
		w.chains[i] = wavelet.Cause{ID: fmt.Sprintf("cause-%d-%d", i/2, w.n), Depth: 3, Exact: 3, Kind: wavelet.Robot}
	}
}

// round sends every seat a bundle and answers every other one, a different half
// each time, so that no robot answers too much. What the decisions cost is added
// to spent, if it is not nil.
func (w *world) round(spent *spending) {
	w.pass()
	for from := 0; from < len(w.seats); from += stretch {
		w.part(spent, from, min(from+stretch, len(w.seats)))
	}
}

// part is a round of some of the seats.
func (w *world) part(spent *spending, from, to int) {
	for i := from; i < to; i++ {
		seat, other := w.seats[i], w.seats[i^1%len(w.seats)].Robot
		w.given[i] = governor.Answer{Robot: seat.Robot, Wavelet: seat.Wavelet, Delta: w.deltas[w.n%ids],
			Named: governor.Delivery{Seat: seat, Bundle: w.bundles[w.n%ids], RobotLane: true, Cause: w.chains[i], Author: other, Sent: w.now}}
	}
	refused := 0
	w.measure(spent, 0, from, to, func(i int) {
		if v := w.g.Deliver(w.now, w.given[i].Named); v.Refuse != nil || v.Delay > 0 {
			refused++
		}
	})
	w.measure(spent, 1, from, to, func(i int) {
		if v := w.g.Answer(w.now, w.given[i]); v.Refuse == nil {
			w.causes[i] = v.Cause
		}
	})
	if (spent != nil || w.calls) && w.n%3 == 0 { // requests come less often than bundles
		w.measure(spent, 2, from, to, func(i int) {
			if v := w.g.Call(w.now, w.seats[i].Robot, false); v.Refuse != nil {
				refused++
			}
		})
	}
	for i := from + (from+w.n)%2; i < to; i += 2 {
		w.g.Commit(w.now, wavelet.Commit{Wavelet: w.given[i].Wavelet, Delta: wavelet.Delta{ID: w.given[i].Delta, Author: w.given[i].Robot, Cause: w.causes[i]}})
	}
	if refused > 0 {
		panic("governorbench: the traffic measured was refused")
	}
}

// measure has decisions of one kind made for some of the seats, and times them
// beside the primitives.
func (w *world) measure(spent *spending, kind, from, to int, decide func(i int)) {
	if spent == nil {
		for i := from; i < to; i++ {
			decide(i)
		}
		return
	}
	n := to - from
	base := w.primitives(from+len(w.seats)/2, n) // other seats: these must not be in a cache because of it
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	for i := from; i < to; i++ {
		decide(i)
	}
	ns := float64(time.Since(began).Nanoseconds()) / float64(n)
	runtime.ReadMemStats(&after)
	spent.base = append(spent.base, base)
	spent.ns[kind] = append(spent.ns[kind], ns)
	spent.ratio[kind] = append(spent.ratio[kind], ns/base)
	spent.calls[kind] += n
	spent.allocs[kind] += after.Mallocs - before.Mallocs
}

// primitives is how many nanoseconds one clock read, one mutex and one look into
// the map take, for n seats.
func (w *world) primitives(from, n int) float64 {
	found := 0
	began := time.Now()
	for i := range n {
		now := time.Now()
		w.mu.Lock()
		if v := w.table[w.seats[(from+i)%len(w.seats)]]; v != nil && !now.IsZero() {
			found++
		}
		w.mu.Unlock()
	}
	took := time.Since(began)
	if found != n {
		panic("governorbench: a seat is missing")
	}
	return float64(took.Nanoseconds()) / float64(n)
}

// step sends every seat a bundle and answers it.
func (w *world) step() {
	w.pass()
	for i, seat := range w.seats {
		d := governor.Delivery{Seat: seat, Bundle: w.bundles[w.n%ids], RobotLane: true, Cause: w.chains[i], Author: w.seats[i^1].Robot, Sent: w.now}
		if v := w.g.Deliver(w.now, d); v.Refuse != nil || v.Delay > 0 {
			panic("governorbench: the traffic measured was refused")
		}
		a := governor.Answer{Robot: seat.Robot, Wavelet: seat.Wavelet, Delta: w.deltas[w.n%ids], Named: d}
		if v := w.g.Answer(w.now, a); v.Refuse == nil {
			w.g.Commit(w.now, wavelet.Commit{Wavelet: seat.Wavelet, Delta: wavelet.Delta{ID: a.Delta, Author: seat.Robot, Cause: v.Cause}})
		}
	}
}
