package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"weir/events"
	"weir/policies"
	"weir/wavelet"
)

// bundleData is the body of a post. What the protocol of old does not know comes
// in fields of its own, which old clients skip.
type bundleData struct {
	Events       []eventData                     `json:"events"`
	Wavelet      waveletData                     `json:"wavelet"`
	Blips        map[wavelet.BlipID]blipView     `json:"blips"`
	Threads      map[wavelet.ThreadID]threadView `json:"threads"`
	RobotAddress wavelet.Participant             `json:"robotAddress"`
	ProxyingFor  string                          `json:"proxyingFor,omitzero"`
	RPCServerURL string                          `json:"rpcServerUrl,omitzero"`
	Limits       policies.Limits                 `json:"limits"`
	Bundle       lineage                         `json:"bundle"`
}

// lineage names the bundle, so that an active call can say which one it answers.
type lineage struct {
	ID      string          `json:"id"`
	Token   string          `json:"token"`
	Lane    string          `json:"lane"`
	Version wavelet.Version `json:"version"`
}

// eventData is one event. Contributors is not of the old protocol.
type eventData struct {
	Type         events.Type           `json:"type"`
	ModifiedBy   wavelet.Participant   `json:"modifiedBy"`
	Timestamp    int64                 `json:"timestamp"`
	Properties   map[string]any        `json:"properties"`
	Contributors []wavelet.Participant `json:"contributors,omitzero"`
}

// Encode writes b as one line of JSON for a robot that declares c, which calls
// the active API at rpcURL, "" if it is to be told of none. The line is nil if
// nothing in b is for this robot.
func Encode(b events.Bundle, c Capabilities, rpcURL string) ([]byte, error) {
	wanted := c.filter(b)
	if len(wanted) == 0 {
		return nil, nil
	}
	var ids []wavelet.BlipID // what the events are about comes first, in case there is no room for all
	for _, e := range wanted {
		ids = append(ids, e.Blip, e.NewBlip)
	}
	ids = append(ids, events.Blips(b.State, wanted, c.contexts(), c.Dialect())...)
	v := newView(b.State, ids, c.Dialect())
	if c.beforeAttachments() {
		v.filesAsImages()
	}
	v.linkFiles(strings.TrimSuffix(rpcURL, "/robot/rpc"))
	out := bundleData{
		Wavelet:      v.wavelet(),
		Blips:        v.blips,
		Threads:      v.threads,
		RobotAddress: b.Seat.Robot.Robot(),
		ProxyingFor:  proxyOf(b.State, b.Seat.Robot.Robot()),
		RPCServerURL: rpcURL,
		Limits:       b.Limits,
		Bundle:       lineage{b.ID, b.Token, b.Lane.String(), b.Version},
	}
	for _, e := range wanted {
		if e.Type == events.FormButtonClicked {
			v.click(e.Blip, e.Element)
		}
		out.Events = append(out.Events, eventOf(e))
	}
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return nil, fmt.Errorf("encode bundle %s: %w", b.ID, err)
	}
	return bytes.TrimSuffix(line.Bytes(), []byte("\n")), nil
}

// proxyOf is whom a robot stands for that takes part under no address but that of
// a proxy; "" for every other robot.
func proxyOf(s *wavelet.State, robot wavelet.Participant) string {
	if _, ok := s.Role(robot); ok {
		return ""
	}
	for _, m := range s.Participants() {
		if m.Address.Robot() != robot {
			continue
		}
		if proxy := proxyName(m.Address); proxy != "" {
			return proxy
		}
	}
	return ""
}

// filter is the events of b that the capabilities ask for. That it was added
// every robot is told.
func (c Capabilities) filter(b events.Bundle) []events.Event {
	var wanted []events.Event
	for _, e := range b.Events {
		if e.Type == events.AnnotatedTextChanged {
			e.Annotation = shown(e.Annotation)
		}
		if e.Type == events.WaveletSelfAdded || c.wants(b.State, e) {
			wanted = append(wanted, e)
		}
	}
	return wanted
}

