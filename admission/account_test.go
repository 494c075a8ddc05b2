package admission_test

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/time/rate"
	"pgregory.net/rapid"

	"weir/admission"
)

var begin = time.Unix(1_700_000_000, 0)

// limits reads the limits of a connection.
func limits(t testing.TB, text string) *admission.Commands {
	t.Helper()
	c, err := admission.Parse([]byte("client_command_rate_limit:\n  enabled: true\n"+text), "test")
	if err != nil {
		t.Fatal(err)
	}
	return c.ClientCommands
}

// TestTimelines has one account decide one command after the other.
func TestTimelines(t *testing.T) {
	type step struct {
		at   time.Duration
		c    admission.Command
		wait time.Duration // 0: let in
	}
	op := func(o admission.Op) admission.Command { return admission.Command{Op: o} }
	call := func(method string) admission.Command { return admission.Command{Op: admission.RPC, Method: method} }
	news := admission.Command{Op: admission.Publish, Wave: "example.com!w+news1", Wavelet: "example.com!conv+root"}
	own := admission.Command{Op: admission.Publish, Wave: "example.com!w+news1", Wavelet: "example.com!user+ann@example.com"}
	other := admission.Command{Op: admission.Publish, Wave: "example.com!w+1", Wavelet: "example.com!conv+root"}
	for _, c := range []struct {
		name, text string
		steps      []step
	}{
		{"one a second", "  publish: {buckets: [{interval: 1s, rate: 1}]}", []step{
			{0, op(admission.Publish), 0}, {0, op(admission.Publish), time.Second}, {0, op(admission.History), 0},
			{400 * time.Millisecond, op(admission.Publish), 600 * time.Millisecond}, {time.Second, op(admission.Publish), 0},
			{time.Hour, op(admission.Publish), 0}, {time.Hour, op(admission.Publish), time.Second},
		}},
		{"each operation has the default for itself", "  default: {buckets: [{interval: 1s, rate: 1}]}", []step{
			{0, op(admission.Publish), 0}, {0, op(admission.History), 0}, {0, call("a"), 0}, {0, op(admission.Publish), time.Second},
			{0, op(admission.Ping), 0}, {0, op(admission.Ping), 0}, {0, op(admission.Unsubscribe), 0}, {0, op(admission.Unsubscribe), 0},
			{0, op(admission.Other), 0}, {0, op(admission.Other), time.Second},
		}},
		{"an operation without buckets has no default either", "  default: {buckets: [{interval: 1s, rate: 1}]}\n  history: {buckets: []}", []step{
			{0, op(admission.History), 0}, {0, op(admission.History), 0}, {0, op(admission.Publish), 0}, {0, op(admission.Publish), time.Second},
		}},
		{"several buckets", "  publish: {buckets: [{interval: 1s, rate: 2}, {interval: 10s, rate: 3}]}", []step{
			{0, op(admission.Publish), 0}, {0, op(admission.Publish), 0}, {0, op(admission.Publish), time.Second / 2},
			{time.Second, op(admission.Publish), 0}, {time.Second, op(admission.Publish), 7 * time.Second / 3},
		}},
		{"what the operation refuses leaves the total whole", "  publish: {buckets: [{interval: 10s, rate: 1}]}\n  total: {buckets: [{interval: 10s, rate: 2}]}", []step{
			{0, op(admission.Publish), 0}, {0, op(admission.Publish), 10 * time.Second}, {0, op(admission.Publish), 10 * time.Second}, {0, op(admission.History), 0},
			{0, op(admission.History), 5 * time.Second},
		}},
		{"what the total refuses leaves the operation whole", "  publish: {buckets: [{interval: 1h, rate: 1}]}\n  total: {buckets: [{interval: 1s, rate: 1}]}", []step{
			{0, op(admission.History), 0}, {0, op(admission.Publish), time.Second}, {time.Second, op(admission.Publish), 0},
		}},
		{"leaving is charged and never refused", "  total: {buckets: [{interval: 1s, rate: 2}]}", []step{
			{0, op(admission.Unsubscribe), 0}, {0, op(admission.Unsubscribe), 0}, {0, op(admission.Unsubscribe), 0},
			{0, op(admission.Ping), time.Second / 2}, {time.Second / 2, op(admission.Ping), 0},
		}},
		{"methods", "  rpc:\n    buckets: [{interval: 1s, rate: 1}]\n    method_override: [{method: wavelet.read, buckets: [{interval: 20s, rate: 1}]}, {method: cursor, buckets: []}]", []step{
			{0, call("wavelet.read"), 0}, {0, call("a"), 0}, {0, call("b"), time.Second}, {0, call("cursor"), 0}, {0, call("cursor"), 0},
			{time.Second, call("wavelet.read"), 19 * time.Second}, {time.Second, call("b"), 0},
		}},
		{"documents", "  publish: {buckets: [{interval: 1s, rate: 1}]}\n  classes: [{match: \"example.com!w+news*/*!conv+root\", publish: {buckets: [{interval: 1m, rate: 1}]}}]", []step{
			{0, news, 0}, {0, other, 0}, {0, own, time.Second}, {0, news, time.Minute}, {time.Second, news, 59 * time.Second}, {time.Second, own, 0},
			{0, admission.Command{Op: admission.History, Wave: news.Wave, Wavelet: news.Wavelet}, 0},
		}},
	} {
		r := admission.NewRules(limits(t, c.text), begin)
		var a admission.Account
		for i, s := range c.steps {
			wait, ok := a.Take(r, begin.Add(s.at), s.c)
			if ok != (s.wait == 0) || (wait-s.wait).Abs() > 2 {
				t.Errorf("%s, step %d, %v at %v: %t, wait %v; want %v", c.name, i, s.c.Op, s.at, ok, wait, s.wait)
			}
		}
	}
}

