package bounds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// Free is how many bytes of a body are read without asking.
const Free = 64 << 10

// Errors of reading a body.
var (
	// ErrFull says that there was no room for a body, which is not the fault of
	// whoever sent it: it may be sent again.
	ErrFull = errors.New("no room for large bodies")
	// ErrSlow says that a body which had its room did not come in time.
	ErrSlow = errors.New("the body came too slowly")
)

// BodiesOptions are the bounds of a Bodies. Zeros stand for the defaults.
type BodiesOptions struct {
	Bytes int64         // of large bodies, at once. 0: 64 MiB
	Wait  time.Duration // of a body for its room. 0: 10 s
	Time  time.Duration // in which a body has to come once it has room. 0: 20 s
}

// Bodies is the room for large bodies. A nil *Bodies has no bounds.
type Bodies struct {
	o       BodiesOptions
	room    *semaphore.Weighted
	of      *Bodies // of whose room it is a share; nil: of none
	refused atomic.Pointer[func()]

	held, peak atomic.Int64
	waiting    atomic.Int64
}

// NewBodies makes the room.
func NewBodies(o BodiesOptions) *Bodies {
	if o.Bytes <= 0 {
		o.Bytes = 64 << 20
	}
	if o.Wait <= 0 {
		o.Wait = 10 * time.Second
	}
	if o.Time <= 0 {
		o.Time = 20 * time.Second
	}
	return &Bodies{o: o, room: semaphore.NewWeighted(o.Bytes)}
}

// OnRefused has f called for each body that finds no room.
func (b *Bodies) OnRefused(f func()) { b.refused.Store(&f) }

// Share is a part of the room, an eighth, of which one sender can have no more.
// What is taken of it is taken of the whole too.
func (b *Bodies) Share() *Bodies {
	if b == nil {
		return nil
	}
	o := b.o
	o.Bytes = max(o.Bytes/8, 1)
	s := NewBodies(o)
	s.of = b
	return s
}

// Size is how many bytes may be held, Held how many are, Peak the most there
// ever were, and Waiting how many bodies wait. Held counts bytes that were read.
func (b *Bodies) Size() int64    { return b.o.Bytes }
func (b *Bodies) Held() int64    { return b.held.Load() }
func (b *Bodies) Peak() int64    { return b.peak.Load() }
func (b *Bodies) Waiting() int64 { return b.waiting.Load() }

// Body is a body that is read. It belongs to one goroutine.
type Body struct {
	bodies *Bodies
	ctx    context.Context
	from   io.Reader
	weight int64  // of the body as it was announced, or the most it may have
	abort  func() // ends a Read under way

	read    int64
	taken   int64
	reading atomic.Bool // a Read is under way
	slow    atomic.Bool // its time is over
	timer   *time.Timer
	once    sync.Once
}

// Body reads from, of which length bytes are announced, or -1, and no more than
// most are ever read by the caller. It waits for room as long as ctx lasts, and
// no longer than Wait. Abort makes a Read of from that is under way return; it is
// called from another goroutine when the body takes too long. Release must be
// called when the body, and what was made of it, is no longer needed.
func (b *Bodies) Body(ctx context.Context, from io.Reader, length, most int64, abort func()) *Body {
	weight := most
	if length >= 0 {
		weight = min(length, most)
	}
	return &Body{bodies: b, ctx: ctx, from: from, weight: weight, abort: abort}
}

// Read reads on. Beyond Free bytes it may wait; its errors are those of the
// body's reader, and those that wrap ErrFull and ErrSlow.
func (b *Body) Read(p []byte) (int, error) {
	if b.bodies == nil {
		return b.from.Read(p)
	}
	if b.taken == 0 {
		if b.read >= Free && b.weight > Free {
			if err := b.Reserve(); err != nil {
				return 0, err
			}
		} else if left := Free - b.read; left > 0 && int64(len(p)) > left {
			p = p[:left]
		}
	}
	b.reading.Store(true)
	defer b.reading.Store(false)
	if b.slow.Load() {
		return 0, b.tooSlow()
	}
	n, err := b.from.Read(p)
	b.read += int64(n)
	if b.taken > 0 {
		b.bodies.count(int64(n))
	}
	switch {
	case errors.Is(err, io.EOF):
		b.Came()
	case err != nil && b.slow.Load():
		err = b.tooSlow()
	}
	return n, err
}

func (b *Body) tooSlow() error {
	return fmt.Errorf("%w: it has to be there within %v", ErrSlow, b.bodies.o.Time)
}

// Reserve takes the room for a large body before it is needed, so that a refusal
// can be told in time; a small one needs none.
func (b *Body) Reserve() error {
	if b.bodies == nil || b.taken > 0 || b.weight <= Free {
		return nil
	}
	weight := min(b.weight, b.bodies.o.Bytes)
	if err := b.bodies.take(b.ctx, weight); err != nil {
		return err
	}
	b.taken = weight
	b.bodies.count(b.read)
	if b.abort != nil {
		b.timer = time.AfterFunc(b.bodies.o.Time, func() {
			if b.slow.Store(true); b.reading.Load() {
				b.abort()
			}
		})
	}
	return nil
}

// Came says that the whole body was read: what it takes from now on is no
// question of who sends it.
func (b *Body) Came() {
	if b.timer != nil {
		b.timer.Stop()
	}
}

// Release gives the room back. Calling it twice does no harm.
func (b *Body) Release() {
	b.once.Do(func() {
		b.Came()
		if b.taken > 0 {
			b.bodies.count(-b.read)
			b.bodies.give(b.taken)
		}
	})
}

// take takes room, of the share first and then of the whole. What waits for a
// share keeps nobody else waiting.
func (b *Bodies) take(ctx context.Context, n int64) error {
	wait, cancel := context.WithTimeout(ctx, b.o.Wait)
	defer cancel()
	b.waiting.Add(1)
	defer b.waiting.Add(-1)
	err := b.room.Acquire(wait, n)
	if err == nil && b.of != nil {
		if err = b.of.take(wait, min(n, b.of.o.Bytes)); err != nil {
			b.room.Release(n)
			return err // counted by the whole
		}
	}
	if err == nil {
		return nil
	}
	if gone := context.Cause(ctx); gone != nil && !errors.Is(gone, context.DeadlineExceeded) {
		return gone
	}
	whole := b
	for whole.of != nil {
		whole = whole.of
	}
	if f := whole.refused.Load(); f != nil {
		(*f)()
	}
	return fmt.Errorf("%w: %d bytes of %d were wanted, and not free in %v", ErrFull, n, b.o.Bytes, b.o.Wait)
}

func (b *Bodies) give(n int64) {
	if b.of != nil {
		b.of.give(min(n, b.of.o.Bytes))
	}
	b.room.Release(n)
}

// count notes bytes that are held from now on, or no longer.
func (b *Bodies) count(n int64) {
	if b.of != nil {
		b.of.count(n)
	}
	held := b.held.Add(n)
	for peak := b.peak.Load(); held > peak && !b.peak.CompareAndSwap(peak, held); {
		peak = b.peak.Load()
	}
}
