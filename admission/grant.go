package admission

import "time"

// Grant is leave to begin a session. It counts as pending until Finish, or, if
// Hold is not called in time, until the queue takes it back.
type Grant struct {
	deadline time.Time
	held     bool // no deadline any more
	over     bool // not counted any more
}

// grant counts one more pending session. The caller holds the mutex and has
// made sure that there is room.
func (q *Queue) grant(now time.Time) *Grant {
	g := &Grant{deadline: now.Add(q.config.Handshake)}
	q.grants = append(q.grants, g)
	q.pending++
	q.peak = max(q.peak, q.pending)
	q.admitted++
	return g
}

// Hold takes a grant up: from now on its owner sees to it that Finish is
// called, within the time for a handshake. If the grant was taken back because
// this comes late, another is given where there is room; false if there is
// none. Nil, the grant of a queue that is switched off, always holds.
func (q *Queue) Hold(now time.Time, g *Grant) bool {
	if g == nil {
		return true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sweep(now)
	if g.over {
		if !q.room() {
			return false
		}
		g.over = false
		q.pending++
		q.peak = max(q.peak, q.pending)
	}
	g.held = true
	return true
}

// Finish ends a grant, because the session stands or has failed. A second call
// does nothing, nor does one for nil.
func (q *Queue) Finish(now time.Time, g *Grant) {
	if g == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.finish(g)
	q.wake(now)
}

func (q *Queue) finish(g *Grant) {
	if !g.over {
		g.over = true
		q.pending--
	}
}

// sweep takes back the grants whose deadline has passed.
func (q *Queue) sweep(now time.Time) {
	n := 0
	for _, g := range q.grants {
		if !g.held && !g.over {
			if now.Before(g.deadline) {
				break
			}
			q.finish(g)
			q.abandoned++
		}
		n++
	}
	clear(q.grants[:n])
	q.grants = q.grants[n:]
}
