package wiretest

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Bundle is what a client has read of a bundle.
type Bundle struct {
	Events       []Event
	Wavelet      map[string]any
	Blips        map[string]*Blip
	Threads      map[string]any
	RobotAddress string
	ProxyingFor  string
	RPCServerURL string
}

// Event is one event.
type Event struct {
	Type       string
	ModifiedBy string
	Timestamp  float64
	Properties map[string]any
}

// Text is a property that is text, "" if it is none.
func (e Event) Text(name string) string { return text(e.Properties[name]) }

// Blip is a blip as a robot sees it.
type Blip struct {
	ID, Content, Creator, ThreadID string
	Annotations                    []Annotation
	Elements                       map[string]Element
	Children, Contributors         []string
	Parent                         string
}

// Annotation is a name with its value over a range.
type Annotation struct {
	Name, Value string
	Start, End  int
}

// Element is an element with its properties.
type Element struct {
	Type       string
	Properties map[string]any
}

// crash is how a client ends when a bundle is not as it expects.
type crash string

func need(ok bool, format string, args ...any) {
	if !ok {
		panic(crash(fmt.Sprintf(format, args...)))
	}
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func object(v any, what string) map[string]any {
	m, ok := v.(map[string]any)
	need(ok, "%s is no object", what)
	return m
}

func list(v any, what string) []any {
	l, ok := v.([]any)
	need(ok, "%s is no list", what)
	return l
}

// notNull fails on keys that are there with the value null.
func notNull(m map[string]any, what string, keys ...string) {
	for _, key := range keys {
		v, ok := m[key]
		need(!ok || v != nil, "%s.%s is null", what, key)
	}
}

// Read reads a bundle as a client does. The error says on what the client would
// have failed.
func (d Dialect) Read(body []byte) (b *Bundle, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case crash:
			b, err = nil, fmt.Errorf("%s client: %s", d, string(r))
		default:
			panic(r)
		}
	}()
	var top map[string]any
	if err := json.Unmarshal(body, &top); err != nil {
		return nil, err
	}
	d.checkTop(top)
	b = &Bundle{Wavelet: object(top["wavelet"], "wavelet"), Blips: map[string]*Blip{}}
	d.checkWavelet(b.Wavelet)
	b.Threads, _ = top["threads"].(map[string]any)
	b.RobotAddress, b.ProxyingFor, b.RPCServerURL = text(top["robotAddress"]), text(top["proxyingFor"]), text(top["rpcServerUrl"])
	for id, raw := range object(top["blips"], "blips") {
		blip := object(raw, "a blip")
		d.checkBlip(blip, b.Threads)
		if d == Python && (blip["waveId"] != b.Wavelet["waveId"] || blip["waveletId"] != b.Wavelet["waveletId"]) {
			continue
		}
		b.Blips[id] = blipOf(id, blip)
	}
	for _, raw := range list(top["events"], "events") {
		b.Events = append(b.Events, d.event(object(raw, "an event")))
	}
	return b, nil
}

func (d Dialect) checkTop(top map[string]any) {
	for _, key := range []string{"events", "wavelet", "blips"} {
		need(top[key] != nil, "%s is missing", key)
	}
	if d == Python {
		return
	}
	need(top["threads"] != nil, "threads is missing")
	_, ok := top["robotAddress"].(string)
	need(ok, "robotAddress is missing")
	notNull(top, "bundle", "proxyingFor", "rpcServerUrl")
}

func (d Dialect) checkWavelet(w map[string]any) {
	notNull(w, "wavelet", "participants", "tags")
	if d == Python {
		notNull(w, "wavelet", "participantRoles")
	} else {
		notNull(w, "wavelet", "dataDocuments")
	}
}

func (d Dialect) checkBlip(b, threads map[string]any) {
	notNull(b, "blip", "elements", "childBlipIds", "contributors")
	elements, _ := b["elements"].(map[string]any)
	if d == Python {
		notNull(b, "blip", "annotations")
		for at, raw := range elements {
			el := object(raw, "an element")
			p := object(el["properties"], "the properties of the element at "+at)
			for name := range p {
				need(slices.Contains(propertiesOf(text(el["type"]), name), name), "the %v at %s has the property %s", el["type"], at, name)
			}
		}
		return
	}
	for at, raw := range elements {
		el := object(raw, "an element")
		need(slices.Contains(elementTypes, text(el["type"])), "there is no element type %v, at %s", el["type"], at)
	}
	replies, _ := b["replyThreadIds"].([]any)
	for _, id := range replies {
		need(threads[text(id)] != nil, "the thread %v is not among the threads", id)
	}
}

