package host

import (
	"context"
	"errors"
	"slices"
	"sync"

	"weir/wavelet"
)

// Sink takes commits for one subscriber. Commit must not block and must not
// call the subscription; false means that there is no room, and then the
// subscription ends.
type Sink interface {
	Commit(c wavelet.Commit) bool
}

// ErrSlow means that a sink had no room for a commit.
var ErrSlow = errors.New("the subscriber does not keep up")

// Subscription is the standing order of a sink to be given every commit.
type Subscription struct {
	sink Sink
	done chan struct{}

	mu      sync.Mutex // held while the sink is called
	ended   bool
	err     error
	release func()      // lets go of the writer
	stop    func() bool // lets go of the context
}

// Subscribe gives sink every commit of the wavelet behind version from, in
// order and without gaps: first those there are, then each as it becomes
// durable, until the subscription or ctx ends. A subscribed wavelet stays open.
// Errors are of type *wavelet.Refusal: CodeNotFound, CodePastHead, and
// CodeResync for a subscriber who is more than 10,000 versions behind or has no
// room for what was missed.
func (h *Host) Subscribe(ctx context.Context, name wavelet.Name, from wavelet.Version, sink Sink) (*Subscription, error) {
	s := &Subscription{sink: sink, release: func() {}, done: make(chan struct{})}
	for joined := false; !joined; {
		var refused error
		if err := h.view(ctx, name, func(w *writer) { joined, refused = w.join(s, from) }); err != nil {
			s.end(ErrClosed) // it may yet join
			return nil, err
		}
		if !joined && refused == nil {
			from, refused = h.catchUp(ctx, name, from, sink)
		}
		if refused != nil {
			return nil, refused
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop = context.AfterFunc(ctx, s.Close); s.ended {
		s.stop()
	}
	return s, nil
}

// catchUp gives sink what the log has behind version from, and returns how far
// that is.
func (h *Host) catchUp(ctx context.Context, name wavelet.Name, from wavelet.Version, sink Sink) (wavelet.Version, error) {
	for c, err := range h.Read(ctx, name, from) {
		if err != nil {
			return from, err
		}
		if !sink.Commit(c) {
			return from, behind(from)
		}
		from = c.Version
	}
	return from, nil
}

func behind(from wavelet.Version) error {
	r := refuse(wavelet.CodeResync, "from", "take a snapshot and subscribe from there", "version %d is too far behind", from)
	r.Err = ErrSlow
	return r
}

// join gives s what the window has behind version from and counts it among the
// subscribers. It does neither if the window begins later.
func (w *writer) join(s *Subscription, from wavelet.Version) (bool, error) {
	head := w.state.Version()
	switch {
	case head == 0:
		return false, refusal(ErrNotFound)
	case from > head:
		return false, refuse(wavelet.CodePastHead, "from", "", "version %d has not been reached, the head is %d", from, head)
	case head-from > maxMissed:
		return false, behind(from)
	case from < w.window.start(head):
		return false, nil
	}
	for _, c := range w.window.after(from, head) {
		if !s.sink.Commit(c) {
			return false, behind(from)
		}
	}
	if len(w.subs) == cap(w.subs) {
		w.subs = slices.DeleteFunc(w.subs, func(s *Subscription) bool { return s.Err() != nil })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return true, nil // given up meanwhile
	}
	w.host.retain(w)
	s.release = func() { w.host.release(w) }
	w.subs = append(w.subs, s)
	return true, nil
}

// deliver gives a commit to every subscriber, and forgets those that ended.
func (w *writer) deliver(c wavelet.Commit) {
	kept := w.subs[:0]
	for _, s := range w.subs {
		if s.give(c) {
			kept = append(kept, s)
		}
	}
	clear(w.subs[len(kept):])
	w.subs = kept
}

func (s *Subscription) give(c wavelet.Commit) bool {
	s.mu.Lock()
	ok := !s.ended && s.sink.Commit(c)
	s.mu.Unlock()
	if !ok {
		s.end(ErrSlow)
	}
	return ok
}

// end ends the subscription for the given reason, unless it has ended.
func (s *Subscription) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.ended, s.err = true, err
	if s.stop != nil {
		s.stop()
	}
	s.release()
	close(s.done)
}

// Close ends the subscription. When it returns the sink is called no more.
func (s *Subscription) Close() { s.end(ErrClosed) }

// Done is closed when the subscription has ended.
func (s *Subscription) Done() <-chan struct{} { return s.done }

// Err tells why the subscription ended: ErrSlow for a sink without room,
// ErrClosed after Close, else why the wavelet was closed; nil while it lasts.
func (s *Subscription) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
