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

// A subscriber gets every version once and in order, wherever it starts and
// whatever is being written meanwhile.
func TestSubscribeWithoutGaps(t *testing.T) {
	ctx := context.Background()
	h := began(t, NewStoreLog(opened(t, store.Options{NoSync: true})), Options{})
	founded(t, h, plans, "x")
	const edits = 1500
	var subscribers []*recorder
	var subscriptions []*Subscription
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range edits {
			submit(t, h, plans, edit(fmt.Sprint("e/", i), wavelet.Version(i+1), insert(0, "y")))
		}
	})
	for i := range 30 {
		r := &recorder{}
		from := at(t, h, plans, Head).Version() * wavelet.Version(i%3) / 2
		s, err := h.Subscribe(ctx, plans, from, r)
		if err != nil {
			t.Fatal(err)
		}
		subscribers, subscriptions = append(subscribers, r), append(subscriptions, s)
	}
	wg.Wait()
	for i, r := range subscribers {
		seen := r.of(plans)
		if len(seen) == 0 || seen[len(seen)-1].Version != edits+1 {
			t.Fatalf("subscriber %d got %d commits and not the last", i, len(seen))
		}
		inOrder(t, fmt.Sprint("subscriber ", i), seen, seen[0].Version)
		subscriptions[i].Close()
		if err := subscriptions[i].Err(); !errors.Is(err, ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	}
	submit(t, h, plans, edit("", edits+1, insert(0, "z")))
	if seen := subscribers[0].of(plans); seen[len(seen)-1].Version != edits+1 {
		t.Error("a closed subscription goes on")
	}
	r := &recorder{}
	if _, err := h.Subscribe(ctx, plans, edits+3, r); code(t, err) != wavelet.CodePastHead {
		t.Errorf("a version not reached: %v", err)
	}
	if _, err := h.Subscribe(ctx, plans, 0, r); err != nil || len(r.of(plans)) != edits+2 {
		t.Errorf("from the beginning: %d commits, %v", len(r.of(plans)), err)
	}
	inOrder(t, "from the beginning", r.of(plans), 1)
}

// Who has no room is cut off, alone.
func TestSlowSubscriber(t *testing.T) {
	ctx := context.Background()
	h := began(t, NewMemoryLog(), Options{})
	founded(t, h, plans, "x")
	slow, quick := &recorder{room: 3}, &recorder{}
	cut, err := h.Subscribe(ctx, plans, 1, slow)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := h.Subscribe(ctx, plans, 1, quick)
	if err != nil {
		t.Fatal(err)
	}
	for v := wavelet.Version(1); v <= 10; v++ {
		submit(t, h, plans, edit("", v, insert(0, "y")))
	}
	<-cut.Done()
	if !errors.Is(cut.Err(), ErrSlow) || len(slow.of(plans)) != 3 {
		t.Errorf("the slow one has %d commits: %v", len(slow.of(plans)), cut.Err())
	}
	if kept.Err() != nil || len(quick.of(plans)) != 10 {
		t.Errorf("the other one has %d commits: %v", len(quick.of(plans)), kept.Err())
	}
	_, err = h.Subscribe(ctx, plans, 1, &recorder{room: 3})
	if code(t, err) != wavelet.CodeResync || !errors.Is(err, ErrSlow) {
		t.Errorf("no room for what was missed: %v", err)
	}
}

// When a wavelet has to be opened anew its subscribers learn of it.
func TestSubscriptionEndsWithTheWriter(t *testing.T) {
	disk := &faulty{Store: store.NewMemory()}
	h := began(t, NewStoreLog(disk), Options{})
	founded(t, h, plans, "x")
	sub, err := h.Subscribe(context.Background(), plans, 1, &recorder{})
	if err != nil {
		t.Fatal(err)
	}
	disk.fail(nil, store.ErrUnknown)
	if _, err := h.SubmitHuman(context.Background(), plans, edit("", 1, insert(0, "y"))); code(t, err) != wavelet.CodeOutcome {
		t.Error(err)
	}
	<-sub.Done()
	if code(t, sub.Err()) != wavelet.CodeOutcome {
		t.Errorf("ended with %v", sub.Err())
	}
	disk.fail(nil, nil)
	seen := &recorder{}
	if _, err := h.Subscribe(context.Background(), plans, 1, seen); err != nil || len(seen.of(plans)) != 1 {
		t.Errorf("subscribed again: %d commits, %v", len(seen.of(plans)), err)
	}
}

// Followers of the log see all commits of all wavelets, those of one wavelet in
// order, and can go on from any cursor.
func TestFollow(t *testing.T) {
	log := NewStoreLog(opened(t, store.Options{NoSync: true}))
	h := began(t, log, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	const wavelets, edits = 8, 60
	type result struct {
		seen    map[wavelet.Name][]wavelet.Commit
		cursors []Cursor
		err     error
	}
	follow := func(after Cursor, most int) (r result) {
		r.seen = make(map[wavelet.Name][]wavelet.Commit)
		for c, err := range log.Follow(ctx, 0, after) {
			if err != nil {
				r.err = err
				return r
			}
			r.seen[c.Commit.Wavelet] = append(r.seen[c.Commit.Wavelet], c.Commit)
			if r.cursors = append(r.cursors, c.Cursor); len(r.cursors) == most {
				return r
			}
		}
		return r
	}
	live := make(chan result, 1)
	go func() { live <- follow(0, wavelets*(edits+1)) }()
	var wg sync.WaitGroup
	for i := range wavelets {
		wg.Go(func() {
			name := named(fmt.Sprint(i))
			founded(t, h, name, "x")
			for v := range wavelet.Version(edits) {
				submit(t, h, name, edit("", v+1, insert(0, "y")))
			}
		})
	}
	wg.Wait()
	all := <-live
	if all.err != nil {
		t.Fatal(all.err)
	}
	for i := range wavelets {
		cs := all.seen[named(fmt.Sprint(i))]
		if inOrder(t, "followed", cs, 1); len(cs) != edits+1 {
			t.Errorf("wavelet %d: %d commits", i, len(cs))
		}
	}
	half := len(all.cursors) / 2
	rest := follow(all.cursors[half-1], len(all.cursors)-half)
	if rest.err != nil || rest.cursors[0] <= all.cursors[half-1] || rest.cursors[len(rest.cursors)-1] != all.cursors[len(all.cursors)-1] {
		t.Errorf("from cursor %d on: %d to %d, %v", all.cursors[half-1], rest.cursors[0], rest.cursors[len(rest.cursors)-1], rest.err)
	}
	cancel()
	if r := follow(all.cursors[len(all.cursors)-1], 1); !errors.Is(r.err, context.Canceled) {
		t.Errorf("follow ends with %v", r.err)
	}
	for _, err := range log.Follow(context.Background(), 1, 0) {
		if err == nil {
			t.Error("a store has a shard 1")
		}
	}
	if err := log.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if r := follow(0, 1); !errors.Is(r.err, ErrClosed) {
		t.Errorf("follow of a closed log: %v", r.err)
	}
	if _, err := log.Append(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("append to a closed log: %v", err)
	}
}
