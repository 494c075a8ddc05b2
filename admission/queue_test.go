package admission

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// testQueue is a queue for 100 sessions a second, 100 of them pending at most and
// 10 without a thought.
func testQueue(change func(*QueueConfig)) *Queue {
	c := DefaultQueue()
	c.Capacity = 100
	if change != nil {
		change(&c)
	}
	return NewQueue(c, [32]byte{1, 2, 3}, 7)
}

// fillUp lets sessions in until n are pending.
func fillUp(t *testing.T, q *Queue, now time.Time, n int) []*Grant {
	t.Helper()
	var grants []*Grant
	for q.State(now).Pending < n {
		a := q.Knock(now, Knock{Account: fmt.Sprint("filler", len(grants))})
		if a.Verdict != Admit {
			// Past the tenth that needs no turn, each needs its own.
			now = now.Add(q.config.interval())
			a = q.Knock(now, Knock{Account: fmt.Sprint("filler", len(grants)), Ticket: a.Ticket})
		}
		if a.Verdict != Admit {
			t.Fatalf("filler %d: %+v", len(grants), a)
		}
		q.Hold(now, a.Grant)
		grants = append(grants, a.Grant)
	}
	return grants
}

func TestATurnIsKept(t *testing.T) {
	q := testQueue(nil)
	fillUp(t, q, noon, 10)
	now := noon.Add(time.Second)
	if a := q.Knock(now, Knock{Account: "first"}); a.Verdict != Admit {
		t.Fatalf("with a free turn: %+v", a)
	}
	first := q.Knock(now, Knock{Account: "ann", Address: "a"})
	second := q.Knock(now, Knock{Account: "bob", Address: "a"})
	if first.Verdict != Refuse || first.Reason != ReasonQueue || first.Ticket == "" || !second.Promised.After(first.Promised) {
		t.Fatalf("newcomers: %+v, then %+v", first, second)
	}
	again := q.Knock(now, Knock{Account: "ann", Address: "a"})
	if again.Promised != first.Promised {
		t.Errorf("without her ticket ann has a turn at %v, with it at %v", again.Promised, first.Promised)
	}
	elsewhere := q.Knock(now, Knock{Account: "ann", Address: "b", Ticket: first.Ticket})
	if elsewhere.RetryAfter > first.RetryAfter || elsewhere.BadTicket != "" {
		t.Errorf("from another address: %+v", elsewhere)
	}
	if a := q.Knock(first.Promised, Knock{Account: "ann", Address: "b", Ticket: first.Ticket}); a.Verdict != Admit {
		t.Fatalf("at her turn: %+v", a)
	}
	spent := q.Knock(first.Promised, Knock{Account: "ann", Address: "b", Ticket: first.Ticket})
	if spent.Verdict != Refuse || spent.BadTicket != TicketSpent || !spent.Promised.After(second.Promised) {
		t.Errorf("the same ticket again: %+v", spent)
	}
	if a := q.Knock(first.Promised, Knock{Account: "ann", Address: "a"}); a.Verdict != Refuse || a.Promised == first.Promised {
		t.Errorf("her turn from the address where it was given: %+v", a)
	}
}

func TestHandshakeDeadlineFreesTheSlot(t *testing.T) {
	q := testQueue(nil)
	a := q.Knock(noon, Knock{Account: "ann"})
	late := noon.Add(5 * time.Second)
	q.Tick(late.Add(-time.Nanosecond), Reading{})
	if n := q.State(noon).Pending; n != 1 {
		t.Fatalf("before the deadline %d are pending", n)
	}
	q.Tick(late, Reading{})
	if s := q.State(noon); s.Pending != 0 || s.Abandoned != 1 {
		t.Fatalf("after the deadline: %+v", s)
	}
	if !q.Hold(late, a.Grant) || q.State(late).Pending != 1 {
		t.Error("a late client finds no room, though there is")
	}
	q.Finish(late, a.Grant)
	q.Finish(late, a.Grant)
	if n := q.State(late).Pending; n != 0 {
		t.Errorf("after the end %d are pending", n)
	}
}

