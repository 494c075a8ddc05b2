package rpc

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

func inMemory(t *testing.T) *Nonces {
	t.Helper()
	n, err := OpenNonces(nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *Nonces) isFirst(t *testing.T, who string, at, now int64, nonce string) bool {
	t.Helper()
	first, err := n.first(t.Context(), who, at, now, nonce)
	if err != nil {
		t.Error(err)
	}
	return first
}

func TestANonceCountsOnce(t *testing.T) {
	n := inMemory(t)
	const now = 1_700_000_000
	for _, tt := range []struct {
		who     string
		at, now int64
		nonce   string
		want    bool
	}{
		{"a", now, now, "1", true},
		{"a", now, now, "1", false},
		{"a", now, now, "2", true},
		{"a", now + 1, now, "1", true},
		{"b", now, now, "1", true},
		{"a", now - window, now, "1", true},
		{"a", now - window, now, "1", false},
		{"a", now + window, now, "1", true},
		{"a", now, now + window, "1", false},            // still within the window
		{"a", now + window, now + 2*window, "1", false}, // as late as it can come
	} {
		if got := n.isFirst(t, tt.who, tt.at, tt.now, tt.nonce); got != tt.want {
			t.Errorf("%+v: %t", tt, got)
		}
	}
}

// TestNoncesAreBounded floods with nonces of one signer, spread over the window
// in every order, and sees that none counts twice, that new ones still count,
// that another signer is not disturbed, and that all is let go in the end.
func TestNoncesAreBounded(t *testing.T) {
	n := inMemory(t)
	const now = 1_700_000_000
	taken := 0
	for i := range 4 * maxNonces {
		at := int64(now - window + i*7%window)
		if n.isFirst(t, "flood", at, now, strconv.Itoa(i)) {
			taken++
		}
		if n.isFirst(t, "flood", at, now, strconv.Itoa(i)) {
			t.Fatalf("nonce %d counts twice", i)
		}
		if s := n.of[signerKey("flood")]; s.count > maxNonces {
			t.Fatalf("%d nonces are kept", s.count)
		}
	}
	if taken < maxNonces {
		t.Errorf("%d of %d counted", taken, 4*maxNonces)
	}
	if !n.isFirst(t, "flood", now+1, now, "new") || !n.isFirst(t, "other", now-window, now, "x") {
		t.Error("a new one does not count")
	}
	if !n.isFirst(t, "late", now+3*window, now+3*window, "x") || len(n.of) != 1 {
		t.Errorf("%d signers are remembered", len(n.of))
	}
}

func TestOneOfManyAtOnceIsFirst(t *testing.T) {
	n := inMemory(t)
	var first atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if n.isFirst(t, "a", 1_700_000_000, 1_700_000_000, "1") {
				first.Add(1)
			}
		})
	}
	if all.Wait(); first.Load() != 1 {
		t.Errorf("%d were the first", first.Load())
	}
}
