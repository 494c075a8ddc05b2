package wire

import (
	"net/http"

	"weir/events"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// placed is an element with its position.
type placed struct {
	at int // robot position
	Element
}

// elements are the elements of the text, starts of lines among them, by
// position. First is the first blip of a thread.
func (c content) elements(first func(wavelet.ThreadID) string) []placed {
	list := make([]placed, 0, len(c.lines)+len(c.embeds))
	lines := c.lines
	for _, e := range c.embeds {
		for len(lines) > 0 && lines[0].at < e.at {
			list = append(list, placed{lines[0].at, lineElement(lines[0].attrs)})
			lines = lines[1:]
		}
		if el, ok := elementOf(e.embed, e.attrs, first); ok {
			list = append(list, placed{e.at, el})
		}
	}
	for _, l := range lines {
		list = append(list, placed{l.at, lineElement(l.attrs)})
	}
	return list
}

// threadItself names a thread by its own id, where nobody knows its blips.
func threadItself(id wavelet.ThreadID) string { return string(id) }

// findElements are the places of the elements of a type whose properties equal
// every restriction, the first most of them or all if most is not positive.
func (c content) findElements(elementType string, restrictions properties, most int) []span {
	var list []span
	for _, el := range c.elements(threadItself) {
		if el.Type != elementType || !el.matches(restrictions) {
			continue
		}
		if list = append(list, span{el.at, el.at + 1}); len(list) == most {
			break
		}
	}
	return list
}

// matches reports whether every restriction that is given holds.
func (e Element) matches(restrictions properties) bool {
	for name, want := range restrictions {
		if want != nil && e.Properties[name] != *want {
			return false
		}
	}
	return true
}

// updateElements sets properties of the elements that lie in hits. Hit i takes
// those of entry i modulo the number of entries.
func (c content) updateElements(hits []span, entries []*elementData) (richtext.Delta, *events.OperationFailure) {
	if len(entries) == 0 {
		return nil, missing("elements")
	}
	var spans []span
	var changes []richtext.Attributes
	all := c.elements(threadItself)
	for i, hit := range hits {
		entry := entries[i%len(entries)]
		if entry == nil {
			return nil, fail(http.StatusBadRequest, "entry %d of elements is null", i%len(entries))
		}
		for _, el := range all {
			if el.at < hit.start || el.at >= hit.end || entry.Type != "" && entry.Type != el.Type {
				continue
			}
			s, change, err := c.updateOf(el, entry.Properties)
			if err != nil {
				return nil, refused(err)
			}
			spans, changes = append(spans, s), append(changes, change)
		}
	}
	if len(spans) == 0 {
		return nil, fail(http.StatusNotFound, "there is no such element where the operation looks for one")
	}
	return c.annotate(spans, changes), nil
}

// updateOf is the place and the change of attributes that update one element.
// The attributes of a line sit on the newline that ends it.
func (c content) updateOf(el placed, p properties) (span, richtext.Attributes, error) {
	if el.Type != typeLine {
		change, err := update(el.Element, p)
		return span{el.at, el.at + 1}, change, err
	}
	m := map[string]any{}
	if err := lineAttributes(m, p); err != nil {
		return span{}, richtext.Attributes{}, err
	}
	change, err := richtext.NewAttributes(m)
	return c.newlineOf(el.at), change, err
}

// newlineOf is the place of the newline that ends the line which starts at robot
// position at. The last line's is the document's last, which the robot sees at 0.
func (c content) newlineOf(at int) span {
	for _, l := range c.lines {
		if l.at > at {
			return span{l.at, l.at + 1}
		}
	}
	return span{0, 1}
}
