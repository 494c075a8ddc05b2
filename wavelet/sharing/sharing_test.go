package sharing_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/store"
	"weir/wavelet"
	"weir/wavelet/sharing"
)

const (
	ann = wavelet.Participant("ann@example.com")
	bob = wavelet.Participant("bob@example.com")
	eve = wavelet.Participant("eve@example.com")
)

var (
	here  = wavelet.Name{Wave: "example.com!w+here", Wavelet: "example.com!conv+root"}
	there = wavelet.Name{Wave: "example.com!w+there", Wavelet: "example.com!conv+root"}
)

// clock is a time that tests move.
type clock struct{ nanos atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(1_700_000_000, c.nanos.Load()) }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

func open(t testing.TB, s sharing.Store, c *clock) *sharing.Book {
	t.Helper()
	b, err := sharing.Open(t.Context(), s, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func share(t testing.TB, b *sharing.Book, name wavelet.Name, by wavelet.Participant, life time.Duration) (sharing.Link, string) {
	t.Helper()
	l, token, err := b.Make(t.Context(), name, by, wavelet.Comment, life)
	if err != nil {
		t.Fatal(err)
	}
	return l, token
}

func stored(t testing.TB, s sharing.Store) (all []string) {
	t.Helper()
	for r, err := range s.Scan("link", nil, nil) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(r.Value))
	}
	return all
}

func TestALinkIsFoundUntilItExpires(t *testing.T) {
	c, s := &clock{}, store.NewMemory()
	b := open(t, s, c)
	l, token := share(t, b, here, ann, 0)
	if l.Creator != ann || l.Role != wavelet.Comment || l.Expires.Sub(l.Created) != 7*24*time.Hour || l.Created != c.now().UTC() {
		t.Errorf("made %+v", l)
	}
	if all := stored(t, s); len(all) != 1 || strings.Contains(all[0], token[len("wl_")+17:]) {
		t.Errorf("stored: %q", all)
	}
	for _, b := range []*sharing.Book{b, open(t, s, c)} {
		if got, err := b.Find(here, token); err != nil || got.ID != l.ID || got.Role != l.Role || !got.Expires.Equal(l.Expires) {
			t.Errorf("found %+v, %v", got, err)
		}
		if _, err := b.Find(there, token); !errors.Is(err, sharing.ErrUnknown) {
			t.Errorf("it opens another wavelet: %v", err)
		}
		for _, bad := range []string{"", "wl_", "wl__", token + "A", token[:len(token)-1], strings.ToLower(token), token[3:], "wl_" + l.ID + "_", strings.Repeat("a", 1<<20)} {
			if _, err := b.Find(here, bad); !errors.Is(err, sharing.ErrUnknown) {
				t.Errorf("%.60q is taken: %v", bad, err)
			}
		}
	}
	short, brief := share(t, b, here, ann, time.Second)
	c.advance(time.Second)
	if _, err := b.Find(here, brief); !errors.Is(err, sharing.ErrExpired) || !b.Has(short) || len(b.List(here)) != 1 {
		t.Errorf("after a second: %v, %+v", err, b.List(here))
	}
	if _, err := b.Find(here, brief+"A"); !errors.Is(err, sharing.ErrUnknown) {
		t.Errorf("a guess is told that the link has expired: %v", err)
	}
	share(t, b, here, ann, 0) // sweeps
	if _, err := b.Find(here, brief); !errors.Is(err, sharing.ErrUnknown) || len(stored(t, s)) != 2 {
		t.Errorf("swept: %v, %q", err, stored(t, s))
	}
	c.advance(7 * 24 * time.Hour)
	if open(t, s, c); len(stored(t, s)) != 0 {
		t.Errorf("a restart keeps what has expired: %q", stored(t, s))
	}
}

func TestLinksEnd(t *testing.T) {
	c, s := &clock{}, store.NewMemory()
	b := open(t, s, c)
	one, first := share(t, b, here, ann, 0)
	_, second := share(t, b, here, ann, 0)
	c.advance(time.Second)
	bobs, third := share(t, b, here, bob, 0)
	_, elsewhere := share(t, b, there, ann, 0)
	if l := b.List(here); len(l) != 3 || l[0].ID != bobs.ID {
		t.Errorf("listed %+v", l)
	}
	if err := b.Revoke(t.Context(), there, one.ID); !errors.Is(err, sharing.ErrUnknown) {
		t.Errorf("revoked from another wavelet: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Revoke(ended, here, one.ID); !errors.Is(err, context.Canceled) || !b.Has(one) {
		t.Errorf("not stored, and gone: %v", err)
	}
	if err := b.Revoke(t.Context(), here, one.ID); err != nil {
		t.Error(err)
	}
	gone := b.Disown(here, ann)
	if len(gone) != 1 || b.Has(gone[0]) || len(b.Disown(here, eve)) != 0 {
		t.Errorf("disowned %+v", gone)
	}
	if err := b.Forget(t.Context(), gone); err != nil {
		t.Error(err)
	}
	for _, b := range []*sharing.Book{b, open(t, s, c)} {
		for token, good := range map[string]bool{first: false, second: false, third: true} {
			if _, err := b.Find(here, token); (err == nil) != good {
				t.Errorf("%s: %v", token, err)
			}
		}
		if _, err := b.Find(there, elsewhere); err != nil {
			t.Error(err)
		}
	}
}

func TestWhoJoinedIsNoted(t *testing.T) {
	c, s := &clock{}, store.NewMemory()
	b := open(t, s, c)
	l, _ := share(t, b, here, ann, 0)
	for _, who := range []wavelet.Participant{bob, eve} {
		if err := b.Join(t.Context(), l, who); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range []*sharing.Book{b, open(t, s, c)} {
		if got := b.List(here)[0].Joined; len(got) != 2 || got[0].Who != bob || got[1].Who != eve || !got[0].At.Equal(c.now()) {
			t.Errorf("joined: %+v", got)
		}
	}
	if err := b.Forget(t.Context(), b.Disown(here, ann)); err != nil {
		t.Fatal(err)
	}
	if err := b.Join(t.Context(), l, bob); err != nil || len(stored(t, s)) != 0 {
		t.Errorf("a join brings a link back: %v, %q", err, stored(t, s))
	}
}

func TestLinksAreBounded(t *testing.T) {
	b := open(t, store.NewMemory(), &clock{})
	for _, life := range []time.Duration{-1, time.Second - 1, sharing.MaxLife + 1} {
		if _, _, err := b.Make(t.Context(), here, ann, wavelet.Read, life); !errors.Is(err, sharing.ErrLife) {
			t.Errorf("a link of %s: %v", life, err)
		}
	}
	var made, refused atomic.Int32
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range sharing.MaxPerWavelet / 2 {
				switch _, _, err := b.Make(t.Context(), here, ann, wavelet.Read, 0); {
				case err == nil:
					made.Add(1)
				case errors.Is(err, sharing.ErrFull):
					refused.Add(1)
				}
			}
		})
	}
	all.Wait()
	if made.Load() != sharing.MaxPerWavelet || refused.Load() != sharing.MaxPerWavelet || len(b.List(here)) != sharing.MaxPerWavelet {
		t.Errorf("%d made, %d refused", made.Load(), refused.Load())
	}
	share(t, b, there, ann, sharing.MaxLife)
}
