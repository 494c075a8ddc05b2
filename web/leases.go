package web

import (
	"context"
	"sync"
	"time"

	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/sharing"
)

// leases are the subscriptions that stand on a share link, so that they end
// with it. The zero value is ready.
type leases struct {
	mu sync.Mutex
	of map[string]map[*subscription]struct{} // by the link's id
}

// lease is how long a subscription may go on. Guarded by leases.
type lease struct {
	link   sharing.Link
	expiry *time.Timer
}

// hold has a subscription end with a link, and no longer with the one before;
// false if it has ended already. Good tells whether the link is there: one that
// is revoked before it is held has nothing to end.
func (l *leases) hold(s *subscription, link sharing.Link, good func(sharing.Link) bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.over {
		return false
	}
	l.drop(s)
	held := &lease{link: link}
	held.expiry = time.AfterFunc(time.Until(link.Expires), func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if s.lease == held {
			l.finish(s, linkExpired())
		}
	})
	s.lease = held
	if l.of == nil {
		l.of = map[string]map[*subscription]struct{}{}
	}
	if l.of[link.ID] == nil {
		l.of[link.ID] = map[*subscription]struct{}{}
	}
	l.of[link.ID][s] = struct{}{}
	if !good(link) {
		l.finish(s, badLink())
	}
	return true
}

// release lets a subscription go on without a link, if it has one: its person
// takes part now.
func (l *leases) release(s *subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(s)
}

// forget lets go of a subscription that has ended.
func (l *leases) forget(s *subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.over = true
	l.drop(s)
}

// end ends what stands on a link.
func (l *leases) end(id string, why *client.Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := range l.of[id] {
		l.finish(s, why)
	}
}

// finish ends a subscription. Like drop it is called with the mutex held.
func (l *leases) finish(s *subscription, why *client.Error) {
	s.over = true
	l.drop(s)
	s.cancel(why)
}

func (l *leases) drop(s *subscription) {
	if s.lease == nil {
		return
	}
	s.lease.expiry.Stop()
	id := s.lease.link.ID
	s.lease = nil
	delete(l.of[id], s)
	if len(l.of[id]) == 0 {
		delete(l.of, id)
	}
}

// subRefresh has a subscription go on under another link, or the same.
func (k *socket) subRefresh(name wavelet.Name, r client.Request) *client.Error {
	s := k.subscribed(name)
	if s == nil {
		return notSubscribed()
	}
	_, _, link, err := k.server.view(k.ctx, k.login.User, name, r.Link)
	if err != nil {
		return k.server.toError(err)
	}
	if link.ID == "" { // takes part, and goes on without
		k.server.leases.release(s)
	} else if !k.server.leases.hold(s, link, k.server.d.Links.Has) {
		return notSubscribed()
	}
	k.reply(r.ID, client.RefreshOK{Expires: link.Expires}, nil)
	return nil
}

// ended is why a subscription's link has ended it, nil if it was not that.
func ended(ctx context.Context) *client.Error {
	why, _ := context.Cause(ctx).(*client.Error)
	return why
}