func TestLateHoldersNeedRoom(t *testing.T) {
	q := testQueue(func(c *QueueConfig) { c.Pending = 1 })
	a := q.Knock(noon, Knock{Account: "ann"})
	late := noon.Add(6 * time.Second)
	if b := q.Knock(late, Knock{Account: "bob"}); b.Verdict != Admit {
		t.Fatalf("bob: %+v", b)
	}
	if q.Hold(late, a.Grant) {
		t.Error("two are pending where one may be")
	}
}

func TestDueButFull(t *testing.T) {
	q := testQueue(func(c *QueueConfig) { c.Pending = 20 })
	grants := fillUp(t, q, noon, 20)
	now := noon.Add(time.Second)
	a := q.Knock(now, Knock{Account: "ann"})
	if a.Verdict != Refuse || a.Reason != ReasonFull || a.RetryAfter < time.Second/2 || a.RetryAfter > 3*time.Second/2 {
		t.Fatalf("ann: %+v", a)
	}
	q.Finish(now, grants[0])
	if a := q.Knock(now.Add(a.RetryAfter), Knock{Account: "ann", Ticket: a.Ticket}); a.Verdict != Admit {
		t.Errorf("ann again: %+v", a)
	}
}

func TestHorizon(t *testing.T) {
	q := testQueue(func(c *QueueConfig) { c.Horizon = time.Second })
	fillUp(t, q, noon, 10)
	var a Answer
	for i := range 97 {
		a = q.Knock(noon, Knock{Account: fmt.Sprint(i)})
	}
	if a.Reason != ReasonHorizon || a.Ticket != "" || a.RetryAfter != time.Second {
		t.Fatalf("beyond the horizon: %+v", a)
	}
	if eta := q.State(noon).ETA; eta > time.Second+q.config.interval() {
		t.Errorf("the queue is %v long", eta)
	}
}

func TestParking(t *testing.T) {
	q := testQueue(func(c *QueueConfig) { c.MaxParked = 3 })
	grants := fillUp(t, q, noon, 20)
	woken := map[string]int{}
	knock := func(now time.Time, who string) Answer {
		return q.Knock(now, Knock{Account: who, Wake: func() { woken[who]++ }})
	}
	a, b, c := knock(noon, "a"), knock(noon, "b"), knock(noon, "c")
	if a.Verdict != Park || b.Verdict != Park || c.Verdict != Park || !b.Until.After(a.Until) {
		t.Fatalf("a: %+v b: %+v c: %+v", a, b, c)
	}
	if d := knock(noon, "d"); d.Verdict != Refuse || d.Reason != ReasonQueue || d.Ticket == "" {
		t.Errorf("a full lot answers %+v", d)
	}
	if got := q.Due(a.Until, a.Place); got.Verdict != Admit {
		t.Errorf("at its turn: %+v", got)
	}
	for _, g := range grants[:12] {
		q.Finish(noon, g)
	}
	if woken["b"] != 1 || woken["c"] != 0 || q.State(noon).Pending != 10 {
		t.Fatalf("with little to do: woken %v, %+v", woken, q.State(noon))
	}
	if got := q.Due(noon, b.Place); got.Verdict != Admit {
		t.Errorf("woken: %+v", got)
	}
	q.Leave(noon, c.Place)
	q.Leave(noon, c.Place)
	if s := q.State(noon); s.Parked != 0 || s.Pending != 10 {
		t.Errorf("after the last has gone: %+v", s)
	}
}

func TestWhoLeavesGivesBackWhatHeWasWokenWith(t *testing.T) {
	q := testQueue(nil)
	grants := fillUp(t, q, noon, 10)
	a := q.Knock(noon, Knock{Account: "a", Wake: func() {}})
	q.Finish(noon, grants[0])
	if n := q.State(noon).Pending; n != 10 {
		t.Fatalf("%d are pending, the woken one among them", n)
	}
	q.Leave(noon, a.Place)
	if n := q.State(noon).Pending; n != 9 {
		t.Errorf("%d are pending", n)
	}
}