// wants reports whether an event is named and passes its filters, which look at
// the name of an annotation and at the text of a blip. Events of other kinds
// have no filter.
func (c Capabilities) wants(s *wavelet.State, e events.Event) bool {
	for _, w := range c.Wants {
		if w.Event != e.Type {
			continue
		}
		if len(w.Filters) == 0 {
			return true
		}
		switch e.Type {
		case events.AnnotatedTextChanged:
			return w.admits(e.Annotation.Name)
		case events.DocumentChanged, events.BlipSubmitted, events.WaveletBlipCreated:
			id := e.Blip
			if e.NewBlip != "" {
				id = e.NewBlip
			}
			blip, ok := s.Blip(id)
			return !ok || w.admits(read(blip.Doc.Delta()).text)
		}
		return true
	}
	return false
}

// shown is a change of an attribute under the name and value of the annotation
// that robots know it by.
func shown(a events.Annotation) events.Annotation {
	on := func(name, value string) events.Annotation {
		if a.Null || a.Value != "true" {
			return events.Annotation{Name: name, Null: true}
		}
		return events.Annotation{Name: name, Value: value}
	}
	switch a.Name {
	case "bold":
		return on(fontWeight, "bold")
	case "italic":
		return on(fontStyle, "italic")
	case "underline":
		return on(textDecoration, "underline")
	case "strike":
		return on(textDecoration, "line-through")
	case "script":
		return events.Annotation{Name: verticalAlign, Value: a.Value, Null: a.Null}
	}
	a.Name = annotationOf(a.Name)
	return a
}

// eventOf is one event with the properties that its type has.
func eventOf(e events.Event) eventData {
	p := map[string]any{"blipId": nil}
	if e.Blip != "" {
		p["blipId"] = e.Blip
	}
	switch e.Type {
	case events.WaveletParticipantsChanged:
		p["participantsAdded"], p["participantsRemoved"] = notNil(e.Added), notNil(e.Removed)
	case events.BlipContributorsChanged:
		p["contributorsAdded"], p["contributorsRemoved"] = notNil(e.Added), notNil(e.Removed)
	case events.WaveletBlipCreated:
		p["newBlipId"] = e.NewBlip
	case events.WaveletBlipRemoved:
		p["removedBlipId"] = e.RemovedBlip
	case events.WaveletTitleChanged:
		p["title"] = e.Title
	case events.AnnotatedTextChanged:
		p["name"], p["value"] = e.Annotation.Name, any(e.Annotation.Value)
		if e.Annotation.Null {
			p["value"] = nil
		}
	case events.FormButtonClicked:
		p["buttonName"] = e.Button
	case events.GadgetStateChanged:
		p["index"], p["oldState"] = e.Index, e.OldState
		if e.OldState == nil {
			p["oldState"] = map[string]string{}
		}
	case events.OperationError:
		p["operationId"], p["message"], p["code"] = e.Failure.ID, e.Failure.Message, e.Failure.Code
		if n := e.Failure.Limit; n.Name != "" {
			p["limit"], p["retryAfterMs"] = named(n), e.Failure.RetryAfter.Milliseconds()
		}
	case events.RobotLimitWarning:
		limit(p, e.Limit)
		p["limit"] = e.Limit.Name
	case events.WaveletSelfRemoved:
		if e.Reason != "" {
			p["reason"], p["limit"] = e.Reason, named(e.Limit)
		}
	}
	return eventData{Type: e.Type, ModifiedBy: e.ModifiedBy, Timestamp: millis(e.At), Properties: p, Contributors: e.Contributors}
}

// named is a limit as an object.
func named(n events.LimitNote) map[string]any {
	note := map[string]any{"name": n.Name}
	limit(note, n)
	return note
}

// limit writes the numbers of a limit into p.
func limit(p map[string]any, n events.LimitNote) {
	p["used"], p["max"], p["window"] = n.Used, n.Max, policies.Duration(n.Window)
	if !n.ResetsAt.IsZero() {
		p["resetsAt"] = n.ResetsAt
	}
}

func notNil(list []wavelet.Participant) []wavelet.Participant {
	return append([]wavelet.Participant{}, list...)
}
