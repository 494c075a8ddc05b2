package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"weir/store"
)

func testEmpty(t *testing.T, s store.Store) {
	_, err := s.Get("a", []byte("k"))
	wantError(t, err, store.ErrNotFound, "a", "k")
	_, err = s.Last("a", nil, nil)
	wantError(t, err, store.ErrNotFound)
	want(t, s, "a", "")
	commit(t, s) // an empty batch
	commit(t, s, remove("a", "k"))
	want(t, s, "a", "")
}

func testBatch(t *testing.T, s store.Store) {
	commit(t, s, put("a", "1", "one"), put("b", "1", "eins"), put("a", "2", ""))
	want(t, s, "a", "1=one 2=")
	want(t, s, "b", "1=eins")

	// The last write to a key stands.
	commit(t, s, put("a", "1", "x"), remove("a", "1"), put("a", "3", "x"), put("a", "3", "three"), remove("b", "1"), put("b", "1", "uno"))
	want(t, s, "a", "2= 3=three")
	want(t, s, "b", "1=uno")

	value, err := s.Get("a", []byte("2"))
	if err != nil || value == nil || len(value) != 0 {
		t.Errorf("an empty value reads as %#v, %v; want an empty slice", value, err)
	}
}

func testExpect(t *testing.T, s store.Store) {
	commit(t, s, put("a", "full", "v"), put("a", "empty", ""))
	for _, c := range []struct {
		name   string
		bucket string
		key    string
		expect store.Expect
		holds  bool
	}{
		{"anything of a record", "a", "full", store.Expect{}, true},
		{"anything of nothing", "a", "none", store.Expect{}, true},
		{"absent of a record", "a", "full", store.ExpectAbsent(), false},
		{"absent of an empty record", "a", "empty", store.ExpectAbsent(), false},
		{"absent of nothing", "a", "none", store.ExpectAbsent(), true},
		{"absent of no bucket", "nowhere", "none", store.ExpectAbsent(), true},
		{"value that is there", "a", "full", store.ExpectValue([]byte("v")), true},
		{"value that is not there", "a", "full", store.ExpectValue([]byte("w")), false},
		{"value that only begins like it", "a", "full", store.ExpectValue([]byte("vv")), false},
		{"value of nothing", "a", "none", store.ExpectValue([]byte("v")), false},
		{"value of no bucket", "nowhere", "none", store.ExpectValue([]byte("v")), false},
		{"empty value of an empty record", "a", "empty", store.ExpectValue(nil), true},
		{"empty value of a record", "a", "full", store.ExpectValue(nil), false},
		{"empty value of nothing", "a", "none", store.ExpectValue([]byte{}), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, w := range []store.Write{put(c.bucket, c.key, "new"), remove(c.bucket, c.key)} {
				before := scanned(t, s, "a", nil, nil)
				err := s.Commit(context.Background(), store.Batch{put("a", "other", "x"), expecting(w, c.expect)})
				if c.holds {
					if err != nil {
						t.Errorf("commit: %v", err)
					}
				} else {
					wantError(t, err, store.ErrConflict, c.bucket, c.key)
					want(t, s, "a", before)
				}
				commit(t, s, remove("a", "other"), put("a", "full", "v"), put("a", "empty", ""), remove("a", "none"), remove("nowhere", "none"))
			}
		})
	}
}

// testExpectOrder checks that conditions speak of what is there before a batch,
// not of the batch's own writes.
func testExpectOrder(t *testing.T, s store.Store) {
	commit(t, s, put("a", "k", "old"))
	commit(t, s, put("a", "k", "new"), expecting(put("a", "k", "newer"), store.ExpectValue([]byte("old"))))
	want(t, s, "a", "k=newer")
	err := s.Commit(context.Background(), store.Batch{remove("a", "k"), expecting(put("a", "k", "x"), store.ExpectAbsent())})
	wantError(t, err, store.ErrConflict, "a", "k")
	want(t, s, "a", "k=newer")
}

func testRefusals(t *testing.T, s store.Store) {
	commit(t, s, put(strings.Repeat("b", 64), strings.Repeat("k", store.MaxKey), "longest names"))
	for _, c := range []struct {
		name  string
		write store.Write
		want  error
	}{
		{"no bucket", put("", "k", "v"), store.ErrInvalid},
		{"long bucket", put(strings.Repeat("b", 65), "k", "v"), store.ErrInvalid},
		{"reserved bucket", put(".store", "format", "v"), store.ErrInvalid},
		{"empty key", put("a", "", "v"), store.ErrInvalid},
		{"delete of an empty key", remove("a", ""), store.ErrInvalid},
		{"long key", put("a", strings.Repeat("k", store.MaxKey+1), "v"), store.ErrTooLarge},
		{"large batch", store.Write{Bucket: "a", Key: []byte("k"), Value: make([]byte, store.MaxBatch)}, store.ErrTooLarge},
	} {
		err := s.Commit(context.Background(), store.Batch{put("a", "ok", "v"), c.write})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: error is %v, want %v", c.name, err, c.want)
		}
	}
	want(t, s, "a", "")
}

