package host

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"weir/store"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

const (
	ann = wavelet.Participant("ann@example.com")
	bob = wavelet.Participant("bob@example.com")
	bot = wavelet.Participant("bot@example.com")
)

func named(id string) wavelet.Name {
	return wavelet.Name{Wave: "example.com!w+" + id, Wavelet: "example.com!conv+root"}
}

var plans = named("plans")

// began is a host over log that is closed with the test.
func began(t testing.TB, log Log, o Options) *Host {
	t.Helper()
	h := New(log, o)
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return h
}

// opened is a store in a file of the test's own.
func opened(t testing.TB, o store.Options) *store.File {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "weir.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return s
}

func insert(at int, s string) richtext.Delta {
	return richtext.Delta{}.Retain(at, richtext.Attributes{}).Insert(s, richtext.Attributes{})
}

func remove(at, n int) richtext.Delta {
	return richtext.Delta{}.Retain(at, richtext.Attributes{}).Delete(n)
}

// founded makes a wavelet of ann and bob with the root blip b+1 that holds text.
func founded(t testing.TB, h *Host, name wavelet.Name, text string) {
	t.Helper()
	submit(t, h, name, wavelet.Delta{Author: ann, Ops: []wavelet.Op{
		wavelet.AddParticipant{Who: ann}, wavelet.AddParticipant{Who: bob},
		wavelet.CreateBlip{Blip: "b+1", Content: insert(0, text+"\n")},
	}})
}

// submit submits a person's delta that has to be accepted.
func submit(t testing.TB, h *Host, name wavelet.Name, d wavelet.Delta) wavelet.Commit {
	t.Helper()
	c, err := h.SubmitHuman(context.Background(), name, d)
	if err != nil {
		t.Fatalf("submit %q on base %d: %v", d.ID, d.Base, err)
	}
	return c
}

// edit is a delta by ann that edits b+1.
func edit(id string, base wavelet.Version, d richtext.Delta) wavelet.Delta {
	return wavelet.Delta{ID: wavelet.DeltaID(id), Author: ann, Base: base, Ops: []wavelet.Op{wavelet.EditBlip{Blip: "b+1", Delta: d}}}
}

// at is the state at a version, Head for the newest.
func at(t testing.TB, h *Host, name wavelet.Name, v wavelet.Version) *wavelet.State {
	t.Helper()
	s, err := h.Snapshot(context.Background(), name, v)
	if err != nil {
		t.Fatalf("snapshot %d: %v", v, err)
	}
	return s
}

// history reads all commits of a wavelet.
func history(t testing.TB, h *Host, name wavelet.Name) []wavelet.Commit {
	t.Helper()
	var cs []wavelet.Commit
	for c, err := range h.Read(context.Background(), name, 0) {
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		cs = append(cs, c)
	}
	return cs
}

// replayed is the state that the commits lead to.
func replayed(t testing.TB, name wavelet.Name, cs []wavelet.Commit) *wavelet.State {
	t.Helper()
	s := wavelet.NewState(name)
	for _, c := range cs {
		if err := s.Apply(c); err != nil {
			t.Fatalf("replay: %v", err)
		}
	}
	return s
}

// code is the code of a refusal, "" for nil.
func code(t testing.TB, err error) wavelet.Code {
	t.Helper()
	if err == nil {
		return ""
	}
	r, ok := errors.AsType[*wavelet.Refusal](err)
	if !ok {
		t.Fatalf("the error %v is no Refusal", err)
	}
	return r.Code
}

// written is everything a state holds, to compare two.
func written(s *wavelet.State) string {
	p := s.Parts()
	var b strings.Builder
	fmt.Fprintln(&b, p.Name, p.Version, p.Created.UnixNano(), p.Modified.UnixNano(), p.Creator, p.Members, p.Tags, p.Data)
	for _, t := range p.Threads {
		fmt.Fprintln(&b, "thread", t.ID, t.Parent, t.Blips)
	}
	for _, x := range p.Blips {
		fmt.Fprintln(&b, "blip", x.ID, x.Thread, x.Creator, x.Contributors, x.Created.UnixNano(), x.Modified.UnixNano(), x.Version, x.Deleted, x.Replies, x.Doc.Delta())
	}
	return b.String()
}

// recorder is an observer that keeps what it is told.
type recorder struct {
	mu   sync.Mutex
	seen map[wavelet.Name][]wavelet.Commit
}

func (r *recorder) Committed(c wavelet.Commit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen = make(map[wavelet.Name][]wavelet.Commit)
	}
	r.seen[c.Wavelet] = append(r.seen[c.Wavelet], c)
}

func (r *recorder) of(name wavelet.Name) []wavelet.Commit {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen[name])
}

// inOrder reports the first place where versions do not follow each other.
func inOrder(t testing.TB, what string, cs []wavelet.Commit, from wavelet.Version) {
	t.Helper()
	for i, c := range cs {
		if want := from + wavelet.Version(i); c.Version != want {
			t.Fatalf("%s: version %d in the place of %d", what, c.Version, want)
		}
	}
}

// faulty is a store that can be told to fail.
type faulty struct {
	store.Store
	mu     sync.Mutex
	before error // returned instead of committing
	after  error // returned although it was committed
}

func (f *faulty) fail(before, after error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before, f.after = before, after
}

func (f *faulty) Commit(ctx context.Context, b store.Batch) error {
	f.mu.Lock()
	before, after := f.before, f.after
	f.mu.Unlock()
	if before != nil {
		return before
	}
	return errors.Join(f.Store.Commit(ctx, b), after)
}
