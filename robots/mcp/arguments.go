package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"weir/policies"
	"weir/wavelet"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// tool is something that an agent can do.
type tool struct {
	name, title, about string
	writes             bool
	params             []param
	do                 func(context.Context, wavelet.Participant, arguments) (found, policies.Limits, *fault)
}

// param is a parameter of a tool: a text, or a whole number that is not
// negative.
type param struct {
	name, about string
	number      bool
	required    bool
	most        int      // bytes of a text, or the greatest number
	words       []string // the only values, if there are any
}

// arguments is what a tool is called with.
type arguments struct {
	text    map[string]string // what was not given is ""
	number  map[string]int    // what was not given is not there
	wavelet wavelet.Name      // the parameter wavelet, if the tool has it
}

// describe is the tool as clients are told of it.
func (t tool) describe() *sdk.Tool {
	properties, required := map[string]any{}, []string{}
	for _, p := range t.params {
		property := map[string]any{"type": "string", "description": p.about, "maxLength": p.most}
		if p.number {
			property = map[string]any{"type": "integer", "description": p.about, "minimum": 0, "maximum": p.most}
		}
		if p.words != nil {
			property = map[string]any{"type": "string", "description": p.about, "enum": p.words}
		}
		properties[p.name] = property
		if p.required {
			required = append(required, p.name)
		}
	}
	no := false
	return &sdk.Tool{
		Name: t.name, Title: t.title, Description: t.about,
		InputSchema: map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false},
		Annotations: &sdk.ToolAnnotations{Title: t.title, ReadOnlyHint: !t.writes, DestructiveHint: &no, OpenWorldHint: &no},
	}
}

// arguments reads what a client sends: an object, or nothing.
func (t tool) arguments(raw []byte) (arguments, *fault) {
	a := arguments{text: map[string]string{}, number: map[string]int{}}
	given := map[string]json.RawMessage{}
	if raw = bytes.TrimSpace(raw); len(raw) > 0 && string(raw) != "null" {
		if err := json.Unmarshal(raw, &given); err != nil {
			return a, bad("arguments", "they are no object", "send {%s}", strings.Join(t.names(), ", "))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(t.names(), name) {
			return a, bad(brief(name), t.name+" has no such argument", "leave it out; there are: %s", strings.Join(t.names(), ", "))
		}
	}
	for _, p := range t.params {
		value, ok := given[p.name]
		if ok = ok && string(value) != "null"; !ok && p.required {
			return a, bad(p.name, "it is missing", "give %s", p.about)
		}
		if !ok {
			continue
		}
		if wrong := p.read(value, &a); wrong != nil {
			return a, wrong
		}
	}
	return a, nil
}

func (t tool) names() []string {
	list := []string{}
	for _, p := range t.params {
		list = append(list, p.name)
	}
	return list
}

// read takes one value over.
func (p param) read(value json.RawMessage, a *arguments) *fault {
	if p.number {
		var n float64 // 20.0 is a whole number too
		if json.Unmarshal(value, &n) != nil || n != math.Trunc(n) || n < 0 || n > float64(p.most) {
			return bad(p.name, fmt.Sprintf("%s is no whole number from 0 to %d", brief(string(value)), p.most), "give %s", p.about)
		}
		a.number[p.name] = int(n)
		return nil
	}
	var text string
	if json.Unmarshal(value, &text) != nil {
		return bad(p.name, brief(string(value))+" is no text", "give %s", p.about)
	}
	switch {
	case p.words != nil && !slices.Contains(p.words, text):
		return bad(p.name, fmt.Sprintf("%q is none of its values", brief(text)), "use one of: %s", strings.Join(p.words, ", "))
	case p.words == nil && len(text) > p.most:
		return bad(p.name, fmt.Sprintf("it has %d bytes, at most %d are possible", len(text), p.most), "shorten it, or send it in parts")
	case p.required && strings.TrimSpace(text) == "":
		return bad(p.name, "it is empty", "give %s", p.about)
	}
	if p.name == waveletParam {
		var err error
		if a.wavelet, err = wavelet.ParseName(text); err != nil {
			return bad(p.name, fmt.Sprintf("%q is no wavelet's name", brief(text)), "give it as list_wavelets shows it, like example.com!w+abc/example.com!conv+root")
		}
	}
	a.text[p.name] = text
	return nil
}

// brief is the beginning of what somebody sent, for him to recognise it.
func brief(s string) string {
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
