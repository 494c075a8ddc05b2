package web

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/presence"
)

// Times and bounds of presence.
const (
	toldEvery    = 100 * time.Millisecond // between two pushes about a wavelet
	crowdEvery   = time.Second            // the same, when there are too many to be told about one by one
	advanceEvery = time.Second            // between two looks at the log for what moves cursors
	spareBytes   = 32 << 10               // a socket for which more waits is not told
)

// room is who has a wavelet open on their sockets, and who of them wants to be
// told. Changes are noted in it at once and told by its keeper, one frame for
// everybody and at most one in toldEvery. A watcher whose socket has no room for
// it is passed over, and gets the whole list when it has: nothing is kept for a
// slow one, and nobody waits for it.
type room struct {
	name     wavelet.Name
	counters *presenceCounters
	wake     chan struct{} // something has changed

	mu       sync.Mutex
	table    presence.Table
	watchers map[*socket]bool // true: what was told last did not reach it
	told     uint64           // frames told so far
}

// presenceCounters count what all rooms do.
type presenceCounters struct {
	connections, hidden, watchers  atomic.Int64
	cursors, pushes, skipped, lost atomic.Uint64
}

func newRoom(name wavelet.Name, counters *presenceCounters) *room {
	return &room{name: name, counters: counters, wake: make(chan struct{}, 1), watchers: map[*socket]bool{}}
}

// changed lets the keeper look.
func (r *room) changed() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// enter puts a socket's person into the room.
func (r *room) enter(k *socket, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.table.Enter(presence.Person{Session: k.flow.id, User: k.login.User, Since: now.UTC()})
	r.counters.connections.Add(1)
	r.changed()
}

// leave takes a socket out of the room, if it is in.
func (r *room) leave(k *socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unwatch(k)
	if !r.table.Has(k.flow.id) {
		return
	}
	r.table.Leave(k.flow.id)
	r.counters.connections.Add(-1)
	r.changed()
}

// hide takes a socket's person out of sight, or brings it back.
func (r *room) hide(k *socket, hidden bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.table.Hide(k.flow.id, hidden)
	r.changed()
}

// setCursor sets a socket's cursor, nil for none.
func (r *room) setCursor(k *socket, c *presence.Cursor) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.table.SetCursor(k.flow.id, c)
	r.changed()
}

// list is who is there, for the first frame of a watcher: told is what watch
// wants to know. The socket is no watcher from here on.
func (r *room) list(k *socket) (ok client.PresenceOK, told uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unwatch(k)
	return r.whole(), r.told
}

// watch has a socket that has queued the list told of what comes after it.
func (r *room) watch(k *socket, told uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watchers[k] = r.told != told
	r.counters.watchers.Add(1)
	r.changed()
}

func (r *room) unwatch(k *socket) {
	if _, ok := r.watchers[k]; ok {
		delete(r.watchers, k)
		r.counters.watchers.Add(-1)
	}
}

// stats are the numbers as of now.
func (r *room) stats() client.PresenceStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.table.Stats()
	return client.PresenceStats{Connections: n.Connections, Users: n.Users}
}

// watching reports whether a socket is told of changes.
func (r *room) watching(k *socket) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.watchers[k]
	return ok
}

// whole is everything there is to know. The caller holds the mutex.
func (r *room) whole() client.PresenceOK {
	return presenceOK(r.table.People(), r.table.Stats())
}

// read yields the commits of a wavelet after a version.
type read func(ctx context.Context, name wavelet.Name, from wavelet.Version) commits

// keep tells the watchers what changes until ctx ends.
func (r *room) keep(ctx context.Context, log read) {
	for {
		var again <-chan time.Time
		if moving, pending := r.unfinished(); pending {
			again = time.After(0)
		} else if moving {
			again = time.After(advanceEvery)
		}
		select {
		case <-r.wake:
		case <-again:
		case <-ctx.Done():
			return
		}
		r.advance(ctx, log)
		select {
		case <-time.After(r.tell()):
		case <-ctx.Done():
			return
		}
	}
}

// unfinished reports whether there are cursors that commits may move, and
// whether watchers were passed over.
func (r *room) unfinished() (moving, pending bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, moving = r.table.Behind()
	for _, behind := range r.watchers {
		pending = pending || behind
	}
	return moving, pending
}

// advance moves the cursors past what was committed. Where the log cannot be
// read they stay as they are: each names its version.
func (r *room) advance(ctx context.Context, log read) {
	r.mu.Lock()
	v, ok := r.table.Behind()
	r.mu.Unlock()
	if !ok {
		return
	}
	for c, err := range log(ctx, r.name, v) {
		if err != nil {
			return
		}
		r.mu.Lock()
		r.table.Advance(c)
		r.mu.Unlock()
	}
}

// tell tells the watchers what has changed, and returns how long to wait before
// the next time.
func (r *room) tell() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, changed := r.table.Changes()
	if changed {
		r.told++
	}
	news := sync.OnceValue(func() []byte { return newsFrame(r.name, c) })
	whole := sync.OnceValue(func() []byte { return wholeFrame(r.name, r.whole()) })
	for k, behind := range r.watchers {
		if !behind && !changed {
			continue
		}
		if !k.queue.spare(spareBytes) {
			r.watchers[k] = true
			r.counters.skipped.Add(1)
			continue
		}
		frame := news
		if behind || c.Whole {
			frame = whole
		}
		r.watchers[k] = !k.queue.put(frame())
		r.counters.pushes.Add(1)
	}
	if c.Many {
		return crowdEvery
	}
	return toldEvery
}
