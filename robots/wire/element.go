package wire

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

// Element is an object in a blip's text, or the start of a line, as robots see
// it. All property values are strings.
type Element struct {
	Type       string            `json:"type"`
	Properties map[string]string `json:"properties"`
}

// The element types of the protocol. A robot is never sent another one.
const (
	typeImage      = "IMAGE"
	typeAttachment = "ATTACHMENT"
	typeGadget     = "GADGET"
	typeInstaller  = "INSTALLER"
	typeInline     = "INLINE_BLIP"
	typeLine       = "LINE"
	typeLabel      = "LABEL"
	typeRadio      = "RADIO_BUTTON"
	typeButton     = "BUTTON"
)

// clicked is what the value of a button reads that somebody has pressed, whatever
// stands on it.
const clicked = "clicked"

// isForm tells the types of form elements.
func isForm(t string) bool {
	switch t {
	case "INPUT", "PASSWORD", "CHECK", typeLabel, typeButton, typeRadio, "RADIO_BUTTON_GROUP", "TEXTAREA":
		return true
	}
	return false
}

// The embeds of a document, as their values decode.
type (
	imageEmbed struct {
		URL        string `json:"url,omitzero"`
		Attachment string `json:"attachmentId,omitzero"`
	}
	attachmentEmbed struct {
		ID string `json:"id"`
	}
	gadgetEmbed struct {
		ID     string `json:"id"`
		URL    string `json:"url"`
		Author string `json:"author,omitzero"`
	}
	formEmbed struct {
		Type string `json:"type"`
		Name string `json:"name"`
		ID   string `json:"id"`
	}
	installerEmbed struct {
		Manifest string `json:"manifest"`
	}
	replyEmbed struct {
		Thread wavelet.ThreadID `json:"thread"`
	}
)

// elementOf is an embed as a robot sees it, false if robots have no name for it.
// First is the first blip of a thread: a robot's clients look for it under the
// anchor.
func elementOf(e richtext.Embed, a richtext.Attributes, first func(wavelet.ThreadID) string) (Element, bool) {
	p := map[string]string{}
	el := Element{Properties: p}
	switch e.Key() {
	case "image":
		el.Type = typeImage
		imageProperties(e, p)
		copyState(p, a, "width", "height", "caption")
	case "attachment":
		var v attachmentEmbed
		_ = e.Decode(&v)
		el.Type = typeAttachment
		set(p, "attachmentId", v.ID)
		copyState(p, a, "caption", "mimeType")
	case "gadget":
		el.Type = typeGadget
		gadgetProperties(e, a, p)
	case "form":
		var v formEmbed
		_ = e.Decode(&v)
		el.Type = v.Type
		formProperties(v, a, p)
		return el, isForm(v.Type)
	case "installer":
		var v installerEmbed
		_ = e.Decode(&v)
		el.Type = typeInstaller
		set(p, "manifest", v.Manifest)
	case "reply":
		var v replyEmbed
		_ = e.Decode(&v)
		el.Type = typeInline
		set(p, "id", first(v.Thread))
	default:
		return Element{}, false
	}
	return el, true
}

// imageProperties reads an image, whose value may be a bare URL.
func imageProperties(e richtext.Embed, p map[string]string) {
	var link string
	if e.Decode(&link) == nil {
		set(p, "url", link)
		return
	}
	var v imageEmbed
	_ = e.Decode(&v)
	set(p, "url", v.URL)
	set(p, "attachmentId", v.Attachment)
}

func gadgetProperties(e richtext.Embed, a richtext.Attributes, p map[string]string) {
	for key := range a.All() {
		if state, ok := strings.CutPrefix(key, "g/"); ok {
			copyAs(p, state, a, key)
		}
	}
	var v gadgetEmbed
	_ = e.Decode(&v)
	set(p, "url", v.URL)
	set(p, "author", v.Author)
	copyState(p, a, "title", "thumbnail", "name", "pref", "category", "ifr")
}

// formProperties gives a form element its properties. A label calls what it is
// for its name, a radio button calls its group its value.
func formProperties(v formEmbed, a richtext.Attributes, p map[string]string) {
	p["name"] = v.Name
	copyState(p, a, "value", "defaultValue")
	switch v.Type {
	case typeButton:
		if _, ok := a.Get(wavelet.Pressed); ok {
			p["value"] = clicked
		}
	case typeLabel:
		copyAs(p, "name", a, "for")
	case typeRadio:
		copyAs(p, "value", a, "group")
	}
}

func set(p map[string]string, name, value string) {
	if value != "" {
		p[name] = value
	}
}

// copyState copies attributes into properties of the same name.
func copyState(p map[string]string, a richtext.Attributes, names ...string) {
	for _, name := range names {
		copyAs(p, name, a, name)
	}
}

