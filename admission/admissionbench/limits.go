package admissionbench

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"weir"
	"weir/admission"
	"weir/admission/lending"
)

// CostOptions say how long to measure what decisions cost. The zero value is a
// run of a few seconds.
type CostOptions struct {
	Rounds int // turns of each; 0: 15
	Turn   int // decisions in a turn; 0: 20,000
}

// Report is the outcome of a run.
type Report struct {
	Figures []weir.Figure
	Took    time.Duration
}

// The bars.
const (
	barDecision = 1.5 // clock reads with an atomic add, per decision
	barEnter    = 2   // atomic adds, per connection that knocks
)

// task is something that is timed.
type task struct {
	name string
	do   func(n int)
	note string
	bar  float64 // 0: none
}

// against times tasks in turns, so that a machine that is busy for a while is
// busy for all of them, and puts each beside the first: the median of the ratios.
func against(ctx context.Context, o CostOptions, tasks []task) ([]weir.Figure, error) {
	rounds, turn := cmp.Or(o.Rounds, 15), cmp.Or(o.Turn, 20_000)
	took := make([][]float64, len(tasks))
	for range rounds {
		for i, t := range tasks {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			began := time.Now()
			t.do(turn)
			took[i] = append(took[i], float64(time.Since(began).Nanoseconds())/float64(turn))
		}
	}
	var figures []weir.Figure
	for i, t := range tasks {
		if i == 0 {
			figures = append(figures, weir.Figure{Name: t.name, Value: middle(took[0]), Unit: "ns", Measured: true, Note: t.note})
			continue
		}
		ratios := make([]float64, rounds)
		for r := range ratios {
			ratios[r] = took[i][r] / took[0][r]
		}
		figures = append(figures, weir.Figure{
			Name: t.name, Value: middle(ratios), Unit: "x", Bar: t.bar, HasBar: t.bar > 0, Measured: true, Note: t.note,
		})
	}
	return figures, nil
}

func middle(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

// limited are limits that are never reached, of an operation and in all.
func limited(c *admission.Commands) *admission.Rules {
	plenty := func(interval time.Duration) admission.Bucket {
		return admission.Bucket{Interval: interval, Rate: 1_000_000}
	}
	c.Enabled = true
	c.Publish = &admission.Limit{Buckets: []admission.Bucket{plenty(time.Millisecond)}}
	c.Total = &admission.Limit{Buckets: []admission.Bucket{plenty(time.Millisecond), plenty(2 * time.Millisecond)}}
	return admission.NewRules(c, time.Now())
}

// Limits measures what it costs to decide about a command: one bucket of its
// operation and two of the total, with the clock read that it takes.
func Limits(ctx context.Context, o CostOptions) (Report, error) {
	began := time.Now()
	var adds atomic.Int64
	var seen time.Time
	one := rate.NewLimiter(rate.Inf, 1)
	one.SetLimit(1e9)
	one.SetBurst(1e9)
	three := []*rate.Limiter{rate.NewLimiter(1e9, 1e9), rate.NewLimiter(1e9, 1e9), rate.NewLimiter(1e9, 1e9)}
	rules := limited(&admission.Commands{})
	publish := admission.Command{Op: admission.Publish, Wave: "example.com!w+abc", Wavelet: "example.com!conv+root"}
	var connection, user, empty admission.Account
	never := admission.NewRules(&admission.Commands{Enabled: true, Publish: &admission.Limit{Buckets: []admission.Bucket{{Interval: 24 * time.Hour, Rate: 1}}}}, time.Now())
	empty.Take(never, time.Now(), publish)
	decide := func(n int) {
		for range n {
			connection.Take(rules, time.Now(), publish)
		}
	}
	lender := &nearLender{rules: rules}
	spender := lending.New(lender)
	defer spender.Close()
	var leased admission.Account
	figures, err := against(ctx, o, []task{
		{name: "clock read and atomic add", do: func(n int) {
			for range n {
				seen = time.Now()
				adds.Add(1)
			}
		}},
		{name: "decision: connection", do: decide, bar: barDecision, note: "three buckets, one clock read"},
		{name: "decision: connection and user", do: func(n int) {
			for range n {
				now := time.Now()
				connection.Take(rules, now, publish)
				user.Take(rules, now, publish)
			}
		}, note: "six buckets, one clock read"},
		{name: "decision: leased tokens", do: func(n int) {
			for range n {
				spender.Take("ann@example.com", &leased, rules, time.Now(), publish)
			}
		}, note: "three buckets of a limit over all nodes, trips to the lender included"},
		{name: "decision: refused", do: func(n int) {
			for range n {
				empty.Take(never, time.Now(), publish)
			}
		}},
		{name: "x/time/rate, one bucket", do: func(n int) {
			for range n {
				one.AllowN(time.Now(), 1)
			}
		}},
		{name: "x/time/rate, three buckets", do: func(n int) {
			for range n {
				now := time.Now()
				_ = three[0].AllowN(now, 1) && three[1].AllowN(now, 1) && three[2].AllowN(now, 1)
			}
		}, note: "which keeps what the first gave when the second refuses"},
	})
	if err != nil {
		return Report{}, err
	}
	runtime.KeepAlive(seen)
	figures = append(figures, weir.Figure{Name: "allocations per decision", Value: allocations(decide), Unit: "", HasBar: true, Measured: true})
	return Report{figures, time.Since(began)}, nil
}

// nearLender lends as fast as it can be asked.
type nearLender struct {
	rules   *admission.Rules
	account admission.Account
}

func (l *nearLender) Nodes() int { return 1 }

func (l *nearLender) Lease(_ context.Context, _ string, asks []admission.Ask) ([]admission.Lease, error) {
	return l.account.Lend(l.rules, time.Now(), asks), nil
}

// allocations is how many a call of do makes for each of its turns.
func allocations(do func(n int)) float64 {
	const n = 100_000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do(n)
	runtime.ReadMemStats(&after)
	return float64((after.Mallocs - before.Mallocs) / n) // whole ones: others run beside it
}
