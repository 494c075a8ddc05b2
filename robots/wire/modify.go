package wire

import (
	"net/http"
	"slices"
	"strings"

	"weir/events"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// modifyDocument is document.modify: it finds places in a blip and does the same
// thing at each. With several values, hit i gets value i modulo their number.
func (a *application) modifyDocument(d *draft, p params) (any, *events.OperationFailure) {
	blip, failure := a.blip(d, p)
	if failure != nil {
		return nil, failure
	}
	if p.Action == nil || !p.Action.How.set {
		return nil, missing("modifyAction")
	}
	c, failure := a.read(d, blip)
	if failure != nil {
		return nil, failure
	}
	hits, failure := c.hits(p)
	if failure != nil {
		return nil, failure
	}
	if p.elementsOnly {
		if failure := c.allElements(hits); failure != nil {
			return nil, failure
		}
	}
	if len(hits) > 0 && len(p.Action.Elements) > 0 {
		if p.Action, failure = a.attach(d, p.Action); failure != nil {
			return nil, failure
		}
	}
	change, failure := c.modify(hits, p)
	if failure != nil {
		return nil, failure
	}
	if len(change) == 0 {
		return nothing{}, nil
	}
	return nothing{}, a.change(d, wavelet.EditBlip{Blip: blip.ID, Delta: change})
}

// modify is the delta that does to hits what an operation asks for.
func (c content) modify(hits []span, p params) (richtext.Delta, *events.OperationFailure) {
	switch how := strings.ToUpper(p.Action.How.String()); how {
	case "DELETE":
		return c.remove(hits)
	case "REPLACE", "INSERT", "INSERT_AFTER":
		return c.write(hits, how, p.Action)
	case "ANNOTATE", "CLEAR_ANNOTATION":
		return c.mark(hits, how == "ANNOTATE", p.Action)
	case "UPDATE_ELEMENT":
		return c.updateElements(hits, p.Action.Elements)
	default:
		return nil, fail(http.StatusBadRequest, "modifyHow %q is none of DELETE, REPLACE, INSERT, INSERT_AFTER, ANNOTATE, CLEAR_ANNOTATION and UPDATE_ELEMENT", how)
	}
}

// hits are the spans that an operation is about, in order and without overlaps.
func (c content) hits(p params) ([]span, *events.OperationFailure) {
	given := count(p.Range != nil) + count(p.Index.set) + count(p.Query != nil)
	switch {
	case given > 1:
		return nil, fail(http.StatusBadRequest, "range, index and modifyQuery exclude each other")
	case p.Range != nil:
		start, ok1 := p.Range.Start.number()
		end, ok2 := p.Range.End.number()
		if !ok1 || !ok2 {
			return nil, fail(http.StatusBadRequest, "range: start and end must be whole numbers")
		}
		s, ok := span{start, end}.resolve(c.length)
		if !ok {
			return nil, fail(http.StatusBadRequest, "the range %d to %d does not lie in the blip, which has %d UTF-16 units", start, end, c.length)
		}
		return []span{s}, nil
	case p.Index.set:
		at, ok := p.Index.number()
		if !ok || at < 0 || at >= c.length {
			return nil, fail(http.StatusBadRequest, "index %s does not lie in the blip, which has %d UTF-16 units", p.Index, c.length)
		}
		return []span{{at, at + 1}}, nil
	case p.Query != nil:
		return c.search(p.Query)
	}
	return []span{c.all()}, nil
}

// search are the hits of a query, the first maxRes of them if that is positive.
func (c content) search(q *queryData) ([]span, *events.OperationFailure) {
	most := -1
	if q.MaxRes.set {
		n, ok := q.MaxRes.number()
		if !ok {
			return nil, fail(http.StatusBadRequest, "maxRes %q is no whole number", q.MaxRes)
		}
		most = n
	}
	bound := most
	if most <= 0 || most > maxHits {
		bound = maxHits + 1
	}
	var hits []span
	switch {
	case q.TextMatch.String() != "":
		hits = find(c.text, q.TextMatch.String(), bound)
	case q.ElementMatch.String() != "":
		hits = c.findElements(q.ElementMatch.String(), q.Restrictions, bound)
	default:
		return nil, missing("textMatch")
	}
	if len(hits) > maxHits {
		return nil, fail(http.StatusBadRequest, "the query has more than %d hits; set maxRes", maxHits)
	}
	return hits, q.exact(len(hits))
}

// exact is the failure of a query that has another number of hits than it has to
// have.
func (q *queryData) exact(hits int) *events.OperationFailure {
	want, failure := q.ExactRes.within("exactRes", hits, 1, maxHits)
	if failure == nil && want != hits {
		failure = fail(http.StatusConflict, "the query has %d hits in the blip, and exactRes asks for %d", hits, want)
	}
	return failure
}

// maxHits is the most places that one operation may change.
const maxHits = 4000

// remove deletes the hits. The first newline stays.
func (c content) remove(hits []span) (richtext.Delta, *events.OperationFailure) {
	var edits []edit
	for _, s := range hits {
		if s.start = max(s.start, 1); s.start < s.end {
			edits = append(edits, edit{span: s})
		}
	}
	if len(edits) == 0 && len(hits) > 0 {
		return nil, fail(http.StatusBadRequest, "there is nothing to delete: the blip's first newline stays")
	}
	return c.edited(edits)
}

// edited is apply with the failure of an operation.
func (c content) edited(edits []edit) (richtext.Delta, *events.OperationFailure) {
	d, err := c.apply(edits)
	if err != nil {
		return nil, refused(err)
	}
	return d, nil
}

// write inserts before or behind the hits, or replaces them.
func (c content) write(hits []span, how string, action *actionData) (richtext.Delta, *events.OperationFailure) {
	n := max(len(action.Values), len(action.Elements))
	if n == 0 {
		return nil, missing("values")
	}
	var edits []edit
	for i, hit := range hits {
		e := edit{span: hit}
		switch how {
		case "INSERT":
			e.end = e.start
		case "INSERT_AFTER":
			e.start = e.end
		}
		var failure *events.OperationFailure
		if e.with, failure = c.pieces(action, i%n, e.start); failure != nil {
			return nil, failure
		}
		edits = append(edits, e.fromFirst())
	}
	return c.edited(edits)
}

// pieces is what an action inserts at robot position at: its value or element
// of the given index.
func (c content) pieces(action *actionData, i, at int) ([]piece, *events.OperationFailure) {
	var attrs richtext.Attributes
	var err error
	if action.Annotations != nil {
		attrs, err = attributesOf(*action.Annotations)
	} else {
		attrs = c.left(at)
	}
	if err != nil {
		return nil, fail(http.StatusBadRequest, "bundledAnnotations: %v", err)
	}
	if i < len(action.Values) && action.Values[i].set {
		text := action.Values[i].String()
		if action.UseMarkup.String() == "true" {
			return marked(text, attrs)
		}
		return []piece{{text: text, attrs: attrs}}, nil
	}
	if i >= len(action.Elements) || action.Elements[i] == nil {
		return nil, fail(http.StatusBadRequest, "entry %d of values and elements is null in both", i)
	}
	el := action.Elements[i]
	if el.Type == typeLine {
		m := map[string]any{}
		if err = lineAttributes(m, el.Properties); err == nil {
			var line richtext.Attributes
			line, err = richtext.NewAttributes(m)
			return []piece{{text: "\n", line: line.Compose(richtext.Attributes{}, false)}}, refusedOrNil(err)
		}
		return nil, refused(err)
	}
	embed, state, err := newEmbed(*el)
	if action.Annotations != nil {
		state = attrs.Compose(state, false)
	}
	return []piece{{embed: embed, attrs: state}}, refusedOrNil(err)
}

// refusedOrNil is refused for what may be no error.
func refusedOrNil(err error) *events.OperationFailure {
	if err == nil {
		return nil
	}
	return refused(err)
}

// fromFirst fits an edit that starts at 0 to the rule that the first newline
// stays: a newline is put in front if there is none, and if anything is to be
// replaced, that newline is the one that is there already.
func (e edit) fromFirst() edit {
	if e.start > 0 {
		return e
	}
	first := e.with[0]
	if !strings.HasPrefix(first.text, "\n") {
		e.with = slices.Insert(e.with, 0, piece{text: "\n", attrs: first.attrs})
	}
	if e.end == 0 {
		return e
	}
	e.start = 1
	e.with[0].text = e.with[0].text[1:]
	return e
}

// mark sets an annotation over the hits, or clears it.
func (c content) mark(hits []span, on bool, action *actionData) (richtext.Delta, *events.OperationFailure) {
	name := action.AnnotationKey.String()
	if name == "" {
		return nil, missing("annotationKey")
	}
	values := action.Values
	if on && len(values) == 0 {
		return nil, missing("values")
	}
	changes := make([]richtext.Attributes, len(hits))
	for i := range hits {
		var value *string
		if on {
			if v := values[i%len(values)]; v.set {
				value = &v.text
			}
		}
		m := map[string]any{}
		err := change(m, name, value)
		if err == nil {
			changes[i], err = richtext.NewAttributes(m)
		}
		if err != nil {
			return nil, refused(err)
		}
	}
	d := c.annotate(hits, changes)
	if err := richtext.Check(c.doc, d); err != nil {
		return nil, refused(err)
	}
	return d, nil
}
