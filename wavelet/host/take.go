package host

import (
	"log/slog"
	"time"

	"github.com/google/uuid"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

// maxMissed is how many commits a delta may have missed.
const maxMissed = 10_000

// chain is what a person's deltas share while they follow each other closely.
type chain struct {
	cause string
	last  time.Time
}

// take puts one submission through all steps but the last: if it becomes a
// commit, that is applied to the working state and in the window.
func (w *writer) take(s *submission) error {
	d, head := s.delta, w.state.Version()
	if done, err := w.repeated(s); done || err != nil {
		return err
	}
	switch {
	case head == 0 && !creates(d):
		return refusal(ErrNotFound)
	case head > 0 && s.create:
		return refuse(wavelet.CodeExists, "wavelet", "choose another name", "there is a wavelet %s already", w.name)
	}
	d, err := w.moved(d)
	if err != nil {
		return err
	}
	now := time.Now().UTC().Round(0)
	if now.Before(w.state.Modified()) {
		now = w.state.Modified() // the clock was set back; a history does not run backwards
	}
	if s.human {
		d.Cause = w.humanCause(d.Author, now)
	}
	return w.place(s, d, now)
}

// place makes d, which applies to the head, the next commit.
func (w *writer) place(s *submission, d wavelet.Delta, now time.Time) error {
	s.commit = wavelet.Commit{Wavelet: w.name, Version: w.state.Version(), Delta: d, At: now}
	if nothing(d.Ops) {
		s.outcome, s.commit.Delta.Ops = empty, nil
		return w.state.Check(s.commit.Delta)
	}
	if g := w.host.guard; g != nil {
		if err := g.Check(now, w.state, d); err != nil {
			return err
		}
	}
	if err := w.state.Check(d); err != nil {
		return err
	}
	s.outcome = committed
	s.commit.Version++
	if err := w.state.Apply(s.commit); err != nil {
		return err
	}
	w.link(d, now)
	w.window.push(s.commit, w.state)
	return nil
}

// press marks the buttons that c presses, in a commit right behind it; false if
// there are none to mark. It is the server's own, in the presser's name: she who
// may press a button need not be allowed to change the text, the client that sent
// c hears of it like of any other commit, and robots, who are told of c, are not
// told twice.
func (w *writer) press(c wavelet.Commit) (wavelet.Commit, bool) {
	ops := w.state.Press(c.Delta)
	if len(ops) == 0 {
		return wavelet.Commit{}, false
	}
	var s submission
	err := w.place(&s, wavelet.Delta{
		ID: wavelet.DeltaID(uuid.Must(uuid.NewV7()).String()), Author: c.Delta.Author, Base: c.Version, Ops: ops,
		Cause: wavelet.Cause{Kind: wavelet.System},
	}, c.At)
	if err != nil {
		w.host.logger.Warn("a button that was pressed is not marked", slog.String("wavelet", w.name.String()), slog.Any("error", err))
	}
	return s.commit, err == nil && s.outcome == committed
}

// repeated answers a submission whose id was committed before.
func (w *writer) repeated(s *submission) (bool, error) {
	start := w.window.start(w.state.Version())
	v, ok := w.window.ids[s.delta.ID]
	if ok {
		s.commit = w.window.commits[v-start-1]
	} else if start > 0 {
		c, found, err := w.host.log.Resolve(w.host.base, w.name, s.delta.ID)
		if err != nil {
			return false, refusal(err)
		}
		s.commit, ok = c.Commit, found
	}
	if ok && s.commit.Delta.Author != s.delta.Author {
		return false, refuse(wavelet.CodeDuplicateID, "id", "use a new id", "somebody else's delta has the id %q", s.delta.ID)
	}
	if ok {
		s.outcome = duplicate
	}
	return ok, nil
}

// moved returns d as it applies to the head.
func (w *writer) moved(d wavelet.Delta) (wavelet.Delta, error) {
	head := w.state.Version()
	switch {
	case d.Base > head:
		return d, refuse(wavelet.CodePastHead, "base", "", "base %d has not been reached, the head is %d", d.Base, head)
	case head-d.Base > maxMissed:
		return d, refuse(wavelet.CodeResync, "base", "take a snapshot and make the change again on it",
			"base %d is %d versions behind, more than %d", d.Base, head-d.Base, maxMissed)
	}
	missed, err := w.missed(d.Base)
	if err != nil {
		return d, refusal(err)
	}
	if len(missed) > 0 {
		if err := checkBase(w.state, missed, d); err != nil {
			return d, err
		}
	}
	for i := range missed {
		d = wavelet.Transform(missed[i].Delta, d)
	}
	d.Base = head
	return w.state.Resolve(d)
}

// nothing reports whether no op changes anything.
func nothing(ops []wavelet.Op) bool {
	for _, op := range ops {
		if edit, ok := op.(wavelet.EditBlip); !ok || len(edit.Delta) > 0 {
			return false
		}
	}
	return true
}

// humanCause is the cause of a person's delta: that of the one before it, if
// it follows closely.
func (w *writer) humanCause(author wavelet.Participant, now time.Time) wavelet.Cause {
	c := w.chains[author]
	if c.cause == "" || now.Sub(c.last) >= w.host.causeGap {
		c.cause = uuid.Must(uuid.NewV7()).String()
	}
	return wavelet.Cause{ID: c.cause, Kind: wavelet.Human}
}

// link remembers a person's delta for the cause of the next.
func (w *writer) link(d wavelet.Delta, at time.Time) {
	if d.Cause.Kind != wavelet.Human {
		return
	}
	if w.chains == nil || len(w.chains) >= 64 {
		recent := make(map[wavelet.Participant]chain)
		for p, c := range w.chains {
			if at.Sub(c.last) < w.host.causeGap {
				recent[p] = c
			}
		}
		w.chains = recent
	}
	w.chains[d.Author] = chain{d.Cause.ID, at}
}

// checkBase holds the edits of d against the lengths that their blips had at
// its base, which are those at s, the head, less what the missed commits added.
// A delta that reached past the end there could seem to fit here.
func checkBase(s *wavelet.State, missed []wavelet.Commit, d wavelet.Delta) error {
	lengths := make(map[wavelet.BlipID]int)
	for i, op := range d.Ops {
		edit, ok := op.(wavelet.EditBlip)
		if !ok {
			continue
		}
		length, known := lengths[edit.Blip]
		if !known {
			b, ok := s.Blip(edit.Blip)
			if !ok {
				continue // made by this delta, or refused later
			}
			if length, ok = lengthBefore(missed, edit.Blip, b.Doc.Len()); !ok {
				return &wavelet.Refusal{Code: wavelet.CodeUnknownBlip, Op: i, Field: "edit.blip",
					Reason: "the blip was not there yet at the delta's base"}
			}
		}
		if why := outside(edit.Delta, length); why != "" {
			return &wavelet.Refusal{Code: wavelet.CodeBadDelta, Op: i, Field: "edit.ops", Reason: why}
		}
		lengths[edit.Blip] = length + edit.Delta.Change()
	}
	return nil
}

// lengthBefore is the length of a blip before the commits, given that after
// them; false if one of them made it.
func lengthBefore(commits []wavelet.Commit, id wavelet.BlipID, length int) (int, bool) {
	for i := range commits {
		for _, op := range commits[i].Delta.Ops {
			switch op := op.(type) {
			case wavelet.EditBlip:
				if op.Blip == id {
					length -= op.Delta.Change()
				}
			case wavelet.CreateBlip:
				if op.Blip == id {
					return 0, false
				}
			}
		}
	}
	return length, true
}

// outside tells how d leaves a document of the given length, whose last unit is
// a newline that stays; "" if it does not.
func outside(d richtext.Delta, length int) string {
	pos := 0
	for _, op := range d {
		switch op.Kind() {
		case richtext.KindInsert, richtext.KindEmbed:
			if pos >= length {
				return "text is inserted behind the final newline that the blip had at the delta's base"
			}
			continue
		}
		pos += op.Len()
		if pos > length || pos == length && op.Kind() == richtext.KindDelete {
			return "reaches past the end, or deletes the final newline, that the blip had at the delta's base"
		}
	}
	return ""
}
