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
