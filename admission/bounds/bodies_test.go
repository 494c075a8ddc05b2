package bounds_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weir/admission/bounds"
)

const mib = 1 << 20

// long is a body of n bytes.
func long(n int) io.Reader { return strings.NewReader(strings.Repeat("x", n)) }

func read(t *testing.T, b *bounds.Body, want int) {
	t.Helper()
	if all, err := io.ReadAll(b); err != nil || len(all) != want {
		t.Fatalf("%d bytes, %v; want %d", len(all), err, want)
	}
}

func TestSmallBodiesAreFree(t *testing.T) {
	room := bounds.NewBodies(bounds.BodiesOptions{Bytes: 1})
	for range 3 {
		read(t, room.Body(t.Context(), long(bounds.Free), bounds.Free, mib, nil), bounds.Free)
	}
	if room.Peak() != 0 {
		t.Errorf("%d bytes are held", room.Peak())
	}
	read(t, (*bounds.Bodies)(nil).Body(t.Context(), long(mib), -1, mib, nil), mib)
}

func TestLargeBodiesStayWithinTheRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := bounds.NewBodies(bounds.BodiesOptions{Bytes: 4 * mib, Wait: time.Hour})
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				length := int64(mib)
				if i%2 == 0 {
					length = -1
				}
				b := room.Body(t.Context(), long(mib), length, mib, func() { t.Error("aborted") })
				defer b.Release()
				read(t, b, mib)
				time.Sleep(30 * time.Second) // what was read in time may be kept as long as it is needed
			})
		}
		wg.Wait()
		if room.Peak() != 4*mib || room.Held() != 0 || room.Waiting() != 0 {
			t.Errorf("peak %d, held %d, waiting %d", room.Peak(), room.Held(), room.Waiting())
		}
	})
}

func TestNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := bounds.NewBodies(bounds.BodiesOptions{Bytes: mib})
		refused := 0
		room.OnRefused(func() { refused++ })
		first := room.Body(t.Context(), long(mib), mib, mib, nil)
		read(t, first, mib)

		start := time.Now()
		if _, err := io.ReadAll(room.Body(t.Context(), long(mib), mib, mib, nil)); !errors.Is(err, bounds.ErrFull) || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		hurried, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := room.Body(hurried, long(mib), mib, mib, nil).Reserve(); !errors.Is(err, bounds.ErrFull) {
			t.Errorf("a caller whose time is over while he waits: %v", err)
		}
		gone, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, leave)
		if err := room.Body(gone, long(mib), mib, mib, nil).Reserve(); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller who goes away: %v", err)
		}
		if refused != 2 || room.Waiting() != 0 {
			t.Errorf("%d refused, %d waiting", refused, room.Waiting())
		}
		first.Release()
		first.Release()
		read(t, room.Body(t.Context(), long(mib), mib, mib, nil), mib)
	})
}

// TestSlowBodies has a sender that never comes to an end.
func TestSlowBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := bounds.NewBodies(bounds.BodiesOptions{Bytes: mib})
		r, w := io.Pipe()
		var trickle sync.WaitGroup
		trickle.Go(func() {
			_, err := w.Write(bytes.Repeat([]byte("x"), 2*bounds.Free))
			for ; err == nil; _, err = w.Write([]byte("x")) {
				time.Sleep(time.Second)
			}
		})
		start := time.Now()
		b := room.Body(t.Context(), r, mib, mib, func() { r.CloseWithError(errors.New("aborted")) })
		if _, err := io.ReadAll(b); !errors.Is(err, bounds.ErrSlow) || time.Since(start) != 20*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		b.Release()
		r.Close()
		trickle.Wait()
		if room.Held() != 0 {
			t.Errorf("%d bytes are held", room.Held())
		}
		read(t, room.Body(t.Context(), long(mib), mib, mib, nil), mib)
	})
}

func TestShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := bounds.NewBodies(bounds.BodiesOptions{Bytes: 16 * mib})
		refused := 0
		room.OnRefused(func() { refused++ })
		greedy, other := room.Share(), room.Share()
		for range 2 {
			read(t, greedy.Body(t.Context(), long(mib), mib, mib, nil), mib)
		}
		if err := greedy.Body(t.Context(), long(mib), mib, mib, nil).Reserve(); !errors.Is(err, bounds.ErrFull) || refused != 1 {
			t.Errorf("%v, %d refused", err, refused)
		}
		read(t, other.Body(t.Context(), long(mib), mib, mib, nil), mib)
		if room.Held() != 3*mib {
			t.Errorf("%d bytes are held", room.Held())
		}
	})
}
