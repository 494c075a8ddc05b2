package decisions_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weir/governor"
	"weir/governor/decisions"
	"weir/store"
	"weir/wavelet"
)

var epoch = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// decision number i: of one of three robots, warnings but for each tenth.
func decision(i int) governor.Decision {
	d := governor.Decision{
		Time: epoch.Add(time.Duration(i) * time.Second), Robot: wavelet.Participant([]string{"a@x.org", "b@x.org", "c@x.org"}[i%3]),
		Wavelet: "x.org!w+1/x.org!conv+root", Rule: "depth", Action: "warn", Measured: float64(i),
	}
	if i%10 == 0 {
		d.Action = "evict"
	}
	return d
}

func open(t *testing.T, kv decisions.Store, o decisions.Options) *decisions.Log {
	t.Helper()
	l, err := decisions.Open(kv, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// fill adds decisions from to to-1 and writes them.
func fill(t *testing.T, l *decisions.Log, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		l.Add(decision(i))
	}
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// numbers drains an iterator.
func numbers(t *testing.T, seq func(func(decisions.Entry, error) bool)) []uint64 {
	t.Helper()
	var list []uint64
	for e, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e.Number)
	}
	return list
}

func TestBothWaysAndThroughARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.db")
	for round := range 3 { // each round reopens the same file and goes on
		kv, err := store.Open(file, store.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		l := open(t, kv, decisions.Options{})
		fill(t, l, 700*round, 700*(round+1))
		up := numbers(t, l.After(0, decisions.Filter{}))
		if n := 700 * (round + 1); len(up) != n || up[0] != 1 || up[n-1] != uint64(n) {
			t.Fatalf("round %d: %d entries, want %d from 1", round, len(up), n)
		}
		down := numbers(t, l.Before(0, decisions.Filter{}))
		slices.Reverse(down)
		if !slices.Equal(up, down) {
			t.Errorf("forward and back differ: %d and %d entries", len(up), len(down))
		}
		if got := numbers(t, l.Before(300, decisions.Filter{})); got[0] != 299 || len(got) != 299 {
			t.Errorf("before 300: %d entries from %d", len(got), got[0])
		}
		if err := kv.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFilters(t *testing.T) {
	l := open(t, store.NewMemory(), decisions.Options{})
	fill(t, l, 0, 100)
	other, err := wavelet.ParseName("x.org!w+2/x.org!conv+root")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		f    decisions.Filter
		want int
	}{
		"everything": {decisions.Filter{}, 100},
		"robot":      {decisions.Filter{Robot: "a@x.org"}, 34},
		"action":     {decisions.Filter{Action: "evict"}, 10},
		"both":       {decisions.Filter{Robot: "a@x.org", Action: "evict"}, 4},
		"since":      {decisions.Filter{Since: epoch.Add(90 * time.Second)}, 10},
		"rule":       {decisions.Filter{Rule: "ratio2m"}, 0},
		"wavelet":    {decisions.Filter{Wavelet: other}, 0},
	} {
		if got := len(numbers(t, l.After(0, c.f))); got != c.want {
			t.Errorf("%s: %d entries forward, want %d", name, got, c.want)
		}
		if got := len(numbers(t, l.Before(0, c.f))); got != c.want {
			t.Errorf("%s: %d entries back, want %d", name, got, c.want)
		}
	}
}

func TestTheOldestGo(t *testing.T) {
	kv := store.NewMemory()
	l := open(t, kv, decisions.Options{Count: 10})
	fill(t, l, 0, 25)
	if got := numbers(t, l.After(3, decisions.Filter{})); len(got) != 10 || got[0] != 16 {
		t.Errorf("kept %v, want 16 to 25", got)
	}
	size := l.Stats().Bytes / 10
	l = open(t, kv, decisions.Options{Bytes: 5*size + size/2})
	fill(t, l, 25, 26)
	if s := l.Stats(); s.Last != 26 || s.First != 22 || s.Bytes > 5*size+size/2 {
		t.Errorf("kept %+v, want 22 to 26", s)
	}
	l = open(t, kv, decisions.Options{Bytes: 1})
	fill(t, l, 26, 27)
	if got := numbers(t, l.Before(0, decisions.Filter{})); !slices.Equal(got, []uint64{27}) {
		t.Errorf("kept %v, want the newest only", got)
	}
}

// TestAReaderMissesNothing follows while others add.
func TestAReaderMissesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := open(t, store.NewMemory(), decisions.Options{})
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { l.Run(ctx) })
		for w := range 4 {
			wg.Go(func() {
				for i := range 250 {
					l.Add(decision(i))
					time.Sleep(time.Duration(w+1) * time.Millisecond)
				}
			})
		}
		at := uint64(0)
		for at < 1000 {
			changed := l.Changed()
			for e, err := range l.After(at, decisions.Filter{}) {
				if err != nil || e.Number != at+1 {
					t.Fatalf("after %d comes %d, %v", at, e.Number, err)
				}
				at = e.Number
			}
			if at < 1000 {
				<-changed
			}
		}
		stop()
		wg.Wait()
	})
}

// full is a store without space while it is set.
type full struct {
	*store.Memory
	full bool
}

func (f *full) Commit(ctx context.Context, b store.Batch) error {
	if f.full {
		return store.ErrFull
	}
	return f.Memory.Commit(ctx, b)
}

func TestWithoutSpaceNothingIsShownOrLost(t *testing.T) {
	kv := &full{Memory: store.NewMemory()}
	l := open(t, kv, decisions.Options{})
	fill(t, l, 0, 2)
	kv.full = true
	l.Add(decision(2))
	if err := l.Flush(t.Context()); !errors.Is(err, store.ErrFull) {
		t.Fatalf("flush: %v", err)
	}
	if got := numbers(t, l.After(0, decisions.Filter{})); len(got) != 2 {
		t.Errorf("shown before it is stored: %v", got)
	}
	kv.full = false
	fill(t, l, 3, 4)
	var order []float64
	for e, err := range l.After(0, decisions.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		order = append(order, e.Measured)
	}
	if !slices.Equal(order, []float64{0, 1, 2, 3}) {
		t.Errorf("the log holds %v", order)
	}
}

// TestOneThatCannotBeWritten has a decision whose figure JSON does not know.
func TestOneThatCannotBeWritten(t *testing.T) {
	l := open(t, store.NewMemory(), decisions.Options{})
	bad := decision(1)
	bad.Measured = math.NaN()
	l.Add(bad)
	fill(t, l, 2, 4)
	if got := numbers(t, l.After(0, decisions.Filter{})); !slices.Equal(got, []uint64{1, 2}) || l.Stats().Lost != 1 {
		t.Errorf("the log holds %v and has lost %d", got, l.Stats().Lost)
	}
}
