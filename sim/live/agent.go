package live

import (
	"slices"
	"strings"
	"sync"
	"time"

	"weir/events"
	"weir/sim"
	"weir/testbots"
	"weir/wavelet"
)

// ReadEvery is how often an agent reads, by the scenario's clock: as often as it
// may under the default profile if it answers each time.
const ReadEvery = 2 * time.Second

// agent is a robot that connects to the tools over MCP. Nobody calls it: it reads
// each of its wavelets in turn and writes by tools.
type agent struct {
	key string

	mu      sync.Mutex
	session *testbots.Session // nil: it has to connect
}

// use has a robot use a tool. A session that fails is given up, for the next call
// to begin another.
func (r *run) use(a *agent, tool string, args map[string]any) (testbots.Answer, error) {
	a.mu.Lock()
	s := a.session
	if s == nil {
		var err error
		if s, err = testbots.Connect(r.ctx, r.url(), a.key); err != nil {
			a.mu.Unlock()
			return testbots.Answer{}, err
		}
		a.session = s
	}
	a.mu.Unlock()
	out, err := s.Call(r.ctx, tool, args)
	if err != nil {
		a.drop(s)
	}
	return out, err
}

// drop gives a session up.
func (a *agent) drop(s *testbots.Session) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.session == s {
		a.session = nil
	}
	_ = s.Close()
}

// close ends the session that is left, if there is one.
func (a *agent) close() {
	if a != nil && a.session != nil {
		_ = a.session.Close()
	}
}

// attend has an agent read where it listens, in turn, until the run ends or it is
// put out everywhere.
func (r *run) attend(b *robot) {
	r.mu.Lock()
	var seats []*seat
	for _, s := range b.seats {
		if s.listens {
			seats = append(seats, s)
			s.begin(0) // it is at work on something else unless it reads
		}
	}
	due := time.Duration(r.luck.Int64N(int64(ReadEvery)))
	r.mu.Unlock()
	for ; r.until(due); due = max(due+ReadEvery, r.at()) {
		if len(seats) == 0 {
			return
		}
		s := seats[0]
		if seats = seats[1:]; !r.turn(s) {
			seats = append(seats, s)
		}
	}
}

// turn has an agent read a wavelet and answer; out reports that it was put out.
func (r *run) turn(s *seat) (out bool) {
	r.mu.Lock()
	s.rest(r.at())
	since := min(s.found[events.HumanLane], s.found[events.RobotLane])
	r.mu.Unlock()
	read, err := r.use(s.robot.agent, "read_wavelet", map[string]any{"wavelet": s.room.name.String(), "since": since})
	r.mu.Lock()
	at := r.at()
	if err == nil && read.Error == nil {
		r.arrived(s, at, wavelet.Version(read.Version))
	}
	s.begin(at)
	lost := r.luck.Float64() < r.sc.Faults.Lose
	r.mu.Unlock()
	switch {
	case err != nil:
		return false // while the server restarts
	case read.Error != nil:
		return r.refused(s.robot, read.Error)
	case lost:
		return false
	}
	for _, lane := range []events.Lane{events.HumanLane, events.RobotLane} {
		if lane == events.RobotLane && read.HeldMS > 0 {
			continue // it is told that these are held back, and leaves them for later
		}
		w, until := r.makeOut(s, lane, wavelet.Version(read.Version))
		if !r.until(until) {
			return true
		}
		if r.answerRead(s, lane, w) {
			return true
		}
	}
	return false
}

// makeOut has an agent decide what to do about what it has read of a lane, and until
// when it thinks.
func (r *run) makeOut(s *seat, lane events.Lane, through wavelet.Version) (w *sim.Writes, until time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, at := s.robot, r.at()
	w = &sim.Writes{}
	heard := s.room.heard(b.Address, lane, s.found[lane], through, nil)
	s.found[lane] = max(s.found[lane], through)
	if len(heard) == 0 {
		return w, at
	}
	r.tally.Delivered(at, s.id)
	until = at + b.Takes()
	if j := r.sc.Faults.Jitter; j > 0 {
		until += time.Duration(r.luck.Int64N(int64(j) + 1))
	}
	*w = b.Answer(at, s.room.called, label(heard), heard)
	return w, until
}

// answerRead has an agent write what it has made out; out reports that it was put
// out.
func (r *run) answerRead(s *seat, lane events.Lane, w *sim.Writes) (out bool) {
	b := s.robot
	answers := map[events.Lane]string{events.HumanLane: "people", events.RobotLane: "robots"}[lane]
	switch b.Lineage {
	case sim.Stripped:
		answers = "nobody"
	case sim.Forged:
		answers = "people"
	}
	say := func(to *room, line string) bool { return r.say(b, answers, to, line) }
	begun := r.at()
	for i := range w.Landing {
		if say(r.rooms[w.List[i].To], r.number(&written{w, i, s.id})) {
			return true
		}
	}
	if w.Landing < len(w.List) {
		r.wg.Go(func() { r.goOn(s.id, w, w.Landing, begun, say) })
	}
	return false
}

// say has an agent write a line: as a message of its own, or once it has enough of
// them by an edit of one. The operations of one delta are the lines of a message.
func (r *run) say(b *robot, answers string, to *room, line string) (out bool) {
	tool, args := r.phrase(b, to, line)
	args["wavelet"], args["answers"] = to.name.String(), answers
	got, err := r.use(b.agent, tool, args)
	if err != nil {
		return r.ctx.Err() != nil // if the server restarts, what was to be written is lost
	}
	return got.Error != nil && r.refused(b, got.Error)
}

// phrase is the tool that writes a line, and what it is called with.
func (r *run) phrase(b *robot, to *room, line string) (tool string, args map[string]any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := b.lines
	b.lines++
	if own := to.own[b.Address]; len(own) >= robotBlips {
		blip := own[n%robotBlips]
		if find := numbers.FindString(to.text(blip)); find != "" {
			return "edit_text", map[string]any{"blip": string(blip), "find": find, "replace": line}
		}
	}
	return "reply", map[string]any{"text": line + strings.Repeat("\nand on it goes", b.Operations-1)}
}

// refused notes what a tool refused; out reports that the robot was put out and gives
// up.
func (r *run) refused(b *robot, why *testbots.ToolFailure) (out bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tally.Refused(r.at(), b.Address, why.Limit)
	return gone(wavelet.Code(why.Code))
}

// gone reports whether a refusal is for good.
func gone(code wavelet.Code) bool {
	return slices.Contains([]wavelet.Code{wavelet.CodeEvicted, wavelet.CodeSuspended, wavelet.CodeNotParticipant}, code)
}
