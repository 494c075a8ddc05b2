package sim

import (
	"fmt"
	"slices"
	"time"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

// room is a wavelet: its history and who listens.
type room struct {
	called string // in the scenario
	name   wavelet.Name
	log    []*Entry
	spare  []Entry // the next ones of the log
	seats  []*seat
	chains map[wavelet.Participant]chain

	written map[wavelet.DeltaID]bool // answers, by the ids that make them be written once; nil if nothing restarts
}

// chain is the cause that a person's deltas share while they follow closely.
type chain struct {
	cause string
	last  time.Duration
}

// causeGap is the host's: deltas of one person closer together share a cause.
const causeGap = 10 * time.Second

// The contents of deltas, which nobody reads but whoever tells typing from lines
// that come in whole.
var (
	aKey  = []wavelet.Op{wavelet.EditBlip{Blip: "b+root", Delta: richtext.Delta{}.Insert("x", richtext.Attributes{})}}
	aLine = []wavelet.Op{wavelet.EditBlip{Blip: "b+root", Delta: richtext.Delta{}.Insert("a line of a few words, as people and robots write them\n", richtext.Attributes{})}}
)

func lines(n int) []wavelet.Op {
	if n == 1 {
		return aLine
	}
	return slices.Repeat(aLine, n)
}

// seat is the robot's in this room, nil if it has none.
func (in *room) seat(r *robot) *seat {
	for _, s := range in.seats {
		if s.robot == r {
			return s
		}
	}
	return nil
}

func (w *world) nextID(by string) string {
	w.ids++
	return fmt.Sprintf("%s/%d", by, w.ids)
}

// commit writes a delta and tells everybody, in the order of Gateway.Committed.
func (w *world) commit(in *room, e Entry, author wavelet.Participant, cause wavelet.Cause, ops []wavelet.Op) {
	v := wavelet.Version(len(in.log) + 1)
	if e.Delta.ID == "" {
		e.Delta.ID = wavelet.DeltaID(w.nextID(string(author)))
	}
	e.Commit = wavelet.Commit{Wavelet: in.name, Version: v, At: w.now(), Delta: wavelet.Delta{
		ID: e.Delta.ID, Author: author, Base: v - 1, Ops: ops, Cause: cause,
	}}
	x := in.add(e)
	verdict := w.det.Commit(w.now(), x.Commit)
	for _, s := range in.seats {
		w.see(s, x)
	}
	w.carry(verdict)
	w.tally.Committed(w.at, x)
}

// add appends an entry to the log. Entries are made many at a time.
func (in *room) add(e Entry) *Entry {
	if len(in.spare) == 0 {
		in.spare = make([]Entry, min(max(16, len(in.log)), 1024))
	}
	x := &in.spare[0]
	in.spare = in.spare[1:]
	*x = e
	in.log = append(in.log, x)
	return x
}

// see tells a seat's lane about the next commit, as Gateway.see does.
func (w *world) see(s *seat, e *Entry) {
	cut := e.Delta.Cause.Kind != wavelet.Human && w.cuts(s, e)
	p := w.pending(s, e, cut)
	if removes(e.Delta.Ops, s.id.Robot) {
		s.present = false
		s.lane.Leave(w.now(), p)
	} else {
		s.lane.Add(w.now(), p)
		if p.Quiet {
			return
		}
	}
	if s.lane.Over() {
		s.room.close(s)
		return
	}
	if e.Person && s.listens && s.present {
		s.people = append(s.people, said{version: e.Version, at: w.at, busy: s.busy(w.at)})
	}
	w.rearm(s)
}

// cuts reports whether the detector keeps the delta from the seat. A robot's own
// server is no business of the detector.
func (w *world) cuts(s *seat, e *Entry) bool {
	if s.robot.Remote || !w.det.Cuts(s.id, e.Delta.Author) {
		return false
	}
	if s.listens && s.robot.listensTo(w.at, e) {
		w.tally.ignored(w.at, s.id, e.Origin.Depth)
	}
	return true
}

func removes(ops []wavelet.Op, robot wavelet.Participant) bool {
	return slices.ContainsFunc(ops, func(op wavelet.Op) bool {
		out, ok := op.(wavelet.RemoveParticipant)
		return ok && out.Who == robot
	})
}

// close ends a seat.
func (in *room) close(s *seat) {
	s.wake = never
	in.seats = slices.DeleteFunc(slices.Clone(in.seats), func(x *seat) bool { return x == s })
}
