package admission

import "time"

// QueueState is what operators see of a Queue.
type QueueState struct {
	Enabled    bool
	Capacity   float64       // sessions a second
	MaxPending int           // 0: any number
	Waiting    int           // turns that were given and have not come
	ETA        time.Duration // how long somebody would wait who came now
	Parked     int
	Pending    int
	Peak       int  // the most that were pending at a time
	Pressed    bool // a signal says that the machine is overloaded
	Reading    Reading

	Admitted  uint64 // let in so far
	Early     uint64 // of them, before their turn, because there was little to do
	Abandoned uint64 // let in, but never came
}

// State tells how things are.
func (q *Queue) State(now time.Time) QueueState {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := QueueState{
		Enabled: q.config.Enabled, Capacity: q.config.Capacity, Parked: len(q.lot), Pending: q.pending, Peak: q.peak,
		ETA: q.pace.next(now).Sub(now), Pressed: q.pressed, Reading: q.reading,
		Admitted: q.admitted, Early: q.early, Abandoned: q.abandoned,
	}
	if q.config.Triggers.Pending {
		s.MaxPending = q.config.pending()
	}
	s.Waiting = int(s.ETA / q.config.interval())
	return s
}
