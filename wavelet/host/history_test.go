package host

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/store"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// Every version that ever was can be had again: from memory, from a snapshot
// and the commits behind it, and after a restart.
func TestSnapshotAtAnyVersion(t *testing.T) {
	ctx := context.Background()
	log := NewStoreLog(opened(t, store.Options{NoSync: true}))
	h := New(log, Options{})
	founded(t, h, plans, "x")
	states := []string{written(wavelet.NewState(plans)), written(at(t, h, plans, Head))}
	for v := wavelet.Version(1); v < 1600; v++ {
		ops := []wavelet.Op{wavelet.EditBlip{Blip: "b+1", Delta: insert(int(v%7)/4, fmt.Sprint(v))}}
		if v%300 == 0 {
			ops = append(ops, wavelet.CreateBlip{Blip: wavelet.NewBlipID()}, wavelet.SetTag{Tag: fmt.Sprint(v)})
		}
		submit(t, h, plans, wavelet.Delta{Author: ann, Base: v, Ops: ops})
		states = append(states, written(at(t, h, plans, Head)))
	}
	if n := h.Stats().Snapshots; n != 3 {
		t.Errorf("%d snapshots over 1,600 versions", n)
	}
	check := func(what string) {
		t.Helper()
		for v := range wavelet.Version(len(states)) {
			if recent := int(v) > len(states)-100; v%13 != 0 && !recent {
				continue
			}
			if got := written(at(t, h, plans, v)); got != states[v] {
				t.Fatalf("%s: version %d is\n%.300s\nwas\n%.300s", what, v, got, states[v])
			}
		}
		if _, err := h.Snapshot(ctx, plans, wavelet.Version(len(states))); code(t, err) != wavelet.CodePastHead {
			t.Errorf("%s: a version not reached: %v", what, err)
		}
	}
	check("running")
	if got := written(replayed(t, plans, history(t, h, plans))); got != states[len(states)-1] {
		t.Error("the replay of the log is another wavelet")
	}
	var from []wavelet.Commit
	for c, err := range h.Read(ctx, plans, 1590) {
		if err != nil {
			t.Fatal(err)
		}
		from = append(from, c)
	}
	if inOrder(t, "read from 1590", from, 1591); len(from) != 10 {
		t.Errorf("%d commits behind version 1590", len(from))
	}
	if err := h.Close(ctx); err != nil {
		t.Fatal(err)
	}
	h = began(t, log, Options{})
	check("opened again")
}

// A window against a plain list of all commits and states.
func TestWindow(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	s := wavelet.NewState(plans)
	w := newWindow(s.Clone())
	states := []*wavelet.State{s.Clone()}
	var commits []wavelet.Commit
	for range 200 {
		before, kept := s.Clone(), len(w.commits)
		group := 1 + random.IntN(20)
		for range group {
			c := wavelet.Commit{Wavelet: plans, Version: s.Version() + 1}
			c.Delta.ID = wavelet.DeltaID(fmt.Sprint(c.Version))
			c.Delta.Ops = []wavelet.Op{wavelet.SetTag{Tag: fmt.Sprint(random.IntN(9)), Remove: random.IntN(2) == 0}}
			if err := s.Apply(c); err != nil {
				t.Fatal(err)
			}
			w.push(c, s)
			commits, states = append(commits, c), append(states, s.Clone())
		}
		if random.IntN(3) == 0 { // could not be written
			s = before
			w.cut(kept, s.Version())
			commits, states = commits[:s.Version()], states[:s.Version()+1]
		} else {
			for range group {
				w.durable(random.IntN(4000))
			}
			w.trim(s.Version())
		}
		head := s.Version()
		start := w.start(head)
		if w.bytes > windowBytes || len(w.commits) > windowDeltas || len(w.ids) != len(w.commits) || len(w.sizes) != len(w.commits) {
			t.Fatalf("the window holds %d commits of %d bytes, %d ids, %d sizes", len(w.commits), w.bytes, len(w.ids), len(w.sizes))
		}
		if len(w.checks) > len(w.commits)/checkpointed+2 {
			t.Fatalf("%d checkpoints over %d commits", len(w.checks), len(w.commits))
		}
		v := wavelet.Version(random.IntN(int(head) + 1))
		if v >= start && fmt.Sprint(w.after(v, head)) != fmt.Sprint(commits[v:]) {
			t.Fatalf("behind version %d of %d are other commits", v, head)
		}
		near, tail, ok := w.recall(v, head)
		if !ok && v >= start+checkpointed {
			t.Fatalf("version %d of %d is not there, the window starts at %d", v, head, start)
		}
		for _, c := range tail {
			if err := near.Apply(c); err != nil {
				t.Fatal(err)
			}
		}
		if ok && (near.Version() != v || written(near) != written(states[v])) {
			t.Fatalf("version %d of %d is recalled as %d", v, head, near.Version())
		}
	}
}

