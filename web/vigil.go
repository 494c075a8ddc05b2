package web

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// Times of a socket whose peer may be gone without a word. Somebody who is gone
// is seen to be within probeEvery and probeTime.
const (
	probeEvery = 2500 * time.Millisecond // between two pings
	probeTime  = 5 * time.Second         // for the answer
	goneTime   = time.Minute             // without any sign of life, before the socket is closed
)

var errGone = errors.New("the peer has not been heard of")

// vigil notices that a connection is lost though nobody has said so, while a
// person is shown somewhere. It hides the person at once and closes the socket
// much later, because slow networks look the same for a while.
type vigil struct {
	start     sync.Once
	listening atomic.Bool   // the reader waits for the peer, who can be heard then
	heard     chan struct{} // the peer has sent something
	asked     atomic.Bool   // a ping was sent, and no pong has come since
}

// pinged is told of a ping of the peer's, and reports whether it is answered.
func (k *socket) pinged(context.Context, []byte) bool { return k.idle() }

// ponged is told of a pong. One that nobody asked for is charged like a ping.
func (k *socket) ponged(context.Context, []byte) {
	if !k.vigil.asked.Swap(false) {
		k.idle()
	}
}

// receive reads a message; release is called when it was dealt with.
func (k *socket) receive() (kind websocket.MessageType, message []byte, release func(), err error) {
	k.vigil.listening.Store(true)
	defer k.vigil.listening.Store(false)
	// Not k.ctx: when that ends the writer closes the connection politely, which
	// ends this read too.
	kind, from, err := k.conn.Reader(context.Background())
	release = func() {}
	if err == nil {
		message, release, err = k.message(from)
	}
	select {
	case k.vigil.heard <- struct{}{}:
	default:
	}
	return kind, message, release, err
}

// watchOver pings the peer until the socket is closed.
func (k *socket) watchOver() {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	hidden, last := false, time.Now()
	defer func() {
		if hidden {
			k.server.hub.presence.hidden.Add(-1)
		}
	}()
	for {
		select {
		case <-tick.C:
		case <-k.ctx.Done():
			return
		}
		alive := k.alive()
		if alive {
			last = time.Now()
		}
		if k.ctx.Err() != nil {
			return
		}
		if alive == hidden {
			hidden = !alive
			k.hide(hidden)
		}
		if time.Since(last) > goneTime {
			k.server.hub.presence.lost.Add(1)
			k.close(errGone)
			return
		}
	}
}

// alive reports whether the peer answers a ping, or says something, in time.
// While the reader is busy with what the peer has sent, or waits for room to
// answer, nothing can be heard and the peer passes for alive.
func (k *socket) alive() bool {
	select {
	case <-k.vigil.heard:
	default:
	}
	ctx, cancel := context.WithTimeout(context.Background(), probeTime)
	defer cancel()
	k.vigil.asked.Store(true)
	if k.conn.Ping(ctx) == nil || !k.vigil.listening.Load() {
		return true
	}
	select {
	case <-k.vigil.heard:
		return true
	default:
		return false
	}
}

// hide takes the person out of sight wherever this socket shows them, or brings
// them back.
func (k *socket) hide(hidden bool) {
	n := int64(-1)
	if hidden {
		n = 1
	}
	k.server.hub.presence.hidden.Add(n)
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range k.subs {
		s.feed.room.hide(k, hidden)
	}
}
