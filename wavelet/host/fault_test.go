package host

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
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
	for v := wavelet.Version(1); v < 60; v++ { // just before a checkpoint
		submit(t, h, plans, edit(fmt.Sprint("a/", v), v, insert(0, "a")))
	}
	before := written(at(t, h, plans, Head))

	disk.fail(fmt.Errorf("commit: %w", store.ErrFull), nil)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			_, err := h.SubmitHuman(ctx, plans, edit(fmt.Sprint("full/", i), 60, insert(0, "f")))
			if code(t, err) != wavelet.CodeDiskFull || !errors.Is(err, store.ErrFull) {
				t.Errorf("an edit on a full disk: %v", err)
			}
		})
	}
	wg.Wait()
	if _, err := h.SubmitHuman(ctx, plans, edit("", 60, remove(99, 1))); code(t, err) != wavelet.CodeBadDelta {
		t.Errorf("a bad delta on a full disk: %v", err)
	}
	if c := submit(t, h, plans, edit("a/1", 1, insert(0, "a"))); c.Version != 2 {
		t.Errorf("a repetition on a full disk is answered with version %d", c.Version)
	}
	if written(at(t, h, plans, Head)) != before || len(history(t, h, plans)) != 60 || len(seen.of(plans)) != 60 {
		t.Error("edits that were not written are visible")
	}
	disk.fail(nil, nil)
	for i := range 20 {
		submit(t, h, plans, edit(fmt.Sprint("full/", i), 60, insert(0, "f")))
	}
	cs := history(t, h, plans)
	want := strings.Repeat("f", 20) + strings.Repeat("a", 59) + "x\n"
	if inOrder(t, "log", cs, 1); len(cs) != 80 || len(seen.of(plans)) != 80 || at(t, h, plans, Head).Text() != want {
		t.Errorf("%d commits, %d seen, text %q", len(cs), len(seen.of(plans)), at(t, h, plans, Head).Text())
	}
	for v := 60; v <= 80; v++ {
		if written(at(t, h, plans, wavelet.Version(v))) != written(replayed(t, plans, cs[:v])) {
			t.Errorf("version %d is not what was written", v)
		}
	}
	if st := h.Stats(); st.Failed != 20 || st.Commits != 80 {
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

// Those who wait behind a delta of which the outcome is not known are seen to by
// the next writer.
func TestBehindAnUnknownOutcome(t *testing.T) {
	disk := &doubtful{Store: store.NewMemory()}
	h := began(t, NewStoreLog(disk), Options{})
	founded(t, h, plans, "x")
	const behind = 5
	var wg sync.WaitGroup
	disk.doubt = func() {
		h.mu.Lock()
		w := h.open[plans]
		h.mu.Unlock()
		for i := range behind {
			wg.Go(func() { submit(t, h, plans, edit(fmt.Sprint("b/", i), 1, insert(0, "b"))) })
		}
		for len(w.mail) < behind {
			runtime.Gosched()
		}
	}
	if _, err := h.SubmitHuman(t.Context(), plans, edit("a/1", 1, insert(0, "a"))); code(t, err) != wavelet.CodeOutcome {
		t.Errorf("the one in doubt: %v", err)
	}
	wg.Wait()
	if text := at(t, h, plans, Head).Text(); text != strings.Repeat("b", behind)+"x\n" {
		t.Errorf("text %q", text)
	}
}

// doubtful is a store of which one commit ends nobody knows how, after doubt.
type doubtful struct {
	store.Store
	doubt func()
}

func (d *doubtful) Commit(ctx context.Context, b store.Batch) error {
	if doubt := d.doubt; doubt != nil {
		d.doubt = nil
		doubt()
		return store.ErrUnknown
	}
	return d.Store.Commit(ctx, b)
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

// meddled is a store in which something else happens before a commit.
type meddled struct {
	store.Store
	meddle func()
}

func (m *meddled) Commit(ctx context.Context, b store.Batch) error {
	meddle := m.meddle
	m.meddle = func() {}
	meddle()
	return m.Store.Commit(ctx, b)
}

// What was the head when an append began must be so when it is written.
func TestAppendIsFenced(t *testing.T) {
	ctx := context.Background()
	s := store.NewMemory()
	other := NewStoreLog(s)
	entry := func(v wavelet.Version, id string) Entry {
		return Entry{Commit: wavelet.Commit{Wavelet: plans, Version: v, Delta: wavelet.Delta{ID: wavelet.DeltaID(id), Author: ann}}}
	}
	for v := wavelet.Version(1); v <= 2; v++ { // the first entry of all, and another
		log := NewStoreLog(&meddled{s, func() {
			if _, err := other.Append(ctx, entry(v, fmt.Sprint("other/", v))); err != nil {
				t.Fatal(err)
			}
		}})
		if _, err := log.Append(ctx, entry(v, fmt.Sprint("late/", v))); !errors.Is(err, ErrStale) {
			t.Errorf("version %d is written twice: %v", v, err)
		}
	}
	for _, v := range []wavelet.Version{0, 2, 4} {
		if _, err := other.Append(ctx, entry(v, "x")); !errors.Is(err, ErrStale) {
			t.Errorf("version %d behind version 2: %v", v, err)
		}
	}
	done, err := other.Append(ctx, entry(3, "a"), entry(4, "b"), Entry{Commit: wavelet.Commit{Wavelet: named("x"), Version: 1}})
	if err != nil || len(done) != 3 || done[1].Cursor != done[0].Cursor+1 || done[1].Hash == done[0].Hash {
		t.Errorf("appended %+v: %v", done, err)
	}
	if _, ok, err := other.Resolve(ctx, plans, "late/2"); ok || err != nil {
		t.Errorf("a refused entry is found: %v, %v", ok, err)
	}
}

// Two hosts that write to the same wavelets are a fault of the operator's, but
// not the end of the history: each notices the other and goes on from its
// commits.
func TestTwoHostsOverOneStore(t *testing.T) {
	s := store.NewMemory()
	var hosts [2]*Host
	var seen [2]*recorder
	for i := range hosts {
		hosts[i], seen[i] = began(t, NewStoreLog(s), Options{}), &recorder{}
		hosts[i].Observe(seen[i])
	}
	founded(t, hosts[0], plans, "x")
	at(t, hosts[1], plans, Head)
	var wg sync.WaitGroup
	for i, h := range hosts {
		wg.Go(func() {
			for n := 0; n < 100; {
				d := edit(fmt.Sprint("d", i, "/", n), at(t, h, plans, Head).Version(), insert(0, "y"))
				if _, err := h.SubmitHuman(context.Background(), plans, d); err == nil {
					n++
				} else if !errors.Is(err, ErrStale) { // overtaken again and again
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	cs := history(t, hosts[0], plans)
	if inOrder(t, "log", cs, 1); len(cs) != 201 || at(t, hosts[1], plans, Head).Version() < 101 {
		t.Errorf("%d commits", len(cs))
	}
	for i, h := range hosts {
		submit(t, h, plans, edit(fmt.Sprint("last/", i), 1, insert(0, "z")))
	}
	cs = history(t, hosts[0], plans)
	if written(at(t, hosts[1], plans, Head)) != written(replayed(t, plans, cs)) {
		t.Error("the host that wrote last holds something else than the log")
	}
	inOrder(t, "told by the first", seen[0].of(plans), 1)
	inOrder(t, "told by the second", seen[1].of(plans), 2)
	if n := len(seen[1].of(plans)); n != 202 {
		t.Errorf("the second host told of %d commits", n)
	}
}
