package storetest

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"weir/store"
)

// model is what a store must behave like: a map, looked through from end to
// end for every question.
type model map[place]string

type place struct{ bucket, key string }

// testModel compares random sequences of calls with the model.
func testModel(t *testing.T, open Opener, reopen bool) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, remove := temporary(rt)
		defer remove()
		s := open(t, dir)
		defer func() { s.Close() }()
		m := model{}
		actions := map[string]func(*rapid.T){
			"commit": func(rt *rapid.T) { m.commit(rt, s) },
			"get":    func(rt *rapid.T) { m.get(rt, s) },
			"scan":   func(rt *rapid.T) { m.scan(rt, s) },
			"last":   func(rt *rapid.T) { m.last(rt, s) },
		}
		if reopen {
			actions["reopen"] = func(rt *rapid.T) {
				if err := s.Close(); err != nil {
					rt.Fatalf("close: %v", err)
				}
				s = open(t, dir)
			}
		}
		rt.Repeat(actions)
	})
}

// Few names, so that calls meet; with bytes at both ends of the order.
func drawBucket(rt *rapid.T) string { return rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "bucket") }

func drawKey(rt *rapid.T, name string) string {
	return rapid.StringOfN(rapid.SampledFrom([]rune{0, 'k', 'z'}), 1, 3, -1).Draw(rt, name)
}

func drawValue(rt *rapid.T, name string) string {
	return rapid.SampledFrom([]string{"", "x", "y"}).Draw(rt, name)
}

func drawBound(rt *rapid.T, name string) []byte {
	if rapid.Bool().Draw(rt, name+" is open") {
		return nil
	}
	return []byte(drawKey(rt, name))
}

func (m model) commit(rt *rapid.T, s store.Store) {
	after, conflict := maps.Clone(m), false
	var b store.Batch
	for range rapid.IntRange(0, 4).Draw(rt, "writes") {
		p := place{drawBucket(rt), drawKey(rt, "key")}
		w := store.Write{Bucket: p.bucket, Key: []byte(p.key), Delete: rapid.Bool().Draw(rt, "delete")}
		held, present := m[p]
		switch rapid.SampledFrom([]string{"anything", "anything", "absent", "value", "the value"}).Draw(rt, "expect") {
		case "absent":
			w.Expect = store.ExpectAbsent()
			conflict = conflict || present
		case "value":
			v := drawValue(rt, "expected")
			w.Expect = store.ExpectValue([]byte(v))
			conflict = conflict || !present || held != v
		case "the value":
			w.Expect = store.ExpectValue([]byte(held))
			conflict = conflict || !present
		}
		delete(after, p)
		if !w.Delete {
			w.Value = []byte(drawValue(rt, "value"))
			after[p] = string(w.Value)
		}
		b = append(b, w)
	}
	err := s.Commit(context.Background(), b)
	if conflict {
		if !errors.Is(err, store.ErrConflict) {
			rt.Fatalf("commit: %v, want a conflict", err)
		}
		return
	}
	if err != nil {
		rt.Fatalf("commit: %v", err)
	}
	clear(m)
	maps.Copy(m, after)
}

func (m model) get(rt *rapid.T, s store.Store) {
	p := place{drawBucket(rt), drawKey(rt, "key")}
	want, present := m[p]
	got, err := s.Get(p.bucket, []byte(p.key))
	if present != (err == nil) || present == errors.Is(err, store.ErrNotFound) || string(got) != want {
		rt.Fatalf("get %q: %q, %v; want %q, present %t", p, got, err, want, present)
	}
}

// within returns the keys of a range in order.
func (m model) within(bucket string, from, to []byte) (keys []string) {
	for p := range m {
		k := []byte(p.key)
		if p.bucket == bucket && bytes.Compare(k, from) >= 0 && (to == nil || bytes.Compare(k, to) < 0) {
			keys = append(keys, p.key)
		}
	}
	slices.Sort(keys)
	return keys
}

func (m model) scan(rt *rapid.T, s store.Store) {
	bucket, from, to := drawBucket(rt), drawBound(rt, "from"), drawBound(rt, "to")
	var keys []string
	for r, err := range s.Scan(bucket, from, to) {
		if err != nil {
			rt.Fatalf("scan: %v", err)
		}
		if want := m[place{bucket, string(r.Key)}]; string(r.Value) != want {
			rt.Fatalf("scan: key %q holds %q, want %q", r.Key, r.Value, want)
		}
		keys = append(keys, string(r.Key))
	}
	if want := m.within(bucket, from, to); !slices.Equal(keys, want) {
		rt.Fatalf("scan of %q from %q to %q yields %q, want %q", bucket, from, to, keys, want)
	}
}

func (m model) last(rt *rapid.T, s store.Store) {
	bucket, from, to := drawBucket(rt), drawBound(rt, "from"), drawBound(rt, "to")
	keys := m.within(bucket, from, to)
	got, err := s.Last(bucket, from, to)
	if len(keys) == 0 {
		if !errors.Is(err, store.ErrNotFound) {
			rt.Fatalf("last: %q, %v, want nothing", got.Key, err)
		}
		return
	}
	key := keys[len(keys)-1]
	if err != nil || string(got.Key) != key || string(got.Value) != m[place{bucket, key}] {
		rt.Fatalf("last of %q from %q to %q is %q, %v; want %q", bucket, from, to, got, err, key)
	}
}
