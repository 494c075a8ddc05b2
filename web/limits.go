package web

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"weir/admission"
	"weir/admission/lending"
	"weir/wavelet"
	"weir/wavelet/client"
)

// Bounds of what is remembered of who did how much.
const (
	maxUsers     = 50_000
	maxAddresses = 10_000
)

// layer is one of the limits of how often something may be done.
type layer uint8

const (
	clientLayer layer = iota
	userLayer
	clusterLayer
	errorLayer
	layers = int(errorLayer) + 1
)

var layerNames = [layers]string{"client_command", "user_command", "cluster_user_command", "client_error"}

// limits is how often connections, users and addresses may do what. Those of a
// user are shared by all her connections and requests.
type limits struct {
	rules     atomic.Pointer[rules]
	users     *admission.Accounts[wavelet.Participant]
	cluster   *admission.Accounts[wavelet.Participant] // what this node may spend of the limits over all nodes
	faults    *admission.Accounts[wavelet.Participant] // errors of people's requests
	addresses *admission.Accounts[netip.Prefix]        // of those who have not logged in
	refused   [layers][admission.Ops][2]atomic.Uint64  // the second: what a dry run let through
	spender   *lending.Spender                         // of the cluster's accounts
}

// rules is what is in force of each layer.
type rules [layers]*admission.Rules

func newLimits(lender lending.Lender) *limits {
	return &limits{
		spender:   lending.New(lender),
		users:     admission.NewAccounts[wavelet.Participant](maxUsers),
		cluster:   admission.NewAccounts[wavelet.Participant](maxUsers),
		faults:    admission.NewAccounts[wavelet.Participant](maxUsers),
		addresses: admission.NewAccounts[netip.Prefix](maxAddresses),
	}
}

// set puts limits in force. What was used up stays used up.
func (l *limits) set(c admission.Config, now time.Time) {
	l.rules.Store(&rules{
		clientLayer:  admission.NewRules(c.ClientCommands, now),
		userLayer:    admission.NewRules(c.UserCommands, now),
		clusterLayer: l.spender.Share(admission.NewRules(c.ClusterUserCommands, now)),
		errorLayer:   admission.NewErrorRules(c.ClientErrors, now),
	})
}

// payer is an account that a command is charged to, and as whose limit a refusal
// is shown.
type payer struct {
	layer   layer
	scope   string
	account *admission.Account
	who     wavelet.Participant // of the cluster, for its lender
}

// charge takes a command from each payer's account, or from none: then it is the
// refusal. A payer whose limits are tried out in a dry run refuses nothing.
func (s *Server) charge(now time.Time, c admission.Command, payers ...payer) *client.Error {
	l := s.limits
	in := l.rules.Load()
	var unpaid uint // by those in a dry run
	for i, p := range payers {
		wait, ok := l.take(p, in[p.layer], now, c)
		if ok {
			continue
		}
		if l.over(p.layer, c.Op, in[p.layer]) {
			unpaid |= 1 << i
			continue
		}
		for j, q := range payers[:i] {
			if unpaid&(1<<j) == 0 {
				q.account.Give(in[q.layer], c)
			}
		}
		return s.refuseCommand(p, c, wait)
	}
	return nil
}

// take spends from one account. Where the cluster has a lender it may take
// lending.Patience.
func (l *limits) take(p payer, r *admission.Rules, now time.Time, c admission.Command) (wait time.Duration, ok bool) {
	if p.layer == clusterLayer {
		return l.spender.Take(string(p.who), p.account, r, now, c)
	}
	return p.account.Take(r, now, c)
}

// over counts a command over a limit; whether it is let through all the same.
func (l *limits) over(at layer, op admission.Op, r *admission.Rules) (dry bool) {
	kind := 0
	if dry = r.DryRun(); dry {
		kind = 1
	}
	l.refused[at][op][kind].Add(1)
	return dry
}

