package governor_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"weir/governor"
	"weir/policies"
	"weir/wavelet"
)

// world is a small gateway in virtual time: merge, pace, single flight, two
// lanes, and robots and people with habits. It drives a real Governor.
type world struct {
	t      testing.TB
	g      *governor.Governor
	rnd    *rand.Rand
	start  time.Time
	now    time.Time
	queue  events
	seq    int
	seats  map[wavelet.Seat]*lanes
	bots   []*bot
	heads  map[wavelet.Name]wavelet.Version
	causes map[wavelet.Participant]speech

	saved     []byte
	acts      []governor.Act
	decisions []governor.Decision
	refusals  []governor.Refusal
	firstLoop time.Time // first answer of a robot to a robot
	lastLoop  time.Time
	wasted    map[wavelet.Participant]int
	answered  map[wavelet.Participant]int
	exact     int // deepest committed chain without an assumed link
}

type speech struct {
	id   string
	last time.Time
}

// bot is a robot's habits.
type bot struct {
	id      wavelet.Participant
	profile string
	change  func(policies.Profile) policies.Profile // of the profile, nil for none
	in, to  []wavelet.Name
	answers func(author wavelet.Participant, robot bool) bool
	prob    float64
	perItem bool // one answer per delta, not per bundle
	latency [2]time.Duration
	call    bool // answers through the API
	lineage string
	every   time.Duration // writes unasked
	most    int           // answers per cause
	given   map[string]int
}

// lanes is a seat's pending deltas.
type lanes struct {
	bot     *bot
	id      wavelet.Seat
	pending [2][]wavelet.Commit
	due     [2]time.Time
	busy    bool
	gone    bool
	turn    int
	from    [2]wavelet.Version
	firstH  governor.Delivery // its first human-lane token
}

type event struct {
	at time.Time
	n  int
	do func()
}
type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at.Before(e[j].at) || e[i].at.Equal(e[j].at) && e[i].n < e[j].n
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	*e = old[:len(old)-1]
	return x
}

var (
	home  = wavelet.Name{Wave: "example.com!w+1", Wavelet: "example.com!conv+root"}
	left  = wavelet.Name{Wave: "example.com!w+left", Wavelet: "example.com!conv+root"}
	right = wavelet.Name{Wave: "example.com!w+right", Wavelet: "example.com!conv+root"}
)

func newWorld(t testing.TB, seed uint64, o governor.Options) *world {
	o.Default = profile("default")
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return &world{t: t, g: governor.New(o), rnd: rand.New(rand.NewPCG(seed, 7)), start: start, now: start,
		seats: map[wavelet.Seat]*lanes{}, heads: map[wavelet.Name]wavelet.Version{}, causes: map[wavelet.Participant]speech{},
		wasted: map[wavelet.Participant]int{}, answered: map[wavelet.Participant]int{}}
}

func (w *world) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.queue, event{w.now.Add(d), w.seq, do})
}

func (w *world) between(r [2]time.Duration) time.Duration {
	return r[0] + time.Duration(w.rnd.Int64N(int64(r[1]-r[0])+1))
}

func (w *world) run(d time.Duration) {
	end := w.start.Add(d)
	for w.queue.Len() > 0 && !w.queue[0].at.After(end) {
		e := heap.Pop(&w.queue).(event)
		w.now = e.at
		e.do()
	}
	w.now = end
}

func (w *world) add(b *bot) {
	if b.in == nil {
		b.in = []wavelet.Name{home}
	}
	if b.prob == 0 {
		b.prob = 1
	}
	b.given = map[string]int{}
	p := profile(b.profile)
	if b.change != nil {
		p = b.change(p)
	}
	w.g.SetProfile(b.id, p)
	w.bots = append(w.bots, b)
	for _, in := range b.in {
		id := wavelet.Seat{Wavelet: in, Robot: b.id}
		w.seats[id] = &lanes{bot: b, id: id}
	}
	if b.every > 0 {
		var tick func()
		tick = func() {
			w.write(b, b.in[0], governor.Delivery{}, nil)
			w.after(b.every, tick)
		}
		w.after(b.every, tick)
	}
}

// says lets a person write a line every so often, count times if not 0.
func (w *world) says(who wavelet.Participant, in wavelet.Name, every [2]time.Duration, count int) {
	var speak func()
	speak = func() {
		w.human(who, in)
		if count--; count != 0 {
			w.after(w.between(every), speak)
		}
	}
	w.after(w.between(every), speak)
}

