package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"weir/wavelet"
)

// cursorEvery is the least time between two cursors of a wavelet that are sent.
const cursorEvery = 50 * time.Millisecond

// presence is what a Wavelet knows of who has it open. Guarded by the client's
// mutex.
type presence struct {
	watching bool
	crowd    crowd
	changes  chan struct{}
	caret    *wavelet.Cursor // the user's own, in the shadow; nil: none
	told     *Cursor         // what the server has of it, as of the replica's version
	doubtful bool            // told is not known to be so
	sending  bool            // one is under way, or its time to rest is
}

// Presence asks who has a wavelet open. It need not be open here.
func (c *Client) Presence(ctx context.Context, name wavelet.Name) (PresenceOK, error) {
	var ok PresenceOK
	err := c.ask(ctx, Request{Op: OpPresence, Wave: name.Wave, Wavelet: name.Wavelet}, &ok)
	return ok, err
}

// PresenceStats asks how many have a wavelet open.
func (c *Client) PresenceStats(ctx context.Context, name wavelet.Name) (PresenceStats, error) {
	var ok PresenceStats
	err := c.ask(ctx, Request{Op: OpPresenceStats, Wave: name.Wave, Wavelet: name.Wavelet}, &ok)
	return ok, err
}

// Session is the public name of the current connection, or of the last one:
// that of the user's own Person among the people of a wavelet.
func (c *Client) Session() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// Watch has the server tell who comes and goes and where their cursors are, from
// now on and across lost connections.
func (w *Wavelet) Watch() {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	if !w.presence.watching {
		w.presence.watching = true
		w.watch()
	}
}

// People is who has the wavelet open, as far as the server has told since Watch:
// while the connection is away, as it was before. Cursors stand in the text that
// State shows. The user's own connections are among them.
func (w *Wavelet) People() PresenceOK {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	if w.replica == nil {
		return PresenceOK{}
	}
	return w.presence.crowd.seen(w.c.o.User, w.replica.State(), w.replica.pending())
}

// PeopleChanges receives a value, one for any number of changes, when the server
// has told of some. Changes does when text has moved cursors.
func (w *Wavelet) PeopleChanges() <-chan struct{} { return w.presence.changes }

// SetCursor tells the others where the user's selection is, in the text that
// State shows; nil: nowhere. From then on it moves with the text, and it is told
// again on each new connection. Of cursors that follow each other quickly the
// last is told.
func (w *Wavelet) SetCursor(c *wavelet.Cursor) {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	if c != nil {
		c = new(*c)
	}
	w.presence.caret = c
	w.tellCursor()
}

// Everything below is called with the client's mutex held.

// watch asks for the list, and for what comes after.
func (w *Wavelet) watch() {
	l := w.c.link
	if !w.presence.watching || !w.subscribed || l == nil {
		return
	}
	r := Request{Op: OpPresence, Wave: w.name.Wave, Wavelet: w.name.Wavelet, Watch: new(true)}
	l.request(r, func(f *Frame, err error) {
		var refusal *Error
		if errors.As(err, &refusal) && refusal.Temporary {
			w.later(l, refusal, w.watch)
		}
		var ok PresenceOK
		if err != nil || w.err != nil {
			return
		}
		if err := json.Unmarshal(f.OK, &ok); err != nil {
			l.fail = badFrame(fmt.Errorf("presence: %w", err))
			return
		}
		w.presence.crowd.replace(ok)
		w.peopleChanged()
	})
}

// people takes a push.
func (w *Wavelet) people(f *Frame) {
	w.presence.crowd.take(f)
	for _, p := range slices.Concat(f.People, f.Moved) {
		if p.Session == w.c.session && p.Cursor == nil { // the server has dropped it
			w.presence.told, w.presence.doubtful = nil, false
			w.tellCursor()
		}
	}
	w.peopleChanged()
}

func (w *Wavelet) peopleChanged() {
	select {
	case w.presence.changes <- struct{}{}:
	default:
	}
}

// connected tells a server that knows nothing of it yet.
func (w *Wavelet) connected() {
	w.presence.told, w.presence.doubtful = nil, false
	w.watch()
	w.tellCursor()
}

// committed takes a commit that the replica has taken, and the ops that it
// changed the shadow by.
func (w *Wavelet) committed(c wavelet.Commit, shadow []wavelet.Op) {
	w.presence.crowd.commit(c)
	w.presence.told = past(w.presence.told, string(w.c.o.User), c)
	w.moved(shadow, c.Delta.Author)
}

// moved follows a change of the shadow, by ops of the author, or by what cannot
// be told in ops.
func (w *Wavelet) moved(ops []wavelet.Op, author wavelet.Participant) {
	p := &w.presence
	if p.caret == nil {
		return
	}
	at, ok := p.caret.After(ops, author == w.c.o.User)
	if ok {
		at, ok = inside(w.replica.State(), at)
	}
	if p.caret = nil; ok {
		p.caret = &at
	}
	w.tellCursor()
}

// tellCursor sends the cursor unless the server has it where it should be.
func (w *Wavelet) tellCursor() {
	p, l := &w.presence, w.c.link
	if p.sending || !w.subscribed || l == nil || p.crowd.Many {
		return
	}
	want, ok := w.wanted()
	if !ok || !p.doubtful && w.knows(want) {
		return
	}
	params := map[string]any{}
	if want != nil {
		params = map[string]any{"blip": want.Blip, "anchor": want.Anchor, "head": want.Head, "version": want.Version}
	}
	encoded, err := json.Marshal(on(w.name, params))
	if err != nil {
		return
	}
	p.told, p.sending, p.doubtful = want, true, false
	l.request(Request{Op: OpRPC, Method: "cursor", Params: encoded}, func(_ *Frame, err error) {
		var refusal *Error
		rest := cursorEvery
		switch {
		case errors.Is(err, ErrLost):
			p.sending = false
			return
		case errors.As(err, &refusal) && (refusal.Temporary || refusal.Code == CodeResync):
			p.doubtful = true
			rest = max(rest, time.Duration(refusal.RetryAfterMS)*time.Millisecond)
		}
		w.c.wg.Go(func() {
			select {
			case <-time.After(rest):
			case <-l.done:
			}
			w.c.mu.Lock()
			defer w.c.mu.Unlock()
			if p.sending = false; w.err == nil {
				w.tellCursor()
			}
		})
	})
}

// knows reports whether what the server was told leads to where the cursor should
// be.
func (w *Wavelet) knows(want *Cursor) bool {
	told := w.presence.told
	if want == nil || told == nil {
		return want == told
	}
	at, ok := told.at().After(w.replica.pending(), true)
	return *want == *told || want.Version == told.Version && ok && at == *w.presence.caret
}

// wanted is the cursor as the server should have it, at the replica's version;
// false while that cannot be said, because its blip is on its way there.
func (w *Wavelet) wanted() (*Cursor, bool) {
	if w.presence.caret == nil {
		return nil, true
	}
	at, ok := w.presence.caret.Before(w.replica.pending())
	return &Cursor{Blip: at.Blip, Anchor: at.Anchor, Head: at.Head, Version: w.replica.Version()}, ok
}
