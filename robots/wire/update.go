package wire

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"weir/events"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// update is what UPDATE_ELEMENT does to a text: attributes change where they
// are, and an element that becomes another one is replaced by it.
type update struct {
	marks    []mark
	replaced []edit
}

// mark is a change of the attributes at a place.
type mark struct {
	at     span
	change richtext.Attributes
}

// updateElements sets properties of the elements that lie in hits. Hit i takes
// those of entry i modulo the number of entries.
func (c content) updateElements(hits []span, entries []*elementData) (richtext.Delta, *events.OperationFailure) {
	if len(entries) == 0 {
		return nil, missing("elements")
	}
	var u update
	found := false
	rest := c.elements() // in order, as the hits are
	for i, hit := range hits {
		entry := entries[i%len(entries)]
		if entry == nil {
			return nil, fail(http.StatusBadRequest, "entry %d of elements is null", i%len(entries))
		}
		for ; len(rest) > 0 && rest[0].at < hit.end; rest = rest[1:] {
			if rest[0].at < hit.start || entry.Type != "" && entry.Type != rest[0].Type {
				continue
			}
			found = true
			if err := u.add(c, rest[0], entry.Properties); err != nil {
				return nil, refused(err)
			}
		}
	}
	if !found {
		return nil, fail(http.StatusNotFound, "there is no such element where the operation looks for one")
	}
	d, failure := c.edited(u.replaced)
	if failure != nil {
		return nil, failure
	}
	return richtext.Compose(d, u.annotate(c)), nil // no length has changed in between
}

// add notes what sets properties of one element. The attributes of a line sit on
// the newline that ends it.
func (u *update) add(c content, el placed, p properties) error {
	at := span{el.at, el.at + 1}
	m := map[string]any{}
	if el.Type == typeLine {
		if err := lineAttributes(m, p); err != nil {
			return err
		}
		at = c.newlineOf(el.at)
	} else if err := stateOf(m, el.Type, p); err != nil {
		return err
	}
	other, replaced := el.becomes(p)
	if _, set := m["value"]; el.Type == typeButton && (set || replaced) {
		m[wavelet.Pressed] = nil // it reads what was set
	}
	change, err := richtext.NewAttributes(m)
	if err != nil {
		return err
	}
	if replaced {
		embed, _, err := newEmbed(other)
		if err != nil {
			return err
		}
		u.replaced = append(u.replaced, edit{at, []piece{{embed: embed, attrs: c.embedAt(el.at).attrs}}})
	}
	u.marks = append(u.marks, mark{at, change})
	return nil
}

// annotate is the delta of the marks. That of a line lies behind those of the
// elements on it.
func (u *update) annotate(c content) richtext.Delta {
	slices.SortFunc(u.marks, func(a, b mark) int { return cmp.Compare(a.at.start, b.at.start) })
	spans, changes := make([]span, len(u.marks)), make([]richtext.Attributes, len(u.marks))
	for i, m := range u.marks {
		spans[i], changes[i] = m.at, m.change
	}
	return c.annotate(spans, changes)
}

// stateOf writes into m the attributes that hold properties of an element of a
// type; null removes one. Properties that make it what it is are none of those,
// and what the server alone knows is skipped.
func stateOf(m map[string]any, elementType string, p properties) error {
	for _, name := range slices.Sorted(maps.Keys(p)) {
		key, ok := stateKey(elementType, name)
		switch {
		case ok && p[name] == nil:
			m[key] = nil
		case ok:
			m[key] = p.text(name)
		case p[name] == nil || isEssential(elementType, name) || name == "attachmentUrl":
		default:
			return fmt.Errorf("there is no property %s that could be set on a %s", name, elementType)
		}
	}
	return nil
}

// isEssential tells the properties that make an element what it is. They cannot
// be removed: null stands for "not given" there.
func isEssential(elementType, name string) bool {
	switch elementType {
	case typeImage:
		return name == "url" || name == "attachmentId"
	case typeAttachment:
		return name == "attachmentId"
	case typeGadget:
		return name == "url" || name == "author"
	case typeInstaller:
		return name == "manifest"
	}
	return isForm(elementType) && name == "name" && elementType != typeLabel
}

// becomes is the element that takes the place of el if properties change what it
// is, false if they do not.
func (el placed) becomes(p properties) (elementData, bool) {
	other := elementData{Type: el.Type, Properties: properties{}}
	for name, value := range el.Properties {
		if isEssential(el.Type, name) {
			other.Properties[name] = &value
		}
	}
	changed := false
	for name, value := range p {
		if value == nil || !isEssential(el.Type, name) || *value == el.Properties[name] {
			continue
		}
		if el.Type == typeImage {
			clear(other.Properties) // it has one source
		}
		other.Properties[name], changed = value, true
	}
	return other, changed
}

// embedAt is the embed at a robot position at which there is one.
func (c content) embedAt(at int) embedAt {
	i, _ := slices.BinarySearchFunc(c.embeds, at, func(e embedAt, at int) int { return cmp.Compare(e.at, at) })
	return c.embeds[i]
}

// newlineOf is the place of the newline that ends the line which starts at robot
// position at. The last line's is the document's last, which the robot sees at 0.
func (c content) newlineOf(at int) span {
	i, _ := slices.BinarySearchFunc(c.lines, at+1, func(l line, at int) int { return cmp.Compare(l.at, at) })
	if i < len(c.lines) {
		return span{c.lines[i].at, c.lines[i].at + 1}
	}
	return span{0, 1}
}
