package sim

import (
	"sort"
	"time"

	"weir/governor"
	"weir/policies"
	"weir/wavelet"
)

// times is a sliding window of instants.
type times []time.Time

// add adds now, and drops what has left the window.
func (t *times) add(now time.Time, window time.Duration) {
	t.drop(now, window)
	*t = append(*t, now)
}

func (t *times) drop(now time.Time, window time.Duration) {
	n := 0
	for n < len(*t) && now.Sub((*t)[n]) >= window {
		n++
	}
	*t = (*t)[n:]
}

// bans is who was evicted.
type bans map[wavelet.Seat]bool

// Banned reports whether the seat was evicted.
func (b bans) Banned(_ time.Time, id wavelet.Seat) (policies.SeatNote, bool) {
	return policies.SeatNote{}, b[id]
}

// evict is the verdict that puts a seat out.
func (b bans) evict(now time.Time, id wavelet.Seat, rule string, depth int) governor.Verdict {
	b[id] = true
	d := governor.Decision{
		Time: now, Robot: id.Robot, Wavelet: id.Wavelet.String(), Rule: rule, Action: string(governor.Evict),
		Evidence: governor.Evidence{Depth: depth},
	}
	return governor.Verdict{
		Refuse: &governor.Refusal{Code: "evicted", Limit: rule}, Decisions: []governor.Decision{d},
		Acts: []governor.Act{{Kind: governor.Evict, Seat: id, Decision: d}},
	}
}

// ratioWindow is one rule of the guards by ratio.
type ratioWindow struct {
	name   string
	window time.Duration
	max    float64
	least  int // delivered bundles
}

func ratioWindows() []ratioWindow {
	return []ratioWindow{
		{"ratio2m", 2 * time.Minute, 0.9, 60},
		{"ratio5m", 5 * time.Minute, 0.7, 120},
	}
}

// slot is the pace that the slots of ratio-slots go by.
const slot = 500 * time.Millisecond

// ratio evicts a robot that answers too large a share: of the slots that the pace
// gives it, or of the bundles that it is sent.
type ratio struct {
	nothing
	bans
	slots bool
	seats map[wavelet.Seat]*ratioSeat
}

// ratioSeat is what ratio knows of a seat. It counts a bundle as answered once.
type ratioSeat struct {
	delivered, answered times
	bundle              string // that was answered last
}

func newRatio(slots bool) *ratio {
	return &ratio{bans: bans{}, slots: slots, seats: map[wavelet.Seat]*ratioSeat{}}
}

// Banned is that of bans.
func (r *ratio) Banned(now time.Time, id wavelet.Seat) (policies.SeatNote, bool) {
	return r.bans.Banned(now, id)
}

func (r *ratio) seat(id wavelet.Seat) *ratioSeat {
	s := r.seats[id]
	if s == nil {
		s = &ratioSeat{}
		r.seats[id] = s
	}
	return s
}

// Deliver counts a bundle.
func (r *ratio) Deliver(now time.Time, d governor.Delivery) governor.Verdict {
	r.seat(d.Seat).delivered.add(now, 5*time.Minute)
	return governor.Verdict{}
}

// Answer counts an answer, and evicts when it is one too many.
func (r *ratio) Answer(now time.Time, a governor.Answer) governor.Verdict {
	v := r.nothing.Answer(now, a)
	if a.Named.Bundle == "" {
		return v
	}
	s := r.seat(a.Named.Seat)
	if s.bundle == a.Named.Bundle {
		return v
	}
	s.bundle = a.Named.Bundle
	s.answered.add(now, 5*time.Minute)
	for _, w := range ratioWindows() {
		if r.over(now, s, w) {
			return r.evict(now, a.Named.Seat, w.name, v.Cause.Depth)
		}
	}
	return v
}

func (r *ratio) over(now time.Time, s *ratioSeat, w ratioWindow) bool {
	answered, _ := s.answered.within(now, w.window)
	delivered, early := s.delivered.within(now, w.window)
	if r.slots {
		return float64(answered) > w.max*float64(w.window/slot)
	}
	return early && delivered >= w.least && float64(answered) > w.max*float64(delivered)
}

// within counts the instants in the window, and reports whether one of them is
// in its first tenth.
func (t times) within(now time.Time, window time.Duration) (n int, early bool) {
	from := sort.Search(len(t), func(i int) bool { return now.Sub(t[i]) < window })
	if from == len(t) {
		return 0, false
	}
	return len(t) - from, now.Sub(t[from]) >= window-window/10
}

// pairGuard lets two robots exchange so many answers in a minute, and then
// silences them towards each other for a minute.
type pairGuard struct {
	nothing
	pairs map[pairKey]*pair
}

// pairKey is two robots, in alphabetical order.
type pairKey struct{ a, b wavelet.Participant }

type pair struct {
	answers times
	until   time.Time
}

const (
	pairLimit  = 20
	pairWindow = 60 * time.Second
)

func newPairGuard() *pairGuard { return &pairGuard{pairs: map[pairKey]*pair{}} }

// Answer counts an answer of one robot to another.
func (g *pairGuard) Answer(now time.Time, a governor.Answer) governor.Verdict {
	v := g.nothing.Answer(now, a)
	if !a.Named.RobotLane {
		return v
	}
	k := pairKey{a.Robot, a.Named.Author}
	if k.a > k.b {
		k.a, k.b = k.b, k.a
	}
	p := g.pairs[k]
	if p == nil {
		p = &pair{}
		g.pairs[k] = p
	}
	if now.Before(p.until) {
		v.Refuse = &governor.Refusal{Code: "limit", Limit: "pair"}
		return v
	}
	if p.answers.add(now, pairWindow); len(p.answers) <= pairLimit {
		return v
	}
	p.answers, p.until = nil, now.Add(pairWindow)
	d := governor.Decision{
		Time: now, Robot: a.Robot, Wavelet: a.Wavelet.String(), Rule: "pair", Action: string(governor.Cut),
		Evidence: governor.Evidence{Depth: v.Cause.Depth},
	}
	v.Refuse = &governor.Refusal{Code: "limit", Limit: "pair"}
	v.Decisions = []governor.Decision{d}
	v.Acts = []governor.Act{{Kind: governor.Cut, Seat: a.Named.Seat, Partners: []wavelet.Participant{a.Named.Author}, Decision: d}}
	return v
}