func TestWithoutLimitsEverythingIsLetIn(t *testing.T) {
	var a admission.Account
	for _, c := range []*admission.Commands{nil, {Total: &admission.Limit{Buckets: []admission.Bucket{{Interval: time.Hour, Rate: 1}}}}} {
		r := admission.NewRules(c, begin)
		for range 3 {
			if _, ok := a.Take(r, begin, admission.Command{Op: admission.Publish}); !ok {
				t.Errorf("refused by %+v", c)
			}
		}
		a.Give(r, admission.Command{Op: admission.Publish})
	}
}

// model is an account as x/time/rate would have it: a limiter for each bucket.
type model struct{ op, total []*rate.Limiter }

func newModel(op, total []admission.Bucket) *model {
	limiters := func(buckets []admission.Bucket) (list []*rate.Limiter) {
		for _, b := range buckets {
			list = append(list, rate.NewLimiter(rate.Limit(float64(b.Rate)/b.Interval.Seconds()), b.Rate))
		}
		return list
	}
	return &model{limiters(op), limiters(total)}
}

func (m *model) take(now time.Time) bool {
	all := append(append([]*rate.Limiter(nil), m.op...), m.total...)
	for _, l := range all {
		if l.TokensAt(now) <= 1-float64(l.Limit())*1e-9 {
			return false
		}
	}
	for _, l := range all {
		l.AllowN(now, 1)
	}
	return true
}

// TestAsTheModel compares an account with a naive model over random times,
// limits, commands taken back, and limits changed on the way.
func TestAsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		buckets := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) admission.Bucket {
			return admission.Bucket{
				Interval: time.Duration(rapid.IntRange(1, 5000).Draw(t, "ms")) * time.Millisecond,
				Rate:     rapid.IntRange(1, 20).Draw(t, "rate"),
			}
		}), 1, 3)
		c := admission.Commands{Enabled: true, Publish: &admission.Limit{Buckets: buckets.Draw(t, "publish")}, Total: &admission.Limit{Buckets: buckets.Draw(t, "total")}}
		m := newModel(c.Publish.Buckets, c.Total.Buckets)
		now := begin
		r := admission.NewRules(&c, now)
		var a admission.Account
		for i := range rapid.IntRange(1, 100).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 1_000_003).Draw(t, "µs")) * time.Microsecond)
			publish := admission.Command{Op: admission.Publish}
			what := 9 // an account that nothing was taken from is simply full
			if i > 0 {
				what = rapid.IntRange(0, 9).Draw(t, "what")
			}
			switch what {
			case 0: // other limits, as many, and a command at once
				change := func(l *admission.Limit, limiters []*rate.Limiter) *admission.Limit {
					out := &admission.Limit{}
					for i, b := range l.Buckets {
						b.Rate = rapid.IntRange(1, 20).Draw(t, "new rate")
						out.Buckets = append(out.Buckets, b)
						limiters[i].SetLimitAt(now, rate.Limit(float64(b.Rate)/b.Interval.Seconds()))
						limiters[i].SetBurstAt(now, b.Rate)
					}
					return out
				}
				c.Publish, c.Total = change(c.Publish, m.op), change(c.Total, m.total)
				r = admission.NewRules(&c, now)
				fallthrough
			default:
				wait, got := a.Take(r, now, publish)
				if want := m.take(now); got != want {
					t.Fatalf("step %d: %t, the model says %t", i, got, want)
				}
				if !got && wait <= 0 {
					t.Fatalf("step %d: refused without a wait", i)
				}
			case 1: // taken back: as if it had not been
				if _, ok := a.Take(r, now, publish); ok {
					a.Give(r, publish)
				}
			}
		}
	})
}