func TestThinnedSnapshots(t *testing.T) {
	var list []saved
	dropped := 0
	for v := wavelet.Version(500); v <= 1_000_000; v += 500 {
		var gone []saved
		list, gone = thinned(append(list, saved{version: v}))
		dropped += len(gone)
	}
	if len(list)+dropped != 2000 || len(list) > 1_000_000/keptStretch+1+keptNewest {
		t.Errorf("%d snapshots are kept and %d dropped", len(list), dropped)
	}
	for i, s := range list[1:] {
		if s.version-list[i].version > 2*keptStretch {
			t.Errorf("no snapshot between versions %d and %d", list[i].version, s.version)
		}
	}
	if newest := list[len(list)-keptNewest:]; newest[0].version != 1_000_000-500*(keptNewest-1) {
		t.Errorf("the newest are %v", newest)
	}
}

// Snapshots that are too large for one record are stored in parts, and those
// that are dropped go with all their parts.
func TestSnapshotsInParts(t *testing.T) {
	ctx := context.Background()
	s := store.NewMemory()
	log := NewStoreLog(s)
	log.part = 100
	h := New(log, Options{})
	founded(t, h, plans, strings.Repeat("a long text ", 20))
	for v := wavelet.Version(1); v < 10; v++ {
		c := submit(t, h, plans, edit("", v, insert(0, "x")))
		done, _, err := log.Resolve(ctx, plans, c.Delta.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := log.Save(ctx, Snapshot{State: at(t, h, plans, Head), Hash: done.Hash}); err != nil {
			t.Fatal(err)
		}
	}
	want := written(at(t, h, plans, Head))
	if err := h.Close(ctx); err != nil {
		t.Fatal(err)
	}
	near, err := log.Load(ctx, plans, Head)
	if err != nil || near.State.Version() != 10 || written(near.State) != want {
		t.Errorf("loaded version %d: %v", near.State.Version(), err)
	}
	parts := make(map[uint64]int)
	for r, err := range s.Scan(snapshotBucket, nil, nil) {
		if err != nil {
			t.Fatal(err)
		}
		parts[store.KeyPart(r.Key, 1)]++
	}
	if len(parts) != keptNewest+1 || parts[10] < 5 {
		t.Errorf("the parts of snapshots by version: %v", parts)
	}
}

// counting is a store that counts the records it hands out.
type counting struct {
	store.Store
	records int
}

func (c *counting) Get(bucket string, key []byte) ([]byte, error) {
	c.records++
	return c.Store.Get(bucket, key)
}

func (c *counting) Scan(bucket string, from, to []byte) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		for r, err := range c.Store.Scan(bucket, from, to) {
			c.records++
			if !yield(r, err) {
				return
			}
		}
	}
}

