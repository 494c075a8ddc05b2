package gateway

import (
	"slices"
	"time"

	"weir/events"
	"weir/wavelet"
)

// Session is what somebody has written in a blip since the robot was last told
// that he was done there. It ends when he was idle for editIdle, writes in
// another blip, or says so; then the robot is told once, with BLIP_SUBMITTED.
type Session struct {
	events.Ending
	Cause wavelet.Cause   `json:"cause"` // of the deepest edit
	Last  wavelet.Version `json:"last"`  // the last edit
	ends  time.Time       // zero until Reopen, for one that was read from a Cursor
}

// editIdle is how long nobody writes in a blip whose edit session has ended.
const editIdle = 5 * time.Second

// maxSessions is how many edit sessions a lane remembers. The end of what is
// beyond them is not told.
const maxSessions = 256

func (s *Session) lane() events.Lane {
	lane, _ := events.LaneOf(s.Cause)
	return lane
}

func (s *Session) pending() Pending {
	return Pending{Version: s.Last, Author: s.By, Cause: s.Cause}
}

// ends reports whether a bundle tells of the end of a session as it is now.
func (t Take) ends(s Session) bool {
	return slices.ContainsFunc(t.Ended, func(e Session) bool { return e.Blip == s.Blip && e.By == s.By && e.Last == s.Last })
}

// Edited takes note that a commit, which was added before, wrote in blips.
func (l *Lane) Edited(now, at time.Time, p Pending, blips []wavelet.BlipID) {
	q := &l.queues[p.Lane]
	if len(blips) == 0 || p.Version <= l.heard || p.Quiet || l.stopped || l.over || l.leave != 0 || muted(q.mutes, p.Version, p.Cause) {
		return
	}
	l.heard = p.Version
	for i := range q.sessions {
		if s := &q.sessions[i]; s.By == p.Author && !slices.Contains(blips, s.Blip) {
			s.endBy(now.Add(l.pace.Merge))
		}
	}
	for _, blip := range blips {
		s := Session{Ending: events.Ending{Blip: blip, By: p.Author, At: at}, Cause: p.Cause, Last: p.Version, ends: now.Add(editIdle)}
		i := q.session(blip, p.Author)
		switch {
		case i < 0 && len(q.sessions) < maxSessions:
			q.sessions = append(q.sessions, s)
		case i >= 0:
			if old := q.sessions[i]; deeper(old.pending(), s.pending()) {
				s.Cause = old.Cause
			}
			q.sessions[i] = s
		}
	}
}

// EditDone takes note that somebody says he is done with a blip.
func (l *Lane) EditDone(now time.Time, who wavelet.Participant, blip wavelet.BlipID) {
	for i := range l.queues {
		q := &l.queues[i]
		if j := q.session(blip, who); j >= 0 {
			q.sessions[j].endBy(now.Add(l.pace.Merge))
		}
	}
}

// Reopen lets sessions that were read from a Cursor go on from now.
func (l *Lane) Reopen(now time.Time) {
	for i := range l.queues {
		for j := range l.queues[i].sessions {
			if s := &l.queues[i].sessions[j]; s.ends.IsZero() {
				s.ends = now.Add(editIdle)
			}
		}
	}
}

// endBy has a session end at t, if it does not end before.
func (s *Session) endBy(t time.Time) { s.ends = earlier(s.ends, t) }

// session is the place of somebody's session in a blip, -1 if there is none.
func (q *queue) session(blip wavelet.BlipID, by wavelet.Participant) int {
	return slices.IndexFunc(q.sessions, func(s Session) bool { return s.Blip == blip && s.By == by })
}

// ends is when the first session ends, zero if none does.
func (q *queue) ends() time.Time {
	var first time.Time
	for i := range q.sessions {
		first = earlier(first, q.sessions[i].ends)
	}
	return first
}

// endsFirst reports whether the end of a session is to be told before what
// waits.
func (q *queue) endsFirst(merge time.Duration) bool {
	merged, ends := q.merged(merge), q.ends()
	return !ends.IsZero() && (merged.IsZero() || ends.Before(merged))
}

// forget drops sessions.
func (q *queue) forget(which func(Session) bool) {
	q.sessions = slices.DeleteFunc(q.sessions, which)
	q.ending = slices.DeleteFunc(q.ending, which)
}

// untold is all sessions of both lanes, those in flight too.
func (l *Lane) untold() []Session {
	var all []Session
	for i := range l.queues {
		all = slices.Concat(all, l.queues[i].ending, l.queues[i].sessions)
	}
	return all
}

// takeEnded puts the sessions of a lane that have ended in flight.
func (l *Lane) takeEnded(lane events.Lane, now time.Time) Take {
	q := &l.queues[lane]
	var open, ended []Session
	var deepest Pending
	for _, s := range q.sessions {
		if s.ends.IsZero() || s.ends.After(now) {
			open = append(open, s)
			continue
		}
		if ended = append(ended, s); len(ended) == 1 || deeper(s.pending(), deepest) {
			deepest = s.pending()
		}
	}
	l.flight = &Take{
		Lane: lane, From: l.head, To: l.head, Cause: deepest.Cause, Author: deepest.Author,
		Since: q.ends(), Attempt: q.tries + 1, Ended: ended,
	}
	q.sessions, q.ending = open, slices.Clone(ended)
	return *l.flight
}

// toldEnded is Done for a bundle that tells of sessions. One that began anew in
// the meantime is told when it ends again.
func (l *Lane) toldEnded(now time.Time, q *queue, o Outcome) {
	ended := q.ending
	q.ending = nil
	switch o.Kind {
	case Delivered:
		l.failures, l.retry, q.tries = 0, time.Time{}, 0
		return
	case Silent:
		q.tries = 0
		return
	case Dropped:
		return
	case Failed:
		l.fail(now, o.Jitter)
		q.tries++
	case Held:
		q.held = now.Add(o.Delay)
	case Parked:
		l.parked = true
		l.over = l.over || l.leave != 0
	}
	for _, s := range ended {
		if q.session(s.Blip, s.By) < 0 {
			q.sessions = append(q.sessions, s)
		}
	}
}
