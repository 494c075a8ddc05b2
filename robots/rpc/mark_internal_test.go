package rpc

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"weir/store"
)

// counted is a store that counts commits, and takes none while it is broken.
type counted struct {
	*store.Memory
	commits atomic.Int32
	broken  bool
}

func (c *counted) Commit(ctx context.Context, b store.Batch) error {
	if c.broken {
		return errors.New("the disk is full")
	}
	c.commits.Add(1)
	return c.Memory.Commit(ctx, b)
}

// over is Nonces over a store, as a start finds it.
func over(t *testing.T, kv Store) *Nonces {
	t.Helper()
	n, err := OpenNonces(kv)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestANonceCountsOnceOverARestart forgets everything but what is stored, as a
// crash does, and has requests from before come again: at once, and as late as
// they can. Who did not call before is not held up, and who did not for long.
func TestANonceCountsOnceOverARestart(t *testing.T) {
	const now = 1_700_000_000
	for _, ahead := range []int64{-window, 0, window} { // the signer's clock
		kv := &counted{Memory: store.NewMemory()}
		n := over(t, kv)
		at := now + ahead
		for i := range 5 {
			if !n.isFirst(t, "a", at+int64(i%2), now, strconv.Itoa(i)) {
				t.Errorf("%d s off: request %d does not count", ahead, i)
			}
		}
		if c := kv.commits.Load(); c != 1 {
			t.Errorf("%d commits for five requests in two seconds", c)
		}
		for restart := range 2 {
			n = over(t, kv)
			for i := range 5 {
				if n.isFirst(t, "a", at+int64(i%2), now+1, strconv.Itoa(i)) || n.isFirst(t, "a", at+int64(i%2), at+window, strconv.Itoa(i)) {
					t.Errorf("%d s off, restart %d: request %d counts twice", ahead, restart, i)
				}
			}
		}
		n = over(t, kv)
		if !n.isFirst(t, "b", now-window, now, "0") || !n.isFirst(t, "a", at+reserveAhead+1, now+reserveAhead+1, "new") {
			t.Errorf("%d s off: an honest one is held up", ahead)
		}
	}
}

// TestWhatIsNotNotedDoesNotCount refuses requests while their mark cannot be
// kept, and takes others once it can.
func TestWhatIsNotNotedDoesNotCount(t *testing.T) {
	const now = 1_700_000_000
	kv := &counted{Memory: store.NewMemory(), broken: true}
	n := over(t, kv)
	if _, err := n.first(t.Context(), "a", now, now, "1"); err == nil {
		t.Error("it counts though nothing was kept")
	}
	kv.broken = false
	if n.isFirst(t, "a", now, now, "1") || !n.isFirst(t, "a", now, now, "2") {
		t.Error("the first is not spent, or the next does not count")
	}
}

// TestMarksGo sees that marks are not kept for longer than they say anything,
// those of another run of the server too.
func TestMarksGo(t *testing.T) {
	const now = 1_700_000_000
	kv := &counted{Memory: store.NewMemory()}
	n := over(t, kv)
	marks := func() (count int) {
		for _, err := range kv.Scan(bucket, nil, nil) {
			if err != nil {
				t.Fatal(err)
			}
			count++
		}
		return count
	}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() { n.isFirst(t, strconv.Itoa(i%10), now+int64(i%10), now, strconv.Itoa(i)) })
	}
	if all.Wait(); marks() != 10 {
		t.Errorf("%d marks for ten signers", marks())
	}
	n = over(t, kv)
	if n.isFirst(t, "b", now+window, now+window, "0"); marks() != 11 {
		t.Errorf("%d marks in the window", marks())
	}
	if n.isFirst(t, "b", now+3*window, now+3*window, "1"); marks() != 1 {
		t.Errorf("%d marks long after", marks())
	}
}
