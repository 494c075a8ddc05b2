package logins_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"weir/store"
	"weir/wavelet"
	"weir/web/logins"
)

const (
	ann = wavelet.Participant("ann@example.com")
	bob = wavelet.Participant("bob@example.com")
)

func TestAMarkStays(t *testing.T) {
	now := time.Unix(1_700_000_000, 123_456_789).UTC()
	s := store.NewMemory()
	b, err := logins.Open(s, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	if !b.Since(ann).IsZero() {
		t.Errorf("ann has a mark: %s", b.Since(ann))
	}
	first, err := b.Revoke(t.Context(), ann)
	if err != nil || !first.After(now) || first.Sub(now) > time.Millisecond {
		t.Fatalf("revoked at %s since %s, %v", now, first, err)
	}
	now = now.Add(-time.Hour) // the clock is set back
	if again, err := b.Revoke(t.Context(), ann); err != nil || again != first {
		t.Errorf("an earlier mark took the place of %s: %s, %v", first, again, err)
	}
	now = now.Add(2 * time.Hour)
	second, err := b.Revoke(t.Context(), ann)
	if err != nil || !second.After(first) {
		t.Errorf("again: %s, %v", second, err)
	}
	if b, err = logins.Open(s, nil); err != nil {
		t.Fatal(err)
	}
	if b.Since(ann) != second || !b.Since(bob).IsZero() {
		t.Errorf("after a restart the marks are %s and %s", b.Since(ann), b.Since(bob))
	}
}

func TestWhatIsNotStoredIsNotInForce(t *testing.T) {
	b, err := logins.Open(store.NewMemory(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Revoke(ctx, ann); !errors.Is(err, context.Canceled) || !b.Since(ann).IsZero() {
		t.Errorf("%v, and the mark is %s", err, b.Since(ann))
	}
}

func TestARecordOfAnotherFormatIsRefused(t *testing.T) {
	s := store.NewMemory()
	for _, value := range []string{`{"format":2,"since":"2026-01-01T00:00:00Z"}`, "nonsense"} {
		if err := s.Commit(t.Context(), store.Batch{{Bucket: "login", Key: []byte(ann), Value: []byte(value)}}); err != nil {
			t.Fatal(err)
		}
		if _, err := logins.Open(s, nil); err == nil {
			t.Errorf("%s is read", value)
		}
	}
}