func TestAnEarlyKnockIsParkedForEightSeconds(t *testing.T) {
	q := testQueue(nil)
	fillUp(t, q, noon, 20)
	for i := range 2000 {
		q.Knock(noon, Knock{Account: fmt.Sprint(i)})
	}
	k := Knock{Account: "ann", Wake: func() {}}
	far := q.Knock(noon, k)
	if far.Verdict != Refuse || far.RetryAfter < 8*time.Second {
		t.Fatalf("far off: %+v", far)
	}
	k.Ticket = far.Ticket
	early := q.Knock(noon.Add(time.Second), k)
	if early.Verdict != Park || early.Until != noon.Add(9*time.Second) {
		t.Fatalf("early: %+v", early)
	}
	answer := q.Due(early.Until, early.Place)
	if answer.Verdict != Refuse || answer.RetryAfter != far.Promised.Truncate(time.Millisecond).Sub(early.Until) {
		t.Errorf("after eight seconds: %+v", answer)
	}
}

func TestPressure(t *testing.T) {
	slow := Reading{SchedulerLatency: 21 * time.Millisecond, Samples: 100}
	for name, test := range map[string]struct {
		change  func(*Triggers)
		reading Reading
		want    bool
	}{
		"calm":           {reading: Reading{SchedulerLatency: 20 * time.Millisecond, Runnable: 4, CPUShare: 1}},
		"latency":        {reading: slow, want: true},
		"latency off":    {change: func(t *Triggers) { t.SchedulerLatency = 0 }, reading: slow},
		"runnable":       {reading: Reading{Runnable: 4.5}, want: true},
		"runnable off":   {change: func(t *Triggers) { t.Runnable = 0 }, reading: Reading{Runnable: 4.5}},
		"share":          {change: func(t *Triggers) { t.CPUShare = 0.8 }, reading: Reading{CPUShare: 0.9}, want: true},
		"share, too low": {change: func(t *Triggers) { t.CPUShare = 0.8 }, reading: Reading{CPUShare: 0.57}},
	} {
		t.Run(name, func(t *testing.T) {
			q := testQueue(func(c *QueueConfig) {
				if test.change != nil {
					test.change(&c.Triggers)
				}
			})
			q.Tick(noon, test.reading)
			if got := q.State(noon).Pressed; got != test.want {
				t.Errorf("pressed: %v", got)
			}
		})
	}
	q := testQueue(nil)
	q.Tick(noon, slow)
	now := noon
	for i := range 10 {
		now = now.Add(time.Second)
		if a := q.Knock(now, Knock{Account: fmt.Sprint(i)}); a.Verdict != Admit {
			t.Fatalf("under pressure, %d pending: %+v", i, a)
		}
		q.Hold(now, q.grants[len(q.grants)-1])
	}
	now = now.Add(time.Second)
	if a := q.Knock(now, Knock{Account: "ann"}); a.Verdict != Refuse || a.Reason != ReasonFull {
		t.Fatalf("under pressure, a tenth pending: %+v", a)
	}
	if q.Gently(now) {
		t.Error("under pressure there is a budget to be gentle")
	}
	q.Tick(now, Reading{})
	if a := q.Knock(now, Knock{Account: "bob"}); a.Verdict != Refuse && a.Verdict != Admit {
		t.Errorf("afterwards: %+v", a)
	}
	if !q.Gently(now) {
		t.Error("without pressure there is no budget to be gentle")
	}
}

func TestTriggersCanBeCombined(t *testing.T) {
	count := func(change func(*QueueConfig)) (in int) {
		q := testQueue(change)
		for i := range 300 {
			if q.Knock(noon, Knock{Account: fmt.Sprint(i)}).Verdict == Admit {
				in++
			}
		}
		return in
	}
	for name, test := range map[string]struct {
		change func(*QueueConfig)
		want   int
	}{
		"both":         {nil, 10},
		"pending only": {func(c *QueueConfig) { c.Triggers = Triggers{Pending: true} }, 100},
		"rate only":    {func(c *QueueConfig) { c.Triggers = Triggers{Rate: true} }, 10},
		"neither":      {func(c *QueueConfig) { c.Triggers = Triggers{} }, 300},
		"off":          {func(c *QueueConfig) { c.Enabled = false }, 300},
	} {
		if got := count(test.change); got != test.want {
			t.Errorf("%s: of 300 at once %d are let in, not %d", name, got, test.want)
		}
	}
}

