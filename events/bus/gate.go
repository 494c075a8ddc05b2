package bus

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"weir/wavelet"

	"github.com/nats-io/nats-server/v2/server"
)

// Users that are no robots.
const (
	houseUser    = "weir"     // the house itself
	operatorUser = "operator" // whoever has the admin token
)

// answerTime is how long after a bundle its answer may come; no profile allows
// more.
const answerTime = 10 * time.Minute

// banTime is how long a robot that flooded the server is not let in again.
const banTime = 10 * time.Second

// gate lets robots and operators in at the server's own NATS, and throws out who
// may not stay. It implements server.Authentication.
type gate struct {
	bus    *Bus
	server *server.Server
	secret string // of the house

	mu      sync.Mutex
	members map[uint64]*member // by connection
	meters  map[wavelet.Participant]*meter
	banned  map[wavelet.Participant]time.Time // until when
}

// member is a connection of a robot or an operator.
type member struct {
	cid         uint64
	from        netip.Addr
	robot       wavelet.Participant // "" for an operator
	stays       func() bool
	leave       func()
	told, ready bool  // that it is connected; it has subscribed to its bundles
	msgs, bytes int64 // published, as last seen
}

func newGate(b *Bus, secret string) *gate {
	return &gate{bus: b, secret: secret, members: map[uint64]*member{}, meters: map[wavelet.Participant]*meter{}, banned: map[wavelet.Participant]time.Time{}}
}

// Check lets somebody in, or not.
func (g *gate) Check(c server.ClientAuthentication) bool {
	if c.Kind() != server.CLIENT {
		return false
	}
	o := c.GetOpts()
	switch {
	case o.Username == houseUser && o.Password == g.secret:
		c.RegisterUser(&server.User{Username: houseUser})
		return true
	case g.bus.o.Barred(from(c)):
		g.bus.o.Refused("bus", "blocked")
		return false
	case o.Username == operatorUser:
		if !g.bus.o.Operator(o.Password) {
			g.bus.o.Refused("bus", "bad_token")
			return false
		}
		if !g.join(&member{cid: c.GetID(), from: from(c), stays: func() bool { return true }, leave: func() {}}) {
			return false
		}
		c.RegisterUser(&server.User{Username: operatorUser, Permissions: operatorPermissions()})
		return true
	}
	return g.enter(c, wavelet.Participant(o.Username), o.Password)
}

// from is where a connection comes from, nowhere if it is gone already.
func from(c server.ClientAuthentication) netip.Addr {
	at, ok := c.RemoteAddress().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return at.AddrPort().Addr().Unmap()
}

// enter lets a robot in, or not.
func (g *gate) enter(c server.ClientAuthentication, robot wavelet.Participant, key string) bool {
	g.mu.Lock()
	until, banned := g.banned[robot]
	g.mu.Unlock()
	if banned && time.Now().Before(until) {
		g.bus.o.Refused("bus", "flood")
		return false
	}
	stays, leave, err := g.bus.o.Enter(robot, key)
	if err != nil {
		reason := "failed"
		if r, ok := errors.AsType[*wavelet.Refusal](err); ok {
			reason = string(r.Code)
		}
		g.bus.o.Refused("bus", reason)
		g.bus.log.Debug("not let in over NATS", "robot", robot, "error", err)
		return false
	}
	if !g.join(&member{cid: c.GetID(), from: from(c), robot: robot, stays: stays, leave: sync.OnceFunc(leave)}) {
		return false
	}
	c.RegisterUser(&server.User{Username: string(robot), Permissions: robotPermissions(robot)})
	return true
}

// join takes a connection down. It is false if that may not stay, because of what
// changed before recheck could know of it.
func (g *gate) join(m *member) bool {
	g.mu.Lock()
	if old := g.members[m.cid]; old != nil {
		old.leave()
	}
	g.members[m.cid] = m
	g.mu.Unlock()
	if !g.may(m) {
		g.drop(m)
		return false
	}
	return true
}

// may reports whether somebody may stay.
func (g *gate) may(m *member) bool { return m.stays() && !g.bus.o.Barred(m.from) }

// drop forgets a connection, and reports whether it was known.
func (g *gate) drop(m *member) bool {
	g.mu.Lock()
	known := g.members[m.cid] == m
	if known {
		delete(g.members, m.cid)
	}
	last := true
	for _, other := range g.members {
		last = last && other.robot != m.robot
	}
	g.mu.Unlock()
	m.leave()
	if known && last {
		g.bus.asks.end(m.robot, ErrAbsent)
	}
	return known
}

// empty forgets all connections.
func (g *gate) empty() {
	for _, m := range g.of(func(*member) bool { return true }) {
		g.drop(m)
	}
}

// of is the connections that f chooses.
func (g *gate) of(f func(*member) bool) []*member {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.DeleteFunc(slices.Collect(maps.Values(g.members)), func(m *member) bool { return !f(m) })
}

