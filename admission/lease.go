package admission

import (
	"math"
	"time"
)

// Ask is what a node asks the lender of a limit over all nodes, about one bucket
// of an account.
type Ask struct {
	Bucket int // its place in the Rules, which are the same on all nodes
	Want   int // tokens to be spent soon
	Owed   int // tokens that were spent already, while the lender was away
}

// Lease is the answer to an Ask.
type Lease struct {
	Tokens int           // at most as many as were wanted
	For    time.Duration // those that are not spent then lapse; counted from the ask, so that clocks need not agree
	Wait   time.Duration // until there is another token, where it is fewer than were wanted
}

// How tokens are leased.
const (
	firstLease = 40                     // tokens, where the bucket is not too small for it
	quarter    = 4                      // of a bucket is the most that a node asks for
	soon       = 60 * time.Millisecond  // a batch lasts longer than a trip
	leaseFor   = 5 * time.Second        // tokens may be kept
	askPause   = 300 * time.Millisecond // at most, after the lender gave fewer tokens than were wanted
)

// leased is what an account has leased of one bucket. Instants are counted from
// its rules' beginning.
type leased struct {
	tokens int
	until  time.Duration // they lapse
	want   int           // how many to have in hand; 0: the bucket was never used
	came   time.Duration // the last of them
	used   int           // tokens that commands needed since then
	pause  time.Duration // until then it is in vain to ask for more
	spent  int           // not yet charged to the bucket of this node
	owed   int           // spent without a lease, and the lender does not know
}

// borrowing is what an account has of a lender.
type borrowing struct {
	of     []leased      // by bucket
	coming chan struct{} // closed when what was asked for is there; nil: nothing was
}

// Spending is the outcome of Spend.
type Spending struct {
	Paid   bool
	Wait   time.Duration   // not paid: until it could be
	Short  bool            // not paid, as tokens are missing that the lender may have
	Ask    bool            // the caller is to ask for Asks, and to say the answer to Lent, or nil
	Coming <-chan struct{} // with Short: closed when an answer is there; nil: nobody asks
}

// Spend is Take from tokens that were leased. They are asked for ahead of need,
// unless the caller may not, by one caller at a time.
func (a *Account) Spend(r *Rules, now time.Time, c Command, may bool) Spending {
	if r == nil {
		return Spending{Paid: true}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.lent
	if a.rules != r || b == nil {
		b = a.borrow(r, now)
	}
	at, own := now.Sub(r.since), r.of(&c)
	if plenty(b.of[own.from:own.to], at) && plenty(b.of[r.total.from:r.total.to], at) {
		b.spend(own)
		b.spend(r.total)
		return Spending{Paid: true}
	}
	var need need
	need.add(r, b.of[own.from:own.to], own.from, at)
	need.add(r, b.of[r.total.from:r.total.to], r.total.from, at)
	out := Spending{Wait: need.wait, Short: need.short && need.wait == 0}
	if !need.short || c.Op == Unsubscribe {
		out = Spending{Paid: true}
		b.spend(own)
		b.spend(r.total)
	}
	if need.low && may && b.coming == nil {
		b.coming, out.Ask = make(chan struct{}), true
	}
	if out.Short {
		out.Coming = b.coming
	}
	return out
}

// plenty reports whether there is more than half of what is to be in hand.
func plenty(of []leased, at time.Duration) bool {
	for i := range of {
		if b := &of[i]; 2*b.tokens <= b.want || at >= b.until {
			return false
		}
	}
	return true
}

// need is what a command finds in the buckets that it counts in.
type need struct {
	short bool          // one has no token
	low   bool          // one should be asked for
	wait  time.Duration // until one that has no token may be asked for
}

func (n *need) add(r *Rules, of []leased, from int32, at time.Duration) {
	for i := range of {
		b := &of[i]
		if b.want == 0 {
			b.want = min(firstLease, r.most(int(from)+i))
		}
		if at >= b.until && b.tokens > 0 { // what was too much last time is not asked for again
			b.tokens, b.want = 0, max(1, min(b.want, b.used))
		}
		if b.tokens < 1 {
			b.used++
			n.short = true
			n.wait = max(n.wait, b.pause-at)
		}
		n.low = n.low || 2*b.tokens <= b.want && at >= b.pause
	}
}

// most is how many tokens of a bucket a node may have in hand.
func (r *Rules) most(bucket int) int {
	return max(1, int(r.buckets[bucket].burst*r.nodes/quarter))
}

func (b *borrowing) spend(s span) {
	of := b.of[s.from:s.to]
	for i := range of {
		k := &of[i]
		k.used++
		k.spent++
		if k.tokens--; k.tokens < 0 {
			k.tokens = 0
			k.owed++
		}
	}
}

// borrow has the account follow the rules.
func (a *Account) borrow(r *Rules, now time.Time) *borrowing {
	if a.lent == nil {
		a.lent = &borrowing{of: make([]leased, len(a.levels))}
	}
	if a.rules != r {
		a.follow(r, now)
	}
	return a.lent
}

// Asks is what to ask the lender for, all in one: besides what is low, whatever
// was used since it was leased.
func (a *Account) Asks(r *Rules, now time.Time) (asks []Ask) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rules != r {
		return nil // there are others since
	}
	at := now.Sub(r.since)
	a.settle(now)
	for i := range a.lent.of {
		b := &a.lent.of[i]
		// What has come in on this node since has come in at the lender too.
		b.owed = min(b.owed, int(math.Ceil(r.buckets[i].burst-a.levels[i].tokens)))
		ask := Ask{Bucket: i, Owed: b.owed}
		if b.used > 0 && at >= b.pause {
			ask.Want = b.want - b.tokens
		}
		if ask.Want > 0 || ask.Owed > 0 {
			asks = append(asks, ask)
		}
	}
	return asks
}

