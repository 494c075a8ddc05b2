package traffic

import (
	"container/heap"
	"time"

	"weir/governor"
	"weir/policies"
	"weir/wavelet"
)

// Rules gives robots their profiles.
type Rules func(robot wavelet.Participant) policies.Profile

// Replay puts recorded rows to a governor of its own, under its own profiles.
//
// Where that governor says what the recorded one said, everything happens as it
// was recorded. Where it refuses something, what came of it never happens: an
// answer is not committed, and is missing from the bundles that told of it. What
// it puts off happens later, with everything that came of it as much later, and
// merges with what comes for the same seat meanwhile. What robots would have
// written instead, nobody can know.
//
// A Replay belongs to one goroutine.
type Replay struct {
	gov   *governor.Governor
	rules Rules
	see   func(Event)
	known map[wavelet.Participant]bool

	now     time.Time
	rows    uint64
	late    rowHeap
	putOff  int            // rows in late, or in the then of a fate
	waiting map[lane]*item // bundles that were put off by the governor
	flushed map[wavelet.Seat][]flush

	bundles  lately[string]
	deltas   lately[wavelet.DeltaID]
	labels   lately[label]
	requests map[wavelet.Participant]*fate // the latest of each robot
}

// lane is one of the two lanes of a seat.
type lane struct {
	seat   wavelet.Seat
	robots bool
}

// Event is what came of a row: a verdict, or that there was none because what the
// row tells of would not have happened.
type Event struct {
	At      time.Time // when it was decided
	Row     *Row
	Verdict governor.Verdict
	Refused bool // it went ahead when it was recorded, and does not here: its robot is refused
	Absent  bool // it never came about: what it goes back to was not written, or it is part of another bundle
}

// NewReplay makes a replay. See is told of every row of a commit, delivery, answer
// or request, and of readmissions; robots that the rules know no profile of are
// under fallback.
func NewReplay(fallback policies.Profile, rules Rules, see func(Event)) *Replay {
	return &Replay{
		gov: governor.New(governor.Options{Default: fallback}), rules: rules, see: see,
		known: map[wavelet.Participant]bool{}, requests: map[wavelet.Participant]*fate{}, waiting: map[lane]*item{}, flushed: map[wavelet.Seat][]flush{},
	}
}

// item is a row on its way to the governor.
type item struct {
	row   *Row
	due   time.Time
	order uint64
	after *fate // of the request that an answer came by, or that a request came after; nil: none
	mine  *fate // what others wait for; nil: nobody does
	asked bool  // the governor put it off
	last  bool  // it must not be put off any more
	dead  bool  // it was merged into another
}

type rowHeap []*item