// types lets a person type in bursts with pauses.
func (w *world) types(who wavelet.Participant, gap, burst, pause [2]time.Duration) {
	left := w.between(burst)
	var key func()
	key = func() {
		w.human(who, home)
		d := w.between(gap)
		if left -= d; left < 0 {
			d, left = w.between(pause), w.between(burst)
		}
		w.after(d, key)
	}
	w.after(w.between(gap), key)
}

func (w *world) human(who wavelet.Participant, in wavelet.Name) {
	s := w.causes[who]
	if w.now.Sub(s.last) > 10*time.Second || s.id == "" {
		w.seq++
		s.id = fmt.Sprintf("%s-%d", who, w.seq)
	}
	s.last = w.now
	w.causes[who] = s
	w.commit(in, who, wavelet.Cause{ID: s.id, Kind: wavelet.Human}, "")
}

func (w *world) commit(in wavelet.Name, author wavelet.Participant, cause wavelet.Cause, id wavelet.DeltaID) {
	w.heads[in]++
	if id == "" {
		w.seq++
		id = wavelet.DeltaID(fmt.Sprint("d", w.seq))
	}
	c := wavelet.Commit{Wavelet: in, Version: w.heads[in], At: w.now, Delta: wavelet.Delta{ID: id, Author: author, Cause: cause}}
	w.take(w.g.Commit(w.now, c))
	lane := 0
	if cause.Kind == wavelet.Robot || cause.Kind == wavelet.Assumed {
		lane = 1
	}
	for _, b := range w.bots {
		s := w.seats[wavelet.Seat{Wavelet: in, Robot: b.id}]
		if s == nil || s.gone || b.id == author || w.g.Cuts(s.id, author) {
			continue
		}
		if len(s.pending[lane]) == 0 {
			s.due[lane] = w.now.Add(500 * time.Millisecond)
		}
		s.pending[lane] = append(s.pending[lane], c)
		w.wake(s, s.due[lane].Sub(w.now))
	}
}

func (w *world) wake(s *lanes, d time.Duration) {
	w.after(max(0, d), func() { w.send(s) })
}

// send delivers from the lane whose turn it is.
func (w *world) send(s *lanes) {
	if s.busy || s.gone {
		return
	}
	ready := func(l int) bool { return len(s.pending[l]) > 0 && !w.now.Before(s.due[l]) }
	lane := 0
	if !ready(0) || ready(1) && s.turn == 1 {
		lane = 1
	}
	if !ready(lane) {
		return
	}
	s.turn = 1 - lane
	items := s.pending[lane]
	deep := items[0]
	for _, c := range items[1:] {
		if a, b := c.Delta.Cause, deep.Delta.Cause; a.Depth > b.Depth || a.Depth == b.Depth && a.Exact >= b.Exact {
			deep = c
		}
	}
	d := governor.Delivery{Seat: s.id, Bundle: fmt.Sprintf("%s|%d|%d", s.id.Robot, lane, s.from[lane]), RobotLane: lane == 1,
		Cause: deep.Delta.Cause, Author: deep.Delta.Author, Sent: w.now}
	d.Parts = parts(items, lane == 1)
	v := w.g.Deliver(w.now, d)
	w.take(v)
	switch {
	case v.Refuse != nil:
		s.gone = true
		return
	case v.Delay > 0:
		s.due[lane] = w.now.Add(v.Delay)
		w.wake(s, v.Delay)
		return
	}
	if lane == 0 && s.firstH.Bundle == "" {
		s.firstH = d
	}
	s.pending[lane] = nil
	s.busy = true
	head := w.heads[s.id.Wavelet]
	var heard []wavelet.Commit
	for _, c := range items {
		robot := lane == 1
		if s.bot.answers(c.Delta.Author, robot) && (!s.bot.perItem || w.rnd.Float64() < s.bot.prob) {
			heard = append(heard, c)
		}
	}
	if len(heard) > 0 && !s.bot.perItem {
		heard = heard[:1]
		if w.rnd.Float64() >= s.bot.prob {
			heard = nil
		}
	}
	if m := s.bot.most; m > 0 && len(heard) > 0 {
		if s.bot.given[d.Cause.ID] >= m {
			heard = nil
		} else {
			s.bot.given[d.Cause.ID]++
		}
	}
	w.after(w.between(s.bot.latency), func() {
		if s.bot.to == nil {
			for range heard {
				w.write(s.bot, s.id.Wavelet, d, s)
			}
		}
		for _, to := range s.bot.to {
			for range heard {
				w.write(s.bot, to, d, s)
			}
		}
		s.from[lane] = head
		s.busy = false
		for l := range s.pending {
			if len(s.pending[l]) > 0 {
				w.wake(s, s.due[l].Sub(w.now))
			}
		}
	})
}

