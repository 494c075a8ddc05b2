package admissionbench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"weir"
)

// Options of a storm. The zero value is the storm of 50,000, all of whom obey.
type Options struct {
	Clients  int     // who come back at once; 0: 50,000
	Capacity float64 // handshakes the server can do in a second; 0: 500
	Ignore   float64 // part of the clients who ignore what they are told
	NoShow   float64 // part who never return after the first refusal
	Seeds    int     // storms of each kind for the product's own queue; 0: 3
}

func (o Options) withDefaults() Options {
	fill(&o.Clients, 50_000)
	fill(&o.Capacity, 500)
	fill(&o.Seeds, 3)
	return o
}

func fill[T comparable](v *T, standard T) {
	var zero T
	if *v == zero {
		*v = standard
	}
}

// Row is how one way to meet a storm fared, with clients who all do as they are
// told and with some who do not.
type Row struct {
	Strategy string  `json:"strategy"`
	Obeyed   Outcome `json:"obeyed"`
	Ignored  Outcome `json:"ignored"`
}

// Outcome is how a storm went.
type Outcome struct {
	Drained    bool    `json:"drained"`   // everybody who was to come in did
	Drain      float64 `json:"drain_s"`   // until the last was in
	Attempts   float64 `json:"attempts"`  // per client
	Lost       float64 `json:"lost"`      // part of the handshakes' work that was for nothing
	Timeouts   int     `json:"timeouts"`  // attempts that ended in silence
	Pending    int     `json:"pending"`   // the most at a time
	Parked     int     `json:"parked"`    // the most at a time
	Obeying    float64 `json:"obeying_s"` // mean time until one who does as told was in
	Ignoring   float64 `json:"ignoring_s"`
	PromiseP99 float64 `json:"promise_p99_s"` // between the turn that was promised and the one that was had
}

// Ratio is how much longer it takes those who ignore what they are told.
func (o Outcome) Ratio() float64 { return o.Ignoring / o.Obeying }

// StormReport is a finished run.
type StormReport struct {
	Took    time.Duration
	Ideal   float64 // seconds in which the server could let everybody in, at 95 % of its capacity
	Rows    []Row
	Figures []weir.Figure
}

// rivals are the other ways to meet a storm.
var rivals = []struct {
	name string
	make func() strategy
}{
	{"none", func() strategy { return none{} }},
	{"rate gate, Retry-After 5", func() strategy { return &rateGate{} }},
	{"pending cap, Retry-After 5", func() strategy { return pendingCap{} }},
	{"exponential backoff, jitter", func() strategy { return backoff{} }},
	{"CPU shedding, jitter", func() strategy { return &shedding{} }},
	{"distinct ETA, no ticket", func() strategy { return &distinct{} }},
	{"the same in whole seconds", func() strategy { return &distinct{whole: true} }},
}

// Storm runs a reconnect storm against each strategy: those that are compared
// once, the product's own with several seeds, of which the worst is shown. It
// fails only if ctx ends.
func Storm(ctx context.Context, o Options) (StormReport, error) {
	o = o.withDefaults()
	begun := time.Now()
	r := StormReport{Ideal: float64(o.Clients) / (0.95 * o.Capacity), Rows: make([]Row, len(rivals)+1)}
	runs, ctx := errgroup.WithContext(ctx)
	runs.SetLimit(runtime.GOMAXPROCS(0))
	start := func(to *Outcome, seed int, ignore, noShow float64, s strategy) {
		runs.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			p := o
			p.Ignore, p.NoShow = ignore, noShow
			*to = storm(p, uint64(seed+1), s, 5*r.Ideal)
			return nil
		})
	}
	for i, s := range rivals {
		r.Rows[i].Strategy = s.name
		start(&r.Rows[i].Obeyed, 0, 0, 0, s.make())
		start(&r.Rows[i].Ignored, 0, o.Ignore, 0, s.make())
	}
	obeyed, ignored, absent := make([]Outcome, o.Seeds), make([]Outcome, o.Seeds), make([]Outcome, o.Seeds)
	for seed := range o.Seeds {
		start(&obeyed[seed], seed, 0, 0, newQueue(o))
		start(&ignored[seed], seed, o.Ignore, 0, newQueue(o))
		start(&absent[seed], seed, 0, o.NoShow, newQueue(o))
	}
	if err := runs.Wait(); err != nil {
		return r, err
	}
	ours := &r.Rows[len(rivals)]
	*ours = Row{Strategy: "ticketed queue (weir)", Obeyed: worst(obeyed), Ignored: worst(ignored)}
	r.Figures = r.figures(o, *ours, worst(absent))
	r.Took = time.Since(begun)
	return r, nil
}

