package live

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/events"
	"weir/gateway"
	"weir/governor"
	"weir/sim"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// room is a wavelet of the scenario.
type room struct {
	called  string
	name    wavelet.Name // zero before it is made
	members []wavelet.Participant
	log     []*sim.Entry                             // by version
	own     map[wavelet.Participant][]wavelet.BlipID // in the order of their making
	pages   map[wavelet.BlipID]richtext.Delta        // what the robots have written
}

func newRoom(name string) *room {
	return &room{called: name, own: map[wavelet.Participant][]wavelet.BlipID{}, pages: map[wavelet.BlipID]richtext.Delta{}}
}

func (in *room) join(p wavelet.Participant) {
	if !slices.Contains(in.members, p) {
		in.members = append(in.members, p)
	}
}

// written is a line that a robot means to write.
type written struct {
	writes *sim.Writes
	index  int
	seat   wavelet.Seat // where it heard what it answers, zero if nobody asked
}

// sentence is what lines say behind their number.
const sentence = " a line of a few words, as people and robots write them"

// number enters a line in the ledger and is its text.
func (r *run) number(w *written) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines++
	if w != nil {
		r.written[r.lines] = w
	}
	return "#" + strconv.Itoa(r.lines) + sentence
}

var numbers = regexp.MustCompile(`#(\d+)` + regexp.QuoteMeta(sentence))

// hooks is how the server tells of itself.
func (r *run) hooks() Hooks { return Hooks{Feed: r.happened, Commits: r} }

// Committed enters a commit in the ledger.
func (r *run) Committed(c wavelet.Commit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commits++
	in := r.places[c.Wavelet]
	if in == nil {
		in = newRoom("")
		r.places[c.Wavelet] = in
	}
	e := &sim.Entry{Commit: c}
	in.log = append(in.log, e)
	at := r.at()
	author := c.Delta.Author
	for _, op := range c.Delta.Ops {
		if create, ok := op.(wavelet.CreateBlip); ok {
			in.own[author] = append(in.own[author], create.Blip)
		}
	}
	if p := r.people[author]; p != nil {
		r.arrivedFrom(at, author)
		e.By, e.Person, e.Origin.Chain = p.Name, true, fmt.Sprintf("%s/%s/%d", p.Name, in.called, c.Version)
	} else if b := r.robots[author]; b != nil {
		e.By = b.Name
		r.answered(at, in, e)
	}
	for _, b := range r.robots {
		if s := b.seats[in]; s != nil {
			s.see(at, e)
		}
	}
	if r.began.Load() != nil {
		r.tally.Committed(at, e)
	}
}

// arrivedFrom measures how long the oldest delta took that somebody had sent. The
// mutex is held.
func (r *run) arrivedFrom(at time.Duration, author wavelet.Participant) {
	if sent, ok := r.sent[author]; ok {
		r.lags = append(r.lags, at-sent)
		delete(r.sent, author)
	}
}

// answered finds out what a robot's delta answers: by the numbers of the lines
// that stand now in the blips it has changed, for a change itself may be a part of
// a number.
func (r *run) answered(at time.Duration, in *room, e *sim.Entry) {
	for _, op := range e.Delta.Ops {
		for _, m := range numbers.FindAllStringSubmatch(in.page(op), -1) {
			n, _ := strconv.Atoi(m[1])
			if w := r.written[n]; w != nil {
				e.Origin = w.writes.Origin
				r.tally.Answered(at, e.By, w.seat, w.writes, w.index)
				delete(r.written, n)
			}
		}
	}
}

// page is what a robot's blip says after an op, "" if the op changes none.
func (in *room) page(op wavelet.Op) string {
	switch op := op.(type) {
	case wavelet.EditBlip:
		in.pages[op.Blip] = richtext.Compose(in.pages[op.Blip], op.Delta)
		return in.text(op.Blip)
	case wavelet.CreateBlip:
		in.pages[op.Blip] = op.Content
		return in.text(op.Blip)
	}
	return ""
}

// text is what a robot's blip says.
func (in *room) text(blip wavelet.BlipID) string {
	var s strings.Builder
	for _, op := range in.pages[blip] {
		s.WriteString(op.Text())
	}
	return s.String()
}

// touches reports whether a delta changes one of the blips.
func touches(d *wavelet.Delta, blips map[wavelet.BlipID]bool) bool {
	return slices.ContainsFunc(d.Ops, func(op wavelet.Op) bool {
		switch op := op.(type) {
		case wavelet.EditBlip:
			return blips[op.Blip]
		case wavelet.CreateBlip:
			return blips[op.Blip]
		}
		return false
	})
}

// heard is the deltas of a lane in a window that a robot hears: those by others
// that touch one of the blips. A nil blips stands for all.
func (in *room) heard(robot wavelet.Participant, lane events.Lane, from, to wavelet.Version, blips map[wavelet.BlipID]bool) (list []*sim.Entry) {
	for _, e := range in.log[min(int(from), len(in.log)):min(int(to), len(in.log))] {
		if p := gateway.See(robot, e.Commit, false); !p.Quiet && p.Lane == lane && e.By != "" && (blips == nil || touches(&e.Delta, blips)) {
			list = append(list, e)
		}
	}
	return list
}

// label is the chain that a bundle is labelled with: that of its deepest delta.
func label(heard []*sim.Entry) string {
	deepest := heard[0]
	for _, e := range heard {
		if e.Delta.Cause.Depth >= deepest.Delta.Cause.Depth {
			deepest = e
		}
	}
	return deepest.Delta.Cause.ID
}

// strike tells that a limit has worked. The mutex is held.
func (r *run) strike() {
	select {
	case <-r.struck:
	default:
		close(r.struck)
	}
}

// keptBack takes note of what a polite robot did not say, which is lost.
func (r *run) keptBack() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.strike()
}

// happened takes note of what happens at the gateway.
func (r *run) happened(h gateway.Happening) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h.Kind == gateway.Received || h.Kind == gateway.Retry {
		r.met[h.Seat] = true
		if b := r.robots[h.Seat.Robot]; b != nil && b.seats[r.places[h.Seat.Wavelet]] != nil {
			b.seats[r.places[h.Seat.Wavelet]].rest(r.at())
		}
	}
	if r.began.Load() == nil {
		r.opened()
		return
	}
	at := r.at()
	switch h.Kind {
	case gateway.Decided:
		r.tally.Decided(at, h.Decision)
		switch kind := governor.Kind(h.Decision.Action); {
		case h.Decision.DryRun:
		case kind == governor.Evict, kind == governor.Cut, kind == governor.Suspend:
			r.acted++
			r.strike()
			r.tally.Acted(at, &governor.Act{Kind: kind, Seat: h.Seat, Decision: *h.Decision})
		}
	case gateway.Warned:
		r.tally.Warned(h.Warning)
	case gateway.HeldBack:
		if b := r.robots[h.Seat.Robot]; b != nil {
			r.tally.Delayed(at, b.Habits, h.Lane, h.Took)
		}
	}
}