// parts is the delta with the most exact links of each author.
func parts(items []wavelet.Commit, robots bool) []governor.Part {
	var out []governor.Part
	for _, c := range items {
		i := slices.IndexFunc(out, func(p governor.Part) bool { return p.Author == c.Delta.Author })
		switch {
		case i < 0:
			out = append(out, governor.Part{Author: c.Delta.Author, Cause: c.Delta.Cause})
		case c.Delta.Cause.Exact > out[i].Cause.Exact || c.Delta.Cause.Exact == out[i].Cause.Exact && c.Delta.Cause.Depth <= out[i].Cause.Depth:
			out[i].Cause = c.Delta.Cause
		}
	}
	if !robots {
		return nil
	}
	return out
}

// write submits one delta of a robot, in answer to d if it heard one.
func (w *world) write(b *bot, to wavelet.Name, d governor.Delivery, heard *lanes) {
	w.seq++
	a := governor.Answer{Robot: b.id, Wavelet: to, Delta: wavelet.DeltaID(fmt.Sprint("r", w.seq)), Named: d}
	if b.call || b.every > 0 {
		a.Door = governor.Call
	}
	switch {
	case b.lineage == "stripped":
		a.Named = governor.Delivery{}
	case b.lineage == "forged" && heard.firstH.Bundle != "":
		a.Named = heard.firstH
	}
	v := w.g.Answer(w.now, a)
	w.take(v)
	if v.Refuse != nil {
		w.refusals = append(w.refusals, *v.Refuse)
		return
	}
	if d.RobotLane {
		if w.firstLoop.IsZero() {
			w.firstLoop = w.now
		}
		w.lastLoop = w.now
		w.wasted[b.id]++
	}
	w.answered[b.id]++
	if v.Cause.Exact == v.Cause.Depth {
		w.exact = max(w.exact, v.Cause.Exact)
	}
	w.commit(to, b.id, v.Cause, a.Delta)
}

// take carries a verdict out.
func (w *world) take(v governor.Verdict) {
	w.decisions = append(w.decisions, v.Decisions...)
	for _, a := range v.Acts {
		w.saved = w.g.Checkpoint()
		w.acts = append(w.acts, a)
		for _, id := range a.Cycle {
			if s := w.seats[id]; s != nil {
				s.pending[1] = slices.DeleteFunc(s.pending[1], func(c wavelet.Commit) bool { return c.Delta.Cause.ID == a.Flush })
			}
		}
		if s := w.seats[a.Seat]; s != nil && a.Kind != governor.Cut {
			s.gone = true
			w.g.Commit(w.now, wavelet.Commit{Wavelet: a.Seat.Wavelet, At: w.now, Delta: wavelet.Delta{
				Cause: wavelet.Cause{Kind: wavelet.System}, Ops: []wavelet.Op{wavelet.RemoveParticipant{Who: a.Seat.Robot}}}})
		}
	}
}

// restarts replaces the governor again and again by one that is restored from a
// checkpoint of up to a second ago. An eviction is saved before it is carried
// out.
func (w *world) restarts(every time.Duration) {
	var save, again func()
	save = func() {
		w.saved = w.g.Checkpoint()
		w.after(every, save)
	}
	again = func() {
		g := governor.New(governor.Options{Default: profile("default")})
		if err := g.Restore(w.saved); err != nil {
			w.t.Fatal(err)
		}
		for _, b := range w.bots {
			g.SetProfile(b.id, profile(b.profile))
		}
		w.g = g
		w.after(every, again)
	}
	w.after(every-time.Duration(w.rnd.Int64N(int64(time.Second))), save)
	w.after(every, again)
}

func (w *world) acted() []wavelet.Participant {
	var out []wavelet.Participant
	for _, a := range w.acts {
		out = append(out, a.Seat.Robot)
	}
	return out
}

var builtin = sync.OnceValue(policies.Builtin)

// profile is a built-in profile.
func profile(name string) policies.Profile {
	p, ok := builtin().Profile(name)
	if !ok {
		panic("no profile " + name)
	}
	return p
}

func ms(lo, hi int) [2]time.Duration {
	return [2]time.Duration{time.Duration(lo) * time.Millisecond, time.Duration(hi) * time.Millisecond}
}

func everyone(wavelet.Participant, bool) bool       { return true }
func humans(_ wavelet.Participant, robot bool) bool { return !robot }
func robots(_ wavelet.Participant, robot bool) bool { return robot }
func nobody(wavelet.Participant, bool) bool         { return false }
func only(who ...wavelet.Participant) func(wavelet.Participant, bool) bool {
	return func(p wavelet.Participant, _ bool) bool { return slices.Contains(who, p) }
}
