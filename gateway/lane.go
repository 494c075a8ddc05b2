package gateway

import (
	"slices"
	"time"

	"weir/events"
	"weir/policies"
	"weir/wavelet"
)

// Lane decides when a seat is sent what. It holds both lanes of the seat, the
// human and the robot one: the cursors, what waits in each, the bundle in
// flight, and how delivery has fared. It knows no document, no clock and no
// network; it is told the instant, and tells what is due or when to ask again.
//
// Its promises: never two bundles in flight; never one sooner than the profile's
// MinInterval after the last; none before the first of its deltas has waited for
// Merge; people's deltas before robots', but the robot lane gets at least every
// second bundle when both wait; nothing is dropped but by Flush, Stop and Leave.
// After a failure it waits longer each time, up to MaxWait. From Attempts
// failures in a row on the breaker is open: one attempt each MaxWait tries
// whether the robot is back.
//
// A Lane belongs to one goroutine, or to whoever holds its owner's mutex.
type Lane struct {
	pace     policies.Pace
	delivery policies.Delivery

	head     wavelet.Version
	heard    wavelet.Version // the last edit that a session was made of
	queues   [2]queue        // by events.Lane
	flight   *Take
	last     time.Time       // when the last bundle was sent
	owed     bool            // the robot lane stood back for the human lane
	failures int             // in a row
	retry    time.Time       // not before, after failures
	parked   bool            // until Resume
	stopped  bool            // until Leave or Return
	leave    wavelet.Version // the robot was removed at this version; 0: it was not
	over     bool
}

// queue is one lane of a seat.
type queue struct {
	cursor   wavelet.Version // the robot was told about everything up to here
	waiting  batch
	flying   batch     // what waited when the bundle in flight was taken
	held     time.Time // not before, by the governor's word
	attempts int       // that failed, of the bundle at the cursor
	mutes    []Mute
	sessions []Session // that are open, or have ended and wait to be told
	ending   []Session // told by the bundle in flight
	tries    int       // that failed, to tell of sessions
}

// NewLane returns the lane of a robot that was told about everything up to c.
// Commits after the lower of the two cursors are to be added.
func NewLane(p policies.Profile, c Cursor) *Lane {
	l := &Lane{head: min(c.Human, c.Robot), heard: c.Heard}
	l.queues[events.HumanLane].cursor = c.Human
	l.queues[events.RobotLane].cursor = c.Robot
	l.queues[events.RobotLane].mutes = c.Mutes
	for _, s := range c.Sessions {
		q := &l.queues[s.lane()]
		q.sessions = append(q.sessions, s)
	}
	l.SetProfile(p)
	return l
}

// SetProfile changes the pace, from the next decision on.
func (l *Lane) SetProfile(p policies.Profile) { l.pace, l.delivery = p.Pace, p.Delivery }

// Cursor is what a seat must remember across a restart.
func (l *Lane) Cursor() Cursor {
	return Cursor{
		Human: l.queues[events.HumanLane].told(l.head),
		Robot: l.queues[events.RobotLane].told(l.head),
		Mutes: l.queues[events.RobotLane].mutes,

		Sessions: l.untold(),
		Heard:    l.heard,
	}
}

// told is the last version that the robot need not be told about.
func (q *queue) told(head wavelet.Version) wavelet.Version {
	all := batch{chains: slices.Concat(q.flying.chains, q.waiting.chains)}
	if all.empty() {
		return max(head, q.cursor)
	}
	return all.sum().first - 1
}

// Told reports whether the robot need not be told any more what a bundle of
// before the start told it. It is asked before the first commit is added.
func (l *Lane) Told(t Take) bool {
	q := &l.queues[t.Lane]
	if t.Ended != nil {
		return !slices.ContainsFunc(q.sessions, t.ends)
	}
	return q.cursor >= t.To
}

// Skip notes, before the first commit is added, that the robot was told what a
// bundle of before the start told it.
func (l *Lane) Skip(t Take) {
	q := &l.queues[t.Lane]
	if t.Ended != nil {
		q.forget(t.ends)
		return
	}
	q.cursor = max(q.cursor, t.To)
	l.head = min(l.queues[events.HumanLane].cursor, l.queues[events.RobotLane].cursor)
}

