package traffic_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"weir/governor"
	"weir/governor/traffic"
	"weir/policies"
	"weir/wavelet"
)

// question asks what a profile with one setting changed would have done.
func question(t *testing.T, key, value string) traffic.Question {
	t.Helper()
	now, _ := policies.Builtin().Profile("default")
	other, err := now.With(key, value)
	if err != nil {
		t.Fatal(err)
	}
	under := func(p policies.Profile) traffic.Policies {
		return traffic.Policies{Default: p, Rules: func(wavelet.Participant) policies.Profile { return p }}
	}
	return traffic.Question{InForce: under(now), Tried: under(other), Since: epoch}
}

// calls records requests of a robot, so far apart, and has them written.
func calls(t *testing.T, l *traffic.Log, from time.Time, n int, apart time.Duration) {
	t.Helper()
	for i := range n {
		l.Add(&traffic.Row{Kind: traffic.Call, At: from.Add(time.Duration(i) * apart), Robot: "ticker@example.com"})
		if i%1000 == 0 {
			if err := l.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestTryOfARequestLimit(t *testing.T) {
	l := open(t, t.TempDir(), traffic.Options{})
	defer l.Close()
	calls(t, l, epoch, 200, time.Second) // 120 in two minutes
	q := question(t, "sustained", "[{window: 2m, max: 100}]")
	r, err := l.Try(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.InForce.Actions) > 0 || r.Rows.Requests != 200 {
		t.Errorf("in force: %+v, %+v", r.InForce, r.Rows)
	}
	i := slices.IndexFunc(r.Lines, func(l traffic.Line) bool { return l.Action == "cut-off" })
	if i < 0 || r.Lines[i].Change != traffic.New || r.Lines[i].Tried.Limit != 100 || !r.Lines[i].Tried.First.Equal(epoch.Add(100*time.Second)) {
		t.Fatalf("no cut-off at the 101st request: %+v", r.Lines)
	}
	if n := r.Tried.Actions["refused"]; n == 0 || n > 100 {
		t.Errorf("%d requests are refused", n)
	}
	q.Robot = "nobody@example.com"
	if r, err = l.Try(t.Context(), q); err != nil || len(r.Lines) > 0 || len(r.Tried.Actions) > 0 {
		t.Errorf("about nobody: %+v, %v", r, err)
	}
	q.Robot, q.Since = "", epoch.Add(150*time.Second)
	if r, err = l.Try(t.Context(), q); err != nil || r.Rows.Requests != 50 || slices.ContainsFunc(r.Lines, func(l traffic.Line) bool { return l.Action == "cut-off" }) {
		t.Errorf("from 150 s on: %+v, %v", r, err)
	}
	q.Since, q.Until = epoch, epoch.Add(50*time.Second)
	if r, err = l.Try(t.Context(), q); err != nil || r.Rows.Requests != 51 || len(r.Lines) > 0 {
		t.Errorf("up to 50 s: %+v, %v", r, err)
	}
}

func TestTryTellsOfGaps(t *testing.T) {
	l := open(t, t.TempDir(), traffic.Options{Bytes: 64 << 10})
	defer l.Close()
	for i := range 1000 { // nobody writes them
		l.Add(&traffic.Row{Kind: traffic.Call, At: epoch.Add(time.Duration(i) * time.Second), Robot: "ticker@example.com"})
	}
	calls(t, l, epoch.Add(time.Hour), 100, time.Second)
	r, err := l.Try(t.Context(), question(t, "depth.act", "40"))
	if lost := l.Stats().Lost; err != nil || lost == 0 || r.Missing != lost || r.Gaps != 1 || r.Rows.Requests+lost != 1100 {
		t.Errorf("%+v, %v; %d rows are lost", r, err, lost)
	}
}

func TestTryEndsWithItsContext(t *testing.T) {
	l := open(t, t.TempDir(), traffic.Options{})
	defer l.Close()
	calls(t, l, epoch, 50_000, time.Second)
	q := question(t, "depth.act", "40")
	ctx, cancel := context.WithCancel(t.Context())
	told := 0
	q.Progress = func(p traffic.Progress) {
		told++
		cancel()
	}
	if _, err := l.Try(ctx, q); !errors.Is(err, context.Canceled) || told != 1 {
		t.Errorf("after %d tellings: %v", told, err)
	}
}

// TestTryWithMuchPutOff has one bundle put off for long, and more answers wait for
// it than may.
func TestTryWithMuchPutOff(t *testing.T) {
	l := open(t, t.TempDir(), traffic.Options{})
	defer l.Close()
	const answers = 20_000
	sent := func(id string, at time.Time) governor.Delivery {
		d := governor.Delivery{Seat: wavelet.Seat{Wavelet: main, Robot: "echo@example.com"}, Bundle: id,
			Cause: wavelet.Cause{ID: "ann/1", Kind: wavelet.Human}, Author: "ann@example.com", Sent: at}
		l.Add(&traffic.Row{Kind: traffic.Deliver, At: at, Delivery: d})
		return d
	}
	sent("a", epoch)
	second := epoch.Add(time.Second)
	d := sent("b", second)
	for n := range answers {
		l.Add(&traffic.Row{Kind: traffic.Answer, At: second.Add(time.Duration(n) * time.Microsecond), Answer: governor.Answer{
			Robot: d.Seat.Robot, Wavelet: main, Delta: wavelet.DeltaID(fmt.Sprintf("b/%d", n)), Named: d}})
		if n%1000 == 0 {
			if err := l.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	r, err := l.Try(t.Context(), question(t, "pace.min_interval", "1m"))
	if err != nil || r.Rows.Answers != answers {
		t.Fatalf("%+v, %v", r, err)
	}
	if r.InForce.Actions["held"] != 0 || r.Tried.Actions["held"] != 1 || r.Tried.Absent != answers {
		t.Errorf("in force %+v, tried %+v", r.InForce, r.Tried)
	}
}