// worst is the worst of several storms, figure by figure.
func worst(of []Outcome) Outcome {
	all := Outcome{Drained: true}
	for _, one := range of {
		all.Drained = all.Drained && one.Drained
		all.Drain, all.Attempts, all.Lost = max(all.Drain, one.Drain), max(all.Attempts, one.Attempts), max(all.Lost, one.Lost)
		all.Timeouts, all.Pending, all.Parked = all.Timeouts+one.Timeouts, max(all.Pending, one.Pending), max(all.Parked, one.Parked)
		all.PromiseP99 = max(all.PromiseP99, one.PromiseP99)
		if all.Obeying == 0 || one.Ratio() < all.Ratio() {
			all.Obeying, all.Ignoring = one.Obeying, one.Ignoring
		}
	}
	return all
}

// storm runs one.
func storm(o Options, seed uint64, by strategy, longest float64) Outcome {
	w := newWorld(o, seed, by)
	w.run(longest)
	out := Outcome{Drained: w.missing == 0, Drain: w.cpu.now, Timeouts: w.timeout, Pending: w.most}
	if all := w.cpu.lost + w.cpu.done; all > 0 {
		out.Lost = w.cpu.lost / all
	}
	var n, sum [2]float64
	for i := range w.clients {
		c := &w.clients[i]
		out.Attempts += float64(c.attempts) / float64(len(w.clients))
		kind := 0
		if c.ignores {
			kind = 1
		}
		if c.joined > 0 {
			n[kind]++
			sum[kind] += c.joined
		}
	}
	out.Obeying, out.Ignoring = mean(sum[0], n[0]), mean(sum[1], n[1])
	if q, ok := by.(*queue); ok {
		out.PromiseP99, out.Parked = quantile(q.promises, 0.99), q.parked
	}
	return out
}

func mean(sum, n float64) float64 {
	if n == 0 {
		return 0
	}
	return sum / n
}

// quantile sorts values.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[int(q*float64(len(values)-1))]
}

// never stands for the drain of a storm that did not end.
const never = 1000

// figures are the bars of the product's own queue.
func (r StormReport) figures(o Options, ours Row, absent Outcome) []weir.Figure {
	most := func(name string, value float64, unit string, bar float64, note string) weir.Figure {
		return weir.Figure{Name: name, Value: value, Unit: unit, Bar: bar, HasBar: true, Measured: true, Note: note}
	}
	drain := func(x Outcome) float64 {
		if !x.Drained {
			return never
		}
		return x.Drain / r.Ideal
	}
	ignoring := fmt.Sprintf(", %.0f %% ignoring", 100*o.Ignore)
	leaving := fmt.Sprintf(", %.0f %% not returning", 100*o.NoShow)
	timeouts := ours.Obeyed.Timeouts + ours.Ignored.Timeouts + absent.Timeouts
	pending := max(ours.Obeyed.Pending, ours.Ignored.Pending, absent.Pending)
	f := []weir.Figure{
		most("drain, to ideal", drain(ours.Obeyed), "x", 1.05, fmt.Sprintf("ideal: %.0f s", r.Ideal)),
		most("drain, to ideal"+ignoring, drain(ours.Ignored), "x", 1.10, ""),
		most("drain, to ideal"+leaving, drain(absent), "x", 1.10, "those who do return come when they were told"),
		most("attempts per client", ours.Obeyed.Attempts, "", 2.2, ""),
		most("attempts per client"+ignoring, ours.Ignored.Attempts, "", 4, ""),
		most("attempts that ended in silence", float64(timeouts), "", 0, "in all runs"),
		most("pending sessions, the most at a time", float64(pending), "", o.Capacity, "in all runs"),
		most("admitted to promised, p99", max(ours.Obeyed.PromiseP99, absent.PromiseP99), "s", 1, ""),
	}
	if o.Ignore > 0 {
		least := most("until in, ignoring to obeying", ours.Ignored.Ratio(), "x", 0.95, fmt.Sprintf("%.1f s to %.1f s: ignoring does not pay", ours.Ignored.Ignoring, ours.Ignored.Obeying))
		least.AtLeast = true
		f = append(f, least, most("until in, ignoring to obeying", ours.Ignored.Ratio(), "x", 1.3, "nor is it punished"))
	}
	return f
}