// TestBadTicketsAdmitNobody compares a queue that is shown bad tickets with one
// that is shown none: nothing may differ.
func TestBadTicketsAdmitNobody(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	shown, bare := testQueue(nil), testQueue(nil)
	other := testQueue(nil)
	other.seal = NewSeal([32]byte{9})
	earlier := NewQueue(shown.config, [32]byte{1, 2, 3}, 6)
	turn := Turn{At: noon, Number: 1 << 40}
	good := shown.ticket(turn, "x")
	shown.spent.Spend(noon, turn.Number, turn.expires())
	bad := []string{"", "x", "====", strings.Repeat("A", 59), good[1:], good + "A", good,
		other.ticket(turn, "x"), earlier.ticket(turn, "x"), shown.ticket(Turn{At: noon.Add(-ticketLife), Number: 3}, "x"), shown.ticket(Turn{At: noon, Number: 4}, "y")}
	now := noon
	for i := range 3000 {
		now = now.Add(time.Duration(rnd.IntN(20)) * time.Millisecond)
		k := Knock{Account: "x", Address: fmt.Sprint(i)}
		want := bare.Knock(now, k)
		k.Ticket = bad[rnd.IntN(len(bad))]
		got := shown.Knock(now, k)
		if got.Verdict != want.Verdict || got.RetryAfter != want.RetryAfter {
			t.Fatalf("knock %d with %q: %+v, without: %+v", i, k.Ticket, got, want)
		}
		if k.Ticket != "" && got.BadTicket == "" {
			t.Fatalf("nothing is wrong with %q", k.Ticket)
		}
	}
}

// TestNeverMorePendingThanMayBe has many clients behave in every way at once.
func TestNeverMorePendingThanMayBe(t *testing.T) {
	const most = 7
	q := testQueue(func(c *QueueConfig) { c.Pending, c.Capacity, c.MaxParked = most, 1e5, 20 })
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(g), 3))
			now, ticket := noon, ""
			for range 4000 {
				now = now.Add(time.Duration(rnd.IntN(3000)) * time.Microsecond)
				if n := q.State(now).Pending; n > most || n < 0 {
					t.Errorf("%d are pending", n)
					return
				}
				a := q.Knock(now, Knock{Account: fmt.Sprint(g), Ticket: ticket, Wake: func() {}})
				if a.Verdict == Park {
					if rnd.IntN(4) == 0 {
						q.Leave(now, a.Place)
						continue
					}
					a = q.Due(a.Until, a.Place)
				}
				switch {
				case a.Verdict == Park:
					q.Leave(now, a.Place)
				case a.Verdict == Refuse:
					ticket = a.Ticket
				case rnd.IntN(3) > 0:
					runtime.Gosched()
					q.Hold(now, a.Grant)
					q.Finish(now, a.Grant)
				}
			}
		})
	}
	wg.Wait()
	end := noon.Add(time.Hour)
	q.Tick(end, Reading{})
	if s := q.State(end); s.Parked != 0 || s.Pending != 0 || s.Admitted == 0 {
		t.Errorf("in the end: %+v", s)
	}
}

func TestATurnIsTakenOnce(t *testing.T) {
	q := testQueue(nil)
	fillUp(t, q, noon, 10)
	now := noon.Add(time.Second)
	q.Knock(now, Knock{Account: "before"})
	a := q.Knock(now, Knock{Account: "ann"})
	var wg sync.WaitGroup
	var mu sync.Mutex
	in := 0
	for range 8 {
		wg.Go(func() {
			got := q.Knock(a.Promised, Knock{Account: "ann", Ticket: a.Ticket})
			mu.Lock()
			defer mu.Unlock()
			if got.Verdict == Admit {
				in++
			}
		})
	}
	wg.Wait()
	if in != 1 {
		t.Errorf("one ticket let in %d", in)
	}
}

func TestTurnsAreBounded(t *testing.T) {
	var known turns
	for i := range maxTurns + 1000 {
		known.keep(noon, caller(i), Turn{At: noon, Number: uint64(i + 1)})
	}
	if len(known.of) != maxTurns {
		t.Fatalf("%d turns are remembered", len(known.of))
	}
	known.keep(noon.Add(ticketLife), 1<<40, Turn{At: noon.Add(ticketLife), Number: 1})
	if len(known.of) != 1 {
		t.Errorf("after their end %d turns are remembered", len(known.of))
	}
}