func (h rowHeap) Len() int { return len(h) }
func (h rowHeap) Less(i, j int) bool {
	return h[i].due.Before(h[j].due) || h[i].due.Equal(h[j].due) && h[i].order < h[j].order
}
func (h rowHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *rowHeap) Push(x any)   { *h = append(*h, x.(*item)) }
func (h *rowHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// mostLate is how many rows are put off at a time. Beyond it the first one is done,
// and a bundle that may not go out is dropped.
const mostLate = 1 << 14

// Take puts the next row to the governor, and before it those that were put off
// until then.
func (p *Replay) Take(r *Row) {
	if r.Kind == Start || r.Kind == Gap {
		return
	}
	p.Until(r.At)
	p.rows++
	x := &item{row: r, order: p.rows}
	switch {
	case r.Kind == Answer && r.Answer.Door == governor.Call:
		x.after = p.requests[r.Answer.Robot]
	case r.Kind == Call && !r.LimitsQuery:
		x.after, x.mine = p.requests[r.Robot], &fate{was: r.At.Add(r.Delay)}
		p.requests[r.Robot] = x.mine
	}
	p.schedule(x)
	p.Until(r.At)
}

// Until does what was put off until then.
func (p *Replay) Until(now time.Time) {
	for len(p.late) > 0 && (!p.late[0].due.After(now) || p.putOff > mostLate) {
		x := heap.Pop(&p.late).(*item)
		if p.putOff--; x.dead {
			continue
		}
		x.last = x.due.After(now)

		if !x.last {
			p.now = later(p.now, x.due)
		}
		if x.asked || x.last {
			p.do(x)
		} else {
			p.schedule(x)
		}
	}
	p.now = later(p.now, now)
}

// schedule does a row if it is time, else puts it off: until it is known what
// became of that which it goes back to, and then by as much as that was late.
func (p *Replay) schedule(x *item) {
	late := time.Duration(0)
	for _, f := range p.reasons(x) {
		switch {
		case f == nil || x.row.Kind == Call && f.was.After(x.row.At): // the robot did not wait for that response
		case f.open:
			p.open(x)
			f.then = append(f.then, x)
			return
		case x.row.Kind != Call:
			late = max(late, f.late)
		case f.late > 0:
			late = max(late, f.at.Sub(x.row.At))
		}
	}
	if x.due = x.row.At.Add(late); late > 0 && x.due.After(p.now) {
		p.postpone(x)
		return
	}
	p.do(x)
}

// reasons is the fates of what a row goes back to; nil is one that is not known.
func (p *Replay) reasons(x *item) []*fate {
	switch r := x.row; r.Kind {
	case Deliver:
		if !r.Delivery.RobotLane {
			return nil
		}
		list := []*fate{p.labels.get(label{r.Delivery.Author, r.Delivery.Cause})}
		for i := range r.Delivery.Parts {
			list = append(list, p.labels.get(label{r.Delivery.Parts[i].Author, r.Delivery.Parts[i].Cause}))
		}
		return list
	case Answer:
		return []*fate{p.bundles.get(r.Answer.Named.Bundle), x.after}
	case Commit:
		return []*fate{p.deltas.get(r.Commit.Delta.ID)}
	case Call:
		return []*fate{x.after}
	}
	return nil
}

// postpone has a row done when it is due.
func (p *Replay) postpone(x *item) {
	p.open(x)
	heap.Push(&p.late, x)
}

// open notes that nobody knows yet what becomes of a row.
func (p *Replay) open(x *item) {
	p.putOff++
	if x.mine == nil {
		x.mine = &fate{}
		p.name(x)
	}
	x.mine.open = true
}

// name lets others find the fate of what a row makes.
func (p *Replay) name(x *item) {
	switch r := x.row; r.Kind {
	case Deliver:
		p.bundles.set(r.Delivery.Bundle, x.mine)
	case Answer:
		p.deltas.set(r.Answer.Delta, x.mine)
	case Commit:
		p.labels.set(label{r.Commit.Delta.Author, r.Commit.Delta.Cause}, x.mine)
	}
}

// settle says what became of a row, and wakes what waits for that.
func (p *Replay) settle(x *item, f fate) {
	if x.mine == nil {
		x.mine = &f
		p.name(x)
		return
	}
	f.was = x.mine.was
	then := x.mine.then
	*x.mine = f
	for _, y := range then {
		y.due = p.now
		heap.Push(&p.late, y)
	}
}

// usual reports whether a row went as it was recorded, and nobody need know.
func (x *item) usual(f, known *fate) bool {
	return x.mine == nil && known == nil && f.late <= 0 && !f.gone
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// do puts a row to the governor.
func (p *Replay) do(x *item) {
	switch r := x.row; r.Kind {
	case Commit:
		if k := r.Commit.Delta.Cause.Kind; k == wavelet.Robot || k == wavelet.Assumed {
			p.meet(r.Commit.Delta.Author.Robot())
		}
		p.commit(x)
	case Deliver:
		p.meet(r.Delivery.Seat.Robot)
		p.deliver(x)
	case Answer:
		p.meet(r.Answer.Robot)
		p.answer(x)
	case Call:
		p.meet(r.Robot)
		p.call(x)
	case Readmit:
		if d, err := p.gov.Readmit(p.now, r.Seat, r.By, r.Override); err == nil && !d.Time.IsZero() {
			p.tell(x, governor.Verdict{Decisions: []governor.Decision{d}}, false)
		}
	case Resume:
		p.gov.Resume(p.now, r.Robot)
	case Forget:
		p.gov.Forget(r.Robot)
		delete(p.known, r.Robot)
	}
}

// meet puts a robot that was not seen yet under its profile.
func (p *Replay) meet(id wavelet.Participant) {
	if p.known[id] {
		return
	}
	p.known[id] = true
	if profile := p.rules(id); profile.Name != "" {
		p.gov.SetProfile(id, profile)
	}
}

// never tells that a row did not come about.
func (p *Replay) never(x *item, refused bool) {
	p.see(Event{At: p.now, Row: x.row, Refused: refused, Absent: !refused})
}

// tell tells of a verdict, and remembers what its acts flush.
func (p *Replay) tell(x *item, v governor.Verdict, refused bool) {
	for i := range v.Acts {
		a := &v.Acts[i]
		for _, seat := range a.Cycle {
			if a.Flush != "" {
				list := append(p.flushed[seat], flush{a.Flush, p.now})
				p.flushed[seat] = list[max(0, len(list)-mostFlushes):]
			}
		}
	}
	p.see(Event{At: p.now, Row: x.row, Verdict: v, Refused: refused})
}
