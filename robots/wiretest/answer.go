package wiretest

import (
	"fmt"
	"strings"
)

// Answer is the operations that a robot sends back, in the spelling of its
// client.
type Answer struct {
	Bundle *Bundle
	client *Client
	ops    []any
}

// oldNames are the methods that the Python client spells otherwise.
var oldNames = map[string]string{
	"robot.notify":              "robot.notifyCapabilitiesHash",
	"wavelet.addParticipant":    "wavelet.participant.add",
	"wavelet.removeParticipant": "wavelet.participant.remove",
	"wavelet.setDatadoc":        "wavelet.datadoc.set",
	"document.insertInlineBlip": "document.inlineBlip.insert",
}

// notify is the operation that every answer begins with. Python always calls it
// "0", Java counts on.
func (a *Answer) notify() {
	params := map[string]any{"capabilitiesHash": a.client.Hash, "protocolVersion": "0.22"}
	id := "0"
	if a.client.Dialect == Python {
		params["protocolVersion"] = "0.21"
	} else {
		id = a.id()
	}
	a.add("robot.notify", id, params)
}

func (a *Answer) id() string {
	a.client.next++
	return fmt.Sprint("op", a.client.next)
}

func (a *Answer) add(method, id string, params map[string]any) {
	if old, ok := oldNames[method]; ok && a.client.Dialect == Python {
		method = old
	}
	a.ops = append(a.ops, map[string]any{"method": method, "id": id, "params": params})
}

// spelt is an id in the spelling of the client.
func (a *Answer) spelt(id string) string {
	if a.client.Dialect == Java {
		return strings.Replace(id, "!", "/", 1)
	}
	return id
}

// Op adds an operation on the bundle's wavelet and returns its id.
func (a *Answer) Op(method string, params map[string]any) string {
	return a.In(text(a.Bundle.Wavelet["waveId"]), text(a.Bundle.Wavelet["waveletId"]), method, params)
}

// In adds an operation on a wavelet and returns its id.
func (a *Answer) In(wave, wavelet, method string, params map[string]any) string {
	if params == nil {
		params = map[string]any{}
	}
	params["waveId"], params["waveletId"] = a.spelt(wave), a.spelt(wavelet)
	id := a.id()
	a.add(method, id, params)
	return id
}

// blipData is a new blip under a temporary id, as the client sends it.
func (a *Answer) blipData(content string) (map[string]any, string) {
	wave, wavelet := a.spelt(text(a.Bundle.Wavelet["waveId"])), a.spelt(text(a.Bundle.Wavelet["waveletId"]))
	a.client.next++
	data := map[string]any{"waveId": wave, "waveletId": wavelet, "content": content}
	id := fmt.Sprintf("TBD_%s_0x%x", wavelet, a.client.next)
	if a.client.Dialect == Java {
		id = fmt.Sprintf("TBD_%s_-%d", wavelet, a.client.next)
		data["threadId"], data["parentBlipId"], data["creator"] = id, nil, nil
		data["annotations"], data["elements"], data["childBlipIds"], data["contributors"] = []any{}, map[string]any{}, []any{}, []any{}
	}
	data["blipId"] = id
	return data, id
}

// NewBlip adds an operation that makes a blip, below or beside another one where
// the method wants one, and returns the temporary id.
func (a *Answer) NewBlip(method, blip, content string, more map[string]any) string {
	data, id := a.blipData(content)
	params := map[string]any{"blipData": data}
	if blip != "" {
		params["blipId"] = blip
	}
	for key, value := range more {
		params[key] = value
	}
	a.Op(method, params)
	return id
}

// Modify adds a document.modify: action is modifyHow and what belongs to it,
// where at most one of range, index and modifyQuery. Java sends every key there
// is, and for what is inserted two lists of one length.
func (a *Answer) Modify(blip string, action, where map[string]any) string {
	return a.ModifyIn(text(a.Bundle.Wavelet["waveId"]), text(a.Bundle.Wavelet["waveletId"]), blip, action, where)
}

// ModifyIn is Modify in any wavelet.
func (a *Answer) ModifyIn(wave, wavelet, blip string, action, where map[string]any) string {
	params := map[string]any{"blipId": blip, "modifyAction": action}
	if a.client.Dialect == Java {
		action = withNulls(action, "values", "elements", "annotationKey", "bundledAnnotations")
		action["useMarkup"] = false
		if values, ok := action["values"].([]string); ok && action["annotationKey"] == nil {
			action["elements"] = make([]any, len(values))
		}
		if elements, ok := action["elements"].([]any); ok && action["values"] == nil {
			action["values"] = make([]any, len(elements))
		}
		params["modifyAction"] = action
		where = withNulls(where, "range", "index", "modifyQuery")
		if query, ok := where["modifyQuery"].(map[string]any); ok {
			query = withNulls(query, "textMatch", "elementMatch")
			if query["restrictions"] == nil {
				query["restrictions"] = map[string]any{}
			}
			if query["maxRes"] == nil {
				query["maxRes"] = -1
			}
			where["modifyQuery"] = query
		}
	}
	for key, value := range where {
		params[key] = value
	}
	return a.In(wave, wavelet, "document.modify", params)
}

// withNulls is m with null under the keys that it does not have.
func withNulls(m map[string]any, keys ...string) map[string]any {
	all := map[string]any{}
	for _, key := range keys {
		all[key] = nil
	}
	for key, value := range m {
		all[key] = value
	}
	return all
}

// NewWave adds a robot.createWavelet and returns the temporary ids of the wave
// and of its root blip.
func (a *Answer) NewWave(domain string, participants ...string) (wave, root string) {
	a.client.next++
	wavelet := a.spelt(domain + "!conv+root")
	wave, root = fmt.Sprintf("%s!TBD_0x%x", domain, a.client.next), fmt.Sprintf("TBD_%s_0x%x", wavelet, a.client.next)
	data := map[string]any{"waveletId": wavelet, "participants": participants}
	params := map[string]any{"waveletData": data}
	if a.client.Dialect == Java {
		wave, root = fmt.Sprintf("%s/TBD_-%d", domain, a.client.next), fmt.Sprintf("TBD_%s_-%d", wavelet, a.client.next)
		params["message"] = ""
	}
	data["waveId"], data["rootBlipId"] = wave, root
	a.Op("robot.createWavelet", params)
	return wave, root
}
