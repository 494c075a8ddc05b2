// Package lending has the nodes of a cluster hold people to common limits without
// asking each other about each command.
//
// Somebody has the buckets of all nodes, the [Lender], and lends tokens of them in
// batches. A [Spender] spends them on its node, and asks for more ahead of need
// and beside the commands. Only who finds no token in hand waits for the answer,
// [Patience] at most. While the lender is away a node spends by itself what its
// share of the limit allows, and owes it. How much is asked for, and what is
// spent, is decided by the accounts of package admission; a Spender does the
// asking, and is safe for concurrent use.
package lending

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"weir/admission"
)

// Lender lends tokens of limits over all nodes.
type Lender interface {
	// Lease is the answer to each ask about an account, in their order; see
	// Account.Lend of package admission. An error, or none before the context
	// ends: the lender is away.
	Lease(ctx context.Context, account string, asks []admission.Ask) ([]admission.Lease, error)
	// Nodes is how many there are, who share the limits while the lender is away.
	Nodes() int
}

const (
	// Patience is how long a command waits for tokens at most.
	Patience = 50 * time.Millisecond

	giveUp = time.Second // on an answer
	again  = time.Second // until a lender that was away is asked again
)

// Spender decides about commands on one node. Without a Lender there is one node
// only, and its accounts decide by themselves.
type Spender struct {
	lender Lender
	under  context.Context
	end    context.CancelFunc
	away   atomic.Int64 // until then the lender is not asked, in Unix nanoseconds; 0: it is there

	mu     sync.Mutex
	closed bool
	trips  sync.WaitGroup // under way; none begins once closed
}

// New is a Spender with a lender, which may be nil.
func New(lender Lender) *Spender {
	s := &Spender{lender: lender}
	s.under, s.end = context.WithCancel(context.Background())
	return s
}

// Close asks the lender nothing more. What is decided after it is decided by this
// node.
func (s *Spender) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	s.trips.Wait()
	s.away.Store(math.MaxInt64)
}

// Share is what this node may spend by itself of limits over all nodes.
func (s *Spender) Share(r *admission.Rules) *admission.Rules {
	if s.lender == nil {
		return r
	}
	return r.Share(s.lender.Nodes())
}

// Take is Account.Take for a limit over all nodes, whose Rules are of Share. It
// returns within Patience.
func (s *Spender) Take(account string, a *admission.Account, r *admission.Rules, now time.Time, c admission.Command) (wait time.Duration, ok bool) {
	if s.lender == nil {
		return a.Take(r, now, c)
	}
	out := a.Spend(r, now, c, s.there(now))
	if out.Ask {
		s.ask(account, a, r, now)
	}
	if out.Short {
		return s.await(account, a, r, now, c, out.Coming)
	}
	return out.Wait, out.Paid
}

// there reports whether the lender is worth asking.
func (s *Spender) there(now time.Time) bool {
	away := s.away.Load()
	return away == 0 || s.under.Err() == nil && now.UnixNano() >= away
}

// ask begins a trip to the lender.
func (s *Spender) ask(account string, a *admission.Account, r *admission.Rules, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		a.Lent(r, now, now, nil, nil)
		return
	}
	s.trips.Go(func() {
		asks := a.Asks(r, now)
		leases := s.lease(account, asks)
		a.Lent(r, now, time.Now(), asks, leases)
	})
}

// lease is the lender's answer, nil if there is none.
func (s *Spender) lease(account string, asks []admission.Ask) []admission.Lease {
	if len(asks) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.under, giveUp)
	defer cancel()
	leases, err := s.lender.Lease(ctx, account, asks)
	if err != nil {
		s.away.Store(time.Now().Add(again).UnixNano())
		return nil
	}
	s.away.Store(0)
	return leases
}

// await spends as soon as an answer brings something to spend. If none does in
// time the node decides, and nobody else waits for a lender as slow as that.
func (s *Spender) await(account string, a *admission.Account, r *admission.Rules, now time.Time, c admission.Command, coming <-chan struct{}) (wait time.Duration, ok bool) {
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	for coming != nil && s.there(now) {
		select {
		case <-coming:
		case <-s.under.Done():
			return a.Fall(r, time.Now(), c)
		case <-timer.C:
			now = time.Now()
			s.away.Store(now.Add(again).UnixNano())
			return a.Fall(r, now, c)
		}
		now = time.Now()
		out := a.Spend(r, now, c, s.there(now))
		if out.Ask {
			s.ask(account, a, r, now)
		}
		if !out.Short {
			return out.Wait, out.Paid
		}
		coming = out.Coming
	}
	return a.Fall(r, now, c)
}
