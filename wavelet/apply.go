package wavelet

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"weir/wavelet/richtext"
)

// Apply makes s the next version. It demands that the commit is the next one
// and that every op fits what is there; it does not ask again what Check asks
// at the door, who may do what and how much, so that a history stays readable
// when rules change. The error is a *Refusal, and then s is as it was.
func (s *State) Apply(c Commit) error {
	if c.Version != s.version+1 {
		return refuse(CodeBaseUnknown, "version", "apply the commits in order", "commit %d does not follow version %d", c.Version, s.version)
	}
	if !c.Wavelet.IsZero() && c.Wavelet != s.name {
		return refuse(CodeBadDelta, "wavelet", "", "commit of wavelet %s, but this is %s", c.Wavelet, s.name)
	}
	before := s.content
	if len(c.Delta.Ops) > 1 {
		s.owner.Store(nil) // what before holds is not to be written to
	}
	by := change{author: c.Delta.Author, at: c.At, version: c.Version}
	for i, op := range c.Delta.Ops {
		if r := s.verify(op); r != nil {
			s.content = before
			s.owner.Store(nil)
			return r.at(i)
		}
		s.perform(op, by)
	}
	if s.version == 0 {
		s.created, s.creator = c.At, c.Delta.Author
	}
	s.version, s.modified = c.Version, c.At
	return nil
}

// change says who changes something, when, and as which version.
type change struct {
	author  Participant
	at      time.Time
	version Version
}

// verify reports why op does not fit the state, nil if it does.
func (s *State) verify(op Op) *Refusal {
	switch op := op.(type) {
	case EditBlip:
		b, r := s.livingBlip("edit.blip", op.Blip)
		if r != nil {
			return r
		}
		return fromRichtext("edit", b.Doc.Check(op.Delta))
	case CreateBlip:
		return s.verifyCreate(op)
	case DeleteBlip:
		_, r := s.livingBlip("delete.blip", op.Blip)
		return r
	case CreateThread:
		switch {
		case s.threads.get(op.Thread) != nil:
			return refuse(CodeDuplicateID, "thread.id", "use a new random id", "a thread %q is there already", op.Thread)
		case s.blips.get(op.Parent) == nil:
			return refuse(CodeUnknownBlip, "thread.parent", "", "there is no blip %q", op.Parent)
		}
	case ClickForm:
		_, r := s.livingBlip("click.blip", op.Blip)
		return r
	case SetTitle:
		return refuse(CodeBadDelta, "title", "resolve it to an edit of the root blip first", "a commit holds no title")
	case AddParticipant, RemoveParticipant, SetRole, SetTag, SetData:
	default:
		return refuse(CodeBadDelta, "", "", "unknown op %T", op)
	}
	return nil
}

// livingBlip returns a blip that can be changed.
func (s *State) livingBlip(field string, id BlipID) (*Blip, *Refusal) {
	b := s.blips.get(id)
	switch {
	case b == nil:
		return nil, refuse(CodeUnknownBlip, field, "", "there is no blip %q", id)
	case b.Deleted:
		return nil, refuse(CodeBlipDeleted, field, "write a new blip", "the blip %q is deleted", id)
	}
	return b, nil
}

func (s *State) verifyCreate(op CreateBlip) *Refusal {
	switch {
	case s.blips.get(op.Blip) != nil:
		return refuse(CodeDuplicateID, "create.blip", "use a new random id", "a blip %q is there already", op.Blip)
	case s.threads.get(op.Thread) == nil:
		return refuse(CodeUnknownThread, "create.thread", "create the thread first", "there is no thread %q", op.Thread)
	case len(op.Content) == 0:
		return nil
	}
	return fromRichtext("create", richtext.CheckDocument(op.Content))
}

// fromRichtext makes a Refusal of what richtext says about the ops of an edit
// or a new blip. It accepts nil.
func fromRichtext(field string, err error) *Refusal {
	if err == nil {
		return nil
	}
	r := &Refusal{Code: CodeBadDelta, Op: -1, Field: field + ".ops", Reason: err.Error(), Err: err}
	if errors.Is(err, richtext.ErrTooLarge) {
		r.Code = CodeLimit
	}
	if e := (*richtext.Error)(nil); errors.As(err, &e) {
		r.Reason = e.Reason
		if e.Op >= 0 {
			r.Field = fmt.Sprintf("%s[%d]", r.Field, e.Op)
		}
		if e.Field != "" {
			r.Field += "." + e.Field
		}
	}
	return r
}

