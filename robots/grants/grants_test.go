package grants_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/robots/grants"
	"weir/robots/vault"
	"weir/store"
	"weir/wavelet"
)

const (
	ann = wavelet.Participant("ann@example.com")
	bob = wavelet.Participant("bob@example.com")
)

// clock is a time that tests move.
type clock struct{ nanos atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(1_700_000_000, c.nanos.Load()) }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

func open(t testing.TB, s grants.Store, c *clock) *grants.Book {
	t.Helper()
	v, err := vault.New([]byte(strings.Repeat("k", vault.MinKey)))
	if err != nil {
		t.Fatal(err)
	}
	b, err := grants.Open(s, v, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// grant goes the whole way for a person.
func grant(t testing.TB, b *grants.Book, person wavelet.Participant) (grants.Token, grants.Grant) {
	t.Helper()
	r, err := b.NewRequest("anonymous", "")
	if err != nil {
		t.Fatal(err)
	}
	if v, err := b.Approve(r.Key, person); err != nil || v != "" {
		t.Fatalf("approved with verifier %q, %v", v, err)
	}
	token, g, err := b.Exchange(t.Context(), r.Key, "")
	if err != nil {
		t.Fatal(err)
	}
	return token, g
}

func TestATokenIsGrantedOnceAndEnds(t *testing.T) {
	c, s := &clock{}, store.NewMemory()
	b := open(t, s, c)
	r, err := b.NewRequest("anonymous", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Exchange(t.Context(), r.Key, ""); !errors.Is(err, grants.ErrConsent) {
		t.Errorf("exchanged without consent: %v", err)
	}
	if _, err := b.Approve(r.Key, ann); err != nil {
		t.Fatal(err)
	}
	token, g, err := b.Exchange(t.Context(), r.Key, "")
	if err != nil || g.Person != ann || g.Program != "anonymous" || g.Expires.Sub(g.Created) != time.Hour {
		t.Fatalf("granted %+v, %v", g, err)
	}
	if _, _, err := b.Exchange(t.Context(), r.Key, ""); !errors.Is(err, grants.ErrConsent) {
		t.Errorf("exchanged twice: %v", err)
	}
	for r, err := range s.Scan("grant", nil, nil) {
		if err != nil || strings.Contains(string(r.Value)+string(r.Key), token.Key[3:]) || strings.Contains(string(r.Value), token.Secret) {
			t.Errorf("stored in the clear: %s %s, %v", r.Key, r.Value, err)
		}
	}
	b = open(t, s, c)
	if got, secret, err := b.Find(token.Key); err != nil || got != g || secret != token.Secret {
		t.Errorf("after a restart it is %+v, %v", got, err)
	}
	if _, _, err := b.Find(token.Key + "x"); !errors.Is(err, grants.ErrToken) {
		t.Errorf("another token: %v", err)
	}
	c.advance(time.Hour)
	if _, _, err := b.Find(token.Key); !errors.Is(err, grants.ErrToken) || len(b.List("")) != 0 {
		t.Errorf("after an hour: %v", err)
	}
	grant(t, b, bob) // sweeps
	n := 0
	for range s.Scan("grant", nil, nil) {
		n++
	}
	if n != 1 {
		t.Errorf("%d grants are stored, one is good", n)
	}
}

func TestARequestTokenIsOursAndShortLived(t *testing.T) {
	c := &clock{}
	b := open(t, store.NewMemory(), c)
	r, err := b.NewRequest("anonymous", "https://program.example.com/back?a=b")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := b.Request(r.Key); err != nil || got.Program != "anonymous" || got.Callback == "" || got.Secret != r.Secret {
		t.Errorf("it says %+v, %v", got, err)
	}
	for _, bad := range []string{"", ".", "wq_.", r.Key + "x", "x" + r.Key, strings.Replace(r.Key, "wq_", "", 1), strings.Repeat("a", 1<<20)} {
		if _, err := b.Request(bad); !errors.Is(err, grants.ErrToken) {
			t.Errorf("%.20q is taken: %v", bad, err)
		}
	}
	verifier, err := b.Approve(r.Key, ann)
	if err != nil || verifier == "" {
		t.Fatalf("verifier %q, %v", verifier, err)
	}
	if _, _, err := b.Exchange(t.Context(), r.Key, "guessed"); !errors.Is(err, grants.ErrVerifier) {
		t.Errorf("exchanged with a guess: %v", err)
	}
	c.advance(10 * time.Minute)
	if _, _, err := b.Exchange(t.Context(), r.Key, verifier); !errors.Is(err, grants.ErrToken) {
		t.Errorf("exchanged too late: %v", err)
	}
	for _, callback := range []string{"javascript:alert(1)", "ftp://example.com", "/back", "http://", "https://ann:secret@example.com/", "http://a b/", "http://example.com/" + strings.Repeat("x", grants.MaxCallback)} {
		if _, err := b.NewRequest("anonymous", callback); !errors.Is(err, grants.ErrCallback) {
			t.Errorf("%.40q is taken: %v", callback, err)
		}
	}
}

func TestGrantsAreRevoked(t *testing.T) {
	c, s := &clock{}, store.NewMemory()
	b := open(t, s, c)
	one, g1 := grant(t, b, ann)
	two, g2 := grant(t, b, bob)
	if l := b.List(ann); len(l) != 1 || l[0] != g1 || len(b.List("")) != 2 {
		t.Errorf("ann's are %+v", l)
	}
	if err := b.Revoke(t.Context(), g2.ID, ann); !errors.Is(err, grants.ErrUnknown) {
		t.Errorf("ann revokes bob's: %v", err)
	}
	if err := b.Revoke(t.Context(), g1.ID, ann); err != nil {
		t.Error(err)
	}
	if err := b.Revoke(t.Context(), g2.ID, ""); err != nil {
		t.Error(err)
	}
	for _, b := range []*grants.Book{b, open(t, s, c)} {
		for _, token := range []grants.Token{one, two} {
			if _, _, err := b.Find(token.Key); !errors.Is(err, grants.ErrToken) {
				t.Errorf("revoked, and found: %v", err)
			}
		}
	}
}

// TestWhatIsKeptIsBounded has one person consent far too often.
func TestWhatIsKeptIsBounded(t *testing.T) {
	c := &clock{}
	b := open(t, store.NewMemory(), c)
	_, other := grant(t, b, bob)
	var last grants.Grant
	for range 40 {
		c.advance(time.Second)
		_, last = grant(t, b, ann)
	}
	if l := b.List(ann); len(l) != 32 || l[0] != last {
		t.Errorf("ann has %d grants, the newest is %+v", len(l), l[0])
	}
	if l := b.List(bob); len(l) != 1 || l[0] != other {
		t.Errorf("bob's are %+v", l)
	}
	var tokens []string
	for i := range 1100 {
		c.advance(time.Millisecond)
		r, err := b.NewRequest(fmt.Sprint(i), "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Approve(r.Key, ann); err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, r.Key)
	}
	if _, _, err := b.Exchange(t.Context(), tokens[0], ""); !errors.Is(err, grants.ErrConsent) {
		t.Errorf("the oldest of 1,100 consents is kept: %v", err)
	}
	if _, _, err := b.Exchange(t.Context(), tokens[1099], ""); err != nil {
		t.Error(err)
	}
}

func TestOneOfManyExchanges(t *testing.T) {
	b := open(t, store.NewMemory(), &clock{})
	r, err := b.NewRequest("anonymous", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Approve(r.Key, ann); err != nil {
		t.Fatal(err)
	}
	var got atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, _, err := b.Exchange(t.Context(), r.Key, ""); err == nil {
				got.Add(1)
			}
		})
	}
	if all.Wait(); got.Load() != 1 {
		t.Errorf("%d exchanged the same token", got.Load())
	}
}

func FuzzRequest(f *testing.F) {
	b := open(f, store.NewMemory(), &clock{})
	r, err := b.NewRequest("anonymous", "http://example.com/")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(r.Key)
	f.Add("wq_e30.x")
	f.Fuzz(func(t *testing.T, token string) {
		got, err := b.Request(token)
		if err == nil && (got.Program != "anonymous" || got.Callback != "http://example.com/") {
			t.Errorf("%q was not made here", token)
		}
		if err != nil && !errors.Is(err, grants.ErrToken) {
			t.Errorf("%q: %v", token, err)
		}
	})
}