func TestSpent(t *testing.T) {
	var s Spent
	for _, n := range []uint64{0, 63, 64, 4095, 4096, 1 << 50} {
		if s.Used(n) || !s.Spend(noon, n, noon.Add(time.Minute)) || !s.Used(n) || s.Spend(noon, n, noon.Add(time.Minute)) {
			t.Errorf("number %d is not spent once", n)
		}
	}
	s.Spend(noon.Add(time.Minute), 1<<60, noon.Add(2*time.Minute))
	if len(s.pages) != 1 {
		t.Errorf("%d pages are kept, of which one is needed", len(s.pages))
	}
}

func TestQueueConfig(t *testing.T) {
	c, err := Parse([]byte("queue:\n  capacity: 50\n  park: 2s\n  triggers: {scheduler_latency: 0s, cpu_share: 0.8}\n"), "a.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := DefaultQueue()
	want.Capacity, want.Park, want.Triggers.SchedulerLatency, want.Triggers.CPUShare = 50, 2*time.Second, 0, 0.8
	if c.Queue != want {
		t.Errorf("read %+v, want %+v", c.Queue, want)
	}
	_, err = Parse([]byte("queue:\n  capacity: 0\n  horizon: 2h\n  triggers:\n    cpu_share: 80\n"), "a.yaml")
	for _, part := range []string{"a.yaml:2", "queue.capacity", "queue.horizon", "a.yaml:5", "queue.triggers.cpu_share", "0 to 1"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not tell of %q", err, part)
		}
	}
}

func TestSignal(t *testing.T) {
	s := NewSignal()
	if r := s.Read(noon, time.Second); r.CPUShare != 0 || r.SchedulerLatency != 0 {
		t.Errorf("the first reading is %+v", r)
	}
	var wg sync.WaitGroup
	for range 2000 {
		wg.Go(runtime.Gosched)
	}
	wg.Wait()
	r := s.Read(noon.Add(time.Second), 1500*time.Millisecond)
	if r.Samples < enough || r.SchedulerLatency <= 0 {
		t.Errorf("after 2000 goroutines: %+v", r)
	}
	if want := 0.5 / float64(runtime.GOMAXPROCS(0)); r.CPUShare != want {
		t.Errorf("share of the processors %v, want %v", r.CPUShare, want)
	}
}

func TestPercentile(t *testing.T) {
	edges := []float64{0, 0.001, 0.002, 0.004}
	for _, test := range []struct {
		counts []uint64
		want   time.Duration
	}{
		{[]uint64{99, 0, 0}, 0},
		{[]uint64{100, 0, 0}, time.Millisecond},
		{[]uint64{990, 0, 10}, time.Millisecond},
		{[]uint64{989, 0, 11}, 4 * time.Millisecond},
	} {
		if got, _ := percentile(edges, []uint64{0, 0, 0}, test.counts); got != test.want {
			t.Errorf("of %v: %v, want %v", test.counts, got, test.want)
		}
	}
}

func FuzzTicket(f *testing.F) {
	q := testQueue(nil)
	turn := Turn{At: noon.Add(time.Minute), Number: 42}
	good := q.ticket(turn, "ann")
	f.Add(good)
	f.Add("")
	f.Add(good[:20])
	f.Fuzz(func(t *testing.T, ticket string) {
		got, bad := q.read(noon, ticket, "ann")
		if bad != "" {
			return
		}
		if got.Number != turn.Number || !got.At.Equal(turn.At) {
			t.Fatalf("%q reads as %+v", ticket, got)
		}
		want, _ := base64.RawURLEncoding.DecodeString(good)
		if b, _ := base64.RawURLEncoding.DecodeString(ticket); !bytes.Equal(b, want) {
			t.Fatalf("%q is taken for %q", ticket, good)
		}
	})
}

func BenchmarkTicket(b *testing.B) {
	q := testQueue(nil)
	ticket := q.ticket(Turn{At: noon.Add(time.Minute), Number: 42}, "ann")
	for b.Loop() {
		if _, bad := q.read(noon, ticket, "ann"); bad != "" {
			b.Fatal(bad)
		}
	}
}
