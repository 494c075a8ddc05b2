package web

import (
	"context"
	"fmt"
	"time"

	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/sharing"
)

// handle carries one request out and queues the reply, or says why not.
func (k *socket) handle(r client.Request) *client.Error {
	if (r.Op == client.OpConnect) != (k.client == "") {
		if k.client == "" {
			return refuse(client.CodeNotConnected, "not_connected", "op", "the first frame must be connect", "connect first")
		}
		return refuse(client.CodeNotConnected, "connected", "op", "connect may be sent once", "open another connection")
	}
	switch r.Op {
	case client.OpConnect:
		return k.connect(r)
	case client.OpPing:
		k.reply(r.ID, struct {
			Time time.Time `json:"time"`
		}{time.Now().UTC()}, nil)
		return nil
	case client.OpRefresh:
		return k.refresh(r)
	case client.OpRPC:
		if r.Method == "cursor" {
			if err := k.cursor(r.Params); err != nil {
				return k.server.toError(err)
			}
			k.reply(r.ID, struct{}{}, nil)
			return nil
		}
		result, err := k.server.rpc(k.ctx, k.login.User, r.Method, r.Params)
		if err != nil {
			return k.server.toError(err)
		}
		k.reply(r.ID, result, nil)
		return nil
	}
	name := wavelet.Name{Wave: r.Wave, Wavelet: r.Wavelet}
	if err := name.Check(); err != nil {
		return refuse(client.CodeBadField, "bad_field", "wavelet", err.Error(), "use ids like example.com!w+abc and example.com!conv+root")
	}
	switch r.Op {
	case client.OpPresence, client.OpPresenceStats:
		return k.presence(name, r)
	case client.OpSubscribe:
		return k.subscribe(r.ID, name, r)
	case client.OpUnsubscribe:
		return k.unsubscribe(r.ID, name)
	case client.OpSubRefresh:
		return k.subRefresh(name, r)
	case client.OpPublish:
		return k.publish(name, r)
	default: // history: the decoder knows no other
		return k.history(name, r)
	}
}

// connect takes the client's id and goes on with the wavelets it had.
func (k *socket) connect(r client.Request) *client.Error {
	if r.Protocol != client.ProtocolVersion {
		return refuse(client.CodeBadProtocol, "bad_protocol", "protocol",
			fmt.Sprintf("protocol %d is not spoken here", r.Protocol), fmt.Sprintf("speak %d", client.ProtocolVersion))
	}
	id := r.Client
	if id == "" {
		id = newClientID()
	}
	if !validClientID(id) {
		return refuse(client.CodeBadField, "bad_field", "client", "a client id has 1 to 64 letters, digits or - _ .", "choose another, or none")
	}
	if len(r.Resume) > maxSubscriptions {
		return tooManySubscriptions("resume")
	}
	k.client = id
	k.server.finish(k.begun)
	ok := client.ConnectOK{
		Protocol: client.ProtocolVersion, User: string(k.login.User), Client: id, Session: k.flow.id,
		Server: k.server.d.Version, Time: time.Now().UTC(), Expires: k.login.Until, PingMS: pingTime.Milliseconds(),
	}
	var started []*subscription
	for _, p := range r.Resume {
		name := wavelet.Name{Wave: p.Wave, Wavelet: p.Wavelet}
		resumed := client.Resumed{Wave: p.Wave, Wavelet: p.Wavelet}
		sub, granted, err := k.open(name, &p.Version, p.Seq, p.Link)
		if err == nil && granted.Snapshot != nil { // one reply is not to hold many
			k.drop(sub)
			err = refuse(client.CodeResync, "resync", "version", "too much has changed since", "subscribe without a version")
		}
		if err != nil {
			resumed.Err = k.server.toError(err)
		} else {
			resumed.SubscribeOK = granted
			started = append(started, sub)
		}
		ok.Resumed = append(ok.Resumed, resumed)
	}
	k.reply(r.ID, ok, nil)
	for _, sub := range started {
		k.start(sub)
	}
	return nil
}

// subscribe opens a wavelet on this socket.
func (k *socket) subscribe(id uint64, name wavelet.Name, r client.Request) *client.Error {
	sub, granted, err := k.open(name, r.Version, r.Seq, r.Link)
	if err != nil {
		return k.server.toError(err)
	}
	k.reply(id, granted, nil)
	k.start(sub)
	return nil
}

