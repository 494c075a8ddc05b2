package wire

import (
	"cmp"
	"slices"
	"strings"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

// content is a blip's document as a robot sees it.
type content struct {
	doc      richtext.Delta
	length   int    // in UTF-16 units, of the document and of text alike
	text     string // starts with a newline; a blank for each embed
	lines    []line
	embeds   []embedAt
	newlines []richtext.Attributes         // of the document, in its order
	starts   []int                         // document position of each op of doc
	first    func(wavelet.ThreadID) string // the first blip of a thread, under which robots look for its anchor; nil: nobody knows
}

// line is a line's start: its position and the attributes of the line.
type line struct {
	at    int // robot position
	attrs richtext.Attributes
}

// embedAt is an embed with its position.
type embedAt struct {
	at    int // robot position
	embed richtext.Embed
	attrs richtext.Attributes
}

// read makes the robot's view of a document.
func read(doc richtext.Delta) content {
	c := content{doc: doc}
	var text strings.Builder
	text.WriteByte('\n')
	c.lines = append(c.lines, line{})
	for _, op := range doc {
		c.starts = append(c.starts, c.length)
		if op.Kind() == richtext.KindEmbed {
			c.embeds = append(c.embeds, embedAt{toRobot(c.length), op.Embed(), op.Attributes()})
			text.WriteByte(' ')
			c.length++
			continue
		}
		c.addText(op.Text(), op.Attributes())
		text.WriteString(op.Text())
	}
	c.text = strings.TrimSuffix(text.String(), "\n")
	// The start of each line has the attributes of the newline that ends it, and
	// what follows the last newline is no line.
	for i, a := range c.newlines {
		c.lines[i].attrs = a
	}
	c.lines = c.lines[:max(len(c.newlines), 1)]
	return c
}

// addText counts a run of text and notes its newlines.
func (c *content) addText(text string, a richtext.Attributes) {
	for {
		i := strings.IndexByte(text, '\n')
		if i < 0 {
			c.length += unitsOf(text)
			return
		}
		c.length += unitsOf(text[:i]) + 1
		c.newlines = append(c.newlines, a)
		c.lines = append(c.lines, line{at: c.length})
		text = text[i+1:]
	}
}

// annotations are those of the text, as maximal runs.
func (c content) annotations() []Annotation {
	r := runs{open: map[string]Annotation{}}
	if n := len(c.newlines); n > 0 {
		r.add(0, 1, annotations(c.newlines[n-1]))
	}
	at := 1
	for _, op := range c.doc {
		n := min(op.Len(), c.length-at)
		if n > 0 {
			r.add(at, n, annotations(op.Attributes()))
		}
		at += op.Len()
	}
	return r.all()
}

// all is the span of the whole text.
func (c content) all() span { return span{0, c.length} }

// left are the attributes that text inserted at robot position w takes over:
// those of the character before it on its line.
func (c content) left(w int) richtext.Attributes {
	if w <= 1 {
		return richtext.Attributes{}
	}
	q := toDocument(w) - 1
	if _, newline := slices.BinarySearchFunc(c.lines, w-1, func(l line, at int) int { return cmp.Compare(l.at, at) }); newline {
		return richtext.Attributes{}
	}
	i, ok := slices.BinarySearch(c.starts, q)
	if !ok {
		i--
	}
	if i >= len(c.doc) || c.doc[i].Kind() != richtext.KindInsert {
		return richtext.Attributes{}
	}
	return inherited(c.doc[i].Attributes())
}

// annotate is the delta that changes attributes over each span by the change of
// the same index. Spans are in order and do not overlap.
func (c content) annotate(spans []span, changes []richtext.Attributes) richtext.Delta {
	var d richtext.Delta
	at := 0
	var last richtext.Attributes // for the final newline, which the robot sees first
	for i, s := range spans {
		for _, part := range documentSpans(s, c.length) {
			if part.start == c.length-1 {
				last = changes[i]
				continue
			}
			d = d.Retain(part.start-at, richtext.Attributes{}).Retain(part.end-part.start, changes[i])
			at = part.end
		}
	}
	if !last.IsZero() {
		d = d.Retain(c.length-1-at, richtext.Attributes{}).Retain(1, last)
	}
	return d.Chop()
}

// edit replaces a span of the robot's text by pieces. A span that starts at 0 is
// empty, and its pieces start with a newline: the first newline cannot go.
type edit struct {
	span
	with []piece
}

// piece is something to be inserted: text, an embed, or the start of a line,
// which is the text "\n" with line attributes.
type piece struct {
	text  string
	embed richtext.Embed
	attrs richtext.Attributes
	line  richtext.Attributes
}

// apply is the delta that carries out edits, which are in order and do not
// overlap.
func (c content) apply(edits []edit) (richtext.Delta, error) {
	var d richtext.Delta
	at := 0
	for _, e := range edits {
		if e.start == 0 {
			// The robot's newline before the text is the document's behind it.
			first := e.with[0]
			d = d.Insert(first.text[1:], first.attrs)
			d = insert(d, e.with[1:]).Insert("\n", first.attrs)
			continue
		}
		d = d.Retain(toDocument(e.start)-at, richtext.Attributes{})
		d = insert(d, e.with).Delete(e.end - e.start)
		at = toDocument(e.end)
	}
	if err := richtext.Check(c.doc, d); err != nil {
		return nil, err
	}
	return richtext.Compose(d, c.moveLines(d, edits)), nil
}

// insert appends pieces. Texts of one kind are joined first, for a delta that
// grows by the piece copies all of its text each time.
func insert(d richtext.Delta, pieces []piece) richtext.Delta {
	for len(pieces) > 0 {
		first, n := pieces[0], 1
		if !first.embed.IsZero() {
			d = d.InsertEmbed(first.embed, first.attrs)
			pieces = pieces[1:]
			continue
		}
		var text strings.Builder
		text.WriteString(first.text)
		for n < len(pieces) && pieces[n].embed.IsZero() && pieces[n].attrs.Equal(first.attrs) {
			text.WriteString(pieces[n].text)
			n++
		}
		d = d.Insert(text.String(), first.attrs)
		pieces = pieces[n:]
	}
	return d
}

// moveLines is the delta that, after d has carried out edits, gives each line
// the attributes it has in the robot's eyes. There they sit on the newline
// before the line, so that a line broken in two keeps them for its first half
// and two lines joined keep the first one's; in the document they sit on the
// newline behind it.
func (c content) moveLines(d richtext.Delta, edits []edit) richtext.Delta {
	want := c.linesAfter(edits)
	if want == nil {
		return nil
	}
	var fix richtext.Delta
	kept, at, i := 0, 0, 0
	for _, op := range richtext.Compose(c.doc, d) {
		text := op.Text()
		for nl := strings.IndexByte(text, '\n'); nl >= 0 && i < len(want); nl = strings.IndexByte(text, '\n') {
			q := at + unitsOf(text[:nl])
			if patch := lineChange(op.Attributes(), want[i]); !patch.IsZero() {
				fix = fix.Retain(q-kept, richtext.Attributes{}).Retain(1, patch)
				kept = q + 1
			}
			text, at, i = text[nl+1:], q+1, i+1
		}
		if op.Kind() == richtext.KindEmbed {
			at++
		}
		at += unitsOf(text)
	}
	return fix
}

// linesAfter is the line attributes of every line after edits, nil if no line
// has any.
func (c content) linesAfter(edits []edit) []richtext.Attributes {
	var want []richtext.Attributes
	some := false
	add := func(a richtext.Attributes) {
		want = append(want, a)
		some = some || !a.IsZero()
	}
	old := c.lines
	keep := func(until int) {
		for len(old) > 0 && old[0].at < until {
			add(onlyLine(old[0].attrs))
			old = old[1:]
		}
	}
	for _, e := range edits {
		keep(e.start)
		for _, p := range e.with {
			for range strings.Count(p.text, "\n") {
				add(p.line)
			}
		}
		for len(old) > 0 && old[0].at < e.end {
			some = some || !onlyLine(old[0].attrs).IsZero() // the line goes, but its newline may have to be cleared
			old = old[1:]
		}
	}
	keep(c.length + 1)
	if !some {
		return nil
	}
	return want
}

// onlyLine is the line attributes among a.
func onlyLine(a richtext.Attributes) richtext.Attributes {
	m := map[string]any{}
	for key := range a.All() {
		if !isLineAttribute(key) {
			m[key] = nil
		}
	}
	if len(m) == 0 {
		return a
	}
	drop, err := richtext.NewAttributes(m)
	if err != nil {
		return richtext.Attributes{}
	}
	return a.Compose(drop, false)
}

// lineChange is what turns the line attributes among have into want.
func lineChange(have, want richtext.Attributes) richtext.Attributes {
	return onlyLine(have).Diff(want)
}
