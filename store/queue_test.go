package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"weir/store"
)

// callers commit batches at the same time and note the answers.
type callers struct {
	f  *store.File
	wg sync.WaitGroup

	mu      sync.Mutex
	answers map[string]error // by key
}

func newCallers(f *store.File) *callers {
	return &callers{f: f, answers: make(map[string]error)}
}

// commit starts a commit of one record.
func (c *callers) commit(ctx context.Context, w store.Write) {
	c.wg.Go(func() {
		err := c.f.Commit(ctx, store.Batch{w})
		c.mu.Lock()
		defer c.mu.Unlock()
		c.answers[string(w.Key)] = err
	})
}

// numbered returns the write of record i.
func numbered(i int) store.Write {
	return store.Write{Bucket: "a", Key: store.Key(uint64(i)), Value: make([]byte, 400)}
}

// fill starts commits, from number first on, until at least n wait in the queue,
// and returns the number after the last.
func (c *callers) fill(ctx context.Context, first, n int) (next int) {
	for next = first; c.f.Waiting() < n; runtime.Gosched() {
		if next < first+1000 {
			c.commit(ctx, numbered(next))
			next++
		}
	}
	return next
}

func hold(t *testing.T, f *store.File) (release func()) {
	t.Helper()
	rollback, err := f.HoldWriter()
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := rollback(); err != nil {
			t.Error(err)
		}
	}
}

// TestContextEnds cancels commits while the writer is busy: those still queued
// are withdrawn for good, those it has taken are unknown.
func TestContextEnds(t *testing.T) {
	const group = 2 // a short queue, because it bounds what the writer takes
	f := openFile(t, filepath.Join(t.TempDir(), "weir.db"), store.Options{NoSync: true, QueueBatches: group})
	defer f.Close()
	cause := errors.New("the caller went away")
	withdrawn, unknown, next := 0, 0, 0
	for round := 0; round < 50 || withdrawn == 0 || unknown == 0; round++ {
		ctx, cancel := context.WithCancelCause(context.Background())
		c := newCallers(f)
		release := hold(t, f)
		next = c.fill(ctx, next, group)
		cancel(cause)
		c.wg.Wait()
		release()

		// The answer to this one comes after the writer is done with the others.
		if err := f.Commit(context.Background(), store.Batch{{Bucket: "b", Key: []byte("k")}}); err != nil {
			t.Fatal(err)
		}
		before := unknown
		for key, err := range c.answers {
			if !errors.Is(err, cause) {
				t.Fatalf("a cancelled commit answers %v, want its context's cause", err)
			}
			_, missing := f.Get("a", []byte(key))
			if errors.Is(err, store.ErrUnknown) {
				unknown++
				if missing != nil {
					t.Errorf("a batch that the writer had taken is not there: %v", missing)
				}
			} else {
				withdrawn++
				if !errors.Is(missing, store.ErrNotFound) {
					t.Errorf("a withdrawn batch was committed (%v)", missing)
				}
			}
		}
		if unknown-before > group {
			t.Fatalf("%d answers are unknown, but the writer takes %d at most", unknown-before, group)
		}
	}
	t.Logf("%d withdrawn, %d unknown", withdrawn, unknown)
}

// TestQueueIsBounded lets callers pile up behind a busy writer: no more than the
// bound may enter the queue, and all succeed in the end.
func TestQueueIsBounded(t *testing.T) {
	for _, o := range []store.Options{{QueueBatches: 2}, {QueueBytes: 1000}, {QueueBytes: 1}} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			bound := 2
			if o.QueueBytes == 1 {
				bound = 1 // each is larger than the queue, and enters it alone
			}
			o.NoSync = true
			f := openFile(t, filepath.Join(t.TempDir(), "weir.db"), o)
			defer f.Close()
			c := newCallers(f)
			release := hold(t, f)
			next := c.fill(context.Background(), 0, bound)
			for range 100 {
				c.commit(context.Background(), numbered(next))
				next++
			}
			for range 1000 {
				runtime.Gosched()
				if n := f.Waiting(); n > bound {
					t.Fatalf("%d batches wait, at most %d may", n, bound)
				}
			}
			release()
			c.wg.Wait()
			for key, err := range c.answers {
				if err != nil {
					t.Errorf("commit of %x: %v", key, err)
				}
			}
			if got := f.Stats().Batches; got != uint64(next) {
				t.Errorf("%d batches committed, want %d", got, next)
			}
		})
	}
}

