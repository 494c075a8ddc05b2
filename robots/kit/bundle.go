package kit

import (
	"iter"
	"maps"
	"slices"
	"strings"
)

// Bundle is what the server tells: what happened in one wavelet since the last
// bundle, and the wavelet as it is now.
type Bundle struct {
	Events       []Event           `json:"events"`
	Wavelet      Wavelet           `json:"wavelet"`
	Blips        map[string]Blip   `json:"blips"` // by id; those that Options.Context asks for
	Threads      map[string]Thread `json:"threads"`
	RobotAddress string            `json:"robotAddress"`
	ProxyingFor  string            `json:"proxyingFor"`  // for whom the robot stands, "" for itself
	RPCServerURL string            `json:"rpcServerUrl"` // where Call goes if Options.Server is ""
	Limits       Limits            `json:"limits"`
	Label        Label             `json:"bundle"`

	held *Held // why an answer would be held back, nil if it would not
}

// Label names a bundle.
type Label struct {
	ID      string `json:"id"`
	Token   string `json:"token"` // echoed by the robot itself
	Lane    Lane   `json:"lane"`
	Version uint64 `json:"version"` // of the wavelet
}

// Lane says who set off what a bundle tells.
type Lane string

// The lanes. What people and robots wrote never shares a bundle.
const (
	Human  Lane = "human"
	Robots Lane = "robot"
)

// Wavelet is the wavelet without the text of its blips.
type Wavelet struct {
	WaveID           string            `json:"waveId"`
	WaveletID        string            `json:"waveletId"`
	Title            string            `json:"title"`
	Creator          string            `json:"creator"`
	CreationTime     int64             `json:"creationTime"`     // milliseconds since 1970
	LastModifiedTime int64             `json:"lastModifiedTime"` // milliseconds since 1970
	Version          uint64            `json:"version"`
	RootBlipID       string            `json:"rootBlipId"`
	RootThread       Thread            `json:"rootThread"`
	Participants     []string          `json:"participants"`
	Roles            map[string]string `json:"participantRoles"` // READ_ONLY or COMMENT; others may do everything
	Tags             []string          `json:"tags"`
	Data             map[string]string `json:"dataDocuments"`
}

// Blip is one message. Content begins with a newline; offsets into it count
// UTF-16 units.
type Blip struct {
	ID               string             `json:"blipId"`
	Content          string             `json:"content"`
	Creator          string             `json:"creator"`
	Contributors     []string           `json:"contributors"`
	ParentBlipID     string             `json:"parentBlipId"` // "" if it has none
	ChildBlipIDs     []string           `json:"childBlipIds"`
	ThreadID         string             `json:"threadId"`
	ReplyThreadIDs   []string           `json:"replyThreadIds"`
	LastModifiedTime int64              `json:"lastModifiedTime"` // milliseconds since 1970
	Version          uint64             `json:"version"`
	Annotations      []Annotation       `json:"annotations"`
	Elements         map[string]Element `json:"elements"` // by offset
}

// Text is the content without the newline that it begins with.
func (b Blip) Text() string { return strings.TrimPrefix(b.Content, "\n") }

// Annotation is a name with a value over a range of a blip's content.
type Annotation struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Range Range  `json:"range"`
}

// Range is the UTF-16 units from Start up to End.
type Range struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// Element is an object in a blip's text.
type Element struct {
	Type       string            `json:"type"`
	Properties map[string]string `json:"properties"`
}

// Thread is blips one after the other.
type Thread struct {
	ID       string   `json:"id"`
	Location int      `json:"location"` // offset in the parent's content, -1 if it has none
	BlipIDs  []string `json:"blipIds"`
}

// Hold is why an answer to the bundle would be held back, nil if it would not be:
// for robots whose answers cost something to find.
func (b *Bundle) Hold() *Held { return b.held }

// Has reports whether an event of one of the types is in the bundle.
func (b *Bundle) Has(types ...EventType) bool {
	return slices.ContainsFunc(b.Events, func(e Event) bool { return slices.Contains(types, e.Type) })
}

// Of yields the events of a type, in order.
func (b *Bundle) Of(t EventType) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for _, e := range b.Events {
			if e.Type == t && !yield(e) {
				return
			}
		}
	}
}

// Written yields each event about the text of a blip that is in the bundle, with
// that blip, the latest first, each blip once.
func (b *Bundle) Written() iter.Seq2[Event, Blip] {
	return func(yield func(Event, Blip) bool) {
		seen := map[string]bool{}
		for _, e := range slices.Backward(b.Events) {
			blip, ok := b.Blips[e.Blip()]
			if !ok || seen[blip.ID] || e.Type != DocumentChanged && e.Type != WaveletBlipCreated && e.Type != BlipSubmitted {
				continue
			}
			seen[blip.ID] = true
			if !yield(e, blip) {
				return
			}
		}
	}
}

// Own is the first blip of the wavelet that the robot made; false if there is
// none.
func (b *Bundle) Own() (Blip, bool) {
	for _, id := range slices.Concat(b.Wavelet.RootThread.BlipIDs, slices.Sorted(maps.Keys(b.Blips))) {
		if blip, ok := b.Blips[id]; ok && blip.Creator == b.RobotAddress {
			return blip, true
		}
	}
	return Blip{}, false
}

// strangers reports whether all who set off the bundle are of other servers.
func (b *Bundle) strangers() bool {
	_, home, _ := strings.Cut(b.RobotAddress, "@")
	for _, e := range b.Events {
		for _, who := range append(e.Contributors, e.ModifiedBy) {
			if _, domain, _ := strings.Cut(who, "@"); domain == home {
				return false
			}
		}
	}
	return len(b.Events) > 0
}
