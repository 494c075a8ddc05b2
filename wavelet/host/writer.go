package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"weir/wavelet"
)

// A mailbox holds so many requests; whoever finds it full waits.
const mailbox = 128

// nothingAfter is how long a name is kept open at which there is no wavelet.
const nothingAfter = time.Second

// writer is the goroutine that an open wavelet belongs to, and what it knows.
type writer struct {
	host  *Host
	name  wavelet.Name
	users int // guarded by the host's mutex: calls under way

	mail chan request
	done chan struct{} // closed at the end
	err  error         // why it ended; set before done is closed

	// The rest is the goroutine's own.
	state  *wavelet.State
	window window
	hash   uint64                        // of the log up to the head
	chains map[wavelet.Participant]chain // of people who wrote lately
	saved  wavelet.Version               // of the newest snapshot
	behind int                           // bytes of log since then
}

// request is a submission or something to be done in the writer's goroutine.
type request struct {
	submission *submission
	view       func(*writer)
	done       chan struct{} // closed when it is done
}

// view runs f in the wavelet's goroutine, between commits.
func (h *Host) view(ctx context.Context, name wavelet.Name, f func(*writer)) error {
	if err := h.exists(ctx, name, false); err != nil {
		return err
	}
	return h.ask(ctx, name, request{view: f})
}

// exists refuses a name at which there is no wavelet, unless one may be made
// there. It spares the ordinary wrong name a writer.
func (h *Host) exists(ctx context.Context, name wavelet.Name, creating bool) error {
	h.mu.Lock()
	open := h.open[name] != nil
	h.mu.Unlock()
	if open {
		return nil
	}
	if creating {
		if err := name.Check(); err != nil {
			return refuse(wavelet.CodeBadDelta, "wavelet", "", "%v", err)
		}
		return nil
	}
	_, err := h.log.Load(ctx, name, 0)
	return refusal(err)
}

// ask gives r to the wavelet's writer, opening the wavelet if need be, and waits
// until it is done. If a writer ends because it is not known what became of the
// deltas before r, the next one is asked.
func (h *Host) ask(ctx context.Context, name wavelet.Name, r request) error {
	for {
		w, err := h.acquire(name)
		if err != nil {
			return err
		}
		err = w.ask(ctx, r)
		h.release(w)
		if err != errBefore {
			return err
		}
	}
}

// errBefore says that a writer ended over what came before a request.
var errBefore = errors.New("the outcome of a delta before this one is not known")

// ask has the writer do what r asks, and waits until it is done.
func (w *writer) ask(ctx context.Context, r request) error {
	r.done = make(chan struct{})
	select {
	case w.mail <- r:
	case <-w.done:
		return w.ended()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnknown, context.Cause(ctx))
	case <-w.done:
	}
	select {
	case <-r.done: // just before the end
		return nil
	default:
		return w.ended()
	}
}

// ended is what the end of the writer means to a request that it did not see to.
func (w *writer) ended() error {
	if errors.Is(w.err, ErrUnknown) {
		return errBefore
	}
	return w.err
}

// acquire returns the wavelet's writer, which stays until it is released.
func (h *Host) acquire(name wavelet.Name) (*writer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, refusal(ErrClosed)
	}
	w := h.open[name]
	if w == nil {
		w = &writer{host: h, name: name, mail: make(chan request, mailbox), done: make(chan struct{})}
		h.open[name] = w
		h.writers.Go(w.run)
	}
	w.users++
	return w, nil
}

func (h *Host) release(w *writer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w.users--
}

// run is the goroutine.
func (w *writer) run() {
	err := w.load()
	idle := time.NewTimer(w.patience())
	defer idle.Stop()
	for err == nil {
		select {
		case r := <-w.mail:
			err = w.serve(r)
			idle.Reset(w.patience())
		case <-idle.C:
			w.rest()
			if w.leave() {
				return
			}
			idle.Reset(w.patience())
		case <-w.host.closing:
			w.rest()
			err = ErrClosed
		}
	}
	w.fail(err)
}

// patience is how long the wavelet is kept open unused.
func (w *writer) patience() time.Duration {
	if w.state != nil && w.state.Version() == 0 {
		return min(w.host.idleAfter, nothingAfter)
	}
	return w.host.idleAfter
}

// leave ends the writer if nobody uses it.
func (w *writer) leave() bool {
	w.host.mu.Lock()
	defer w.host.mu.Unlock()
	if w.users > 0 {
		return false
	}
	delete(w.host.open, w.name)
	w.host.counts.unloads.Add(1)
	w.err = refusal(ErrClosed)
	close(w.done)
	return true
}

// fail ends the writer whoever uses it. The next request opens the wavelet
// anew, from what is stored.
func (w *writer) fail(err error) {
	if !errors.Is(err, ErrClosed) {
		w.host.logger.Error("wavelet closed", slog.String("wavelet", w.name.String()), slog.Any("error", err))
	}
	w.host.mu.Lock()
	delete(w.host.open, w.name)
	w.err = refusal(err)
	close(w.done)
	w.host.mu.Unlock()
}

// serve does what r asks. With a submission it takes those that wait behind it,
// and appends them together. An error ends the writer.
func (w *writer) serve(r request) error {
	var group []request
	size := 0
	for r.submission != nil {
		group = append(group, r)
		size += r.submission.size
		if len(group) == groupDeltas || size >= groupBytes {
			r = request{}
			break
		}
		select {
		case r = <-w.mail:
			continue
		default:
			r = request{}
		}
	}
	if len(group) > 0 {
		if err := w.commit(group); err != nil {
			return err
		}
	}
	if r.view != nil {
		r.view(w)
		close(r.done)
	}
	return nil
}

// recall is the state at v, or a state and the commits that lead from it to v.
// Without both, v has to be restored from the log.
func (w *writer) recall(v wavelet.Version) (*wavelet.State, []wavelet.Commit, error) {
	head := w.state.Version()
	switch {
	case head == 0:
		return nil, nil, refusal(ErrNotFound)
	case v == Head || v == head:
		return w.state.Clone(), nil, nil
	case v > head:
		return nil, nil, refuse(wavelet.CodePastHead, "version", "", "version %d has not been reached, the head is %d", v, head)
	}
	near, tail, _ := w.window.recall(v, head)
	return near, tail, nil
}