// Opening reads a snapshot and what is behind it, however long the history is.
func TestOpeningReadsTheTailOnly(t *testing.T) {
	count := &counting{Store: opened(t, store.Options{NoSync: true})}
	log := NewStoreLog(count)
	long(t, log, plans, 20_000)
	count.records = 0
	h := began(t, log, Options{})
	if v := at(t, h, plans, Head).Version(); v != 20_000 {
		t.Fatalf("opened at version %d", v)
	}
	if count.records > snapshotVersions+recollected+20 {
		t.Errorf("%d records were read to open a wavelet of 20,000 versions", count.records)
	}
}

// long writes a wavelet of n versions, with the snapshots that a host would have
// written.
func long(t testing.TB, log Log, name wavelet.Name, n wavelet.Version) {
	t.Helper()
	s := wavelet.NewState(name)
	var es []Entry
	for v := wavelet.Version(1); v <= n; v++ {
		d := wavelet.Delta{ID: wavelet.DeltaID(fmt.Sprint("long/", v)), Author: ann, Base: v - 1, Cause: wavelet.Cause{ID: "c", Kind: wavelet.Human}}
		switch {
		case v == 1:
			d.Ops = []wavelet.Op{wavelet.AddParticipant{Who: ann}, wavelet.CreateBlip{Blip: "b+1", Content: insert(0, "start\n")}}
		case v%2 == 0 || v%20 == 1:
			d.Ops = []wavelet.Op{wavelet.EditBlip{Blip: "b+1", Delta: insert(int(v/20), "x")}}
		default:
			d.Ops = []wavelet.Op{wavelet.EditBlip{Blip: "b+1", Delta: remove(int(v/20), 1)}}
		}
		c := wavelet.Commit{Wavelet: name, Version: v, Delta: d, At: time.Unix(int64(v), 0).UTC()}
		if err := s.Apply(c); err != nil {
			t.Fatal(err)
		}
		if es = append(es, Entry{Commit: c}); len(es) < snapshotVersions && v < n {
			continue
		}
		es[len(es)-1].Summary = Summarize(s)
		done, err := log.Append(context.Background(), es...)
		if err != nil {
			t.Fatal(err)
		}
		if v < n {
			if err := log.Save(context.Background(), Snapshot{State: s.Clone(), Hash: done[len(done)-1].Hash}); err != nil {
				t.Fatal(err)
			}
		}
		es = es[:0]
	}
}

func TestIdleWaveletsAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := NewMemoryLog()
		h := New(log, Options{IdleAfter: time.Minute})
		for i := range 10 {
			founded(t, h, named(fmt.Sprint(i)), "x")
		}
		for v := range wavelet.Version(recollected) {
			submit(t, h, named("7"), edit("", v+1, insert(0, "x")))
		}
		if _, err := h.Submit(t.Context(), named("none"), wavelet.Delta{Author: ann, Cause: wavelet.Cause{Kind: wavelet.Unknown},
			Ops: []wavelet.Op{wavelet.AddParticipant{Who: ann}, wavelet.DeleteBlip{Blip: "b+9"}}}); code(t, err) != wavelet.CodeUnknownBlip {
			t.Errorf("a wavelet that fails to begin: %v", err)
		}
		time.Sleep(2 * time.Second)
		if n := h.Stats().Open; n != 10 {
			t.Errorf("%d wavelets are open; the one that was not made is not to be among them", n)
		}
		time.Sleep(40 * time.Second)
		submit(t, h, named("5"), edit("", 1, insert(0, "x")))
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if n := h.Stats().Open; n != 1 {
			t.Errorf("%d wavelets are open: one was written to", n)
		}
		if s, err := log.Load(t.Context(), named("7"), Head); err != nil || s.State.Version() != recollected+1 {
			t.Errorf("an idle wavelet left no snapshot: %v", err)
		}
		if s, err := log.Load(t.Context(), named("8"), Head); err != nil || s.State.Version() != 0 {
			t.Errorf("a wavelet with hardly any history left a snapshot: %v", err)
		}
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if n := h.Stats().Open; n != 0 {
			t.Errorf("%d wavelets are open", n)
		}
		if text := at(t, h, named("5"), Head).Text(); text != "xx\n" {
			t.Errorf("opened again: %q", text)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// What the store says is damaged is not opened and not written to; a damaged
// snapshot is passed over.
func TestDamage(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		what  string
		spoil func(t *testing.T, s store.Store) store.Write
		opens bool
	}{
		{"a commit with another text", func(t *testing.T, s store.Store) store.Write {
			key := store.Key(1, 1590)
			raw, err := s.Get(logBucket, key)
			if err != nil {
				t.Fatal(err)
			}
			raw[len(raw)-1] ^= 1
			return store.Write{Bucket: logBucket, Key: key, Value: raw}
		}, false},
		{"a commit is missing", func(*testing.T, store.Store) store.Write {
			return store.Write{Bucket: logBucket, Key: store.Key(1, 1590), Delete: true}
		}, false},
		{"the last commit is missing", func(*testing.T, store.Store) store.Write {
			return store.Write{Bucket: logBucket, Key: store.Key(1, 1600), Delete: true}
		}, false},
		{"a head of an unknown format", func(*testing.T, store.Store) store.Write {
			return store.Write{Bucket: headBucket, Key: store.Key(1), Value: []byte{99}}
		}, false},
		{"no head", func(*testing.T, store.Store) store.Write {
			return store.Write{Bucket: headBucket, Key: store.Key(1), Delete: true}
		}, false},
		{"a snapshot with a byte too many", func(t *testing.T, s store.Store) store.Write {
			key := store.Key(1, 1500, 0)
			raw, err := s.Get(snapshotBucket, key)
			if err != nil {
				t.Fatal(err)
			}
			return store.Write{Bucket: snapshotBucket, Key: key, Value: append(raw, 0)}
		}, true},
		{"a snapshot of another history", func(t *testing.T, s store.Store) store.Write {
			key := store.Key(1, 1500, 0)
			raw, err := s.Get(snapshotBucket, key)
			if err != nil {
				t.Fatal(err)
			}
			state, err := decodeState(plans, raw[8:])
			if err != nil {
				t.Fatal(err)
			}
			parts := state.Parts()
			parts.Tags = []string{"forged"}
			if state, err = wavelet.Assemble(parts); err != nil {
				t.Fatal(err)
			}
			raw[0] ^= 1
			return store.Write{Bucket: snapshotBucket, Key: key, Value: append(raw[:8], encodeState(state)...)}
		}, true},
		{"a snapshot is missing", func(*testing.T, store.Store) store.Write {
			return store.Write{Bucket: snapshotBucket, Key: store.Key(1, 1500, 0), Delete: true}
		}, true},
	} {
		s := store.NewMemory()
		h := New(NewStoreLog(s), Options{})
		founded(t, h, plans, "x")
		for v := wavelet.Version(1); v < 1600; v++ {
			submit(t, h, plans, edit("", v, insert(0, "x")))
		}
		want := written(at(t, h, plans, Head))
		h.abandon() // as a crash would: no snapshot at the end
		if err := h.Close(ctx); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(ctx, store.Batch{c.spoil(t, s)}); err != nil {
			t.Fatal(err)
		}
		log := NewStoreLog(s)
		var whole error
		for _, err := range log.Read(ctx, plans, 1580, 1595) {
			whole = err
		}
		if broken := strings.HasPrefix(c.what, "a commit"); broken && !errors.Is(whole, ErrDamaged) || c.opens && whole != nil {
			t.Errorf("%s: a part of the log is read with %v", c.what, whole)
		}
		h = New(log, Options{})
		before := s.Stats().Writes
		state, err := h.Snapshot(ctx, plans, Head)
		if c.opens && (err != nil || written(state) != want) {
			t.Errorf("%s: %v", c.what, err)
		}
		if !c.opens {
			if code(t, err) != wavelet.CodeUnavailable || !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: %v", c.what, err)
			}
			if _, err := h.SubmitHuman(ctx, plans, edit("", 1600, insert(0, "x"))); code(t, err) != wavelet.CodeUnavailable {
				t.Errorf("%s: a delta is answered with %v", c.what, err)
			}
			if n := h.Stats().Open; n != 0 || s.Stats().Writes != before {
				t.Errorf("%s: %d wavelets are open, %d records were written", c.what, n, s.Stats().Writes-before)
			}
		}
		if err := h.Close(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStoredFormsRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	h := began(t, NewMemoryLog(), Options{})
	founded(t, h, plans, "😀 text")
	for _, raw := range []string{ // to be kept as written, not in normal form
		`[{"delete":2},{"insert":"😀"}]`, `[{"retain":2},{"retain":1},{"insert":"a"},{"insert":"b"}]`,
		`[{"insert":"a","attributes":{"bold":true}},{"retain":2,"attributes":{"bold":null}}]`,
	} {
		d, err := richtext.DecodeOps([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		c := submit(t, h, plans, edit("", at(t, h, plans, Head).Version(), d))
		stored := history(t, h, plans)[c.Version-1]
		if fmt.Sprint(stored) != fmt.Sprint(c) || fmt.Sprint(c.Delta.Ops[0].(wavelet.EditBlip).Delta) != `{"ops":`+raw+`}` {
			t.Errorf("%s was committed as %v and stored as %v", raw, c.Delta.Ops, stored.Delta.Ops)
		}
	}
	scribble(t, h, plans, random, 400)
	s := at(t, h, plans, Head)
	raw := encodeState(s)
	again, err := decodeState(plans, raw)
	if err != nil || written(again) != written(s) {
		t.Errorf("the state comes back as another: %v", err)
	}
	kinds := map[string]bool{}
	for _, c := range history(t, h, plans) {
		for _, op := range c.Delta.Ops {
			kinds[fmt.Sprintf("%T", op)] = true
		}
		c.Delta.Cause = wavelet.Cause{ID: "c", Depth: 300, Exact: 2, Parent: ann, Bundle: "b", Kind: wavelet.Assumed}
		raw, err := encodeCommit(c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeCommit(plans, c.Version, raw)
		if err != nil || fmt.Sprint(again) != fmt.Sprint(c) || !again.At.Equal(c.At) {
			t.Fatalf("commit %v comes back as %v: %v", c, again, err)
		}
		for cut := range raw {
			if _, err := decodeCommit(plans, c.Version, raw[:cut]); !errors.Is(err, ErrDamaged) {
				t.Fatalf("a commit cut after %d of %d bytes is read: %v", cut, len(raw), err)
			}
		}
	}
	if len(kinds) != 10 {
		t.Errorf("only these ops were stored: %v", kinds)
	}
	for cut := 0; cut < len(raw); cut += 1 + len(raw)/300 {
		if _, err := decodeState(plans, raw[:cut]); !errors.Is(err, ErrDamaged) {
			t.Fatalf("a state cut after %d of %d bytes is read: %v", cut, len(raw), err)
		}
	}
}

func FuzzDecodeStored(f *testing.F) {
	h := New(NewMemoryLog(), Options{})
	defer func() { _ = h.Close(context.Background()) }()
	founded(f, h, plans, "text")
	f.Add(encodeState(at(f, h, plans, Head)))
	raw, err := encodeCommit(history(f, h, plans)[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if s, err := decodeState(plans, raw); err == nil {
			again, err := decodeState(plans, encodeState(s))
			if err != nil || written(again) != written(s) {
				t.Fatalf("a state that was read is not written as it was: %v", err)
			}
		}
		if c, err := decodeCommit(plans, 1, raw); err == nil && !slices.Contains(c.Delta.Ops, nil) {
			encoded, err := encodeCommit(c)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := decodeCommit(plans, 1, encoded); err != nil || fmt.Sprint(again) != fmt.Sprint(c) {
				t.Fatalf("a commit that was read is not written as it was: %v", err)
			}
		}
	})
}