// Head is the version of the last commit added.
func (l *Lane) Head() wavelet.Version { return l.head }

// Add takes note of the next commit of the wavelet. One that was added before is
// passed over.
func (l *Lane) Add(now time.Time, p Pending) {
	if p.Version <= l.head {
		return
	}
	l.head = p.Version
	q := &l.queues[p.Lane]
	if p.Quiet || l.stopped || l.over || l.leave != 0 || p.Version <= q.cursor || muted(q.mutes, p.Version, p.Cause) {
		return
	}
	q.waiting.add(now, p)
}

// Next gives the bundle that is due at now, if one is; it is then in flight
// until Done. Otherwise wake is when to ask again, and zero if only another
// call can change the answer.
func (l *Lane) Next(now time.Time) (t Take, wake time.Time, due bool) {
	if wake = l.Wake(); wake.IsZero() || wake.After(now) {
		return Take{}, wake, false
	}
	human, robot := l.due(events.HumanLane, now), l.due(events.RobotLane, now)
	lane := events.HumanLane
	if robot && (l.owed || !human) {
		lane = events.RobotLane
	}
	l.owed = human && robot && lane == events.HumanLane
	if q := &l.queues[lane]; q.endsFirst(l.pace.Merge) {
		return l.takeEnded(lane, now), time.Time{}, true
	}
	return l.take(lane), time.Time{}, true
}

// Wake is when the next bundle is due, zero if none is in sight.
func (l *Lane) Wake() time.Time {
	if l.flight != nil || l.parked || l.stopped || l.over {
		return time.Time{}
	}
	return earlier(l.dueAt(events.HumanLane), l.dueAt(events.RobotLane))
}

func (l *Lane) due(lane events.Lane, now time.Time) bool {
	at := l.dueAt(lane)
	return !at.IsZero() && !at.After(now)
}

// dueAt is when a lane's next bundle may go out, zero if nothing waits.
func (l *Lane) dueAt(lane events.Lane) time.Time {
	q := &l.queues[lane]
	ready := earlier(q.merged(l.pace.Merge), q.ends())
	if ready.IsZero() {
		return time.Time{}
	}
	return latest(ready, l.last.Add(l.pace.MinInterval), l.retry, q.held)
}

// merged is when the first delta that waits has waited for merge, zero if none
// waits.
func (q *queue) merged(merge time.Duration) time.Time {
	if q.waiting.empty() {
		return time.Time{}
	}
	return q.waiting.since.Add(merge)
}

// take puts what waits in a lane in flight.
func (l *Lane) take(lane events.Lane) Take {
	q := &l.queues[lane]
	all := q.waiting.sum()
	l.flight = &Take{
		Lane:    lane,
		From:    all.first - 1,
		To:      l.head,
		Cause:   all.deepest.Cause,
		Author:  all.deepest.Author,
		Deltas:  all.deltas,
		Since:   q.waiting.since,
		Attempt: q.attempts + 1,
		Mutes:   q.mutes,
	}
	if l.leave != 0 {
		l.flight.To, l.flight.Last = l.leave, true
	}
	q.flying, q.waiting = q.waiting, batch{}
	return *l.flight
}

// Done tells what became of the bundle in flight.
func (l *Lane) Done(now time.Time, o Outcome) {
	if l.flight == nil {
		return
	}
	t := *l.flight
	q := &l.queues[t.Lane]
	flown := q.flying
	l.flight, q.flying = nil, batch{}
	if !o.Sent.IsZero() {
		l.last = o.Sent
	}
	if t.Ended != nil {
		l.toldEnded(now, q, o)
		return
	}
	switch o.Kind {
	case Delivered, Silent:
		l.advance(q, t, o, flown)
		return
	case Dropped:
		return
	case Failed:
		l.fail(now, o.Jitter)
		q.attempts++
		l.over = l.over || t.Last && q.attempts >= farewells
	case Held:
		q.held = now.Add(o.Delay)
	case Parked:
		l.parked = true
		l.over = l.over || t.Last
	}
	q.waiting.merge(flown)
}

