package wire

import (
	"weir/wavelet"
)

// placed is an element with its position.
type placed struct {
	at int // robot position
	Element
}

// elements are the elements of the text, starts of lines among them, by
// position.
func (c content) elements() []placed {
	first := c.first
	if first == nil {
		first = threadItself
	}
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
	for _, el := range c.elements() {
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
