package web_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"weir/wavelet"
	"weir/wavelet/client"
)

// peer is one person's client with a wavelet open, who watches.
type peer struct {
	*client.Wavelet
	c *client.Client
}

func (h *house) peer(user wavelet.Participant, address string, name wavelet.Name) peer {
	h.t.Helper()
	c := h.dial(user, address)
	w := h.open(c, name)
	w.Watch()
	return peer{w, c}
}

// until waits for what p sees of the people.
func (h *house) until(p peer, what string, so func(client.PresenceOK) bool) {
	h.t.Helper()
	for !so(p.People()) {
		select {
		case <-p.PeopleChanges():
		case <-p.Changes():
		case <-h.t.Context().Done():
			h.t.Fatalf("waiting until %s: %+v", what, p.People())
		}
	}
}

// caret is where p sees the caret of another; -1: nowhere.
func caret(people client.PresenceOK, session string) int {
	for _, p := range people.People {
		if p.Session == session && p.Cursor != nil {
			return p.Cursor.Head
		}
	}
	return -1
}

func TestClientsSeeEachOthersCursors(t *testing.T) {
	h := build(t, nil)
	name := h.wave(bob)
	root := h.state(name).Root()
	x := newProxy(t, strings.TrimPrefix(h.url, "http://"), 1, 0, newPulse())
	a, b := h.peer(ann, "", name), h.peer(bob, x.url(), name)
	if err := a.Edit(t.Context(), root, insert(0, "hello")); err != nil {
		t.Fatal(err)
	}
	if err := a.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.WaitFor(t.Context(), a.Version()); err != nil {
		t.Fatal(err)
	}
	b.SetCursor(&wavelet.Cursor{Blip: root, Anchor: 5, Head: 5})
	h.until(a, "bob's caret is there", func(p client.PresenceOK) bool { return caret(p, b.c.Session()) == 5 })
	// Typing at it moves it, at ann's too.
	for i := range 20 {
		if err := b.Edit(t.Context(), root, insert(5+i, "!")); err != nil {
			t.Fatal(err)
		}
	}
	h.until(a, "bob's caret is behind what he wrote", func(p client.PresenceOK) bool { return caret(p, b.c.Session()) == 25 })
	// In ann's text it shows at once where her own edits put it.
	if err := a.Edit(t.Context(), root, insert(0, ">> ")); err != nil {
		t.Fatal(err)
	}
	if got := caret(a.People(), b.c.Session()); got != 28 {
		t.Errorf("behind an own edit the caret is at %d, want 28", got)
	}
	// A lost connection takes it along, and brings it back under another name.
	before := b.c.Session()
	x.cutAll()
	h.until(a, "bob's caret is back, and there once", func(p client.PresenceOK) bool {
		return b.c.Session() != before && caret(p, b.c.Session()) == 28 && caret(p, before) == -1
	})
	h.until(b, "bob knows who is there", func(p client.PresenceOK) bool { return p.Connections == 2 && p.Users == 2 && len(p.People) == 2 })
	b.SetCursor(nil)
	h.until(a, "there is no caret", func(p client.PresenceOK) bool { return caret(p, b.c.Session()) == -1 })
	ok, err := a.c.Presence(t.Context(), name)
	if err != nil || len(ok.People) != 2 || ok.People[0].Session != a.c.Session() {
		t.Errorf("asked: %+v %v", ok, err)
	}
	b.Close()
	h.until(a, "bob is gone", func(p client.PresenceOK) bool { return len(p.People) == 1 })
	if n, err := a.c.PresenceStats(t.Context(), name); err != nil || n.Connections != 1 {
		t.Errorf("numbers: %+v %v", n, err)
	}
}

// TestCursorsConverge has people write and move about at once, over connections
// that are cut. At the end everybody sees every caret where its owner has it.
func TestCursorsConverge(t *testing.T) {
	h := build(t, nil)
	name := h.wave(bob, eve)
	root := h.state(name).Root()
	users := []wavelet.Participant{ann, bob, eve, ann}
	peers := make([]peer, len(users))
	beat := newPulse()
	proxies := make([]*proxy, len(users))
	for i, user := range users {
		proxies[i] = newProxy(t, strings.TrimPrefix(h.url, "http://"), uint64(i), 0, beat)
		peers[i] = h.peer(user, proxies[i].url(), name)
	}
	// A caret of one's own stands behind a mark, so that anybody can tell where.
	mark := func(i int) string { return fmt.Sprint(i) }
	var wg sync.WaitGroup
	for i, p := range peers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 5))
			for n := range 60 {
				err := p.Update(t.Context(), func(s *wavelet.State) ([]wavelet.Op, error) {
					length := len(strings.TrimSuffix(s.Text(), "\n"))
					text := string(rune('a' + i))
					if n == 30 {
						text = mark(i)
					}
					return []wavelet.Op{wavelet.EditBlip{Blip: root, Delta: insert(rng.IntN(length+1), text)}}, nil
				})
				if err != nil {
					t.Error(err)
					return
				}
				at := rng.IntN(n + 1)
				p.SetCursor(&wavelet.Cursor{Blip: root, Anchor: at, Head: at})
				if n%25 == 24 {
					proxies[i].cutAll()
				}
			}
		})
	}
	wg.Wait()
	for _, p := range peers {
		if err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	head := h.state(name).Version()
	want := map[string]int{}
	for i, p := range peers {
		if err := p.WaitFor(t.Context(), head); err != nil {
			t.Fatal(err)
		}
		at := strings.Index(p.Text(), mark(i)) + 1
		p.SetCursor(&wavelet.Cursor{Blip: root, Anchor: at, Head: at})
		want[p.c.Session()] = at
	}
	for i, p := range peers {
		h.until(p, fmt.Sprintf("%d sees every caret at %v", i, want), func(people client.PresenceOK) bool {
			for session, at := range want {
				if caret(people, session) != at {
					return false
				}
			}
			return len(people.People) == len(want)
		})
	}
	// From here on commits alone move them, and all agree.
	for _, p := range peers {
		if err := p.Edit(t.Context(), root, insert(0, "moved on")); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range peers {
		if err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	head = h.state(name).Version()
	for i, p := range peers {
		if err := p.WaitFor(t.Context(), head); err != nil {
			t.Fatal(err)
		}
		for j := range peers {
			at := strings.Index(p.Text(), mark(j)) + 1
			if got := caret(p.People(), peers[j].c.Session()); got != at {
				t.Errorf("%d sees the caret of %d at %d, want %d", i, j, got, at)
			}
		}
	}
}
