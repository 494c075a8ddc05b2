package wavelet

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"weir/wavelet/richtext"
)

// Parts is everything that a State holds, spread out as plain values for those
// who store or send it. It shares memory with the state and is only read.
type Parts struct {
	Name              Name
	Version           Version
	Created, Modified time.Time
	Creator           Participant
	Members           []Member
	Tags              []string
	Data              map[string]string
	Threads           []*Thread // in order of creation, the root thread first
	Blips             []*Blip   // in order of creation, deleted ones too
}

// Parts returns what s holds.
func (s *State) Parts() Parts {
	return Parts{
		Name: s.name, Version: s.version, Created: s.created, Modified: s.modified, Creator: s.creator,
		Members: s.Participants(), Tags: s.Tags(), Data: s.data,
		Threads: slices.Clip(s.threads.items), Blips: slices.Clip(s.blips.items),
	}
}

// Assemble returns the state that Parts took apart. It takes ownership of what
// p refers to, and fails if the parts do not fit together: an id that occurs
// twice, a thread or blip that another one names and that is not there.
func Assemble(p Parts) (*State, error) {
	s := &State{family: new(sync.Mutex), content: content{
		name: p.Name, version: p.Version, created: p.Created, modified: p.Modified, creator: p.Creator,
		members: p.Members, tags: p.Tags, data: p.Data,
	}}
	o := s.own()
	for _, t := range p.Threads {
		if s.threads.get(t.ID) != nil {
			return nil, fmt.Errorf("assemble %s: thread %q occurs twice", p.Name, t.ID)
		}
		s.threads.put(o, t.ID, t)
	}
	for _, b := range p.Blips {
		if s.blips.get(b.ID) != nil {
			return nil, fmt.Errorf("assemble %s: blip %q occurs twice", p.Name, b.ID)
		}
		if b.Doc == nil {
			b.Doc = new(richtext.Doc)
		}
		s.blips.put(o, b.ID, b)
		if !b.Deleted {
			s.living++
		}
	}
	return s, s.connected()
}

// connected reports a reference that leads nowhere or back.
func (s *State) connected() error {
	if s.threads.get(RootThread) == nil {
		return fmt.Errorf("assemble %s: no root thread", s.name)
	}
	placed := 0
	for _, t := range s.threads.items {
		for _, id := range t.Blips {
			b := s.blips.get(id)
			if b == nil || b.Thread != t.ID {
				return fmt.Errorf("assemble %s: blip %q is not in thread %q", s.name, id, t.ID)
			}
			placed++
		}
	}
	replies := 1
	for _, b := range s.blips.items {
		for _, id := range b.Replies {
			t := s.threads.get(id)
			if t == nil || t.Parent != b.ID || id == RootThread {
				return fmt.Errorf("assemble %s: thread %q is not below blip %q", s.name, id, b.ID)
			}
			replies++
		}
	}
	if placed != len(s.blips.items) || replies != len(s.threads.items) {
		return fmt.Errorf("assemble %s: %d of %d blips and %d of %d threads have a place", s.name,
			placed, len(s.blips.items), replies, len(s.threads.items))
	}
	return nil
}
