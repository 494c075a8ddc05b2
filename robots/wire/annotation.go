package wire

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"weir/wavelet/richtext"
)

// Annotation is a key with its value over a range of a blip's text.
type Annotation struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Range Range  `json:"range"`
}

// Range is a half-open range of offsets in a blip's content.
type Range struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// Annotations that stand for several attributes, or for one with values of its
// own.
const (
	fontWeight     = "style/fontWeight"
	fontStyle      = "style/fontStyle"
	textDecoration = "style/textDecoration"
	verticalAlign  = "style/verticalAlign"
	manualLink     = "link/manual"
)

// attributeOf is the attribute that holds an annotation's value unchanged, false
// if there is none of another name.
func attributeOf(name string) (string, bool) {
	switch name {
	case "style/color":
		return "color", true
	case "style/backgroundColor":
		return "background", true
	case "style/fontFamily":
		return "font", true
	case "style/fontSize":
		return "size", true
	case manualLink:
		return "link", true
	}
	return "", false
}

// annotationOf is the name under which an attribute with a text value is shown.
func annotationOf(key string) string {
	switch key {
	case "color":
		return "style/color"
	case "background":
		return "style/backgroundColor"
	case "font":
		return "style/fontFamily"
	case "size":
		return "style/fontSize"
	case "link":
		return manualLink
	}
	return key
}

// isLineAttribute tells the attributes of a whole line, which sit on its newline
// and are no annotations.
func isLineAttribute(key string) bool {
	switch key {
	case "header", "list", "indent", "align", "direction", "blockquote", "code-block":
		return true
	}
	return false
}

// isElementAttribute tells the attributes that are an element's state.
func isElementAttribute(key string) bool {
	switch key {
	case "width", "height", "caption", "mimeType", "title", "value", "defaultValue", "group", "for",
		"thumbnail", "author", "name", "pref", "category", "ifr":
		return true
	}
	return strings.HasPrefix(key, "g/")
}

// annotations are the names and values that attributes stand for, in order of
// name. What a robot could not set back, such as a number, it is not shown.
func annotations(a richtext.Attributes) []pair {
	var list []pair
	add := func(name, value string) { list = append(list, pair{name, value}) }
	var decoration []string
	for key, value := range a.All() {
		text, isText := a.Text(key)
		switch {
		case isLineAttribute(key) || isElementAttribute(key):
		case key == "bold" && value == "true":
			add(fontWeight, "bold")
		case key == "italic" && value == "true":
			add(fontStyle, "italic")
		case key == "strike" && value == "true":
			decoration = append(decoration, "line-through")
		case key == "underline" && value == "true":
			decoration = slices.Insert(decoration, 0, "underline")
		case key == "script" && (text == "super" || text == "sub"):
			add(verticalAlign, text)
		case isText:
			add(annotationOf(key), text)
		}
	}
	if decoration != nil {
		add(textDecoration, strings.Join(decoration, " "))
	}
	slices.SortFunc(list, func(a, b pair) int { return cmp.Compare(a.name, b.name) })
	return slices.CompactFunc(list, func(a, b pair) bool { return a.name == b.name })
}

// pair is an annotation without its place.
type pair struct{ name, value string }

// change writes into m what setting the annotation name to value does to
// attributes, or removing it if value is nil. Setting one spelling of a style
// removes the other.
func change(m map[string]any, name string, value *string) error {
	if err := checkAnnotation(name); err != nil {
		return err
	}
	if attribute, ok := attributeOf(name); ok {
		m[attribute] = orNull(value)
		return nil
	}
	v := ""
	if value != nil {
		v = *value
	}
	switch name {
	case fontWeight:
		toggle(m, name, value, "bold", v == "bold")
	case fontStyle:
		toggle(m, name, value, "italic", v == "italic")
	case verticalAlign:
		known := v == "super" || v == "sub"
		m["script"], m[name] = nil, orNull(value)
		if known {
			m["script"], m[name] = v, nil
		}
	case textDecoration:
		words := strings.Fields(v)
		under, strike := slices.Contains(words, "underline"), slices.Contains(words, "line-through")
		known := len(words) > 0 && len(words) == count(under)+count(strike)
		m["underline"], m["strike"], m[name] = nil, nil, orNull(value)
		if known {
			m[name] = nil
		}
		if known && under {
			m["underline"] = true
		}
		if known && strike {
			m["strike"] = true
		}
	default:
		m[name] = orNull(value)
	}
	return nil
}

// toggle sets the attribute that stands for one value of the annotation, or the
// annotation verbatim for any other value.
func toggle(m map[string]any, name string, value *string, attribute string, on bool) {
	m[attribute], m[name] = nil, orNull(value)
	if on {
		m[attribute], m[name] = true, nil
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func orNull(value *string) any {
	if value == nil {
		return nil
	}
	return *value
}

// checkAnnotation refuses names that mean something else in a document.
func checkAnnotation(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("the annotation has no name")
	case isLineAttribute(name) || isElementAttribute(name):
		return fmt.Errorf("the annotation name %q is reserved; put a prefix before it, as in example.com/%s", name, name)
	}
	return nil
}

// attributesOf are the attributes that text gets which carries exactly the
// annotations in list.
func attributesOf(list []keyValue) (richtext.Attributes, error) {
	m := map[string]any{}
	for _, kv := range list {
		if err := change(m, kv.Key, kv.Value); err != nil {
			return richtext.Attributes{}, err
		}
	}
	return richtext.NewAttributes(m)
}

// inherited is what text takes over from the character to its left: everything
// but a link and what belongs to a line.
func inherited(left richtext.Attributes) richtext.Attributes {
	m := map[string]any{}
	for key := range left.All() {
		if key == "link" || isLineAttribute(key) {
			m[key] = nil
		}
	}
	drop, err := richtext.NewAttributes(m)
	if err != nil {
		return richtext.Attributes{}
	}
	return left.Compose(drop, false)
}

// runs collects annotations as maximal runs of one value. Text is fed to it in
// the order of the robot's positions.
type runs struct {
	open map[string]Annotation
	done []Annotation
}

// add appends n units that carry pairs at position at.
func (r *runs) add(at, n int, pairs []pair) {
	for name, a := range r.open {
		if !slices.Contains(pairs, pair{name, a.Value}) {
			r.done = append(r.done, a)
			delete(r.open, name)
		}
	}
	for _, p := range pairs {
		a, ok := r.open[p.name]
		if !ok {
			a = Annotation{Name: p.name, Value: p.value, Range: Range{Start: at}}
		}
		a.Range.End = at + n
		r.open[p.name] = a
	}
}

// all is every run, by start and name; never nil.
func (r *runs) all() []Annotation {
	list := append([]Annotation{}, r.done...)
	for _, a := range r.open {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b Annotation) int {
		return cmp.Or(cmp.Compare(a.Range.Start, b.Range.Start), cmp.Compare(a.Name, b.Name))
	})
	return list
}
