package book_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"weir/policies"
	"weir/policies/book"
	"weir/store"
)

func open(t *testing.T, kv book.Store, o book.Options) *book.Book {
	t.Helper()
	b, err := book.Open(t.Context(), kv, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// acts is the depth at which the default profile acts.
func acts(b *book.Book) int {
	p, _ := b.Set().Profile("")
	return p.Depth.Act
}

func text(act int) string {
	return fmt.Sprintf("version: 1\nprofiles:\n  default:\n    depth: {act: %d}\n", act)
}

func apply(t *testing.T, b *book.Book, by string, act int) book.Version {
	t.Helper()
	v, err := b.Apply(t.Context(), by, "x.yaml", text(act))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWhatIsAppliedStays(t *testing.T) {
	kv := store.NewMemory()
	told := 0
	b := open(t, kv, book.Options{Changed: func() { told++ }})
	if v := b.Current(); v.Number != 0 || acts(b) != 16 {
		t.Fatalf("at first version %d with depth %d", v.Number, acts(b))
	}
	v := apply(t, b, "ann", 12)
	if v.Number != 1 || v.By != "ann" || v.At.IsZero() || acts(b) != 12 || told != 1 {
		t.Fatalf("applied %+v, depth %d, told %d times", v, acts(b), told)
	}
	if len(v.Changes) == 0 || v.Changes[0].Profile != "default" {
		t.Errorf("its changes are %+v", v.Changes)
	}
	if again := apply(t, b, "bob", 12); again.Number != 1 || again.By != "ann" {
		t.Errorf("the same text once more made %+v", again)
	}
	var faults policies.Faults
	if _, err := b.Apply(t.Context(), "ann", "bad.yaml", "version: 1\ncolor: red\n"); !errors.As(err, &faults) || faults[0].Line != 2 || acts(b) != 12 {
		t.Errorf("a bad text: %v, then depth %d", err, acts(b))
	}
	apply(t, b, "bob", 20)
	b = open(t, kv, book.Options{})
	if acts(b) != 20 || b.Current().By != "bob" {
		t.Errorf("after a restart depth %d by %q", acts(b), b.Current().By)
	}
	list, err := b.History(0, 10)
	if err != nil || len(list) != 2 || list[0].Number != 2 || list[1].By != "ann" || list[0].Text != "" {
		t.Errorf("history %+v, %v", list, err)
	}
	if first, err := b.Version(1); err != nil || first.Text != text(12) {
		t.Errorf("version 1 is %+v, %v", first, err)
	}
	if _, err := b.Version(9); !errors.Is(err, book.ErrNoVersion) {
		t.Errorf("version 9: %v", err)
	}
}

func TestTheServersOwnFileCounts(t *testing.T) {
	kv := store.NewMemory()
	own := book.Options{File: "own.yaml", Text: []byte(text(8))}
	b := open(t, kv, own)
	apply(t, b, "ann", 12)
	b = open(t, kv, own) // a restart with the file
	if v := b.Current(); acts(b) != 8 || !v.Own || v.Number != 3 {
		t.Errorf("after a restart depth %d, version %+v", acts(b), v)
	}
	b = open(t, kv, own) // another one changes nothing
	if v := b.Current(); v.Number != 3 {
		t.Errorf("after another restart version %+v", v)
	}
	apply(t, b, "ann", 12)
	if err := b.Reread(t.Context(), []byte(text(9))); err != nil || acts(b) != 9 {
		t.Errorf("read again: %v, depth %d", err, acts(b))
	}
	b = open(t, kv, book.Options{}) // without the file, what was last in force
	if acts(b) != 9 {
		t.Errorf("without the file depth %d, want 9", acts(b))
	}
}

func TestOldVersionsGo(t *testing.T) {
	kv := store.NewMemory()
	b := open(t, kv, book.Options{Keep: 3})
	for act := range 10 {
		apply(t, b, "ann", 10+act)
	}
	list, err := b.History(0, 100)
	if err != nil || len(list) != 3 || list[2].Number != 8 {
		t.Errorf("kept %+v, %v", list, err)
	}
	if list, err := b.History(9, 100); err != nil || len(list) != 1 {
		t.Errorf("before 9: %+v, %v", list, err)
	}
	b = open(t, kv, book.Options{Keep: 3})
	apply(t, b, "ann", 30)
	if list, _ := b.History(0, 100); len(list) != 3 || list[0].Number != 11 {
		t.Errorf("after a restart kept %+v", list)
	}
}

// full is a store without space.
type full struct{ *store.Memory }

func (full) Commit(context.Context, store.Batch) error { return store.ErrFull }

func TestWhatIsNotStoredIsNotInForce(t *testing.T) {
	b := open(t, full{store.NewMemory()}, book.Options{})
	if _, err := b.Apply(t.Context(), "ann", "x.yaml", text(12)); !errors.Is(err, store.ErrFull) || acts(b) != 16 || b.Current().Number != 0 {
		t.Errorf("without space: %v, depth %d", err, acts(b))
	}
}

func TestManyAtOnce(t *testing.T) {
	b := open(t, store.NewMemory(), book.Options{})
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if _, err := b.Apply(t.Context(), "ann", "x.yaml", text(2+i)); err != nil {
				t.Error(err)
			}
			_ = b.Set()
		})
	}
	wg.Wait()
	list, err := b.History(0, 100)
	if err != nil || len(list) != 20 {
		t.Fatalf("%d versions, %v", len(list), err)
	}
	if v, _ := b.Version(list[0].Number); v.Text != text(acts(b)) {
		t.Errorf("in force is depth %d, the newest version says %s", acts(b), v.Text)
	}
}
