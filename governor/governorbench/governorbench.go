// Package governorbench measures what the governor costs: the time of one
// decision, the memory it allocates for it, and the bytes that a seat takes.
//
// A decision is put beside what it cannot do without: one clock read, one mutex
// taken and released, and one look into a map of seats. The two take turns in
// one process, at least seven times each, and what is reported is the median of
// the ratios, so that a machine that is busy for a while is busy for both. The
// seats measured are all in use, on a cycle of two robots and with their windows
// full, and bundles are answered as they come.
package governorbench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"weir/governor"
	"weir/policies"
	"weir/wavelet"
)

// Options say how long to measure. The zero value is a run of a few seconds.
type Options struct {
	// Rounds is how many turns each side gets; 0 means 9.
	Rounds int
	// Turn is how many decisions of each kind a turn has; 0 means 40,000.
	Turn int
	// Seats is how many seats take part in them; 0 means 256.
	Seats int
	// Progress, if not nil, is called with a line of text after each part.
	Progress func(string)
}

// Report is the outcome of a run.
type Report struct {
	Rows []Row
	Took time.Duration
}

// Row is one figure.
type Row struct {
	Name     string  `json:"name"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"`
	Bar      float64 `json:"bar,omitempty"` // what Value must reach, if HasBar
	HasBar   bool    `json:"has_bar"`
	AtLeast  bool    `json:"at_least"` // Bar is the least that will do; else the most
	Measured bool    `json:"measured"` // false: this run can say nothing about it; Note says why
	Note     string  `json:"note,omitempty"`
}

// The bars.
const (
	barCost   = 2.5       // primitives per decision
	barAllocs = 0         // allocations per decision
	barQuiet  = 5 * 1024  // bytes of a seat at one event a second
	barBusy   = 34 * 1024 // bytes of a seat at any rate
)

// Run measures. It stops early, with ctx's error, if ctx ends.
func Run(ctx context.Context, o Options) (Report, error) {
	began := time.Now()
	o.Rounds = orElse(o.Rounds, 9)
	o.Turn = orElse(o.Turn, 40_000)
	o.Seats = orElse(o.Seats, 256)
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	rows, err := decisions(ctx, o)
	if err != nil {
		return Report{}, err
	}
	for _, m := range []struct {
		name  string
		seats int
		every time.Duration
		bar   float64
	}{
		{"bytes per seat, 1 event/s", 400, time.Second, barQuiet},
		{"bytes per seat, any rate", 60, 100 * time.Millisecond, barBusy},
	} {
		if ctx.Err() != nil {
			return Report{}, ctx.Err()
		}
		size := memory(m.seats, m.every)
		o.Progress(fmt.Sprintf("%s: %.0f", m.name, size))
		rows = append(rows, Row{Name: m.name, Value: size, Unit: "bytes", Bar: m.bar, HasBar: true, Measured: true,
			Note: "every bundle answered, ten minutes, a message every 30 s"})
	}
	return Report{Rows: rows, Took: time.Since(began)}, nil
}

