package sim

import "time"

// event is something that happens at an instant, counted from the beginning of
// the run.
type event struct {
	at time.Duration
	n  uint64 // of two at one instant, the one entered first comes first
	do func()
}

// agenda is a heap of events, the earliest first.
type agenda struct {
	heap []event
	n    uint64
}

func (a *agenda) add(at time.Duration, do func()) {
	a.n++
	h := append(a.heap, event{at, a.n, do})
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h[i].before(&h[up]) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
	a.heap = h
}

// pop takes the earliest event out; there must be one.
func (a *agenda) pop() event {
	h := a.heap
	first, last := h[0], len(h)-1
	h[0], h[last] = h[last], event{}
	h = h[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if h[child].before(&h[least]) {
				least = child
			}
		}
		if least == i {
			break
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
	a.heap = h
	return first
}

func (e *event) before(o *event) bool {
	return e.at < o.at || e.at == o.at && e.n < o.n
}