// TestCloseWaitsForCallers closes while callers queue, and others wait for a
// place in the queue.
func TestCloseWaitsForCallers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.db")
	f := openFile(t, path, store.Options{NoSync: true, QueueBatches: 1})
	c := newCallers(f)
	release := hold(t, f)
	next := c.fill(context.Background(), 0, 1)
	for range 20 {
		c.commit(context.Background(), numbered(next))
		next++
	}
	var closing sync.WaitGroup
	closing.Go(func() {
		if err := f.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	for f.Commit(context.Background(), nil) == nil {
		runtime.Gosched()
	}
	release()
	c.wg.Wait()
	closing.Wait()

	f = openFile(t, path, store.Options{NoSync: true})
	defer f.Close()
	for key, err := range c.answers {
		_, missing := f.Get("a", []byte(key))
		if err == nil && missing != nil || err != nil && (!errors.Is(err, store.ErrClosed) || !errors.Is(missing, store.ErrNotFound)) {
			t.Errorf("batch %x: answer %v, then %v", key, err, missing)
		}
	}
}

// TestConflictFailsAlone puts batches whose conditions do not hold among others
// of the same group.
func TestConflictFailsAlone(t *testing.T) {
	f := openFile(t, filepath.Join(t.TempDir(), "weir.db"), store.Options{NoSync: true})
	defer f.Close()
	c := newCallers(f)
	release := hold(t, f)
	const each = 40
	for i := range each {
		c.commit(context.Background(), numbered(i))
		w := numbered(each + i)
		w.Expect = store.ExpectValue([]byte("what is not there"))
		c.commit(context.Background(), w)
	}
	for f.Waiting() == 0 {
		runtime.Gosched()
	}
	release()
	c.wg.Wait()
	for key, err := range c.answers {
		_, missing := f.Get("a", []byte(key))
		if store.KeyPart([]byte(key), 0) < each {
			if err != nil || missing != nil {
				t.Errorf("batch %x: answer %v, then %v", key, err, missing)
			}
		} else if !errors.Is(err, store.ErrConflict) || !errors.Is(missing, store.ErrNotFound) {
			t.Errorf("batch %x: answer %v, then %v; want a conflict and nothing there", key, err, missing)
		}
	}
	s := f.Stats()
	if s.Batches != each || s.Conflicts != each || s.Commits >= each {
		t.Errorf("stats are %+v, want %d batches in fewer commits and as many conflicts", s, each)
	}
	commits := uint64(0)
	for _, n := range s.Groups {
		commits += n
	}
	if commits != s.Commits {
		t.Errorf("group sizes %v add up to %d, want %d", s.Groups, commits, s.Commits)
	}
}

// TestFailureAfterMetaPage checks what is said of a transaction that can be seen
// although the disk failed to sync it.
func TestFailureAfterMetaPage(t *testing.T) {
	f := openFile(t, filepath.Join(t.TempDir(), "weir.db"), store.Options{NoSync: true})
	defer f.Close()
	for _, failure := range []error{syscall.EIO, syscall.ENOSPC} {
		err := f.Explain(f.LastTx(), failure)
		if !errors.Is(err, store.ErrUnknown) || !errors.Is(err, failure) || errors.Is(err, store.ErrFull) {
			t.Errorf("visible, then %v: %v, want ErrUnknown", failure, err)
		}
		err = f.Explain(f.LastTx()+1, failure)
		if errors.Is(err, store.ErrUnknown) || !errors.Is(err, failure) || errors.Is(err, store.ErrFull) != (failure == syscall.ENOSPC) {
			t.Errorf("not visible, after %v: %v", failure, err)
		}
	}
}
