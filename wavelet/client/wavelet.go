package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

// Wavelet is a wavelet that a Client has open.
type Wavelet struct {
	c       *Client
	name    wavelet.Name
	changes chan struct{}

	// Guarded by the client's mutex.
	link       string    // that it is read by; "" for a participant
	expires    time.Time // when the link does
	replica    *Replica  // nil until the first snapshot is there
	subscribed bool      // on the current link
	again      int       // how often it started over from a snapshot on that link
	pulse      chan struct{}
	lost       []Lost
	presence   presence
	err        error // why it has ended
}

// Open subscribes to a wavelet and returns when its state is there. Opening one
// that is open gives the same Wavelet. The error is the server's *Error when it
// refuses.
func (c *Client) Open(ctx context.Context, name wavelet.Name) (*Wavelet, error) {
	return c.openBy(ctx, name, "")
}

func (c *Client) openBy(ctx context.Context, name wavelet.Name, link string) (*Wavelet, error) {
	c.mu.Lock()
	w, ok := c.open[name]
	if !ok && c.err == nil {
		w = &Wavelet{c: c, name: name, link: link, changes: make(chan struct{}, 1), pulse: make(chan struct{})}
		w.presence.changes = make(chan struct{}, 1)
		c.open[name] = w
		if c.link != nil {
			w.subscribe(c.link, false)
		}
	}
	err := c.err
	c.mu.Unlock()
	if w == nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	if err := w.until(ctx, func() bool { return w.replica != nil }); err != nil {
		if !ok {
			w.Close()
		}
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return w, nil
}

// Name is the wavelet's name.
func (w *Wavelet) Name() wavelet.Name { return w.name }

// State is a copy of the shadow: the wavelet with every local change in it.
func (w *Wavelet) State() *wavelet.State {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	return w.replica.State().Clone()
}

// Text is the plain text of the conversation as the user sees it.
func (w *Wavelet) Text() string {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	return w.replica.State().Text()
}

// Version is the last version heard of from the server.
func (w *Wavelet) Version() wavelet.Version {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	return w.replica.Version()
}

// Status tells whether everything local has been committed.
func (w *Wavelet) Status() Status {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	return w.replica.Status()
}

// Changes receives a value, one for any number of changes, when the state, the
// status or the list of lost changes may have changed. It is closed when the
// wavelet has ended; Err tells why.
func (w *Wavelet) Changes() <-chan struct{} { return w.changes }

// Err is why the wavelet has ended: the server's *Error when the user was put
// out of it, ErrClosed after Close, nil while it is open.
func (w *Wavelet) Err() error {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	return w.err
}

// TakeLost returns the local changes that could not be kept since the last call.
func (w *Wavelet) TakeLost() []Lost {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	lost := w.lost
	w.lost = nil
	return lost
}

// Edit changes the text of a blip. It returns when the change shows locally;
// Wait waits for the server. While too much is unsent it waits for room.
func (w *Wavelet) Edit(ctx context.Context, blip wavelet.BlipID, d richtext.Delta) error {
	return w.Publish(ctx, wavelet.EditBlip{Blip: blip, Delta: d})
}

// Publish applies ops as one delta, like Edit. A *wavelet.Refusal means that
// they do not fit the state, and nothing has changed.
func (w *Wavelet) Publish(ctx context.Context, ops ...wavelet.Op) error {
	return w.Update(ctx, func(*wavelet.State) ([]wavelet.Op, error) { return ops, nil })
}

// Update is Publish for ops that depend on the state: edit is called with the
// shadow, which it must not change or keep, and no other change comes between.
func (w *Wavelet) Update(ctx context.Context, edit func(s *wavelet.State) ([]wavelet.Op, error)) error {
	for {
		pulse, err := w.update(edit)
		if !errors.Is(err, ErrFull) {
			return err
		}
		select {
		case <-pulse:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// update is one attempt of Update; after ErrFull the next may succeed when pulse
// is closed.
func (w *Wavelet) update(edit func(s *wavelet.State) ([]wavelet.Op, error)) (pulse <-chan struct{}, err error) {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	if w.err != nil {
		return nil, w.err
	}
	ops, err := edit(w.replica.State())
	if err != nil || len(ops) == 0 {
		return nil, err
	}
	step, err := w.replica.Local(time.Now(), ops...)
	if err != nil {
		return w.pulse, err
	}
	w.do(step)
	w.moved(ops, w.c.o.User)
	return nil, nil
}

// Wait returns when everything local is committed or lost.
func (w *Wavelet) Wait(ctx context.Context) error {
	return w.until(ctx, func() bool { return w.replica.Status() == Synchronized })
}

// WaitFor returns when the replica has reached a version of the server.
func (w *Wavelet) WaitFor(ctx context.Context, v wavelet.Version) error {
	return w.until(ctx, func() bool { return w.replica.Version() >= v })
}

// History reads the commits after from up to and with to, or up to the head if
// to is 0. The server may give fewer at a time: Next is then where to go on.
func (w *Wavelet) History(ctx context.Context, from, to wavelet.Version) (HistoryOK, error) {
	r := Request{Op: OpHistory, Wave: w.name.Wave, Wavelet: w.name.Wavelet, From: &from, Link: w.readBy()}
	if to != 0 {
		r.To = &to
	}
	var ok HistoryOK
	err := w.c.ask(ctx, r, &ok)
	return ok, err
}

// At reads the wavelet as it was at a version.
func (w *Wavelet) At(ctx context.Context, v wavelet.Version) (*wavelet.State, error) {
	var ok HistoryOK
	r := Request{Op: OpHistory, Wave: w.name.Wave, Wavelet: w.name.Wavelet, Version: &v, Link: w.readBy()}
	if err := w.c.ask(ctx, r, &ok); err != nil {
		return nil, err
	}
	return ok.Snapshot.State(w.name)
}

func (w *Wavelet) readBy() string {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	return w.link
}

// Close ends the subscription. What is pending is not sent any more.
func (w *Wavelet) Close() error {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	if w.err == nil && w.c.link != nil {
		w.c.link.request(Request{Op: OpUnsubscribe, Wave: w.name.Wave, Wavelet: w.name.Wavelet}, func(*Frame, error) {})
	}
	w.end(ErrClosed)
	return nil
}

// until waits for a condition, which is asked with the mutex held.
func (w *Wavelet) until(ctx context.Context, ok func() bool) error {
	for {
		w.c.mu.Lock()
		pulse, err, held := w.pulse, w.err, w.err == nil && ok()
		w.c.mu.Unlock()
		switch {
		case err != nil:
			return err
		case held:
			return nil
		}
		select {
		case <-pulse:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