// Lent is the lender's answer to what was asked at an instant, or nil, if there
// is none: then what is owed stays so.
func (a *Account) Lent(r *Rules, asked, now time.Time, asks []Ask, leases []Lease) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lent == nil {
		return
	}
	close(a.lent.coming)
	a.lent.coming = nil
	if a.rules != r || len(leases) != len(asks) {
		return
	}
	a.settle(now)
	ask, at := asked.Sub(r.since), now.Sub(r.since)
	for i, k := range asks {
		b, l := &a.lent.of[k.Bucket], leases[i]
		b.owed -= k.Owed
		b.tokens += l.Tokens
		pause := r.pause(k.Bucket)
		switch {
		case l.Tokens < k.Want:
			b.pause = at + max(l.Wait, pause)
		case ask-b.came < soon && 2*b.used >= b.want: // they were soon gone
			b.want = min(2*b.want, r.most(k.Bucket))
		}
		if l.Tokens > 0 {
			b.until, b.came, b.used = ask+l.For, at, 0
		}
	}
}

// pause is how long not to ask for a bucket again that had less than was wanted,
// so that many decisions are taken between.
func (r *Rules) pause(bucket int) time.Duration {
	k := &r.buckets[bucket]
	return min(askPause, time.Duration(k.burst/k.rate/3))
}

// settle charges what was spent of leases to the buckets of this node, so that
// they are no second allowance when the lender is away.
func (a *Account) settle(now time.Time) {
	for i := range a.lent.of {
		l, b := &a.levels[i], &a.lent.of[i]
		l.fill(&a.rules.buckets[i], now.Sub(a.rules.since))
		l.tokens = max(0, l.tokens-float64(b.spent))
		b.spent = 0
	}
}

// Fall is Take from what this node may spend by itself while the lender is away.
// The lender is told of it when it is back.
func (a *Account) Fall(r *Rules, now time.Time, c Command) (wait time.Duration, ok bool) {
	if r == nil {
		return 0, true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	b, own := a.borrow(r, now), r.of(&c)
	a.settle(now)
	if wait = a.wait(r, now, own); wait > 0 && c.Op != Unsubscribe {
		return wait, false
	}
	for _, s := range []span{own, r.total} {
		a.spend(s)
		for i := s.from; i < s.to; i++ {
			b.of[i].owed++
		}
	}
	return 0, true
}

// Lend answers what a node asks, the account being that of all nodes. What it
// lends is spent here. A debt is paid out of what comes in, as far as a bucket
// reaches.
func (a *Account) Lend(r *Rules, now time.Time, asks []Ask) []Lease {
	leases := make([]Lease, len(asks))
	if r == nil {
		return leases
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rules != r {
		a.follow(r, now)
	}
	for i, k := range asks {
		if k.Bucket < 0 || k.Bucket >= len(a.levels) {
			continue // of a node that has other limits yet
		}
		l, rule := &a.levels[k.Bucket], &r.buckets[k.Bucket]
		l.fill(rule, now.Sub(r.since))
		l.tokens = max(l.tokens-float64(k.Owed), -rule.burst)
		n := max(0, min(k.Want, int(l.tokens)))
		l.tokens -= float64(n)
		leases[i] = Lease{Tokens: n, For: leaseFor}
		if n < k.Want {
			leases[i].Wait = time.Duration(math.Ceil((1 - l.tokens) / rule.rate))
		}
	}
	return leases
}
