package admission_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"weir/admission"
)

var morning = time.Date(2026, 1, 2, 8, 0, 0, 0, time.UTC)

// at is an instant, in seconds after the first.
func at(s float64) time.Time { return morning.Add(time.Duration(s * float64(time.Second))) }

func began(w *admission.Work) bool {
	select {
	case <-w.Began():
		return true
	default:
		return false
	}
}

// adaptive is a limit that is found out, with room to wait for two.
func adaptive(start int) *admission.Concurrency {
	return admission.NewConcurrency(2, admission.ConcurrencyConfig{Enabled: true, Start: start, Deadline: 10 * time.Second, Waiting: 2})
}

func ask(t *testing.T, l *admission.Concurrency, s float64, places int) *admission.Work {
	t.Helper()
	w, retry := l.Ask(at(s), places, false)
	if w == nil {
		t.Fatalf("refused at %v s: %v", s, retry)
	}
	return w
}

func TestTheLimitIsFoundOut(t *testing.T) {
	l := adaptive(0)
	limit := func(want float64) {
		t.Helper()
		if got := l.Stats().Limit; math.Abs(got-want) > 1e-9 {
			t.Errorf("the limit is %v, want %v", got, want)
		}
	}
	limit(2)             // processors
	a := ask(t, l, 0, 1) // alone
	l.End(at(1), a)      // in time, but the limit was not full
	limit(2)             //
	a, b := ask(t, l, 2, 1), ask(t, l, 2, 1)
	l.End(at(3), a) // in time, and full
	limit(2.5)      //
	l.End(at(3), b) // 1 of 2.5: not full
	limit(2.5)      //
	a, b = ask(t, l, 4, 1), ask(t, l, 4, 1)
	l.End(at(11), a)      // 7 s is more than 0.6 of 10
	limit(1.75)           //
	c := ask(t, l, 11, 1) // waits: 1 of 1.75 is taken
	l.End(at(12), b)      // slow, but it began before the cut; the limit was full
	limit(1.75 + 1/1.75)  //
	l.End(at(19), c)      // slow, and began after the cut
	limit((1.75 + 1/1.75) * 0.7)
	for s := 20.0; s < 200; s += 10 {
		l.End(at(s+9), ask(t, l, s, 1))
	}
	limit(1) // and no less

	x, _ := l.Ask(at(300), 1, true)
	l.End(at(400), x)
	limit(1) // exempt
}

func TestAFixedLimit(t *testing.T) {
	l := admission.NewConcurrency(8, admission.ConcurrencyConfig{Enabled: true, Limit: 3, Deadline: time.Second})
	var under []*admission.Work
	for range 3 {
		under = append(under, ask(t, l, 0, 1))
	}
	if w, retry := l.Ask(at(0), 1, false); w != nil || retry < 100*time.Millisecond {
		t.Errorf("a fourth: %v, %v", w, retry)
	}
	for _, w := range under {
		l.End(at(60), w)
	}
	if s := l.Stats(); s != (admission.ConcurrencyStats{Limit: 3, Refused: 1}) {
		t.Errorf("%+v", s)
	}
}

func TestWeightsAndTurns(t *testing.T) {
	l := admission.NewConcurrency(1, admission.ConcurrencyConfig{Enabled: true, Limit: 4, Deadline: time.Second, Waiting: 3})
	a, b := ask(t, l, 0, 2), ask(t, l, 0, 1)
	c, d, e := ask(t, l, 0, 9), ask(t, l, 0, 1), ask(t, l, 0, 1) // c wants more than there is
	standing := func() []bool { return []bool{began(c), began(d), began(e)} }
	if slices.Contains(standing(), true) {
		t.Error("one who came later overtook")
	}
	if w, _ := l.Ask(at(0), 1, false); w != nil {
		t.Error("a fourth waits")
	}
	l.End(at(1), d) // gives up waiting
	l.End(at(1), a)
	l.End(at(1), b)
	if got := standing(); !got[0] || got[2] {
		t.Errorf("with nothing under way, what wants more than there is begins: %v", got)
	}
	l.End(at(2), c)
	if !began(e) || began(d) {
		t.Error("the last did not begin, or one that had given up did")
	}
	l.End(at(3), e)
	l.End(at(3), e)
	if s := l.Stats(); s.InFlight != 0 || s.Waiting != 0 {
		t.Errorf("%+v", s)
	}
}

// TestAside has work wait for something else, which takes no place and is no time
// of its own.
func TestAside(t *testing.T) {
	l := adaptive(1)
	a := ask(t, l, 0, 1)
	b := ask(t, l, 0, 1)
	l.Aside(at(1), a)
	if !began(b) {
		t.Error("work that is aside keeps its place")
	}
	l.Back(at(100), a)
	if s := l.Stats(); s.InFlight != 2 {
		t.Errorf("%+v", s)
	}
	l.End(at(101), a) // 2 s of its own; the limit was full
	if s := l.Stats(); s.Limit != 2 || s.InFlight != 1 {
		t.Errorf("%+v", s)
	}
	l.Aside(at(101), b)
	l.End(at(102), b) // gone while aside
	if s := l.Stats(); s.InFlight != 0 {
		t.Errorf("%+v", s)
	}
}

// TestAdvice refuses many at once: each is told another instant, as far apart as
// places are given back.
func TestAdvice(t *testing.T) {
	l := admission.NewConcurrency(1, admission.ConcurrencyConfig{Enabled: true, Limit: 2, Deadline: 10 * time.Second})
	for s := 0.0; s < 100; s++ { // a second each
		l.End(at(s+1), ask(t, l, s, 1))
	}
	a, b := ask(t, l, 100, 1), ask(t, l, 100, 1)
	last := time.Duration(0)
	for i := range 8 {
		_, retry := l.Ask(at(100), 1, false)
		if i > 0 && (retry-last < 400*time.Millisecond || retry-last > 600*time.Millisecond) {
			t.Errorf("number %d is told %v, the one before %v", i, retry, last)
		}
		last = retry
	}
	l.End(at(101), a)
	l.End(at(101), b)
}

func TestSetConcurrency(t *testing.T) {
	l := adaptive(1)
	a, b, c := ask(t, l, 0, 1), ask(t, l, 0, 1), ask(t, l, 0, 1)
	config := l.Config()
	config.Start = 2
	l.Set(at(1), config)
	if !began(b) || began(c) {
		t.Error("a higher limit lets in what waits, as far as it goes")
	}
	l.End(at(1), a)
	l.End(at(1), b)
	found := l.Stats().Limit
	config.Deadline, config.Waiting = time.Second, 0
	if l.Set(at(2), config); found == 2 || l.Stats().Limit != found {
		t.Errorf("the limit was %v and is %v", found, l.Stats().Limit)
	}
	config.Enabled = false
	l.Set(at(3), config)
	for range 50 {
		if !began(ask(t, l, 3, 1)) {
			t.Fatal("it is off")
		}
	}
	if _, err := admission.Parse([]byte("concurrency: {deadline: 0s, weights: {search: 0}}"), "a.yaml"); err == nil {
		t.Error("a section out of range is taken")
	}
	if c, err := admission.Parse([]byte("concurrency: {limit: 7, weights: {search: 3}}"), "a.yaml"); err != nil || c.Concurrency.Limit != 7 ||
		c.Concurrency.Weights.Search != 3 || c.Concurrency.Weights.Import != 2 || c.Concurrency.Patience() != time.Second {
		t.Errorf("%+v, %v", c.Concurrency, err)
	}
}
