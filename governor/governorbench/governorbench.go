// Package governorbench measures what the governor costs: the time of one
// decision, the memory it allocates for it, and the bytes that a seat takes.
//
// A decision is put beside what it cannot do without: one clock read, one mutex
// taken and released, and one look into a map of seats. The two take turns in
// one process, a few hundred of each at a time, and what is reported is the median
// of the ratios, so that a machine that is busy for a while is busy for both. The
// seats measured are all in use, on a cycle of two robots and with their windows
// full, and bundles are answered as they come. That is done with a few seats, and
// with as many as one node should bear, where no record of a seat is in a cache
// any more when it is looked at next.
package governorbench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"weir"
	"weir/policies"
)

// Options say how long to measure. The zero value is a run of about a minute.
type Options struct {
	// Rounds is how many turns each side gets; 0 means 9.
	Rounds int
	// Turn is how many decisions of each kind a turn has; 0 means 40,000.
	Turn int
	// Seats is how many seats take part in them; 0 means 256.
	Seats int
	// Node is how many seats a node should bear; 0 means 100,000.
	Node int
	// Progress, if not nil, is called with a line of text after each part.
	Progress func(string)
}

// Report is the outcome of a run.
type Report struct {
	Rows []weir.Figure
	Took time.Duration
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
	o.Node = orElse(o.Node, 100_000)
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	few := newWorld(o.Seats, 600*time.Millisecond, nil)
	few.calls = true
	rows, err := few.decisions(ctx, o, "")
	if err != nil {
		return Report{}, err
	}
	node, err := wholeNode(ctx, o)
	if err != nil {
		return Report{}, err
	}
	rows = append(rows, node...)
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
		rows = append(rows, weir.Figure{Name: m.name, Value: size, Unit: "bytes", Bar: m.bar, HasBar: true, Measured: true,
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

// wholeNode measures with as many seats as a node should bear, each of which is
// sent a bundle every second.
func wholeNode(ctx context.Context, o Options) ([]weir.Figure, error) {
	p, _ := policies.Builtin().Profile("default")
	p.Amplification.PerCause = 96 // a minute's answers, and no warnings
	w := newWorld(o.Node, time.Second, &p)
	w.speaks = 30
	before := heap()
	suffix := fmt.Sprintf(", %d seats", o.Node)
	rows, err := w.decisions(ctx, o, suffix)
	if err != nil {
		return nil, err
	}
	size := float64(heap()-before) / float64(o.Node)
	runtime.KeepAlive(w)
	o.Progress(fmt.Sprintf("bytes per seat%s: %.0f", suffix, size))
	return append(rows, weir.Figure{Name: "bytes per seat" + suffix, Value: size, Unit: "bytes", Bar: barQuiet, HasBar: true, Measured: true,
		Note: "1 event/s each, a message every 30 s"}), nil
}

// decisions measures the cost of each kind against the primitives.
func (w *world) decisions(ctx context.Context, o Options, suffix string) ([]weir.Figure, error) {
	for range 5*time.Minute/w.every + 2 { // windows full, edges known
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		w.round(nil)
	}
	w.round(&spending{}) // what grows the first time is kept
	w.round(nil)
	spent := &spending{}
	for i := range o.Rounds {
		for n := 0; n < max(o.Turn, 3*len(w.seats)); n += len(w.seats) { // requests come every third time
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			w.round(spent)
		}
		o.Progress(fmt.Sprintf("round %d of %d%s: primitives %.0f ns, deliver %.0f ns", i+1, o.Rounds, suffix, median(spent.base), median(spent.ns[0])))
	}
	rows := []weir.Figure{{Name: "clock read + mutex + map load" + suffix, Value: median(spent.base), Unit: "ns", Measured: true}}
	for k, name := range kinds {
		rows = append(rows, weir.Figure{Name: name + " / primitives" + suffix, Value: median(spent.ratio[k]), Unit: "x", Bar: barCost, HasBar: true, Measured: true,
			Note: fmt.Sprintf("%.0f ns", median(spent.ns[k]))})
		if name == "call" && !w.calls { // its windows still grow
			continue
		}
		rows = append(rows, weir.Figure{Name: name + ", allocations" + suffix, Value: round(float64(spent.allocs[k]) / float64(spent.calls[k])), Unit: "per decision",
			Bar: barAllocs, HasBar: true, Measured: true})
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

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
