package wavelet

import "weir/wavelet/richtext"

// BlipID names a blip in its wavelet ("b+…"); ThreadID a thread ("t+…", or the
// id of its first blip). The root thread's id is the empty string.
type (
	BlipID   string
	ThreadID string
)

// RootThread is the thread that every wavelet has.
const RootThread ThreadID = ""

// Role is what a participant may do. The zero Role is Full.
type Role uint8

// The roles, from most to least.
const (
	Full    Role = iota // edit everything, invite and remove
	Comment             // add blips and edit its own, no more
	Read                // read only
)

// Op is one operation of a delta: EditBlip, CreateBlip, DeleteBlip,
// CreateThread, AddParticipant, RemoveParticipant, SetRole, SetTitle, SetTag,
// SetData or ClickForm.
type Op interface{ op() }

// EditBlip changes the text of a blip.
type EditBlip struct {
	Blip  BlipID
	Delta richtext.Delta
}

// CreateBlip adds a blip at the end of a thread. Content is a whole document
// (it ends with a newline); an empty Content stands for "\n".
type CreateBlip struct {
	Blip    BlipID
	Thread  ThreadID
	Content richtext.Delta
}

// DeleteBlip hides a blip. Its content is kept as a tombstone; replies in
// threads below it survive, shown under the thread's nearest living place.
type DeleteBlip struct{ Blip BlipID }

// CreateThread opens an empty reply thread below Parent. An inline reply is
// such a thread plus an embed {reply:{thread:ID}} in the parent's text.
type CreateThread struct {
	Thread ThreadID
	Parent BlipID
}

// AddParticipant lets somebody in; adding one who is there changes nothing.
type AddParticipant struct {
	Who  Participant
	Role Role
}

// RemoveParticipant puts somebody out; removing one who is not there changes
// nothing.
type RemoveParticipant struct{ Who Participant }

// SetRole changes what a participant may do.
type SetRole struct {
	Who  Participant
	Role Role
}

// SetTitle asks for a title. A title is the first line of the root blip and
// nothing else, so the host resolves this op at the head, after the
// transforms, to an EditBlip: of two concurrent titles the later wins whole.
// It is never found in a Commit.
type SetTitle struct{ Title string }

// SetTag adds a tag, or removes it.
type SetTag struct {
	Tag    string
	Remove bool
}

// SetData sets a data document, or removes it.
type SetData struct {
	Name, Value string
	Remove      bool
}

// ClickForm tells that the author pressed a form button. It changes no
// document; the host marks the button, by a commit of its own (State.Press).
type ClickForm struct {
	Blip    BlipID
	Element string // the element's id
}

func (EditBlip) op()          {}
func (CreateBlip) op()        {}
func (DeleteBlip) op()        {}
func (CreateThread) op()      {}
func (AddParticipant) op()    {}
func (RemoveParticipant) op() {}
func (SetRole) op()           {}
func (SetTitle) op()          {}
func (SetTag) op()            {}
func (SetData) op()           {}
func (ClickForm) op()         {}
