package admission

import (
	"sync/atomic"
	"time"
)

// slots gives out instants at an even pace, each once: the generic cell rate
// algorithm on one theoretical arrival time. The zero value is ready, and safe
// for concurrent use without a lock.
type slots struct {
	tat atomic.Int64 // the first instant not given out, in Unix nanoseconds
}

// next is the first instant, from now on, that is free.
func (s *slots) next(now time.Time) time.Time { return time.Unix(0, max(s.tat.Load(), now.UnixNano())) }

// take gives out the next instant and keeps the interval after it free; false
// if it is further off than ahead.
func (s *slots) take(now time.Time, interval, ahead time.Duration) (time.Time, bool) {
	for {
		tat := s.tat.Load()
		at := max(tat, now.UnixNano())
		if at-now.UnixNano() > int64(ahead) {
			return time.Time{}, false
		}
		if s.tat.CompareAndSwap(tat, at+int64(interval)) {
			return time.Unix(0, at), true
		}
	}
}
