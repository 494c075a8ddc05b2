package web

import (
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/host"
	"weir/wavelet/presence"
)

// maxCursorLag is how many versions back a cursor may have been set.
const maxCursorLag = 1000

// commits is what the log yields.
type commits = iter.Seq2[wavelet.Commit, error]

// presenceOK writes people as the protocol shows them.
func presenceOK(people []presence.Person, n presence.Stats) client.PresenceOK {
	return client.PresenceOK{
		People: personLines(people), Many: n.Many,
		PresenceStats: client.PresenceStats{Connections: n.Connections, Users: n.Users},
	}
}

func personLines(people []presence.Person) []client.Person {
	lines := make([]client.Person, len(people))
	for i, p := range people {
		lines[i] = client.Person{Session: p.Session, User: string(p.User), Since: p.Since, Cursor: cursorLine(p.Cursor)}
	}
	return lines
}

func cursorLine(c *presence.Cursor) *client.Cursor {
	if c == nil {
		return nil
	}
	return &client.Cursor{Blip: c.Blip, Anchor: c.Anchor, Head: c.Head, Version: c.Version}
}

// wholeFrame is the push that takes the place of all before; of many people it
// gives the numbers alone.
func wholeFrame(name wavelet.Name, ok client.PresenceOK) []byte {
	f := client.Frame{
		Push: client.PushPresence, Wave: name.Wave, Wavelet: name.Wavelet,
		People: ok.People, Connections: ok.Connections, Users: ok.Users, Many: ok.Many,
	}
	if ok.Many {
		f.People = nil
	}
	return encode(f)
}

// newsFrame is the push of what has changed.
func newsFrame(name wavelet.Name, c presence.Changes) []byte {
	f := client.Frame{
		Push: client.PushPresence, Wave: name.Wave, Wavelet: name.Wavelet,
		Left: c.Left, Connections: c.Connections, Users: c.Users, Many: c.Many,
	}
	if len(c.Joined) > 0 {
		f.Joined = personLines(c.Joined)
	}
	for _, p := range c.Moved {
		f.Moved = append(f.Moved, client.Person{Session: p.Session, Cursor: cursorLine(p.Cursor)})
	}
	return encode(f)
}

// subscribed is the subscription of this socket to a wavelet, nil if there is
// none.
func (k *socket) subscribed(name wavelet.Name) *subscription {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.subs[name]
}

// presence tells who has a wavelet open. Who has it open may ask, and who may
// read it.
func (k *socket) presence(name wavelet.Name, r client.Request) *client.Error {
	sub := k.subscribed(name)
	if sub == nil {
		if r.Watch != nil && *r.Watch {
			return notSubscribed()
		}
		if _, _, err := k.server.read(k.ctx, k.login.User, name); err != nil {
			return k.server.toError(err)
		}
	}
	room := k.server.hub.room(name)
	if r.Op == client.OpPresenceStats {
		k.reply(r.ID, room.stats(), nil)
		return nil
	}
	watch := room.watching(k)
	if r.Watch != nil {
		watch = *r.Watch
	}
	room.advance(k.ctx, k.server.d.Host.Read)
	ok, told := room.list(k)
	k.reply(r.ID, ok, nil)
	if watch {
		k.whileOpen(sub, func() { room.watch(k, told) })
	}
	return nil
}

// cursor is rpc cursor: it says where the person's selection stands.
func (k *socket) cursor(raw json.RawMessage) error {
	var p struct {
		where
		Blip    *wavelet.BlipID  `json:"blip"`
		Anchor  *int             `json:"anchor"`
		Head    *int             `json:"head"`
		Version *wavelet.Version `json:"version"`
	}
	if err := decodeParams(raw, &p); err != nil {
		return err
	}
	name, err := p.name()
	if err != nil {
		return err
	}
	sub := k.subscribed(name)
	if sub == nil {
		return notSubscribed()
	}
	if p.Blip == nil && p.Anchor == nil && p.Head == nil && p.Version == nil {
		sub.feed.room.setCursor(k, nil)
		return nil
	}
	switch {
	case p.Blip == nil:
		return missing("params.blip")
	case p.Anchor == nil:
		return missing("params.anchor")
	case p.Head == nil:
		return missing("params.head")
	case p.Version == nil:
		return missing("params.version")
	case *p.Anchor < 0:
		return badField("params.anchor", "want a position in UTF-16 units, from 0")
	case *p.Head < 0:
		return badField("params.head", "want a position in UTF-16 units, from 0")
	}
	c, err := k.placed(name, presence.Cursor{Cursor: wavelet.Cursor{Blip: *p.Blip, Anchor: *p.Anchor, Head: *p.Head}, Version: *p.Version})
	if err != nil {
		return err
	}
	k.server.hub.presence.cursors.Add(1)
	k.whileOpen(sub, func() { sub.feed.room.setCursor(k, &c) })
	return nil
}

// placed is a cursor of this socket's person as it stands at the head.
func (k *socket) placed(name wavelet.Name, c presence.Cursor) (presence.Cursor, error) {
	state, err := k.server.d.Host.Snapshot(k.ctx, name, host.Head)
	if err != nil {
		return c, err
	}
	switch head := state.Version(); {
	case c.Version > head:
		return c, refuse(client.CodePastHead, "past_head", "params.version", fmt.Sprintf("the wavelet is at version %d", head), "name a version that you have")
	case c.Version+maxCursorLag < head:
		return c, refuse(client.CodeResync, "resync", "params.version", fmt.Sprintf("the wavelet is at version %d", head), "take the commits in between, and set the cursor again")
	}
	b, ok := state.Blip(c.Blip)
	if !ok {
		return c, unknownBlip(c.Blip)
	}
	if c.Version < state.Version() {
		for commit, err := range k.server.d.Host.Read(k.ctx, name, c.Version) {
			if err != nil {
				return c, err
			}
			if commit.Version > state.Version() {
				break
			}
			if c.Cursor, ok = c.After(commit.Delta.Ops, commit.Delta.Author == k.login.User); !ok {
				break
			}
		}
	}
	if !ok || b.Deleted {
		return c, refuse(client.CodeBlipDeleted, "blip_deleted", "params.blip", "the blip is deleted", "put the cursor into another")
	}
	c.Cursor, c.Version = c.Within(b.Doc.Len()-1), state.Version()
	return c, nil
}

func notSubscribed() *client.Error {
	return refuse(client.CodeNotSubscribed, "not_subscribed", "wavelet", "the wavelet is not open on this connection", "subscribe first")
}

// appear shows the person in a wavelet that this socket has open.
func (k *socket) appear(s *subscription) {
	k.whileOpen(s, func() { s.feed.room.enter(k, time.Now()) })
	k.vigil.start.Do(func() { k.wg.Go(k.watchOver) })
}

// whileOpen does something unless the subscription has ended.
func (k *socket) whileOpen(s *subscription, do func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.subs[s.name] == s {
		do()
	}
}

// leave gives up what the hub keeps for a subscription.
func (k *socket) leave(s *subscription) {
	s.feed.room.leave(k)
	k.server.leases.forget(s)
	k.server.hub.leave(s.name, s.feed)
}