// perform carries out an op that verify has let through.
func (s *State) perform(op Op, by change) {
	switch op := op.(type) {
	case EditBlip:
		s.edit(op, by)
	case CreateBlip:
		s.create(op, by)
	case DeleteBlip:
		b := s.changeBlip(op.Blip, by)
		b.Deleted = true
		s.living--
	case CreateThread:
		o := s.own()
		s.threads.put(o, op.Thread, &Thread{ID: op.Thread, Parent: op.Parent, owner: o})
		b := s.ownBlip(op.Parent)
		b.Replies = append(slices.Clip(b.Replies), op.Thread)
	case AddParticipant:
		if _, in := s.Role(op.Who); !in {
			s.members = append(slices.Clip(s.members), Member{op.Who, op.Role})
		}
	case RemoveParticipant:
		if i := s.member(op.Who); i >= 0 {
			s.members = slices.Delete(slices.Clone(s.members), i, i+1)
		}
	case SetRole:
		if i := s.member(op.Who); i >= 0 {
			s.members = slices.Clone(s.members)
			s.members[i].Role = op.Role
		}
	case SetTag:
		s.setTag(op)
	case SetData:
		s.setData(op)
	}
}

func (s *State) member(p Participant) int {
	return slices.IndexFunc(s.members, func(m Member) bool { return m.Address == p })
}

func (s *State) edit(op EditBlip, by change) {
	b := s.changeBlip(op.Blip, by)
	if o := s.own(); b.docOwner != o {
		s.family.Lock()
		b.Doc = b.Doc.Clone()
		s.family.Unlock()
		b.docOwner = o
	}
	if err := b.Doc.Apply(op.Delta); err != nil {
		panic("wavelet: an edit that was checked does not apply: " + err.Error())
	}
}

func (s *State) create(op CreateBlip, by change) {
	content := op.Content
	if len(content) == 0 {
		content = richtext.Delta{}.Insert("\n", richtext.Attributes{})
	}
	doc, err := richtext.NewDoc(content)
	if err != nil {
		panic("wavelet: a document that was checked is none: " + err.Error())
	}
	o := s.own()
	s.blips.put(o, op.Blip, &Blip{
		ID: op.Blip, Thread: op.Thread,
		Creator: by.author, Contributors: []Participant{by.author},
		Created: by.at, Modified: by.at, Version: by.version,
		Doc: doc, owner: o, docOwner: o,
	})
	s.living++
	t := s.threads.get(op.Thread)
	if t.owner != o {
		copied := *t
		copied.owner = o
		t = &copied
		s.threads.put(o, op.Thread, t)
		t.Blips = slices.Clip(t.Blips)
	}
	t.Blips = append(t.Blips, op.Blip)
}

// ownBlip returns a blip's record for writing, a copy if it is shared. Its slices
// and its document stay shared.
func (s *State) ownBlip(id BlipID) *Blip {
	o, b := s.own(), s.blips.get(id)
	if b.owner != o {
		copied := *b
		copied.owner = o
		b = &copied
		s.blips.put(o, id, b)
	}
	return b
}

// changeBlip is ownBlip for a change that counts as the author's.
func (s *State) changeBlip(id BlipID, by change) *Blip {
	b := s.ownBlip(id)
	b.Modified, b.Version = by.at, by.version
	if !slices.Contains(b.Contributors, by.author) {
		b.Contributors = append(slices.Clip(b.Contributors), by.author)
	}
	return b
}

func (s *State) setTag(op SetTag) {
	i := slices.Index(s.tags, op.Tag)
	switch {
	case op.Remove && i >= 0:
		s.tags = slices.Delete(slices.Clone(s.tags), i, i+1)
	case !op.Remove && i < 0:
		s.tags = append(slices.Clip(s.tags), op.Tag)
	}
}

func (s *State) setData(op SetData) {
	s.data = maps.Clone(s.data)
	if op.Remove {
		delete(s.data, op.Name)
		return
	}
	if s.data == nil {
		s.data = make(map[string]string)
	}
	s.data[op.Name] = op.Value
}