// TestTheWaitIsEnough refuses once, waits as told, and is let in; a microsecond
// earlier it is not.
func TestTheWaitIsEnough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := admission.Bucket{Interval: time.Duration(rapid.IntRange(1, 100_000).Draw(t, "ms")) * time.Millisecond, Rate: rapid.IntRange(1, 50).Draw(t, "rate")}
		r := admission.NewRules(&admission.Commands{Enabled: true, Total: &admission.Limit{Buckets: []admission.Bucket{b}}}, begin)
		var a admission.Account
		now := begin
		for {
			wait, ok := a.Take(r, now, admission.Command{})
			if ok {
				now = now.Add(time.Microsecond)
				continue
			}
			if _, ok := a.Take(r, now.Add(wait-time.Microsecond), admission.Command{}); ok && wait > time.Microsecond {
				t.Fatalf("%v was too long", wait)
			}
			if _, ok := a.Take(r, now.Add(wait), admission.Command{}); !ok {
				t.Fatalf("%v was not enough", wait)
			}
			return
		}
	})
}

// TestLevelsOutliveLimits has the limits changed while a bucket is empty.
func TestLevelsOutliveLimits(t *testing.T) {
	var a admission.Account
	at := func(d time.Duration, r *admission.Rules) string {
		_, ok := a.Take(r, begin.Add(d), admission.Command{Op: admission.Publish})
		return fmt.Sprint(ok)
	}
	slow := admission.NewRules(limits(t, "  publish: {buckets: [{interval: 1h, rate: 1}]}"), begin)
	if at(0, slow) != "true" || at(0, slow) != "false" {
		t.Fatal("one an hour")
	}
	fast := admission.NewRules(limits(t, "  publish: {buckets: [{interval: 1s, rate: 10}]}"), begin.Add(time.Minute))
	for i, want := range []string{"false", "true", "false"} { // a sixtieth came in the first minute, then a tenth of a second a token
		d := []time.Duration{time.Minute + 50*time.Millisecond, time.Minute + 99*time.Millisecond, time.Minute + 100*time.Millisecond}[i]
		if got := at(d, fast); got != want {
			t.Errorf("%v after the start: %s, want %s", d, got, want)
		}
	}
	hour := time.Hour
	slow = admission.NewRules(limits(t, "  publish: {buckets: [{interval: 1h, rate: 1}]}"), begin.Add(hour))
	if at(hour, slow) != "true" || at(hour, slow) != "false" {
		t.Error("a full bucket holds no more than it can")
	}
}

func TestADecisionAllocatesNothing(t *testing.T) {
	c, err := admission.Parse([]byte(example), "")
	if err != nil {
		t.Fatal(err)
	}
	r := admission.NewRules(c.ClientCommands, begin)
	var a admission.Account
	now := begin
	command := admission.Command{Op: admission.Publish, Wave: "example.com!w+news1", Wavelet: "example.com!conv+root"}
	a.Take(r, now, command)
	if n := testing.AllocsPerRun(1000, func() {
		now = now.Add(100 * time.Millisecond)
		a.Take(r, now, command)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