// testOwnership checks that a store and its callers share no memory.
func testOwnership(t *testing.T, s store.Store) {
	spoil := func(b []byte) {
		for i := range b {
			b[i] = '!'
		}
	}
	key, value, expect := []byte("k"), []byte("value"), []byte("value")
	commit(t, s, store.Write{Bucket: "a", Key: key, Value: value})
	commit(t, s, store.Write{Bucket: "a", Key: key, Value: value, Expect: store.ExpectValue(expect)})
	spoil(key)
	spoil(value)
	spoil(expect)
	want(t, s, "a", "k=value")

	got, err := s.Get("a", []byte("k"))
	if err != nil {
		t.Fatal(err)
	}
	spoil(got)
	last, err := s.Last("a", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	spoil(last.Key)
	spoil(last.Value)
	for r := range s.Scan("a", nil, nil) {
		_ = append(r.Key, "!!"...)
		if !bytes.Equal(r.Value, []byte("value")) {
			t.Errorf("appending to a scanned key changed its value to %q", r.Value)
		}
		spoil(r.Key)
		spoil(r.Value)
	}
	want(t, s, "a", "k=value")
}

func testContext(t *testing.T, s store.Store) {
	cause := errors.New("the caller went away")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	err := s.Commit(ctx, store.Batch{put("a", "k", "v")})
	wantError(t, err, cause)
	if errors.Is(err, store.ErrUnknown) {
		t.Errorf("a commit under a context that has ended is unknown: %v", err)
	}
	want(t, s, "a", "")
}

// testCompareAndSwap counts with many writers: no increment may be lost.
func testCompareAndSwap(t *testing.T, s store.Store) {
	const writers, increments = 8, 25
	key := []byte("counter")
	commit(t, s, store.Write{Bucket: "a", Key: key, Value: store.Key(0)})
	increment := func() error {
		for {
			old, err := s.Get("a", key)
			if err != nil {
				return err
			}
			err = s.Commit(context.Background(), store.Batch{{
				Bucket: "a", Key: key, Value: store.Key(store.KeyPart(old, 0) + 1), Expect: store.ExpectValue(old),
			}})
			if !errors.Is(err, store.ErrConflict) {
				return err
			}
		}
	}
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range increments {
				if err := increment(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got, err := s.Get("a", key)
	if err != nil || store.KeyPart(got, 0) != writers*increments {
		t.Errorf("counter is %x (%v), want %d", got, err, writers*increments)
	}
	if n := s.Stats().Batches; n != writers*increments+1 {
		t.Errorf("%d batches committed, want %d", n, writers*increments+1)
	}
}

func testStats(t *testing.T, s store.Store) {
	commit(t, s, put("a", "1", "v"), put("a", "2", "v"))
	commit(t, s, remove("a", "1"))
	err := s.Commit(context.Background(), store.Batch{expecting(put("a", "2", "w"), store.ExpectAbsent())})
	wantError(t, err, store.ErrConflict)
	got := s.Stats()
	if got.Commits != 2 || got.Batches != 2 || got.Conflicts != 1 || got.Writes != 3 || got.Groups[0] != 2 || got.Failing != nil || got.Failures != 0 {
		t.Errorf("stats are %+v, want 2 commits of one batch each, 3 writes, 1 conflict", got)
	}
	if got.Bytes < 5 {
		t.Errorf("%d bytes counted for 3 keys and 2 values", got.Bytes)
	}
}

func testClose(t *testing.T, s store.Store) {
	commit(t, s, put("a", "k", "v"))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
	wantError(t, s.Commit(context.Background(), store.Batch{put("a", "k", "w")}), store.ErrClosed)
	_, err := s.Get("a", []byte("k"))
	wantError(t, err, store.ErrClosed)
	_, err = s.Last("a", nil, nil)
	wantError(t, err, store.ErrClosed)
	for _, err = range s.Scan("a", nil, nil) {
	}
	wantError(t, err, store.ErrClosed)
	if s.Stats().Batches != 1 {
		t.Errorf("stats of a closed store are %+v, want one batch", s.Stats())
	}
}

// testCloseAnswers closes a store under load: each Commit is answered, by
// success or by ErrClosed.
func testCloseAnswers(t *testing.T, s store.Store) {
	var wg sync.WaitGroup
	busy := make(chan struct{}, 16)
	for w := range 16 {
		wg.Go(func() {
			for i := 0; ; i++ {
				err := s.Commit(context.Background(), store.Batch{put("a", fmt.Sprint(w, i), "v")})
				if errors.Is(err, store.ErrClosed) {
					return
				}
				if err != nil {
					t.Errorf("commit while closing: %v", err)
					return
				}
				if i == 2 {
					busy <- struct{}{}
				}
			}
		})
	}
	for range 16 {
		<-busy
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
}
