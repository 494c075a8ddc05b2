package admissionbench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"weir"
	"weir/admission"
)

// GoodputOptions of a run. The zero value is the whole one.
type GoodputOptions struct {
	Span time.Duration // of each run, in virtual time; 0: an hour
}

// GoodputRow is what one limit makes of overload: for each machine and load the
// work that was done in time, to what the processors could have done.
type GoodputRow struct {
	Limit string    `json:"limit"`
	Share []float64 `json:"share"` // one for each of Cells
}

// GoodputReport is a finished run.
type GoodputReport struct {
	Took    time.Duration
	Cells   []string // machine and load
	Rows    []GoodputRow
	Figures []weir.Figure
}

// What requests need, and how long their callers wait.
const (
	requestCost     = 5.0  // processor seconds
	requestDeadline = 29.0 // seconds
)

// right is the fixed limit for a machine with so many processors: as much as
// ends in 0.8 of the deadline.
func right(processors int) int {
	return int(0.8 * float64(processors) * requestDeadline / requestCost)
}

func concurrency(limit, start int) admission.ConcurrencyConfig {
	c := admission.DefaultConcurrency()
	c.Limit, c.Start, c.Waiting = limit, start, 0
	c.Deadline = time.Duration(requestDeadline * float64(time.Second))
	return c
}

// limits are those that are compared. The last is the product's as it comes, but
// for the deadline.
var limits = []struct {
	name string
	make func(processors int) admission.ConcurrencyConfig
}{
	{"none", func(int) admission.ConcurrencyConfig { return admission.ConcurrencyConfig{} }},
	{"fixed, 2.5 times too high", func(p int) admission.ConcurrencyConfig { return concurrency(right(p)*5/2, 0) }},
	{"fixed, right", func(p int) admission.ConcurrencyConfig { return concurrency(right(p), 0) }},
	{"by the deadline, nobody waits", func(int) admission.ConcurrencyConfig { return concurrency(0, 0) }},
	{"by the deadline", func(int) admission.ConcurrencyConfig {
		c := concurrency(0, 0)
		c.Waiting = admission.DefaultConcurrency().Waiting
		return c
	}},
}

// Goodput measures until it is done or ctx ends, whose cause is then the error.
func Goodput(ctx context.Context, o GoodputOptions) (GoodputReport, error) {
	start := time.Now()
	span := o.Span.Seconds()
	if span == 0 {
		span = time.Hour.Seconds()
	}
	var r GoodputReport
	add := func(name string, value, bar float64) {
		r.Figures = append(r.Figures, weir.Figure{Name: name, Value: value, Unit: "of optimum", Bar: bar, HasBar: true, AtLeast: true, Measured: true})
	}
	product := limits[len(limits)-1].make
	health := 1.0
	for i, l := range limits {
		row := GoodputRow{Limit: l.name}
		for _, processors := range []int{1, 2, 4} {
			for _, load := range []float64{3, 20} {
				if ctx.Err() != nil {
					return r, context.Cause(ctx)
				}
				w := newWork(l.make(processors), processors, load)
				w.until(span)
				share := w.share(0, span)
				row.Share = append(row.Share, share)
				cell := fmt.Sprintf("%d CPU, load %v", processors, load)
				if i == 0 {
					r.Cells = append(r.Cells, cell)
				}
				if i >= len(limits)-2 {
					add(l.name+": "+cell, share, 0.97)
					health = min(health, w.health())
				}
			}
		}
		r.Rows = append(r.Rows, row)
	}
	for _, from := range []struct {
		name  string
		start int
	}{{"ten times too high", 10 * right(2)}, {"ten times too low", max(right(2)/10, 1)}} {
		c := product(2)
		c.Start = from.start
		w := newWork(c, 2, 3)
		w.until(span)
		add("from a start "+from.name, w.share(0, span), 0.90)
		health = min(health, w.health())
	}
	w := newWork(product(4), 4, 3)
	w.until(span / 2)
	w.processors = 2
	w.until(span)
	add("half the processors gone, 20 request times later", w.share(span/2+20*requestCost, span), 0.95)
	add("health checks that are answered", min(health, w.health()), 1)
	r.Took = time.Since(start)
	return r, nil
}

// request is one of those that come.
type request struct {
	came  float64
	work  *admission.Work
	ends  float64 // of what each has had, when it is done
	state requestState
}

type requestState uint8

const (
	requestWaits requestState = iota
	requestRuns
	requestOver
)

// Before orders requests by when they are done.
func (r *request) Before(other *request) bool { return r.ends < other.ends }

