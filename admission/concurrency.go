package admission

import (
	"math"
	"sync"
	"time"
)

// Concurrency bounds the work that is under way at once, so that what was begun
// ends in time. Work that is more than that waits its turn, or is refused with
// advice when to come again.
//
// The limit is fixed, or found out: it begins at the number of processors, grows
// by about one each time as much work as it allows has ended in time, and is cut
// to 0.7 of itself by work that took more than 0.6 of the deadline, but only by
// such as began after the last cut: what began before says nothing about the
// limit as it is. (Additive increase and multiplicative decrease, as TCP does it,
// with the deadline in the place of loss.)
//
// A Concurrency is shared by all who do work on the same processors. It is safe
// for concurrent use; instants are passed in.
type Concurrency struct {
	processors int

	mu      sync.Mutex
	c       ConcurrencyConfig
	limit   float64
	cut     time.Time // the last one
	used    int       // places of work under way
	queue   []*Work   // in the order in which they came
	queued  int       // places they want
	mean    time.Duration
	last    time.Time // the turn that was last advised
	refused uint64
}

// Work is one piece of work: under way, waiting, or ended.
type Work struct {
	weight int
	exempt bool          // it says nothing about the limit, however long it takes
	began  chan struct{} // closed when it may begin
	state  workState
	at     time.Time     // of beginning or, while it is aside, of going there
	spent  time.Duration // before it went aside
}

type workState uint8

const (
	workWaits workState = iota
	workRuns
	workAside
	workEnded
)

// Began is closed when the work may begin.
func (w *Work) Began() <-chan struct{} { return w.began }

const (
	slowShare = 0.6 // of the deadline: work that takes longer is slow
	cutTo     = 0.7 // of the limit, by slow work
)

// NewConcurrency makes a limit for a machine with so many processors.
func NewConcurrency(processors int, c ConcurrencyConfig) *Concurrency {
	l := &Concurrency{processors: max(processors, 1), mean: 100 * time.Millisecond}
	l.limit = l.first(c)
	l.c = c
	return l
}

// first is the limit to begin with.
func (l *Concurrency) first(c ConcurrencyConfig) float64 {
	switch {
	case c.Limit > 0:
		return float64(c.Limit)
	case c.Start > 0:
		return float64(c.Start)
	}
	return float64(l.processors)
}

// Set puts a configuration in force. Work under way and work that waits go on, and
// a limit that was found out stays, unless where it begins has changed.
func (l *Concurrency) Set(now time.Time, c ConcurrencyConfig) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.Limit != l.c.Limit || c.Start != l.c.Start {
		l.limit = l.first(c)
	}
	l.c = c
	l.limit = l.bounded(l.limit)
	l.next(now)
}

// Config is the configuration in force.
func (l *Concurrency) Config() ConcurrencyConfig {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.c
}

func (l *Concurrency) bounded(limit float64) float64 {
	if l.c.Most > 0 && l.c.Limit == 0 {
		limit = min(limit, float64(l.c.Most))
	}
	return max(limit, 1)
}

// Ask asks for so many places for a piece of work. It may have begun at once, or
// wait: then Began tells when its turn has come. Either way End is called for it
// in the end. If it is refused, nil is returned, and when to come again. Exempt
// work is not measured, because it takes long by its nature.
func (l *Concurrency) Ask(now time.Time, places int, exempt bool) (w *Work, retry time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w = &Work{weight: max(places, 1), exempt: exempt, began: make(chan struct{})}
	switch {
	case len(l.queue) == 0 && l.fits(w):
		l.begin(now, w)
	case len(l.queue) < l.c.Waiting:
		l.queue = append(l.queue, w)
		l.queued += w.weight
	default:
		l.refused++
		return nil, l.advice(now, w.weight)
	}
	return w, 0
}

// fits reports whether work has its places now. Work that wants more than there
// are has them when nothing else is under way.
func (l *Concurrency) fits(w *Work) bool {
	return !l.c.Enabled || l.used == 0 || float64(l.used+w.weight) <= l.limit
}

func (l *Concurrency) begin(now time.Time, w *Work) {
	l.used += w.weight
	w.state, w.at = workRuns, now
	close(w.began)
}

// next begins what waits and fits, in its order.
func (l *Concurrency) next(now time.Time) {
	for len(l.queue) > 0 && l.fits(l.queue[0]) {
		w := l.queue[0]
		l.queue = l.queue[1:]
		l.queued -= w.weight
		l.begin(now, w)
	}
}

// End ends a piece of work, or its waiting. Calling it twice does no harm.
func (l *Concurrency) End(now time.Time, w *Work) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch w.state {
	case workWaits:
		l.forget(w)
	case workRuns:
		if !w.exempt {
			l.learn(now, w)
		}
		l.used -= w.weight
	}
	w.state = workEnded
	l.next(now)
}

// forget takes work out of the queue.
func (l *Concurrency) forget(w *Work) {
	for i, q := range l.queue {
		if q == w {
			l.queue = append(l.queue[:i:i], l.queue[i+1:]...)
			l.queued -= w.weight
			return
		}
	}
}

// learn has work that has ended, and still has its places, tell about the limit.
func (l *Concurrency) learn(now time.Time, w *Work) {
	took := w.spent + now.Sub(w.at)
	l.mean += (took - l.mean) / 16
	if l.c.Limit > 0 || !l.c.Enabled {
		return
	}
	began := now.Add(-took)
	switch {
	case took > time.Duration(slowShare*float64(l.c.Deadline)) && began.After(l.cut):
		l.limit, l.cut = l.bounded(l.limit*cutTo), now
	case float64(l.used+1) > l.limit:
		l.limit = l.bounded(l.limit + 1/l.limit)
	}
}

// Aside gives the places of work under way to others, because it waits for
// something that takes no processor. It counts as no time of its work.
func (l *Concurrency) Aside(now time.Time, w *Work) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.state == workRuns {
		w.spent += now.Sub(w.at)
		w.state = workAside
		l.used -= w.weight
		l.next(now)
	}
}

// Back ends Aside. The work goes on at once, even if that makes it more than the
// limit for a while: nothing new begins until it is no longer.
func (l *Concurrency) Back(now time.Time, w *Work) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.state == workAside {
		w.state, w.at = workRuns, now
		l.used += w.weight
	}
}

// advice is when work that is refused should come again: when what is here before
// it has ended, and after everybody who was told so before, as far as the
// deadline.
func (l *Concurrency) advice(now time.Time, weight int) time.Duration {
	pace := float64(max(l.mean, time.Millisecond)) / l.limit // of one place's being given back
	first := now.Add(time.Duration(pace * float64(l.used+l.queued)))
	if l.last.Before(first) || l.last.Sub(first) > max(l.c.Deadline, time.Second) {
		l.last = first
	}
	l.last = l.last.Add(time.Duration(pace * float64(weight)))
	return max(l.last.Sub(now), 100*time.Millisecond)
}

// ConcurrencyStats is how a Concurrency stands.
type ConcurrencyStats struct {
	Limit    float64 // places; +Inf: any number
	InFlight int     // places of work under way
	Waiting  int     // pieces of work
	Refused  uint64
}

// Stats is how it stands.
func (l *Concurrency) Stats() ConcurrencyStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := ConcurrencyStats{Limit: l.limit, InFlight: l.used, Waiting: len(l.queue), Refused: l.refused}
	if !l.c.Enabled {
		s.Limit = math.Inf(1)
	}
	return s
}
