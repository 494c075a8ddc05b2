package traffic

import (
	"sync"
	"time"

	"weir/governor"
	"weir/wavelet"
)

// Recorder is a governor that writes down what it is asked, in the order in which
// it takes it.
type Recorder struct {
	*governor.Governor
	log *Log // nil: nothing is written down

	mu  sync.Mutex // held over a decision and its row
	row Row        // filled anew for each, so that none is allocated
}

// Record makes a Recorder of a governor, which must not be asked but through it
// from then on. A nil log records nothing.
func Record(g *governor.Governor, log *Log) *Recorder {
	return &Recorder{Governor: g, log: log}
}

// Commit is governor.Governor.Commit.
func (r *Recorder) Commit(now time.Time, c wavelet.Commit) governor.Verdict {
	if r.log == nil {
		return r.Governor.Commit(now, c)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.Governor.Commit(now, c)
	r.row = Row{Kind: Commit, At: now, Commit: c}
	r.log.Add(&r.row)
	return v
}

// Deliver is governor.Governor.Deliver.
func (r *Recorder) Deliver(now time.Time, d governor.Delivery) governor.Verdict {
	if r.log == nil {
		return r.Governor.Deliver(now, d)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.Governor.Deliver(now, d)
	r.row = Row{Kind: Deliver, At: now, Delivery: d}
	r.judged(&v)
	return v
}

// Answer is governor.Governor.Answer.
func (r *Recorder) Answer(now time.Time, a governor.Answer) governor.Verdict {
	if r.log == nil {
		return r.Governor.Answer(now, a)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.Governor.Answer(now, a)
	r.row = Row{Kind: Answer, At: now, Answer: a}
	r.judged(&v)
	return v
}

// Call is governor.Governor.Call.
func (r *Recorder) Call(now time.Time, id wavelet.Participant, limitsQuery bool) governor.Verdict {
	if r.log == nil {
		return r.Governor.Call(now, id, limitsQuery)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.Governor.Call(now, id, limitsQuery)
	r.row = Row{Kind: Call, At: now, Robot: id, LimitsQuery: limitsQuery}
	r.judged(&v)
	return v
}

// judged writes down the row with what the verdict says. r.mu is held.
func (r *Recorder) judged(v *governor.Verdict) {
	r.row.judged(v)
	r.log.Add(&r.row)
}

// Readmit is governor.Governor.Readmit. One that was refused has no row.
func (r *Recorder) Readmit(now time.Time, id wavelet.Seat, by wavelet.Participant, override bool) (governor.Decision, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d, err := r.Governor.Readmit(now, id, by, override)
	if err == nil && r.log != nil {
		r.log.Add(&Row{Kind: Readmit, At: now, Seat: id, By: by, Override: override})
	}
	return d, err
}

// Resume is governor.Governor.Resume.
func (r *Recorder) Resume(now time.Time, id wavelet.Participant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Governor.Resume(now, id)
	if r.log != nil {
		r.log.Add(&Row{Kind: Resume, At: now, Robot: id})
	}
}

// Dismiss is governor.Governor.Forget, at now.
func (r *Recorder) Dismiss(now time.Time, id wavelet.Participant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Governor.Forget(id)
	if r.log != nil {
		r.log.Add(&Row{Kind: Forget, At: now, Robot: id})
	}
}