// refuseCommand is what a command over a limit is answered.
func (s *Server) refuseCommand(p payer, c admission.Command, wait time.Duration) *client.Error {
	reason := c.Op.String()
	if p.scope == "address" {
		reason = p.scope
	}
	s.refusals.add(layerNames[p.layer], reason)
	what := "requests: " + c.Op.String()
	switch {
	case p.layer == errorLayer:
		what = "errors"
	case c.Op == admission.RPC:
		what += " " + c.Method
	}
	ms := (wait + time.Millisecond - 1).Milliseconds()
	return &client.Error{
		Code: client.CodeTooMany, Reason: "too_many", Field: "op", Message: "too many " + what,
		Temporary: true, Scope: p.scope, RetryAfterMS: ms, Remedy: fmt.Sprintf("send it again after %d ms", ms),
	}
}

// each calls f with every count of commands over a limit.
func (l *limits) each(f func(layer, op string, dry bool, n uint64)) {
	for i := range l.refused {
		for op := range l.refused[i] {
			for kind := range l.refused[i][op] {
				if n := l.refused[i][op][kind].Load(); n > 0 {
					f(layerNames[i], admission.Op(op).String(), kind == 1, n)
				}
			}
		}
	}
}

// paying is who pays for the commands of a socket.
type paying struct {
	commands, errors admission.Account // of the connection
	user, cluster    *admission.Held[wavelet.Participant]
	who              wavelet.Participant
}

// open has the accounts of a user ready until close.
func (p *paying) open(l *limits, who wavelet.Participant, now time.Time) {
	p.user, p.cluster, p.who = l.users.Enter(who, now), l.cluster.Enter(who, now), who
}

// payers are the accounts of the user.
func (p *paying) payers() (user, cluster payer) {
	return payer{layer: userLayer, scope: "user", account: &p.user.Account},
		payer{layer: clusterLayer, scope: "cluster", account: &p.cluster.Account, who: p.who}
}

func (p *paying) close(l *limits) {
	l.users.Leave(p.user)
	l.cluster.Leave(p.cluster)
}

// charge charges a frame, before anything is done about it. What cannot be read
// is charged as an unknown operation. The user paid for the connect frame when she
// got the ticket for it.
func (k *socket) charge(r client.Request, unread bool) *client.Error {
	c := admission.Command{Op: admission.OpOf(r.Op), Method: r.Method, Wave: r.Wave, Wavelet: r.Wavelet}
	if unread {
		c = admission.Command{Op: admission.Other}
	}
	p, now := &k.paying, time.Now()
	connection := payer{layer: clientLayer, scope: "connection", account: &p.commands}
	if c.Op == admission.Connect {
		return k.server.charge(now, c, connection)
	}
	user, cluster := p.payers()
	return k.server.charge(now, c, connection, user, cluster)
}

// idle charges what is no frame, a ping of the WebSocket protocol above all, as
// the operation ping, and reports whether it is answered. What is over a limit is
// not, and is an error. It is called by whoever reads from the connection: once
// the socket is closed, somebody waits for the client's goodbye and nothing else.
func (k *socket) idle() bool {
	if k.ctx.Err() != nil {
		return false
	}
	ping := client.Request{Op: client.OpPing}
	over := k.charge(ping, false)
	if over == nil {
		return true
	}
	if err := k.mistake(ping, over); err != nil {
		k.close(err)
	}
	return false
}

// mistake counts a refusal against the limit of errors; the error is that it is
// over and the socket is to be closed.
func (k *socket) mistake(r client.Request, refusal *client.Error) error {
	if !mistaken(refusal) {
		return nil
	}
	l := k.server.limits
	in := l.rules.Load()[errorLayer]
	if _, ok := k.paying.errors.Take(in, time.Now(), admission.Command{Op: admission.Other}); ok || l.over(errorLayer, admission.OpOf(r.Op), in) {
		return nil
	}
	k.server.refusals.add(layerNames[errorLayer], refusal.Reason)
	return &disconnect{client.CloseErrors, "too many errors, mend the client before it comes again; the last: " + refusal.Message}
}
