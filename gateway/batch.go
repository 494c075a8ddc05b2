package gateway

import (
	"slices"
	"time"

	"weir/wavelet"
)

// batch is what waits in one lane of a seat: how many deltas of which chains,
// and never what they change, so that taking one more costs the same however
// much waits and however long the document is.
type batch struct {
	since  time.Time // when the first of them came
	chains []chain   // by cause, at most maxChains
}

// chain is what waits of one cause.
type chain struct {
	first   wavelet.Version
	deltas  int
	deepest Pending
	mixed   bool // more causes than one, for there were too many
}

// maxChains is how many causes a batch tells apart. What is beyond them shares
// one chain, which Flush leaves alone: too much is then delivered, never too
// little.
const maxChains = 32

func (b *batch) empty() bool { return len(b.chains) == 0 }

// add takes one more delta.
func (b *batch) add(now time.Time, p Pending) {
	if b.empty() {
		b.since = now
	}
	b.tally(chain{first: p.Version, deltas: 1, deepest: p})
}

// tally adds a chain to that of the same cause.
func (b *batch) tally(c chain) {
	i := slices.IndexFunc(b.chains, func(x chain) bool {
		return !x.mixed && !c.mixed && x.deepest.Cause.ID == c.deepest.Cause.ID
	})
	if i < 0 && len(b.chains) < maxChains {
		b.chains = append(b.chains, c)
		return
	}
	if i < 0 {
		i = len(b.chains) - 1
		b.chains[i].mixed = true
	}
	x := &b.chains[i]
	x.first = min(x.first, c.first)
	x.deltas += c.deltas
	if deeper(c.deepest, x.deepest) {
		x.deepest = c.deepest
	}
}

// deeper reports whether a robot that answers both answers p rather than q: the
// one with more generations behind it, then with more of them proved, then the
// later one.
func deeper(p, q Pending) bool {
	switch {
	case p.Cause.Depth != q.Cause.Depth:
		return p.Cause.Depth > q.Cause.Depth
	case p.Cause.Exact != q.Cause.Exact:
		return p.Cause.Exact > q.Cause.Exact
	}
	return p.Version > q.Version
}

// merge adds a batch that came before b.
func (b *batch) merge(earlier batch) {
	if earlier.empty() {
		return
	}
	later := b.chains
	*b = earlier
	for _, c := range later {
		b.tally(c)
	}
}

// flush drops what waits of a cause.
func (b *batch) flush(cause string) {
	b.chains = slices.DeleteFunc(b.chains, func(c chain) bool { return !c.mixed && c.deepest.Cause.ID == cause })
}

// startAt notes that nothing waits before a version any more.
func (b *batch) startAt(v wavelet.Version) {
	for i := range b.chains {
		b.chains[i].first = max(b.chains[i].first, v)
	}
}

// sum is the whole batch as one chain.
func (b *batch) sum() chain {
	all := b.chains[0]
	for _, c := range b.chains[1:] {
		all.first = min(all.first, c.first)
		all.deltas += c.deltas
		if deeper(c.deepest, all.deepest) {
			all.deepest = c.deepest
		}
	}
	return all
}
