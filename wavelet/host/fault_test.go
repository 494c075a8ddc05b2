package host

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"weir/store"
	"weir/wavelet"
)

// A full disk refuses edits, keeps serving reads, and is over when it is over.
func TestFullDisk(t *testing.T) {
	ctx := context.Background()
	disk := &faulty{Store: store.NewMemory()}
	h := began(t, NewStoreLog(disk), Options{})
	seen := &recorder{}
	h.Observe(seen)
	founded(t, h, plans, "x")
	submit(t, h, plans, edit("a/1", 1, insert(0, "a")))
	before := written(at(t, h, plans, Head))

	disk.fail(fmt.Errorf("commit: %w", store.ErrFull), nil)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			_, err := h.SubmitHuman(ctx, plans, edit(fmt.Sprint("full/", i), 2, insert(0, "f")))
			if code(t, err) != wavelet.CodeDiskFull || !errors.Is(err, store.ErrFull) {
				t.Errorf("an edit on a full disk: %v", err)
			}
		})
	}
	wg.Wait()
	if _, err := h.SubmitHuman(ctx, plans, edit("", 2, remove(99, 1))); code(t, err) != wavelet.CodeBadDelta {
		t.Errorf("a bad delta on a full disk: %v", err)
	}
	if c := submit(t, h, plans, edit("a/1", 1, insert(0, "a"))); c.Version != 2 {
		t.Errorf("a repetition on a full disk is answered with version %d", c.Version)
	}
	if written(at(t, h, plans, Head)) != before || len(history(t, h, plans)) != 2 || len(seen.of(plans)) != 2 {
		t.Error("edits that were not written are visible")
	}
	disk.fail(nil, nil)
	for i := range 20 {
		submit(t, h, plans, edit(fmt.Sprint("full/", i), 2, insert(0, "f")))
	}
	cs := history(t, h, plans)
	if inOrder(t, "log", cs, 1); len(cs) != 22 || len(seen.of(plans)) != 22 || at(t, h, plans, Head).Text() != "ffffffffffffffffffffax\n" {
		t.Errorf("%d commits, %d seen, text %q", len(cs), len(seen.of(plans)), at(t, h, plans, Head).Text())
	}
	if st := h.Stats(); st.Failed != 20 || st.Commits != 22 {
		t.Errorf("stats %+v", st)
	}
}

// An outcome that is not known is said to be so; sent again under the same id,
// the delta is committed once, whether it had been written or not.
func TestUnknownOutcome(t *testing.T) {
	ctx := context.Background()
	for _, written := range []bool{true, false} {
		disk := &faulty{Store: store.NewMemory()}
		h := began(t, NewStoreLog(disk), Options{})
		founded(t, h, plans, "x")
		if written {
			disk.fail(nil, store.ErrUnknown)
		} else {
			disk.fail(store.ErrUnknown, nil)
		}
		_, err := h.SubmitHuman(ctx, plans, edit("a/1", 1, insert(0, "a")))
		if code(t, err) != wavelet.CodeOutcome || !errors.Is(err, ErrUnknown) {
			t.Errorf("written %v: %v", written, err)
		}
		disk.fail(nil, nil)
		c := submit(t, h, plans, edit("a/1", 1, insert(0, "a")))
		if text := at(t, h, plans, Head).Text(); c.Version != 2 || text != "ax\n" || len(history(t, h, plans)) != 2 {
			t.Errorf("written %v: version %d, text %q", written, c.Version, text)
		}
	}
}

// The caller's own context may end while the outcome is open.
func TestCallerGivesUp(t *testing.T) {
	disk := &stuck{Store: store.NewMemory(), entered: make(chan struct{}, 1), release: make(chan struct{})}
	h := began(t, NewStoreLog(disk), Options{})
	founded(t, h, plans, "x")
	disk.hold()
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-disk.entered
		cancel()
	}()
	_, err := h.SubmitHuman(ctx, plans, edit("a/1", 1, insert(0, "a")))
	if !errors.Is(err, ErrUnknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	close(disk.release)
	if c := submit(t, h, plans, edit("a/1", 1, insert(0, "a"))); c.Version != 2 {
		t.Errorf("version %d", c.Version)
	}
}

// stuck is a store whose next commit waits.
type stuck struct {
	store.Store
	mu               sync.Mutex
	holding          bool
	entered, release chan struct{}
}

func (s *stuck) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holding = true
}

func (s *stuck) Commit(ctx context.Context, b store.Batch) error {
	s.mu.Lock()
	holding := s.holding
	s.holding = false
	s.mu.Unlock()
	if holding {
		s.entered <- struct{}{}
		<-s.release
	}
	return s.Store.Commit(ctx, b)
}

// Two hosts that write to the same wavelets are a fault of the operator's, but
// not the end of the history: each notices the other and goes on from its
// commits.
func TestTwoHostsOverOneStore(t *testing.T) {
	s := store.NewMemory()
	logs := [2]*StoreLog{NewStoreLog(s), NewStoreLog(s)}
	var hosts [2]*Host
	var seen [2]*recorder
	for i := range hosts {
		hosts[i], seen[i] = began(t, logs[i], Options{}), &recorder{}
		hosts[i].Observe(seen[i])
	}
	founded(t, hosts[0], plans, "x")
	for i := range 40 {
		submit(t, hosts[i%2], plans, edit(fmt.Sprint("d/", i), at(t, hosts[i%2], plans, Head).Version(), insert(0, "y")))
	}
	cs := history(t, hosts[0], plans)
	if inOrder(t, "log", cs, 1); len(cs) != 41 {
		t.Errorf("%d commits", len(cs))
	}
	if got := written(at(t, hosts[1], plans, Head)); got != written(replayed(t, plans, cs)) {
		t.Error("the host that wrote last holds something else than the log")
	}
	inOrder(t, "told by the first", seen[0].of(plans), 1)
	inOrder(t, "told by the second, which opened the wavelet at version 2", seen[1].of(plans), 3)
	if n := len(seen[1].of(plans)); n != 39 {
		t.Errorf("the second host told of %d commits", n)
	}
}
