package wire

import (
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"weir/events"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// appendMarkup appends a subset of HTML at the end of a blip: b, strong, i, em,
// u, s, strike, del, a, font color, p, br, h1 to h5, ul, ol and li. Other tags
// are left out and what they hold is kept, except scripts and styles.
//
// Clients reckon that p and br become one newline each and that all other tags
// vanish, and go on counting from there. Headings and list items, of which they
// have no idea, start lines of their own here.
func (a *application) appendMarkup(d *draft, p params) (any, *events.OperationFailure) {
	blip, failure := a.blip(d, p)
	if failure != nil {
		return nil, failure
	}
	if !p.Content.set {
		return nil, missing("content")
	}
	c, failure := a.read(d, blip)
	if failure != nil {
		return nil, failure
	}
	last := c.lines[len(c.lines)-1]
	m := markup{text: last.at+1 < c.length}
	if err := m.read(p.Content.String()); err != nil {
		return nil, refused(err)
	}
	change, err := c.apply([]edit{{span{c.length, c.length}, m.pieces}})
	if err != nil {
		return nil, refused(err)
	}
	if !m.first.IsZero() {
		after := read(richtext.Compose(c.doc, change))
		change = richtext.Compose(change, after.annotate([]span{after.newlineOf(last.at)}, []richtext.Attributes{m.first}))
	}
	if len(change) == 0 {
		return nothing{}, nil
	}
	return nothing{}, a.change(d, wavelet.EditBlip{Blip: blip.ID, Delta: change})
}

// marked is a value that is markup, over the attributes that plain text would get
// in its place. At its start it goes on with the line it is put into.
func marked(source string, attrs richtext.Attributes) ([]piece, *events.OperationFailure) {
	m := markup{text: true}
	if err := m.read(source); err != nil {
		return nil, refused(err)
	}
	pieces := []piece{{attrs: attrs}}
	for _, p := range m.pieces {
		p.attrs = attrs.Compose(p.attrs, false)
		pieces = append(pieces, p)
	}
	if len(pieces) > 1 {
		pieces = pieces[1:]
	}
	return pieces, nil
}

// maxOpen is how many styling tags may be open around a text; more have no
// effect.
const maxOpen = 64

// markup turns HTML into pieces.
type markup struct {
	pieces []piece
	open   []html.Token        // tags that are open and mean something to the text
	style  richtext.Attributes // of text under the open tags
	stale  bool                // whether style has to be found anew
	text   bool                // whether the line under way holds anything
	ended  bool                // whether a heading or an item was closed: what follows starts a line
	first  richtext.Attributes // for the line that was there before, if a heading or an item began on it
	list   int                 // depth of open lists
	items  int                 // depth of lists with an open item
	skip   int                 // depth of open scripts and styles
}

// read takes the tokens of the source.
func (m *markup) read(source string) error {
	z := html.NewTokenizer(strings.NewReader(source))
	z.SetMaxBuf(MaxBody)
	for {
		switch z.Next() {
		case html.ErrorToken:
			return nil
		case html.TextToken:
			if err := m.addText(z.Token().Data); err != nil {
				return err
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			if err := m.start(z.Token()); err != nil {
				return err
			}
		case html.EndTagToken:
			m.end(z.Token())
		}
	}
}

// addText appends text with the styles of the open tags.
func (m *markup) addText(text string) error {
	blank := strings.TrimSpace(text) == ""
	if m.skip > 0 || blank && (text == "" || m.ended || m.list > m.items) {
		return nil
	}
	if m.ended {
		m.newline(richtext.Attributes{})
	}
	if m.stale {
		if err := m.restyle(); err != nil {
			return err
		}
	}
	m.pieces = append(m.pieces, piece{text: text, attrs: m.style})
	m.text = !strings.HasSuffix(text, "\n")
	return nil
}

// restyle finds the attributes that the open tags give to text.
func (m *markup) restyle() error {
	style := map[string]any{}
	for _, t := range m.open {
		if err := restyle(style, t); err != nil {
			return err
		}
	}
	var err error
	m.style, err = richtext.NewAttributes(style)
	m.stale = false
	return err
}

// newline starts a line.
func (m *markup) newline(line richtext.Attributes) {
	m.pieces = append(m.pieces, piece{text: "\n", line: line})
	m.text, m.ended = false, false
}

// start takes a tag that opens.
func (m *markup) start(t html.Token) error {
	switch t.DataAtom {
	case atom.Script, atom.Style:
		m.skip++
	case atom.P, atom.Br:
		m.newline(richtext.Attributes{})
	case atom.Ul, atom.Ol:
		m.list++
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5:
		m.block(richtext.Attr("header", int(t.Data[1]-'0')))
	case atom.Li:
		m.items = m.list
		line := map[string]any{"list": "bullet"}
		if m.list > 1 {
			line["indent"] = min(m.list-1, 8)
		}
		attrs, err := richtext.NewAttributes(line)
		if err != nil {
			return err
		}
		m.block(attrs)
	default:
		if styles(t) && len(m.open) < maxOpen {
			m.open, m.stale = append(m.open, t), true
		}
	}
	return nil
}

// block starts a heading or an item: on the line under way if that is empty.
func (m *markup) block(line richtext.Attributes) {
	switch {
	case m.text || m.ended:
		m.newline(line)
	case len(m.pieces) == 0:
		m.first = line
	default:
		if last := &m.pieces[len(m.pieces)-1]; last.text == "\n" {
			last.line = line
		} else {
			m.newline(line)
		}
	}
	m.ended = false
}

// end takes a tag that closes.
func (m *markup) end(t html.Token) {
	switch t.DataAtom {
	case atom.Script, atom.Style:
		m.skip = max(m.skip-1, 0)
	case atom.Ul, atom.Ol:
		m.list = max(m.list-1, 0)
		m.items = min(m.items, m.list)
		m.ended = m.ended || m.text
	case atom.Li:
		m.items = max(m.list-1, 0)
		m.ended = true
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5:
		m.ended = true
	default:
		for i := len(m.open) - 1; i >= 0; i-- {
			if m.open[i].DataAtom == t.DataAtom {
				m.open, m.stale = append(m.open[:i:i], m.open[i+1:]...), true
				return
			}
		}
	}
}

// styles reports whether a tag styles the text in it.
func styles(t html.Token) bool {
	switch t.DataAtom {
	case atom.B, atom.Strong, atom.I, atom.Em, atom.U, atom.S, atom.Strike, atom.Del, atom.A, atom.Font:
		return t.Type == html.StartTagToken
	}
	return false
}

// restyle writes into m what an open tag does to text. A link that a browser
// should not be given is left out.
func restyle(m map[string]any, t html.Token) error {
	switch t.DataAtom {
	case atom.B, atom.Strong:
		m["bold"] = true
	case atom.I, atom.Em:
		m["italic"] = true
	case atom.U:
		m["underline"] = true
	case atom.S, atom.Strike, atom.Del:
		m["strike"] = true
	case atom.A:
		if href := attribute(t, "href"); href != "" && safeLink(href) {
			return change(m, manualLink, &href)
		}
	case atom.Font:
		if color := attribute(t, "color"); color != "" {
			return change(m, "style/color", &color)
		}
	}
	return nil
}

// safeLink is the allow-list of URL schemes. A link without one is a path.
func safeLink(link string) bool {
	u, err := url.Parse(link)
	if err != nil || strings.ContainsFunc(link, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return false
	}
	switch strings.ToLower(u.Scheme) {
	case "", "http", "https", "mailto", "wave":
		return true
	}
	return false
}

// attribute is the value of a tag's attribute, "" if it has none.
func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
