package admission

import (
	"math"
	"sync"
	"time"
)

// Account is what one connection, user or address has left. The zero value is
// full. An Account is safe for concurrent use.
//
// A command needs a token from each of its buckets, those of its operation and
// those of the total. It gets all of them or none: a command that is refused has
// used up nothing.
type Account struct {
	mu     sync.Mutex
	rules  *Rules // those that the levels are of; nil: none yet
	levels []level
	lent   *borrowing // of a limit over all nodes; nil: nothing
}

// level is a bucket's tokens at an instant, counted from its rules' beginning.
type level struct {
	tokens float64
	at     time.Duration
}

// Take spends what a command costs; false if it cannot be paid, and then wait is
// how long until it could be if nothing else is spent. Rules may be others than
// at the last command: what was used up stays used up. Unsubscribe is always
// paid, as far as there is something to pay with.
func (a *Account) Take(r *Rules, now time.Time, c Command) (wait time.Duration, ok bool) {
	if r == nil {
		return 0, true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	own := r.of(&c)
	if wait = a.wait(r, now, own); wait > 0 && c.Op != Unsubscribe {
		return wait, false
	}
	a.spend(own)
	a.spend(r.total)
	return 0, true
}

// Has is Take without spending anything.
func (a *Account) Has(r *Rules, now time.Time, c Command) (wait time.Duration, ok bool) {
	if r == nil {
		return 0, true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	wait = a.wait(r, now, r.of(&c))
	return wait, wait == 0 || c.Op == Unsubscribe
}

// wait is how long until own buckets and those of the total have a token each, 0
// if they have.
func (a *Account) wait(r *Rules, now time.Time, own span) time.Duration {
	if a.rules != r {
		a.follow(r, now)
	}
	at := now.Sub(r.since)
	short := a.short(own, at)
	if s := a.short(r.total, at); s > short {
		short = s
	}
	return time.Duration(math.Ceil(short))
}

// Give returns what Take spent on a command at the same instant.
func (a *Account) Give(r *Rules, c Command) {
	if r == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rules == r {
		a.give(r.of(&c))
		a.give(r.total)
	}
}

// short fills buckets up to an instant and is how long until each of them has a
// token, in nanoseconds; 0 if they have.
func (a *Account) short(s span, at time.Duration) (wait float64) {
	rules := a.rules.buckets[s.from:s.to]
	levels := a.levels[s.from:s.to][:len(rules)]
	for i := range levels {
		l, k := &levels[i], &rules[i]
		l.fill(k, at)
		if missing := 1 - l.tokens; missing >= k.rate { // what comes within a nanosecond is there
			if w := missing / k.rate; w > wait {
				wait = w
			}
		}
	}
	return wait
}

// spend takes a token from each bucket, as far as there is one.
func (a *Account) spend(s span) {
	levels := a.levels[s.from:s.to]
	for i := range levels {
		l := &levels[i]
		if l.tokens--; l.tokens < 0 {
			l.tokens = 0
		}
	}
}

// give puts a token back into each bucket that has room.
func (a *Account) give(s span) {
	for i := s.from; i < s.to; i++ {
		a.levels[i].tokens = min(a.levels[i].tokens+1, a.rules.buckets[i].burst)
	}
}

// fill adds what has come in since.
func (l *level) fill(k *rule, at time.Duration) {
	if at > l.at { // another goroutine may have read the clock later and come first
		l.tokens += float64(at-l.at) * k.rate
		l.at = at
		if l.tokens > k.burst { // plain comparisons: min and max take care of what is no number
			l.tokens = k.burst
		}
	}
}

// follow goes over to other rules. A bucket that had a forerunner keeps its
// level, filled at the old rate until the new rules came into force; the others
// begin full.
func (a *Account) follow(r *Rules, now time.Time) {
	old, before := a.rules, a.levels
	a.rules, a.levels = r, make([]level, len(r.buckets))
	if a.lent != nil {
		a.lent.of = make([]leased, len(r.buckets)) // what was leased lapses
	}
	for i := range a.levels {
		a.levels[i] = level{r.buckets[i].burst, now.Sub(r.since)}
	}
	if old == nil {
		return
	}
	for name, s := range r.groups {
		o := old.groups[name]
		for i := range min(s.to-s.from, o.to-o.from) {
			was := before[o.from+i]
			was.fill(&old.buckets[o.from+i], r.since.Sub(old.since))
			a.levels[s.from+i] = level{tokens: min(was.tokens, r.buckets[s.from+i].burst)}
		}
	}
}

// full reports whether nothing would be lost if the account were forgotten.
func (a *Account) full(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.levels {
		l, k := a.levels[i], &a.rules.buckets[i]
		if l.fill(k, now.Sub(a.rules.since)); l.tokens < k.burst {
			return false
		}
		if a.lent != nil && a.lent.of[i].owed > 0 {
			return false
		}
	}
	return a.lent == nil || a.lent.coming == nil
}
