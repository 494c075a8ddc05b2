// Package siege attacks a running server and watches what that does to the
// people who work on it.
//
// A few typists write in one wavelet, each in a message of their own, and wait
// for every edit to be acknowledged; a watchman asks for the server's health.
// They do so undisturbed first, and then during each attack: bytes that trickle,
// handshakes that are never finished, frames that cannot be read, floods of
// operations, errors and tickets, sockets that come and go, and messages and
// headers made to cost much. The attackers come from other addresses of the
// loopback network than the people. What is reported of each attack is the
// people's goodput beside the undisturbed one, their delays, the watchman's
// answers, the most memory that the server's process took, and by which layers
// and for which reasons the server turned the attack away. In the end
// everything that was typed must be there.
//
// The server is whatever listens at the address, with people let in by name.
// Run acts and waits for everything it has started.
package siege

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"weir"
)

// Target is the server.
type Target struct {
	URL string // http://127.0.0.1:8080
	// Resident is how many bytes of memory the server's process takes; nil: that
	// is not measured.
	Resident func() (int64, error)
}

// Options say how hard and how long. The zero value takes about two minutes.
type Options struct {
	Phase    time.Duration // of each attack, and of the quiet before; 0: 8 s
	Typists  int           // 0: 8
	Answer   time.Duration // in which the server answers for its health, or is not well; 0: 5 s
	Frames   int           // frames that cannot be read, which that attack sends at least; 0: 100,000
	Attacks  []string      // by name; none: all
	Progress func(string)  // nil: nobody is told
}

// Course is how one phase went for the people.
type Course struct {
	Attack   string           `json:"attack"` // "" for the quiet before
	Took     time.Duration    `json:"took_ns"`
	Acked    int              `json:"acked"`         // edits
	Slowest  int              `json:"slowest"`       // edits of the typist who got fewest through
	P50      time.Duration    `json:"p50_ns"`        // publish to acknowledgement
	P99      time.Duration    `json:"p99_ns"`        //
	Asked    int              `json:"asked"`         // for the server's health
	Unwell   int              `json:"unwell"`        // not answered with 200 in time
	Resident int64            `json:"resident"`      // most bytes of memory; 0: not measured
	Sent     int64            `json:"sent"`          // hostile connections, requests or frames
	Turned   int64            `json:"turned"`        // of them, as the attackers saw it
	Refused  map[string]int64 `json:"refused"`       // by "layer reason", as the server counts
	Failed   string           `json:"failed"`        // why the attack could not be carried out, "" if it could
	Goodput  float64          `json:"goodput"`       // edits a second, beside the quiet before
	Calm     bool             `json:"calm,omitzero"` // nobody attacks
}

// Report is the outcome of a siege.
type Report struct {
	Courses []Course
	Typed   int // edits acknowledged to the typists
	Lost    int // of them, not in the wavelet in the end
	Took    time.Duration
}

// Names are the attacks there are, in order.
func Names() []string {
	var names []string
	for _, a := range attacks {
		names = append(names, a.name)
	}
	return names
}

// Run lays the siege until it is done or ctx ends, whose cause is then the error.
func Run(ctx context.Context, t Target, o Options) (Report, error) {
	start := time.Now()
	if o.Phase == 0 {
		o.Phase = 8 * time.Second
	}
	if o.Typists == 0 {
		o.Typists = 8
	}
	if o.Answer == 0 {
		o.Answer = 5 * time.Second
	}
	if o.Frames == 0 {
		o.Frames = 100_000
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	town, err := settle(ctx, t, o)
	if err != nil {
		return Report{}, fmt.Errorf("prepare the siege: %w", err)
	}
	defer town.close()
	var r Report
	o.Progress("nobody attacks")
	calm, err := town.live(ctx, o.Phase, nil)
	if err != nil {
		return Report{}, fmt.Errorf("before the siege: %w", err)
	}
	calm.Calm = true
	first, err := newBesieger(t, o.Frames)
	if err != nil {
		return Report{}, fmt.Errorf("prepare the siege: %w", err)
	}
	if first.old, err = first.ticket(ctx); err != nil {
		return Report{}, fmt.Errorf("prepare the siege: %w", err)
	}
	quiet := calm.rate()
	calm.Goodput = 1
	r.Courses = append(r.Courses, calm)
	for _, a := range attacks {
		if len(o.Attacks) > 0 && !slices.Contains(o.Attacks, a.name) {
			continue
		}
		o.Progress(a.name)
		c, err := town.live(ctx, o.Phase, first.with(a))
		if err != nil {
			return Report{}, fmt.Errorf("%s: %w", a.name, err)
		}
		c.Attack, c.Goodput = a.name, c.rate()/quiet
		r.Courses = append(r.Courses, c)
	}
	if r.Typed, r.Lost, err = town.count(ctx); err != nil {
		return Report{}, fmt.Errorf("after the siege: %w", err)
	}
	r.Took = time.Since(start)
	return r, nil
}

// rate is the edits acknowledged in a second.
func (c Course) rate() float64 { return float64(c.Acked) / c.Took.Seconds() }

// Figures are the report with its bars: memory in bytes is the most that the
// server may take.
func (r Report) Figures(memory int64) []weir.Figure {
	var list []weir.Figure
	for _, c := range r.Courses[1:] {
		list = append(list,
			weir.Figure{Name: c.Attack + ": goodput of honest people", Value: c.Goodput, Unit: "x", Bar: 0.5, HasBar: true, AtLeast: true, Measured: c.Failed == "",
				Note: fmt.Sprintf("%d edits, p50 %.0f ms, p99 %.0f ms; %d sent, %d turned away", c.Acked, ms(c.P50), ms(c.P99), c.Sent, c.Turned)},
			weir.Figure{Name: c.Attack + ": health not answered", Value: float64(c.Unwell), Unit: "of " + fmt.Sprint(c.Asked), HasBar: true, Measured: c.Asked > 0},
			weir.Figure{Name: c.Attack + ": memory", Value: float64(c.Resident) / (1 << 20), Unit: "MiB", Bar: float64(memory) / (1 << 20), HasBar: memory > 0, Measured: c.Resident > 0},
		)
	}
	return append(list, weir.Figure{Name: "edits lost", Value: float64(r.Lost), Unit: fmt.Sprintf("of %d", r.Typed), HasBar: true, Measured: r.Typed > 0})
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Reasons is what the server has turned away, most first, in a line.
func (c Course) Reasons() string {
	keys := slices.SortedFunc(maps.Keys(c.Refused), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.Refused[b], c.Refused[a]), cmp.Compare(a, b))
	})
	for i, k := range keys {
		keys[i] = fmt.Sprintf("%s %d", k, c.Refused[k])
	}
	return strings.Join(keys, ", ")
}
