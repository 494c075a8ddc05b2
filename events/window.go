package events

import (
	"fmt"
	"slices"
	"time"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

// Window is what happened in a wavelet from a lane's cursor on, seen by one
// robot in one lane.
type Window struct {
	seat  wavelet.Seat
	lane  Lane
	mute  func(wavelet.Commit) bool
	state *wavelet.State // after the last commit added
	heard int
	seen
}

// seen is what a window has gathered since the robot began to listen.
type seen struct {
	base    *wavelet.State // what the robot knows
	listens bool           // the robot is a participant
	order   []topic        // what there may be to tell, in order of first change
	blips   map[wavelet.BlipID]*change
	people  members
	tags    members
	added   trail // of this robot
	removed trail
}

// topic is a thing that Events may have something to tell about.
type topic struct {
	kind topicKind
	blip *change // of aboutBlip
	told Event   // of aboutClick
}

type topicKind uint8

const (
	aboutAdding topicKind = iota
	aboutRemoval
	aboutPeople
	aboutTags
	aboutBlip
	aboutClick
)

// trail remembers which of the lane's authors changed a thing, and when the last
// one did.
type trail struct {
	by   wavelet.Participant
	at   time.Time
	from []wavelet.Participant // all of them, in order of first change
}

func (t *trail) note(c wavelet.Commit) {
	t.by, t.at = c.Delta.Author, c.At
	if !slices.Contains(t.from, t.by) {
		t.from = append(t.from, t.by)
	}
}

// members is the trail of a set, with what the lane's authors put in or took
// out, in order of first change.
type members struct {
	trail
	touched []string
}

// NewWindow returns an empty window of a seat's lane whose cursor is at the
// version of before. It reads before and keeps it, but does not change it.
func NewWindow(seat wavelet.Seat, lane Lane, before *wavelet.State) *Window {
	return &Window{
		seat:  seat,
		lane:  lane,
		state: before.Clone(),
		seen:  seen{base: before, listens: Present(before, seat.Robot), blips: map[wavelet.BlipID]*change{}},
	}
}

// Present reports whether a robot takes part in a wavelet, under its own
// address or an alias of it.
func Present(s *wavelet.State, robot wavelet.Participant) bool {
	return slices.ContainsFunc(s.Participants(), func(m wavelet.Member) bool { return m.Address.Robot() == robot })
}

// Mute makes the window take the commits for which f is true as if they were of
// no lane: their text counts, but they raise no event. Call it before the first
// Add.
func (w *Window) Mute(f func(wavelet.Commit) bool) { w.mute = f }

// State is the wavelet after the last commit added. The caller may read it for
// as long as it likes, but must not add more.
func (w *Window) State() *wavelet.State { return w.state }

// Len is how many things Events may have to tell about. It never shrinks while
// the robot takes part.
func (w *Window) Len() int { return len(w.order) }

// Add takes the next commit, of whichever lane. It fails if that is not the
// commit that follows the state so far; then the window is of no more use.
func (w *Window) Add(c wavelet.Commit) error {
	joins, leaves := w.passage(c.Delta)
	if joins {
		w.seen = seen{base: w.state.Clone(), listens: true, blips: map[wavelet.BlipID]*change{}}
	}
	heard := w.Hears(c)
	var effects map[wavelet.BlipID]bool
	if w.listens {
		effects = w.fold(c, heard)
	}
	if err := w.state.Apply(c); err != nil {
		return fmt.Errorf("window of %s in %s at version %d: %w", w.seat.Robot, w.seat.Wavelet, c.Version, err)
	}
	if !w.listens {
		return nil
	}
	if heard {
		w.heard++
	}
	if joins && w.tellsPassage(c) {
		w.order = append(w.order, topic{kind: aboutAdding})
		w.added.note(c)
	}
	if heard {
		for _, op := range c.Delta.Ops {
			w.note(c, op, effects)
		}
	}
	if leaves {
		w.listens = false
		if w.tellsPassage(c) {
			w.order = append(w.order, topic{kind: aboutRemoval})
			w.removed.note(c)
		}
	}
	return nil
}

// passage tells whether a delta brings the robot in, or puts it out.
func (w *Window) passage(d wavelet.Delta) (joins, leaves bool) {
	was := w.listens
	is, moved := was, false
	for _, op := range d.Ops {
		switch op := op.(type) {
		case wavelet.AddParticipant:
			if op.Who.Robot() == w.seat.Robot {
				is, moved = true, true
			}
		case wavelet.RemoveParticipant:
			if op.Who.Robot() == w.seat.Robot {
				is, moved = w.staysWithout(d), true
			}
		}
	}
	return moved && !was && is, moved && was && !is
}

// staysWithout reports whether the robot still takes part, under some alias,
// after all removals of d.
func (w *Window) staysWithout(d wavelet.Delta) bool {
	gone := map[wavelet.Participant]bool{}
	for _, op := range d.Ops {
		if op, ok := op.(wavelet.RemoveParticipant); ok {
			gone[op.Who] = true
		}
	}
	return slices.ContainsFunc(w.state.Participants(), func(m wavelet.Member) bool {
		return m.Address.Robot() == w.seat.Robot && !gone[m.Address]
	})
}

// Heard is how many deltas of this lane's authors were added.
func (w *Window) Heard() int { return w.heard }

// Hears reports whether a commit is by one of this lane's authors.
func (w *Window) Hears(c wavelet.Commit) bool {
	lane, ok := LaneOf(c.Delta.Cause)
	return ok && lane == w.lane && c.Delta.Author.Robot() != w.seat.Robot && (w.mute == nil || !w.mute(c))
}

// tellsPassage reports whether this lane tells the robot that c brought it in or
// put it out: it does so whoever wrote c, except the robot itself.
func (w *Window) tellsPassage(c wavelet.Commit) bool {
	lane, _ := LaneOf(c.Delta.Cause)
	return lane == w.lane && c.Delta.Author.Robot() != w.seat.Robot
}

// fold adds the edits and new blips of c, which is about to be applied, to what
// each blip has gone through. It tells which of the edits, taken by itself,
// changes something.
func (w *Window) fold(c wavelet.Commit, heard bool) (effects map[wavelet.BlipID]bool) {
	edits := map[wavelet.BlipID]richtext.Delta{}
	for _, op := range c.Delta.Ops {
		switch op := op.(type) {
		case wavelet.CreateBlip:
			w.blips[op.Blip] = born(op, heard)
		case wavelet.EditBlip:
			edits[op.Blip] = richtext.Compose(edits[op.Blip], op.Delta)
		}
	}
	effects = make(map[wavelet.BlipID]bool, len(edits))
	for id, d := range edits {
		ch := w.blip(id)
		if ch == nil {
			continue
		}
		effects[id] = !heard || ch.changes(w.state, d)
		ch.folded.add(d)
	}
	return effects
}

// blip is the record of what happened to a blip, nil if there is no such blip.
func (w *Window) blip(id wavelet.BlipID) *change {
	ch := w.blips[id]
	if ch == nil {
		known, ok := w.base.Blip(id)
		if !ok || known.Deleted {
			return nil
		}
		ch = &change{id: id, start: known.Doc}
		w.blips[id] = ch
	}
	return ch
}

// note records an op of one of this lane's authors, which has been applied.
func (w *Window) note(c wavelet.Commit, op wavelet.Op, effects map[wavelet.BlipID]bool) {
	switch op := op.(type) {
	case wavelet.AddParticipant:
		w.noteMember(&w.people, aboutPeople, c, string(op.Who))
	case wavelet.RemoveParticipant:
		w.noteMember(&w.people, aboutPeople, c, string(op.Who))
	case wavelet.SetTag:
		w.noteMember(&w.tags, aboutTags, c, op.Tag)
	case wavelet.ClickForm:
		w.order = append(w.order, topic{kind: aboutClick, told: Event{
			Type: FormButtonClicked, ModifiedBy: c.Delta.Author, Contributors: []wavelet.Participant{c.Delta.Author},
			At: c.At, Blip: op.Blip, Button: buttonName(w.state, op), Element: op.Element,
		}})
	case wavelet.CreateBlip:
		w.noteBlip(c, op.Blip).text = true
	case wavelet.DeleteBlip:
		if ch := w.noteBlip(c, op.Blip); ch != nil {
			ch.removed = true
		}
	case wavelet.EditBlip:
		if effects[op.Blip] {
			if ch := w.noteBlip(c, op.Blip); ch != nil {
				ch.touch(op.Delta)
			}
		}
	}
}

func (w *Window) noteMember(m *members, kind topicKind, c wavelet.Commit, who string) {
	if len(m.touched) == 0 {
		w.order = append(w.order, topic{kind: kind})
	}
	if !slices.Contains(m.touched, who) {
		m.touched = append(m.touched, who)
	}
	m.note(c)
}

func (w *Window) noteBlip(c wavelet.Commit, id wavelet.BlipID) *change {
	ch := w.blip(id)
	if ch == nil {
		return nil
	}
	if ch.by == "" {
		w.order = append(w.order, topic{kind: aboutBlip, blip: ch})
	}
	ch.note(c)
	return ch
}