func orElse(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// kinds are the decisions measured.
var kinds = [...]string{"deliver", "answer", "call"}

// decisions measures the cost of each kind against the primitives.
func decisions(ctx context.Context, o Options) ([]Row, error) {
	w := newWorld(o.Seats, 600*time.Millisecond, nil)
	for range 6 * time.Minute / w.every { // windows full, edges known
		w.round(nil)
	}
	base := make([]float64, 0, o.Rounds)
	cost := map[string][]float64{}
	ratio := map[string][]float64{}
	allocs := map[string]float64{}
	for i := range o.Rounds {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		p := w.primitives(o.Turn)
		base = append(base, p)
		spent := spending{}
		for n := 0; n < o.Turn; n += o.Seats {
			w.round(&spent)
		}
		for k, name := range kinds {
			ns := float64(spent.took[k].Nanoseconds()) / float64(max(1, spent.calls[k]))
			cost[name] = append(cost[name], ns)
			ratio[name] = append(ratio[name], ns/p)
			if i > 0 { // what grows in the first turn is kept
				allocs[name] = max(allocs[name], float64(spent.allocs[k])/float64(max(1, spent.calls[k])))
			}
		}
		o.Progress(fmt.Sprintf("round %d of %d: primitives %.0f ns, deliver %.0f ns", i+1, o.Rounds, p, cost["deliver"][i]))
	}
	rows := []Row{{Name: "clock read + mutex + map load", Value: median(base), Unit: "ns", Measured: true}}
	for _, name := range kinds {
		rows = append(rows,
			Row{Name: name + " / primitives", Value: median(ratio[name]), Unit: "x", Bar: barCost, HasBar: true, Measured: true,
				Note: fmt.Sprintf("%.0f ns", median(cost[name]))},
			Row{Name: name + ", allocations", Value: round(allocs[name]), Unit: "per decision", Bar: barAllocs, HasBar: true, Measured: true})
	}
	return rows, nil
}

func median(v []float64) float64 {
	s := slices.Clone(v)
	slices.Sort(s)
	return s[len(s)/2]
}

// round drops the stray allocations of the runtime's own.
func round(perDecision float64) float64 {
	if perDecision < 0.001 {
		return 0
	}
	return perDecision
}

// spending is what a round spent on each kind of decision.
type spending struct {
	took   [len(kinds)]time.Duration
	calls  [len(kinds)]int
	allocs [len(kinds)]uint64
}

// world is a number of seats, in pairs of robots that answer each other.
type world struct {
	g       *governor.Governor
	now     time.Time
	every   time.Duration
	speaks  int64 // seconds between two messages of a person
	seats   []wavelet.Seat
	bundles [][]string
	deltas  [][]wavelet.DeltaID
	given   []governor.Answer
	chains  []wavelet.Cause // what the bundles are set off by
	causes  []wavelet.Cause // the labels of the answers
	n       int

	mu    sync.Mutex
	table map[wavelet.Seat]*int
}

// ids is how many bundle ids a seat goes through before the first comes again,
// more than the governor remembers.
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
		var bundles []string
		var deltas []wavelet.DeltaID
		for n := range ids {
			id := fmt.Sprintf("%08x%08x%08x", i*2654435761, n*40503, i+n)
			bundles = append(bundles, id)
			deltas = append(deltas, wavelet.DeltaID(id+"/0"))
		}
		w.bundles, w.deltas = append(w.bundles, bundles), append(w.deltas, deltas)
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
	for i, seat := range w.seats {
		other := w.seats[i^1%len(w.seats)].Robot
		w.given[i] = governor.Answer{Robot: seat.Robot, Wavelet: seat.Wavelet, Delta: w.deltas[i][w.n%ids],
			Named: governor.Delivery{Seat: seat, Bundle: w.bundles[i][w.n%ids], RobotLane: true, Cause: w.chains[i], Author: other, Sent: w.now}}
	}
	refused := 0
	spent.measure(0, func() int {
		for i := range w.given {
			if v := w.g.Deliver(w.now, w.given[i].Named); v.Refuse != nil || v.Delay > 0 {
				refused++
			}
		}
		return len(w.given)
	})
	spent.measure(1, func() int {
		for i := range w.given {
			if v := w.g.Answer(w.now, w.given[i]); v.Refuse == nil {
				w.causes[i] = v.Cause
			}
		}
		return len(w.given)
	})
	if w.n%3 == 0 { // requests come less often than bundles
		spent.measure(2, func() int {
			for i := range w.seats {
				if v := w.g.Call(w.now, w.seats[i].Robot, false); v.Refuse != nil {
					refused++
				}
			}
			return len(w.seats)
		})
	}
	for i := range w.given {
		if (i+w.n)%2 == 0 {
			w.g.Commit(w.now, wavelet.Commit{Wavelet: w.given[i].Wavelet, Delta: wavelet.Delta{ID: w.given[i].Delta, Author: w.given[i].Robot, Cause: w.causes[i]}})
		}
	}
	if refused > 0 {
		panic("governorbench: the traffic measured was refused")
	}
}

// measure runs f, which makes a number of decisions of one kind.
func (s *spending) measure(kind int, f func() int) {
	if s == nil {
		f()
		return
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	n := f()
	s.took[kind] += time.Since(began)
	runtime.ReadMemStats(&after)
	s.calls[kind] += n
	s.allocs[kind] += after.Mallocs - before.Mallocs
}

// primitives is how many nanoseconds one clock read, one mutex and one look into
// the map take.
func (w *world) primitives(n int) float64 {
	found := 0
	began := time.Now()
	for i := range n {
		now := time.Now()
		w.mu.Lock()
		if v := w.table[w.seats[i%len(w.seats)]]; v != nil && !now.IsZero() {
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

// memory is the bytes that a seat takes when it is sent a bundle every interval
// and answers each, after ten minutes.
func memory(seats int, every time.Duration) float64 {
	p, _ := policies.Builtin().Profile("default")
	p.Pace.MinInterval = 0
	p.Amplification.PerCause = 0
	p.Ratio = slices.Clone(p.Ratio)
	for i := range p.Ratio {
		p.Ratio[i].Respond = policies.RespondShow
	}
	w := newWorld(seats, every, &p)
	w.speaks = 30
	before := heap()
	for range 10 * time.Minute / every {
		w.step()
	}
	size := float64(heap()-before) / float64(seats)
	runtime.KeepAlive(w)
	return size
}

// step sends every seat a bundle and answers it.
func (w *world) step() {
	w.pass()
	for i, seat := range w.seats {
		d := governor.Delivery{Seat: seat, Bundle: w.bundles[i][w.n%ids], RobotLane: true, Cause: w.chains[i], Author: w.seats[i^1].Robot, Sent: w.now}
		if v := w.g.Deliver(w.now, d); v.Refuse != nil || v.Delay > 0 {
			panic("governorbench: the traffic measured was refused")
		}
		a := governor.Answer{Robot: seat.Robot, Wavelet: seat.Wavelet, Delta: w.deltas[i][w.n%ids], Named: d}
		if v := w.g.Answer(w.now, a); v.Refuse == nil {
			w.g.Commit(w.now, wavelet.Commit{Wavelet: seat.Wavelet, Delta: wavelet.Delta{ID: a.Delta, Author: seat.Robot, Cause: v.Cause}})
		}
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
