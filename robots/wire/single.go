package wire

import (
	"cmp"
	"net/http"

	"weir/events"
)

// oneAnnotation sets an annotation over a range, or over the whole blip, or
// removes it. The annotation comes as an object, or as annotationKey (or name)
// and value beside the range.
func (a *application) oneAnnotation(d *draft, p params, m Method) (any, *events.OperationFailure) {
	name, value := cmp.Or(p.AnnotationKey.String(), p.Name.String()), p.Value
	if p.Annotation != nil {
		name, value = p.Annotation.Name.String(), p.Annotation.Value
		if p.Range == nil {
			p.Range = p.Annotation.Range
		}
	}
	if name == "" {
		return nil, missing("annotation")
	}
	p.Action = &actionData{How: literal("CLEAR_ANNOTATION"), AnnotationKey: literal(name)}
	if m != DeleteAnnotation {
		p.Action.How, p.Action.Values = literal("ANNOTATE"), []scalar{value}
	}
	switch {
	case m == SetAnnotationNoRange:
		p.Range, p.Index, p.Query = nil, scalar{}, nil
	case m == SetAnnotation && p.Range == nil && !p.Index.set && p.Query == nil:
		return nil, missing("range")
	}
	return a.modifyDocument(d, p)
}

// oneElement puts an element in, changes, replaces or deletes one. The element
// that is there, or the place, is told by index.
func (a *application) oneElement(d *draft, p params, m Method) (any, *events.OperationFailure) {
	if m != AppendElement && !p.Index.set && p.Query == nil {
		return nil, missing("index")
	}
	if m != DeleteElement && p.Element == nil {
		return nil, missing("element")
	}
	p.Action = &actionData{Elements: []*elementData{p.Element}}
	p.elementsOnly = true
	switch m {
	case AppendElement:
		p.Action.How = literal("INSERT_AFTER")
		p.Range, p.Index, p.Query = nil, scalar{}, nil
		p.elementsOnly = false
	case InsertElement:
		p.Action.How = literal("INSERT")
		if p.elementsOnly = false; p.Index.set {
			p.Range, p.Index = &rangeData{p.Index, p.Index}, scalar{}
		}
	case InsertElementBefore:
		p.Action.How = literal("INSERT")
	case InsertElementAfter:
		p.Action.How = literal("INSERT_AFTER")
	case ModifyElementAttrs:
		p.Action.How = literal("UPDATE_ELEMENT")
	case ReplaceElement:
		p.Action.How = literal("REPLACE")
	case DeleteElement:
		p.Action = &actionData{How: literal("DELETE")}
	}
	return a.modifyDocument(d, p)
}

// literal is a scalar that is set.
func literal(s string) scalar { return scalar{s, true} }

// allElements is the failure of hits among which there is none of an element.
func (c content) allElements(hits []span) *events.OperationFailure {
	at := map[int]bool{}
	for _, el := range c.elements() {
		at[el.at] = true
	}
	for _, hit := range hits {
		if hit.end != hit.start+1 || !at[hit.start] {
			return fail(http.StatusNotFound, "there is no element at index %d", hit.start)
		}
	}
	return nil
}
