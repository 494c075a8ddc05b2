package admissionbench

import (
	"math"
	"time"

	"weir/admission"
)

// plain is what the simple strategies share: nobody is parked, and who is not
// told when to come tries again after a second or so.
type plain struct{}

func (plain) waited(*world, int)            {}
func (plain) over(*world, int)              {}
func (plain) window(*world)                 {}
func (plain) again(w *world, _ int) float64 { return stubborn * (0.5 + w.rnd.Float64()) }

// none lets everybody in.
type none struct{ plain }

func (none) knock(w *world, i int) { w.admit(i) }

// backoff lets everybody in; its clients wait longer from time to time.
type backoff struct{ none }

func (backoff) again(w *world, i int) float64 { return jittered(w, i) }

// jittered is exponential backoff from half a second to 30, with full jitter.
func jittered(w *world, i int) float64 {
	c := &w.clients[i]
	if c.ignores {
		return plain{}.again(w, i)
	}
	return max(0.05, w.rnd.Float64()*min(30, 0.5*math.Pow(2, float64(min(c.attempts, 10)))))
}

// rateGate lets as many in as the server can do in a second, and sends the rest
// away for five.
type rateGate struct {
	plain
	tokens, at float64
}

func (s *rateGate) knock(w *world, i int) {
	s.tokens = min(w.Capacity, s.tokens+(w.cpu.now-s.at)*w.Capacity)
	s.at = w.cpu.now
	if s.tokens < 1 {
		w.refuse(i, 5)
		return
	}
	s.tokens--
	w.admit(i)
}

// pendingCap lets nobody in while too many are on their way.
type pendingCap struct{ plain }

func (pendingCap) knock(w *world, i int) {
	if w.inside >= int(w.Capacity) {
		w.refuse(i, 5)
		return
	}
	w.admit(i)
}

// shedding refuses a share of the knocks that follows how busy the processor is.
type shedding struct {
	plain
	busy, share float64
}

func (shedding) again(w *world, i int) float64 { return jittered(w, i) }

func (s *shedding) knock(w *world, i int) {
	if w.rnd.Float64() < s.share {
		w.refuse(i, 0)
		return
	}
	w.admit(i)
}

func (s *shedding) window(w *world) {
	used := w.cpu.busy - s.busy
	s.busy = w.cpu.busy
	if used > 0.9 {
		s.share = min(0.99, s.share+(1-s.share)*0.3)
	} else {
		s.share = max(0, s.share-0.05)
	}
}

// distinct tells each when to come, an instant of its own, but does not know
// them again when they do.
type distinct struct {
	plain
	tat   float64
	whole bool // only whole seconds can be told
}

func (s *distinct) knock(w *world, i int) {
	if w.inside < int(w.Capacity) {
		w.admit(i)
		return
	}
	s.tat = max(s.tat, w.cpu.now) + 1/(0.95*w.Capacity)
	wait := s.tat - w.cpu.now
	if s.whole {
		wait = math.Ceil(wait)
	}
	w.refuse(i, wait)
}

// queue is the product's own.
type queue struct {
	plain
	q        *admission.Queue
	promises []float64
	parked   int
}

func newQueue(o Options) *queue {
	c := admission.DefaultQueue()
	c.Capacity = o.Capacity
	return &queue{q: admission.NewQueue(c, [32]byte{1}, 1)}
}

func (s *queue) knock(w *world, i int) {
	c := &w.clients[i]
	k := admission.Knock{Account: name(i), Address: "192.0.2.1", Ticket: c.ticket}
	attempt := c.attempt
	k.Wake = func() { w.push(w.cpu.now, waited, i, attempt) }
	s.answer(w, i, s.q.Knock(w.clock(), k))
}

func name(i int) string { return time.Duration(i).String() }

func (s *queue) answer(w *world, i int, a admission.Answer) {
	c := &w.clients[i]
	switch a.Verdict {
	case admission.Admit:
		c.held, c.ticket = a.Grant, ""
		if c.promised > 0 {
			s.promises = append(s.promises, math.Abs(w.cpu.now-c.promised))
		}
		s.q.Hold(w.clock(), a.Grant)
		w.admit(i)
	case admission.Park:
		c.held = a.Place
		s.parked = max(s.parked, s.q.State(w.clock()).Parked)
		w.at(seconds(a.Until), waited, i)
	case admission.Refuse:
		c.held = nil
		if a.Ticket != "" {
			c.ticket = a.Ticket
			if c.promised == 0 {
				c.promised = seconds(a.Promised)
			}
		}
		w.refuse(i, a.RetryAfter.Seconds())
	}
}

func (s *queue) waited(w *world, i int) {
	if p, ok := w.clients[i].held.(*admission.Place); ok {
		s.answer(w, i, s.q.Due(w.clock(), p))
	}
}

func (s *queue) over(w *world, i int) {
	switch held := w.clients[i].held.(type) {
	case *admission.Grant:
		s.q.Finish(w.clock(), held)
	case *admission.Place:
		s.q.Leave(w.clock(), held)
	}
}

func (s *queue) window(w *world) { s.q.Tick(w.clock(), admission.Reading{}) }