// recheck throws those whom f chooses out who may not stay.
func (g *gate) recheck(f func(*member) bool) {
	for _, m := range g.of(f) {
		if !g.may(m) {
			g.kick(m, "not_allowed")
		}
	}
}

// kick ends a connection. The robot is told why first, if it listens.
func (g *gate) kick(m *member, reason string) {
	if !g.drop(m) {
		return
	}
	g.bus.o.Refused("bus", reason)
	if m.robot != "" {
		g.bus.log.Warn("robot disconnected from NATS", "robot", m.robot, "reason", reason)
		g.bus.tell(m.robot, Event{Event: Disconnected, Reason: reason})
	}
	_ = g.server.DisconnectClientByID(m.cid) // fails if it is gone already
}

// watch looks at the connections until ctx ends.
func (g *gate) watch(ctx context.Context) {
	every := time.NewTicker(g.bus.o.Look)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-every.C:
			g.look(now)
		}
	}
}

// look sees which connections are gone, which robots can be asked, and which
// publish too much.
func (g *gate) look(now time.Time) {
	g.mu.Lock()
	maps.DeleteFunc(g.banned, func(_ wavelet.Participant, until time.Time) bool { return !now.Before(until) })
	maps.DeleteFunc(g.meters, func(_ wavelet.Participant, m *meter) bool { return now.Sub(m.at) > time.Minute })
	members := maps.Clone(g.members) // before the server is asked, so that who is missing there is gone
	g.mu.Unlock()
	if len(members) == 0 {
		return
	}
	list, err := g.server.Connz(&server.ConnzOptions{Limit: maxConnections})
	if err != nil {
		g.bus.log.Warn("NATS does not tell who is connected", "error", err)
		return
	}
	for _, info := range list.Conns {
		if m := members[info.Cid]; m != nil {
			delete(members, info.Cid)
			g.see(now, m, info)
		}
	}
	for _, m := range members {
		if g.drop(m) && m.robot != "" {
			g.bus.tell(m.robot, Event{Event: Disconnected})
		}
	}
}

// see looks at one connection. Only watch calls it.
func (g *gate) see(now time.Time, m *member, info *server.ConnInfo) {
	if !m.told && m.robot != "" {
		m.told = true
		g.bus.tell(m.robot, Event{Event: Connected})
	}
	if !m.ready && m.robot != "" && info.NumSubs > 0 && g.hasSubscribed(m) {
		m.ready = true
		g.bus.o.Arrived(m.robot)
	}
	msgs, bytes := info.InMsgs-m.msgs, info.InBytes-m.bytes
	m.msgs, m.bytes = info.InMsgs, info.InBytes
	if msgs == 0 && bytes == 0 {
		return
	}
	g.mu.Lock()
	flood := g.meter(m.robot, now).over(now, float64(msgs), float64(bytes), g.bus.o)
	if flood && m.robot != "" {
		g.banned[m.robot] = now.Add(banTime)
	}
	g.mu.Unlock()
	if flood {
		for _, other := range g.of(func(x *member) bool { return x.robot == m.robot }) {
			g.kick(other, "flood")
		}
	}
}

// meter is the meter of a robot. g.mu is held.
func (g *gate) meter(robot wavelet.Participant, now time.Time) *meter {
	m := g.meters[robot]
	if m == nil {
		m = newMeter(now)
		g.meters[robot] = m
	}
	return m
}

// asked notes that a robot is asked for an answer.
func (g *gate) asked(robot wavelet.Participant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.meter(robot, time.Now()).ask()
}

// hasSubscribed reports whether a robot listens for its bundles.
func (g *gate) hasSubscribed(m *member) bool {
	list, err := g.server.Connz(&server.ConnzOptions{CID: m.cid, Subscriptions: true})
	return err == nil && len(list.Conns) == 1 && slices.Contains(list.Conns[0].Subs, BundlesSubject(m.robot))
}

// robotPermissions is what a robot may: be asked, call, and hear what becomes of
// it.
func robotPermissions(robot wavelet.Participant) *server.Permissions {
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: []string{CallSubject(robot)}},
		Subscribe: &server.SubjectPermission{Allow: []string{BundlesSubject(robot), EventSubject(robot, Disconnected), InboxPrefix(robot) + ".>"}},
		Response:  &server.ResponsePermission{MaxMsgs: 1, Expires: answerTime},
	}
}

// operatorPermissions is what operators may: read the feed, and not what robots
// are sent and send.
func operatorPermissions() *server.Permissions {
	return &server.Permissions{
		Publish: &server.SubjectPermission{Deny: []string{">"}},
		Subscribe: &server.SubjectPermission{
			Allow: []string{decisionsPrefix + ">", robotsPrefix + ">"},
			Deny:  []string{robotsPrefix + "*.bundles", robotsPrefix + "*.rpc"},
		},
	}
}