// open checks access and prepares a subscription from version v, or from a
// snapshot if v is nil or too long ago. Seq, if not 0, is a delta of the client
// whose fate it wants to know; link the token of a share link, for who does not
// take part. The subscription must be started.
func (k *socket) open(name wavelet.Name, v *wavelet.Version, seq uint64, link string) (*subscription, client.SubscribeOK, error) {
	k.mu.Lock()
	_, twice := k.subs[name]
	count := len(k.subs)
	k.mu.Unlock()
	switch {
	case twice:
		return nil, client.SubscribeOK{}, refuse(client.CodeSubscribed, "subscribed", "wavelet", "the wavelet is open on this connection", "unsubscribe first")
	case count >= maxSubscriptions:
		return nil, client.SubscribeOK{}, tooManySubscriptions("wavelet")
	}
	f := k.server.hub.join(name) // before the state is read: from here on the feed misses nothing
	ok, from, by, err := k.grant(name, v, seq, link)
	if err != nil {
		k.server.hub.leave(name, f)
		return nil, client.SubscribeOK{}, err
	}
	s := &subscription{name: name, feed: f, from: from, link: by, done: make(chan struct{})}
	k.mu.Lock()
	k.subs[name] = s
	k.mu.Unlock()
	return s, ok, nil
}

// grant says where a subscription starts, and which link it needs.
func (k *socket) grant(name wavelet.Name, v *wavelet.Version, seq uint64, token string) (client.SubscribeOK, wavelet.Version, sharing.Link, error) {
	state, role, link, err := k.server.view(k.ctx, k.login.User, name, token)
	if err != nil {
		return client.SubscribeOK{}, 0, link, err
	}
	ok := client.SubscribeOK{Head: state.Version(), Role: role.String(), Expires: link.Expires}
	if seq != 0 {
		c, committed, err := k.server.d.Host.Resolve(k.ctx, name, deltaID(k.client, seq))
		if err != nil {
			return client.SubscribeOK{}, 0, link, err
		}
		if committed && c.Version <= state.Version() && c.Delta.Author == k.login.User {
			ok.Acked = c.Version
		}
	}
	switch {
	case v == nil || *v+maxCatchUp < state.Version():
		ok.Snapshot = client.NewSnapshot(state)
		return ok, state.Version(), link, nil
	case *v > state.Version():
		return client.SubscribeOK{}, 0, link, refuse(client.CodePastHead, "past_head", "version",
			fmt.Sprintf("the wavelet is at version %d", state.Version()), "subscribe without a version")
	}
	return ok, *v, link, nil
}

// start lets the commits flow, behind the reply that has been queued.
func (k *socket) start(s *subscription) {
	ctx, cancel := context.WithCancelCause(k.ctx)
	s.cancel = cancel
	k.appear(s)
	if s.link.ID != "" {
		k.server.leases.hold(s, s.link, k.server.d.Links.Has)
	}
	k.wg.Go(func() {
		defer close(s.done)
		defer cancel(nil)
		k.pump(ctx, s)
		if why := ended(ctx); why != nil {
			k.unsubscribed(k.ctx, s, why)
		}
	})
}

// unsubscribe closes a wavelet. After the reply no push about it follows.
func (k *socket) unsubscribe(id uint64, name wavelet.Name) *client.Error {
	s := k.subscribed(name)
	if s == nil {
		return notSubscribed()
	}
	s.cancel(nil)
	<-s.done
	k.drop(s)
	k.reply(id, struct{}{}, nil)
	return nil
}

// publish submits a delta.
func (k *socket) publish(name wavelet.Name, r client.Request) *client.Error {
	if r.Seq == 0 {
		return badField("seq", "number your deltas from 1")
	}
	ops, err := wavelet.DecodeOps(r.Ops)
	if err != nil {
		e := k.server.toError(err)
		e.Code = client.CodeBadField
		return e
	}
	c, err := k.server.d.Host.SubmitHuman(k.ctx, name, wavelet.Delta{
		ID: deltaID(k.client, r.Seq), Author: k.login.User, Base: *r.Base, Ops: ops,
	})
	if err != nil {
		return k.server.toError(err)
	}
	empty := len(c.Delta.Ops) == 0
	k.server.counters.published.Add(1)
	k.reply(r.ID, client.PublishOK{Version: c.Version, Seq: r.Seq, Empty: empty}, nil)
	return nil
}

// history reads commits or a snapshot.
func (k *socket) history(name wavelet.Name, r client.Request) *client.Error {
	ok, err := k.server.history(k.ctx, k.login.User, name, r, k.client)
	if err != nil {
		return k.server.toError(err)
	}
	k.reply(r.ID, ok, nil)
	return nil
}

func tooManySubscriptions(field string) *client.Error {
	return refuse(client.CodeLimit, "limit", field, fmt.Sprintf("a connection has at most %d wavelets open", maxSubscriptions), "unsubscribe from some")
}

// validClientID reports whether an id may stand in the id of a delta.
func validClientID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, b := range []byte(id) {
		if !(b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '-' || b == '_' || b == '.') {
			return false
		}
	}
	return true
}
