package wavelet

import (
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"weir/wavelet/richtext"
)

// State is a wavelet at one version. It changes by Apply only, in one
// goroutine, and what its methods return is valid until then. A state that
// nobody applies anything to, such as a clone that is kept, may be read and
// cloned by many goroutines at once.
type State struct {
	content
	owner  atomic.Pointer[owner] // nil: everything belongs to a clone as well
	family *sync.Mutex           // held while a document that several states share is cloned
}

// content is what a state holds. Copies share memory; nothing in it is written
// to in place except what belongs to the state's owner.
type content struct {
	name              Name
	version           Version
	created, modified time.Time
	creator           Participant
	members           []Member
	tags              []string
	data              map[string]string
	threads           table[ThreadID, Thread]
	blips             table[BlipID, Blip]
	living            int // blips that are not deleted
}

// Blip is a message. Callers only read it, and of its Doc they call no method
// that changes or clones it.
type Blip struct {
	ID           BlipID
	Thread       ThreadID
	Creator      Participant
	Contributors []Participant // everybody who wrote to it, in order of their first change
	Created      time.Time
	Modified     time.Time
	Version      Version // of the commit that changed it last
	Deleted      bool    // a tombstone: it keeps its place, replies and text, and takes no edits
	Doc          *richtext.Doc
	Replies      []ThreadID // threads below it, in order of their creation

	owner    *owner // the state that may change this record
	docOwner *owner // the state that may edit Doc
}

// Thread is a sequence of blips below a blip, or the root thread. Callers only
// read it.
type Thread struct {
	ID     ThreadID
	Parent BlipID // "" for the root thread
	Blips  []BlipID

	owner *owner
}

// Member is somebody who takes part.
type Member struct {
	Address Participant
	Role    Role
}

// NewState returns the wavelet at version 0: a root thread with nothing in it,
// and nobody there.
func NewState(name Name) *State {
	s := &State{content: content{name: name}, family: new(sync.Mutex)}
	o := s.own()
	s.threads.put(o, RootThread, &Thread{owner: o})
	return s
}

// Clone returns a copy that goes its own way. It costs the same however large
// the wavelet is: the two share their blips until one of them changes one.
func (s *State) Clone() *State {
	s.owner.Store(nil)
	return &State{content: s.content, family: s.family}
}

// own returns the owner under which s may write.
func (s *State) own() *owner {
	o := s.owner.Load()
	if o == nil {
		o = new(owner)
		s.owner.Store(o)
	}
	return o
}

// Name is the wavelet's name.
func (s *State) Name() Name { return s.name }

// Version is how many deltas have been applied.
func (s *State) Version() Version { return s.version }

// Created is when version 1 was committed, the zero time at version 0.
func (s *State) Created() time.Time { return s.created }

// Modified is when the newest version was committed, the zero time at version 0.
func (s *State) Modified() time.Time { return s.modified }

// Creator is the author of version 1, "" at version 0.
func (s *State) Creator() Participant { return s.creator }

// Blip returns a blip, also a deleted one.
func (s *State) Blip(id BlipID) (*Blip, bool) {
	b := s.blips.get(id)
	return b, b != nil
}

// Thread returns a thread. RootThread is always there.
func (s *State) Thread(id ThreadID) (*Thread, bool) {
	t := s.threads.get(id)
	return t, t != nil
}

// Threads yields every thread in order of creation, the root thread first.
func (s *State) Threads() iter.Seq[*Thread] { return slices.Values(s.threads.items) }

// Blips yields the living blips in the order of the conversation: each blip is
// followed by the threads below it. Replies to a deleted blip stand where the
// blip would.
func (s *State) Blips() iter.Seq[*Blip] {
	return func(yield func(*Blip) bool) { s.walk(RootThread, yield) }
}

// Living is how many blips are not deleted.
func (s *State) Living() int { return s.living }

// walk yields the living blips of a thread and of what is below it.
func (s *State) walk(id ThreadID, yield func(*Blip) bool) bool {
	for _, id := range s.threads.get(id).Blips {
		b := s.blips.get(id)
		if !b.Deleted && !yield(b) {
			return false
		}
		for _, reply := range b.Replies {
			if !s.walk(reply, yield) {
				return false
			}
		}
	}
	return true
}

// Root is the first living blip of the root thread, whose first line is the
// title; "" if there is none.
func (s *State) Root() BlipID {
	for _, id := range s.threads.get(RootThread).Blips {
		if !s.blips.get(id).Deleted {
			return id
		}
	}
	return ""
}

// Participants are those who take part, in order of joining.
func (s *State) Participants() []Member { return slices.Clip(s.members) }

// Role is what p may do; false if p does not take part.
func (s *State) Role(p Participant) (Role, bool) {
	for i := range s.members {
		if s.members[i].Address == p {
			return s.members[i].Role, true
		}
	}
	return Read, false
}

// Tags are the wavelet's tags, in order of being added.
func (s *State) Tags() []string { return slices.Clip(s.tags) }

// Data is the value of a data document; false if there is none of that name.
func (s *State) Data(name string) (string, bool) {
	v, ok := s.data[name]
	return v, ok
}

// DataNames are the names of the data documents, sorted.
func (s *State) DataNames() []string {
	names := make([]string, 0, len(s.data))
	for name := range s.data {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// longTitle is how much of a first line Title looks at, in UTF-16 units.
const longTitle = 1000

// Title is the first line of the root blip without embeds and surrounding
// blanks, "" if there is none. Of a very long line it is the first 1,000 units.
func (s *State) Title() string {
	b := s.blips.get(s.Root())
	if b == nil {
		return ""
	}
	line, _, _ := strings.Cut(b.Doc.Slice(0, longTitle).Text(), "\n")
	line = strings.ToValidUTF8(line, "") // half of a pair, if one is cut
	return strings.TrimSpace(strings.ReplaceAll(line, string(richtext.EmbedRune), ""))
}

// firstLine returns the first line of a document, without its newline, and its
// length in UTF-16 units.
func firstLine(doc *richtext.Doc) (line string, units int) {
	for n := longTitle; ; n *= 8 {
		head := doc.Slice(0, n)
		if line, _, ok := strings.Cut(head.Text(), "\n"); ok {
			return line, richtext.Delta{}.Insert(line, richtext.Attributes{}).Len()
		}
		if n >= doc.Len() {
			return head.Text(), head.Len()
		}
	}
}

// Text is the plain text of the conversation: the living blips in their order,
// each ending in a newline, without embeds.
func (s *State) Text() string {
	var b strings.Builder
	for blip := range s.Blips() {
		b.WriteString(strings.ReplaceAll(blip.Doc.Text(), string(richtext.EmbedRune), ""))
	}
	return b.String()
}