// work is processors that are shared alike by all requests under way, which come
// at random, ask the product's own limit, and go away at the deadline.
type work struct {
	limit      *admission.Concurrency
	config     admission.ConcurrencyConfig
	processors float64
	random     *rand.Rand
	rate       float64 // of arrivals, to the second

	now, each float64 // each is what one that was there from the beginning has had
	arrival   float64
	running   heap[*request]
	alive     int
	here      []*request // in the order in which they came: the first goes first
	waiting   []*request // of those, the ones that are not under way

	done             []float64 // when each was done in time
	capacity         []change
	checks, answered int
}

// change is how many processors there are from an instant on.
type change struct{ at, processors float64 }

func newWork(c admission.ConcurrencyConfig, processors int, load float64) *work {
	return &work{
		limit: admission.NewConcurrency(processors, c), config: c, processors: float64(processors),
		random: rand.New(rand.NewPCG(1, uint64(processors))), rate: load * float64(processors) / requestCost,
	}
}

func (w *work) clock() time.Time { return time.Unix(0, 0).Add(time.Duration(w.now * 1e9)) }

// until goes on to an instant.
func (w *work) until(end float64) {
	w.capacity = append(w.capacity, change{w.now, w.processors})
	for w.now < end {
		next := min(w.arrival, end)
		if at, ok := w.firstDone(); ok {
			next = min(next, at)
		}
		for len(w.here) > 0 && w.here[0].state == requestOver {
			w.here = w.here[1:]
		}
		if len(w.here) > 0 {
			next = min(next, w.here[0].came+requestDeadline)
		}
		for len(w.waiting) > 0 && w.waiting[0].state != requestWaits {
			w.waiting = w.waiting[1:]
		}
		if len(w.waiting) > 0 {
			next = min(next, w.waiting[0].came+w.config.Patience().Seconds())
		}
		w.each += (next - w.now) * w.pace()
		w.now = next
		w.step()
	}
}

// pace is what each that is under way has of a processor.
func (w *work) pace() float64 { return min(1, w.processors/float64(max(w.alive, 1))) }

// firstDone is when the first of those under way is done.
func (w *work) firstDone() (float64, bool) {
	for len(w.running) > 0 && w.running[0].state != requestRuns {
		w.running.pop()
	}
	if len(w.running) == 0 {
		return 0, false
	}
	return w.now + max(w.running[0].ends-w.each, 0)/w.pace(), true
}

// step does what is due now.
func (w *work) step() {
	const soon = 1e-9
	switch {
	case len(w.running) > 0 && w.running[0].state == requestRuns && w.running[0].ends <= w.each+soon:
		r := w.running.pop()
		if w.now-r.came <= requestDeadline {
			w.done = append(w.done, w.now)
		}
		w.over(r)
	case len(w.here) > 0 && w.here[0].state != requestOver && w.here[0].came+requestDeadline <= w.now+soon:
		w.over(w.here[0])
	case len(w.waiting) > 0 && w.waiting[0].state == requestWaits && w.waiting[0].came+w.config.Patience().Seconds() <= w.now+soon:
		w.over(w.waiting[0])
	case w.arrival <= w.now:
		w.come()
	}
	for len(w.waiting) > 0 { // its turn may have come
		if w.waiting[0].state == requestWaits {
			select {
			case <-w.waiting[0].work.Began():
				w.run(w.waiting[0])
			default:
				return
			}
		}
		w.waiting = w.waiting[1:]
	}
}

func (w *work) over(r *request) {
	if r.state == requestRuns {
		w.alive--
	}
	r.state = requestOver
	w.limit.End(w.clock(), r.work)
}

func (w *work) run(r *request) {
	r.state, r.ends = requestRuns, w.each+requestCost
	w.running.push(r)
	w.alive++
}

// come has the next one come. With each comes a health check, which asks no
// limit, and has to be answered in a second: it takes a millisecond of processor.
func (w *work) come() {
	w.arrival = w.now + w.random.ExpFloat64()/w.rate
	if w.checks++; 0.001/min(1, w.processors/float64(w.alive+1)) < 1 {
		w.answered++
	}
	place, _ := w.limit.Ask(w.clock(), 1, false)
	if place == nil {
		return
	}
	r := &request{came: w.now, work: place}
	w.here = append(w.here, r)
	select {
	case <-place.Began():
		w.run(r)
	default:
		w.waiting = append(w.waiting, r)
	}
}

// share is the work that was done in time between two instants, to what could
// have been done.
func (w *work) share(from, to float64) float64 {
	could := 0.0
	for i, c := range w.capacity {
		end := to
		if i+1 < len(w.capacity) {
			end = min(end, w.capacity[i+1].at)
		}
		could += max(end-max(from, c.at), 0) * c.processors
	}
	did := 0.0
	for _, at := range w.done {
		if at >= from && at < to {
			did += requestCost
		}
	}
	return did / could
}

// health is the part of the health checks that were answered in time.
func (w *work) health() float64 { return float64(w.answered) / float64(w.checks) }