// propertiesOf is what the properties of an element may be called; the one asked
// for, if any will do.
func propertiesOf(elementType, any string) []string {
	switch elementType {
	case "IMAGE":
		return []string{"url", "width", "height", "attachmentId", "caption"}
	case "ATTACHMENT":
		return []string{"caption", "data", "mimeType", "attachmentId", "attachmentUrl"}
	}
	return []string{any}
}

// elementTypes are those that the Java client knows.
var elementTypes = []string{
	"INPUT", "PASSWORD", "CHECK", "LABEL", "BUTTON", "RADIO_BUTTON", "RADIO_BUTTON_GROUP", "TEXTAREA",
	"GADGET", "INSTALLER", "IMAGE", "ATTACHMENT", "LINE", "INLINE_BLIP",
}

// eventProperties is the event types that there are, with the properties that a
// handler of the Python client reads.
var eventProperties = map[string][]string{
	"WAVELET_SELF_ADDED": {}, "WAVELET_SELF_REMOVED": {},
	"WAVELET_PARTICIPANTS_CHANGED": {"participantsAdded", "participantsRemoved"},
	"WAVELET_BLIP_CREATED":         {"newBlipId"}, "WAVELET_BLIP_REMOVED": {"removedBlipId"},
	"WAVELET_TITLE_CHANGED": {"title"}, "WAVELET_TAGS_CHANGED": {},
	"WAVELET_CREATED": {"message"}, "WAVELET_FETCHED": {"message"},
	"BLIP_SUBMITTED": {}, "BLIP_CONTRIBUTORS_CHANGED": {"contributorsAdded", "contributorsRemoved"},
	"DOCUMENT_CHANGED": {}, "ANNOTATED_TEXT_CHANGED": {"name", "value"},
	"FORM_BUTTON_CLICKED": {"buttonName"}, "GADGET_STATE_CHANGED": {"index", "oldState"},
	"OPERATION_ERROR": {"operationId", "message"},
}

// event reads an event. The Java client knows its types; the Python client wants
// the properties of those for which there is a handler, taken here to be all.
func (d Dialect) event(raw map[string]any) Event {
	e := Event{Type: text(raw["type"]), ModifiedBy: text(raw["modifiedBy"])}
	need(e.Type != "", "an event has no type")
	e.Timestamp, _ = raw["timestamp"].(float64)
	e.Properties, _ = raw["properties"].(map[string]any)
	properties, known := eventProperties[e.Type]
	if d == Python {
		for _, name := range properties {
			_, ok := e.Properties[name]
			need(ok, "a %s has no %s", e.Type, name)
		}
		return e
	}
	need(known, "there is no event type %s", e.Type)
	_, by := raw["modifiedBy"].(string)
	_, at := raw["timestamp"].(float64)
	need(by && at && e.Properties != nil, "a %s lacks modifiedBy, timestamp or properties", e.Type)
	return e
}

func blipOf(id string, raw map[string]any) *Blip {
	b := &Blip{ID: id, Content: text(raw["content"]), Creator: text(raw["creator"]), ThreadID: text(raw["threadId"]), Parent: text(raw["parentBlipId"])}
	b.Children, b.Contributors = texts(raw["childBlipIds"]), texts(raw["contributors"])
	annotations, _ := raw["annotations"].([]any)
	for _, v := range annotations {
		m := object(v, "an annotation")
		r := object(m["range"], "the range of an annotation")
		start, _ := r["start"].(float64)
		end, _ := r["end"].(float64)
		b.Annotations = append(b.Annotations, Annotation{text(m["name"]), text(m["value"]), int(start), int(end)})
	}
	b.Elements = map[string]Element{}
	elements, _ := raw["elements"].(map[string]any)
	for at, v := range elements {
		m := object(v, "an element")
		p, _ := m["properties"].(map[string]any)
		b.Elements[at] = Element{text(m["type"]), p}
	}
	return b
}

func texts(v any) []string {
	var all []string
	l, _ := v.([]any)
	for _, x := range l {
		all = append(all, text(x))
	}
	return all
}