// copyAs copies one attribute; a value that is no text is shown as its JSON.
func copyAs(p map[string]string, name string, a richtext.Attributes, key string) {
	if text, ok := a.Text(key); ok {
		p[name] = text
	} else if value, ok := a.Get(key); ok {
		p[name] = value
	}
}

// newEmbed makes the embed and its state for an element that a robot inserts.
func newEmbed(el elementData) (richtext.Embed, richtext.Attributes, error) {
	get := func(name string) string { return el.Properties.text(name) }
	var e richtext.Embed
	var err error
	switch {
	case el.Type == typeImage:
		e, err = richtext.NewEmbed("image", imageEmbed{get("url"), get("attachmentId")})
	case el.Type == typeAttachment:
		e, err = richtext.NewEmbed("attachment", attachmentEmbed{get("attachmentId")})
	case el.Type == typeGadget:
		e, err = richtext.NewEmbed("gadget", gadgetEmbed{rand.Text(), get("url"), get("author")})
	case el.Type == typeInstaller:
		e, err = richtext.NewEmbed("installer", installerEmbed{get("manifest")})
	case isForm(el.Type):
		name := get("name")
		if el.Type == typeLabel {
			name = ""
		}
		e, err = richtext.NewEmbed("form", formEmbed{el.Type, name, rand.Text()})
	case el.Type == typeInline:
		return e, richtext.Attributes{}, fmt.Errorf("an INLINE_BLIP comes with a blip; use document.insertInlineBlip")
	default:
		return e, richtext.Attributes{}, fmt.Errorf("there is no element type %q", el.Type)
	}
	if err != nil {
		return e, richtext.Attributes{}, err
	}
	state := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(el.Properties)) {
		if key, ok := stateKey(el.Type, name); ok && el.Properties[name] != nil {
			state[key] = el.Properties.text(name)
		}
	}
	a, err := richtext.NewAttributes(state)
	return e, a, err
}

// stateKey is the attribute that holds a property of an element, false for a
// property that is part of what the element is, or that it does not have.
func stateKey(elementType, property string) (string, bool) {
	switch {
	case elementType == typeImage:
		return property, property == "width" || property == "height" || property == "caption"
	case elementType == typeAttachment:
		return property, property == "caption" || property == "mimeType"
	case elementType == typeGadget:
		switch property {
		case "url", "author":
			return "", false
		case "title", "thumbnail", "name", "pref", "category", "ifr":
			return property, true
		}
		return "g/" + property, true
	case elementType == typeLabel && property == "name":
		return "for", true
	case elementType == typeRadio && property == "value":
		return "group", true
	case isForm(elementType):
		return property, property == "value" || property == "defaultValue"
	}
	return "", false
}

// lineElement is the element that starts a line, from the attributes of the
// newline that ends it in the document.
func lineElement(a richtext.Attributes) Element {
	p := map[string]string{}
	if h, ok := a.Get("header"); ok && isHeading("h"+h) {
		p["lineType"] = "h" + h
	} else if _, ok := a.Get("list"); ok {
		p["lineType"] = "li"
	}
	copyState(p, a, "indent")
	switch align, _ := a.Text("align"); align {
	case "center", "right", "justify", "left":
		p["alignment"] = align[:1]
	}
	if d, _ := a.Text("direction"); d == "rtl" {
		p["direction"] = "r"
	}
	return Element{Type: typeLine, Properties: p}
}

// isHeading tells the line types of headings.
func isHeading(lineType string) bool {
	return len(lineType) == 2 && "h1" <= lineType && lineType <= "h5"
}

// lineAttributes writes into m the line attributes that LINE properties stand
// for. A property that is absent changes nothing.
func lineAttributes(m map[string]any, p properties) error {
	for name := range p {
		value := p.text(name)
		switch name {
		case "lineType", "type":
			m["header"], m["list"] = nil, nil
			if isHeading(value) {
				m["header"] = int(value[1] - '0')
			} else if value == "li" {
				m["list"] = "bullet"
			} else if value != "" {
				return fmt.Errorf("the lineType %q is none of h1 to h5 and li", value)
			}
		case "indent":
			n, err := strconv.Atoi(value)
			if err != nil && value != "" || n < 0 || n > 8 {
				return fmt.Errorf("the indent %q is no number from 0 to 8", value)
			}
			m["indent"] = nil
			if n > 0 {
				m["indent"] = n
			}
		case "alignment":
			align := map[string]any{"": nil, "l": nil, "c": "center", "r": "right", "j": "justify"}
			word, ok := align[value]
			if !ok {
				return fmt.Errorf("the alignment %q is none of l, c, r and j", value)
			}
			m["align"] = word
		case "direction":
			m["direction"] = nil
			if value == "r" {
				m["direction"] = "rtl"
			}
		}
	}
	return nil
}
