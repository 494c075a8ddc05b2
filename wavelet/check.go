package wavelet

import (
	"slices"

	"weir/wavelet/richtext"
)

// Check reports whether the door may let d in as the next delta: its shape and
// limits (CheckShape), whether its author takes part and may do each op, and
// whether each op fits the state that the ops before it leave. It changes
// nothing. The error is a *Refusal that names the op.
//
// Deltas with a Cause of kind System are the server's own: they need no access
// and are not held to the numbers of things. A wavelet at version 0 lets in
// whoever adds himself.
func (s *State) Check(d Delta) error {
	if err := CheckShape(d); err != nil {
		return err
	}
	trial := s
	who := s.admit(d)
	if who == nil && !s.bootstraps(d) {
		return refuse(CodeNotParticipant, "author", "ask a participant to add you", "%s does not take part in this wavelet", d.Author)
	}
	for i, op := range d.Ops {
		if title, ok := op.(SetTitle); ok {
			edit, r := trial.titleEdit(title)
			if r != nil {
				return r.at(i)
			}
			op = edit
		}
		if r := trial.judge(d, op); r != nil {
			return r.at(i)
		}
		if i+1 < len(d.Ops) {
			if trial == s {
				trial = s.Clone()
			}
			trial.perform(op, change{author: d.Author})
		}
	}
	return nil
}

// judge reports why op of d may not be done to s next.
func (s *State) judge(d Delta, op Op) *Refusal {
	if d.Cause.Kind != System {
		if r := s.permits(d, op); r != nil {
			return r
		}
		if r := s.fits(op); r != nil {
			return r
		}
	}
	if op, ok := op.(SetRole); ok && s.member(op.Who) < 0 {
		return refuse(CodeUnknownMember, "role.who", "add them instead", "%s does not take part in this wavelet", op.Who)
	}
	return s.verify(op)
}

// admit returns the participant as whom the author of d acts, nil if it is none.
// A robot acts for whatever comes behind "+" and "#" in its address; a person
// never does, so that nobody gets in under somebody else's name.
func (s *State) admit(d Delta) *Member {
	if i := s.member(d.Author); i >= 0 {
		return &s.members[i]
	}
	switch d.Cause.Kind {
	case System:
		return &Member{Address: d.Author}
	case Robot, Assumed:
		if i := s.member(d.Author.Robot()); i >= 0 {
			return &s.members[i]
		}
	}
	return nil
}

// bootstraps reports whether d makes the wavelet: nothing has happened yet, and
// its first op adds its own author.
func (s *State) bootstraps(d Delta) bool {
	if s.version != 0 || len(s.members) != 0 || len(d.Ops) == 0 {
		return false
	}
	add, ok := d.Ops[0].(AddParticipant)
	return ok && add.Who == d.Author
}

// permits reports why the author of d may not do op.
func (s *State) permits(d Delta, op Op) *Refusal {
	who := s.admit(d)
	if who == nil {
		if s.bootstraps(d) {
			return nil
		}
		return refuse(CodeNotParticipant, "author", "", "%s does not take part in this wavelet any more", d.Author)
	}
	if remove, ok := op.(RemoveParticipant); ok && remove.Who == who.Address {
		return nil
	}
	switch who.Role {
	case Full:
		return nil
	case Comment:
		switch op.(type) {
		case CreateBlip, CreateThread, ClickForm:
			return nil
		case EditBlip, DeleteBlip:
			if b := s.blips.get(blipOf(op)); b == nil || s.owns(d, b) {
				return nil
			}
			return refuse(CodeNoAccess, "blip", "write a reply, or ask a participant with full access", "role comment lets %s change only its own blips", d.Author)
		}
	}
	return refuse(CodeNoAccess, "author", "ask a participant with full access", "role %s does not let %s do this", who.Role, d.Author)
}

// owns reports whether b was written by the author of d.
func (s *State) owns(d Delta, b *Blip) bool {
	if d.Cause.Kind == Robot || d.Cause.Kind == Assumed {
		return b.Creator.Robot() == d.Author.Robot()
	}
	return b.Creator == d.Author
}

// fits reports which limit of the wavelet op would exceed.
func (s *State) fits(op Op) *Refusal {
	switch op := op.(type) {
	case CreateBlip:
		if s.living >= MaxBlips || len(s.blips.items) >= MaxBlipsEver {
			return limit("create", "start another wave", "the wavelet has %d blips, at most %d are possible", s.living, MaxBlips)
		}
	case CreateThread:
		if len(s.threads.items) > MaxBlipsEver {
			return limit("thread", "start another wave", "the wavelet has %d threads already", MaxBlipsEver)
		}
	case AddParticipant:
		if len(s.members) >= MaxParticipants && s.member(op.Who) < 0 {
			return limit("add", "remove somebody first", "the wavelet has %d participants already", MaxParticipants)
		}
	case SetTag:
		if !op.Remove && len(s.tags) >= MaxTags {
			return limit("tag", "remove a tag first", "the wavelet has %d tags already", MaxTags)
		}
	case SetData:
		if _, has := s.data[op.Name]; !op.Remove && !has && len(s.data) >= MaxDataDocs {
			return limit("data", "remove a data document first", "the wavelet has %d data documents already", MaxDataDocs)
		}
	}
	return nil
}

// limit refuses something for its size or number.
func limit(field, remedy, format string, args ...any) *Refusal {
	return refuse(CodeLimit, field, remedy, format, args...)
}

// Resolve replaces each SetTitle of d by an EditBlip that puts the title in the
// place of the root blip's first line, as that stands in s after the ops before
// it. A delta without one is returned as it is. The error is a *Refusal.
func (s *State) Resolve(d Delta) (Delta, error) {
	titles := func(op Op) bool { _, ok := op.(SetTitle); return ok }
	if !slices.ContainsFunc(d.Ops, titles) {
		return d, nil
	}
	trial, ops := s.Clone(), slices.Clone(d.Ops)
	for i, op := range ops {
		if title, ok := op.(SetTitle); ok {
			edit, r := trial.titleEdit(title)
			if r != nil {
				return d, r.at(i)
			}
			op, ops[i] = edit, edit
		}
		if r := trial.verify(op); r != nil {
			return d, r.at(i)
		}
		trial.perform(op, change{author: d.Author})
	}
	d.Ops = ops
	return d, nil
}

// titleEdit is the edit that a SetTitle asks for.
func (s *State) titleEdit(op SetTitle) (EditBlip, *Refusal) {
	b := s.blips.get(s.Root())
	if b == nil {
		return EditBlip{}, refuse(CodeUnknownBlip, "title", "write a first blip; its first line is the title", "the wavelet has no blip that could bear a title")
	}
	line, units := firstLine(b.Doc)
	edit := EditBlip{Blip: b.ID}
	if line != op.Title {
		edit.Delta = richtext.Delta{}.Insert(op.Title, richtext.Attributes{}).Delete(units)
	}
	return edit, nil
}