// farewells is how often it is tried to tell a robot that it was removed.
const farewells = 3

// advance moves a cursor. What the window did not reach goes on waiting.
func (l *Lane) advance(q *queue, t Take, o Outcome, flown batch) {
	q.attempts = 0
	if o.Kind == Delivered {
		l.failures, l.retry = 0, time.Time{}
	}
	q.cursor = t.To
	if o.Through != 0 && o.Through < t.To {
		q.cursor = o.Through
		flown.startAt(o.Through + 1)
		q.waiting.merge(flown)
	} else {
		l.over = l.over || t.Last
	}
	q.mutes = slices.DeleteFunc(slices.Clone(q.mutes), func(m Mute) bool { return m.Through <= q.cursor })
}

// fail puts the next attempt off: twice as long after each failure, and by the
// jitter somewhere in the upper half of that.
func (l *Lane) fail(now time.Time, jitter float64) {
	l.failures++
	wait := l.delivery.MaxWait
	if !l.BreakerOpen() {
		wait = min(wait, l.delivery.Backoff<<min(l.failures-1, 16))
	}
	l.retry = now.Add(wait/2 + time.Duration(jitter*float64(wait/2)))
}

// BreakerOpen reports whether the robot failed so often in a row that it is only
// probed.
func (l *Lane) BreakerOpen() bool { return l.failures >= max(l.delivery.Attempts, 1) }

// Waiting is how many deltas wait to be told in both lanes, those in flight
// included.
func (l *Lane) Waiting() int {
	n := 0
	for i := range l.queues {
		for _, c := range l.queues[i].waiting.chains {
			n += c.deltas
		}
		for _, c := range l.queues[i].flying.chains {
			n += c.deltas
		}
	}
	return n
}

// Resume ends Parked, and the waiting that past failures have earned: the robot
// is back in service, or was changed.
func (l *Lane) Resume() { l.parked, l.failures, l.retry = false, 0, time.Time{} }

// Flush drops what waits of a cause in the robot lane: it will raise no event.
// A bundle in flight is not called back, but should it fail, it goes out again
// without the cause.
func (l *Lane) Flush(cause string) {
	q := &l.queues[events.RobotLane]
	q.waiting.flush(cause)
	q.flying.flush(cause)
	q.forget(func(s Session) bool { return s.Cause.ID == cause })
	q.mutes = append(slices.Clone(q.mutes), Mute{Cause: cause, Through: l.head})
	if n := len(q.mutes); n > maxChains {
		q.mutes = q.mutes[n-maxChains:]
	}
}

// Stop drops all that waits, the bundle in flight too: the robot was convicted.
// Nothing is sent until Leave or Return.
func (l *Lane) Stop() {
	l.stopped = true
	for i := range l.queues {
		l.queues[i].waiting, l.queues[i].flying = batch{}, batch{}
		l.queues[i].forget(func(Session) bool { return true })
	}
}

// Leave ends the seat with the next commit, p, which removed the robot: Leave
// adds it. What waits in its lane goes out with it for the last time; what waits
// in the other is dropped. If p is Quiet, or the robot is out of service, the
// seat ends at once.
func (l *Lane) Leave(now time.Time, p Pending) {
	if p.Version <= l.head {
		return
	}
	other := &l.queues[1-p.Lane]
	other.waiting, other.flying = batch{}, batch{}
	for i := range l.queues {
		l.queues[i].forget(func(Session) bool { return true })
	}
	l.stopped = false
	l.Add(now, p)
	l.leave = p.Version
	l.over = l.over || p.Quiet || l.parked
}

// Return takes Leave or Stop back: the robot was added again.
func (l *Lane) Return() { l.leave, l.stopped, l.over = 0, false, false }

// Over reports whether the seat has ended: nothing will ever be due.
func (l *Lane) Over() bool { return l.over && l.flight == nil }
