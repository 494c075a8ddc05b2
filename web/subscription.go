package web

import (
	"context"
	"slices"

	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/sharing"
)

// Bounds of catching up. A subscriber farther behind than maxCatchUp gets a
// snapshot instead.
const (
	maxCatchUp  = 10_000
	chunkCommit = 256 // commits read at a time
)

// subscription carries one wavelet's commits to one socket, in version order
// and without a gap, until it is cut.
type subscription struct {
	name   wavelet.Name
	feed   *feed
	from   wavelet.Version // the last version sent; owned by pump once it runs, like waited
	waited bool            // the socket had no room since the feed was last read
	cancel context.CancelCauseFunc
	link   sharing.Link  // that it starts with; zero: none is needed
	done   chan struct{} // closed when pump has returned

	lease *lease // guarded by leases, like over: it has ended
	over  bool
}

// pump sends the commits after s.from. It returns when ctx ends, when the user
// is removed from the wavelet, or when the socket has fallen so far behind that
// the client must resync.
func (k *socket) pump(ctx context.Context, s *subscription) {
	if !k.catchUp(ctx, s) {
		return
	}
	for {
		entries, next, ok := s.feed.after(s.from)
		if !ok && !s.waited { // not slow: more came at once than the feed remembers
			if !k.catchUp(ctx, s) {
				return
			}
			continue
		}
		if !ok {
			k.server.counters.resyncs.Add(1)
			k.drop(s)
			k.push(ctx, encode(client.Frame{
				Push: client.PushResync, Wave: s.name.Wave, Wavelet: s.name.Wavelet, Version: s.from,
				Reason: "the connection is too slow for what happens in the wavelet",
			}))
			return
		}
		s.waited = false
		for _, e := range entries {
			if !k.send(ctx, s, e) {
				return
			}
		}
		if len(entries) > 0 {
			continue
		}
		select {
		case <-next:
		case <-ctx.Done():
			return
		}
	}
}

// catchUp sends what the log has after s.from, a chunk at a time so that no
// read stays open while a socket is waited for.
func (k *socket) catchUp(ctx context.Context, s *subscription) bool {
	for {
		var chunk []*entry
		size := 0
		for c, err := range k.server.d.Host.Read(ctx, s.name, s.from) {
			if err != nil {
				if ctx.Err() == nil {
					k.unsubscribed(ctx, s, k.server.toError(err))
				}
				return false
			}
			e := newEntry(c)
			chunk = append(chunk, e)
			if size += len(e.shared); len(chunk) == chunkCommit || size >= queueBytes {
				break
			}
		}
		if len(chunk) == 0 {
			return ctx.Err() == nil
		}
		for _, e := range chunk {
			if !k.send(ctx, s, e) {
				return false
			}
		}
	}
}

// send pushes one commit; false if the subscription has ended.
func (k *socket) send(ctx context.Context, s *subscription, e *entry) bool {
	frame := e.frame(k.client)
	if !k.queue.put(frame) {
		s.waited = true
		if !k.push(ctx, frame) {
			return false
		}
	}
	s.from = e.version
	if slices.Contains(e.added, k.login.User) {
		k.server.leases.release(s)
	}
	if slices.Contains(e.removed, k.login.User) {
		k.unsubscribed(ctx, s, refuse(client.CodeNotParticipant, "not_participant", "user",
			"you were removed from the wavelet", "ask a participant to let you in"))
		return false
	}
	return true
}

// unsubscribed ends a subscription from the server's side.
func (k *socket) unsubscribed(ctx context.Context, s *subscription, why *client.Error) {
	if k.drop(s) {
		k.push(ctx, encode(client.Frame{Push: client.PushUnsubscribed, Wave: s.name.Wave, Wavelet: s.name.Wavelet, Err: why}))
	}
}

// push queues a frame for the writer, waiting for room; false if ctx ended
// first.
func (k *socket) push(ctx context.Context, frame []byte) bool {
	for !k.queue.put(frame) {
		select {
		case <-k.queue.roomy():
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// drop forgets a subscription whose pump is about to return by itself; false if
// it was forgotten before.
func (k *socket) drop(s *subscription) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.subs[s.name] != s {
		return false
	}
	delete(k.subs, s.name)
	k.leave(s)
	return true
}
