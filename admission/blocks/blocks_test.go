package blocks_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weir/admission/blocks"
	"weir/store"
	"weir/wavelet"
)

func open(t *testing.T, s blocks.Store) *blocks.Book {
	t.Helper()
	b, err := blocks.Open(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func add(t *testing.T, b *blocks.Book, who string, life time.Duration) {
	t.Helper()
	block := blocks.Block{Who: who, Reason: "floods", By: "op"}
	if life > 0 {
		block.Until = time.Now().Add(life)
	}
	if _, err := b.Add(t.Context(), block); err != nil {
		t.Fatal(err)
	}
}

func TestWhoIsBlocked(t *testing.T) {
	memory := store.NewMemory()
	b := open(t, memory)
	add(t, b, "ann@example.com", 0)
	add(t, b, "192.0.2.7", 0)
	add(t, b, "::ffff:198.51.100.9/120", 0)
	add(t, b, "2001:db8::/32", 0)
	for range 2 { // the second time as it was stored
		for who, want := range map[string]bool{"ann@example.com": true, "bob@example.com": false, "ann+x@example.com": false} {
			if block, got := b.Participant(wavelet.Participant(who)); got != want || got && block.By != "op" {
				t.Errorf("%s: %v, want %v", who, got, want)
			}
		}
		for from, want := range map[string]bool{
			"192.0.2.7": true, "::ffff:192.0.2.7": true, "192.0.2.8": false, "198.51.100.200": true, "198.51.101.1": false,
			"2001:db8:7::1": true, "2001:db8:7::1%eth0": true, "2001:db9::1": false,
		} {
			if _, got := b.Address(netip.MustParseAddr(from)); got != want {
				t.Errorf("%s: %v, want %v", from, got, want)
			}
		}
		if _, got := b.Address(netip.Addr{}); got {
			t.Error("an unknown address is blocked")
		}
		b = open(t, memory)
	}
	if _, err := b.Remove(t.Context(), "192.0.2.7/32"); err != nil {
		t.Error(err)
	}
	if _, got := b.Address(netip.MustParseAddr("192.0.2.7")); got || len(b.List()) != 3 {
		t.Error("still blocked")
	}
	if _, err := b.Remove(t.Context(), "192.0.2.7"); !errors.Is(err, blocks.ErrUnknown) {
		t.Error(err)
	}
}

func TestWhatIsNoBlock(t *testing.T) {
	b := open(t, store.NewMemory())
	for _, tt := range []struct {
		block blocks.Block
		want  error
	}{
		{blocks.Block{Who: "nowhere", Reason: "x"}, blocks.ErrWho},
		{blocks.Block{Who: "192.0.2.0/33", Reason: "x"}, blocks.ErrWho},
		{blocks.Block{Who: "ann@example.com"}, blocks.ErrReason},
		{blocks.Block{Who: "ann@example.com", Reason: "two\nlines"}, blocks.ErrReason},
		{blocks.Block{Who: "ann@example.com", Reason: strings.Repeat("x", blocks.MaxReason+1)}, blocks.ErrReason},
		{blocks.Block{Who: "ann@example.com", Reason: "x", Until: time.Now().Add(-time.Hour)}, blocks.ErrEnded},
	} {
		if _, err := b.Add(t.Context(), tt.block); !errors.Is(err, tt.want) {
			t.Errorf("%+v: %v, want %v", tt.block, err, tt.want)
		}
	}
	if len(b.List()) != 0 {
		t.Error("something was blocked")
	}
}

// TestABlockEndsByItself at its time and not before, and whoever listens is told
// once; one that took its place goes on.
func TestABlockEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := store.NewMemory()
		b := open(t, memory)
		var ended []string
		b.OnChange(func(block blocks.Block, begins bool) {
			if !begins {
				ended = append(ended, block.Who)
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = b.Run(ctx) })
		add(t, b, "ann@example.com", time.Hour)
		add(t, b, "bob@example.com", time.Hour)
		add(t, b, "eve@example.com", 0)
		add(t, b, "bob@example.com", 2*time.Hour)
		time.Sleep(time.Hour - time.Second)
		if _, ok := b.Participant("ann@example.com"); !ok {
			t.Error("ended too early")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		_, ann := b.Participant("ann@example.com")
		if _, bob := b.Participant("bob@example.com"); ann || !bob || len(ended) != 1 || len(open(t, memory).List()) != 2 {
			t.Errorf("after an hour: ann %v, bob %v, told of %v", ann, bob, ended)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if len(ended) != 2 || len(b.List()) != 1 {
			t.Errorf("after three hours: told of %v, %d blocked", ended, len(b.List()))
		}
		cancel()
		wg.Wait()
	})
}
