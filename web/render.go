package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"

	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/richtext"
)

// export renders a wavelet as text, html or json, and names the content type.
func export(state *wavelet.State, format string) (content []byte, kind string, err error) {
	switch format {
	case "", "json":
		b, err := json.Marshal(client.NewSnapshot(state))
		return b, "application/json", err
	case "text":
		return []byte(state.Text()), "text/plain; charset=utf-8", nil
	case "html":
		return renderHTML(state), "text/html; charset=utf-8", nil
	}
	return nil, "", refuse(client.CodeUnsupportedFmt, "bad_field", "format", fmt.Sprintf("there is no format %q", format), "use text, html or json")
}

// plain is a document of plain text. It ends with a newline.
func plain(text string) richtext.Delta {
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return richtext.Delta{}.Insert(text, richtext.Attributes{})
}

// page writes HTML. Everything that comes from a document goes through text or
// through an allow-list; there is no other way to the buffer.
type page struct{ bytes.Buffer }

func (p *page) markup(format string) { p.WriteString(format) }
func (p *page) text(s string)        { p.WriteString(html.EscapeString(s)) }
func (p *page) open(tag string)      { p.WriteString("<" + tag + ">") }
func (p *page) attr(tag, name, value string) {
	p.WriteString("<" + tag + " " + name + `="` + html.EscapeString(value) + `">`)
}
func (p *page) close(tag string)                 { p.WriteString("</" + tag + ">") }
func (p *page) element(tag string, write func()) { p.open(tag); write(); p.close(tag) }

// renderHTML shows a conversation as a page without scripts, styles or pictures
// of its own.
func renderHTML(state *wavelet.State) []byte {
	p := &page{}
	p.markup("<!doctype html>\n<html>\n<meta charset=\"utf-8\">\n")
	p.element("title", func() { p.text(state.Title()) })
	p.markup("\n<p>")
	for i, m := range state.Participants() {
		if i > 0 {
			p.markup(", ")
		}
		p.text(string(m.Address))
	}
	p.markup("</p>\n")
	for blip := range state.Blips() {
		p.attr("article", "id", string(blip.ID))
		p.markup("\n<header>")
		p.text(string(blip.Creator))
		p.markup(" ")
		p.element("time", func() { p.text(blip.Modified.UTC().Format("2006-01-02 15:04:05Z")) })
		p.markup("</header>\n")
		p.document(blip.Doc.Delta())
		p.markup("</article>\n")
	}
	p.markup("</html>\n")
	return p.Bytes()
}

// document writes a document line by line: the attributes of a line stand on
// the newline that ends it.
func (p *page) document(d richtext.Delta) {
	var line []richtext.Op
	list := ""
	for _, op := range d {
		rest := op.Text()
		if op.Kind() != richtext.KindInsert {
			line = append(line, op)
			continue
		}
		for {
			text, after, ends := strings.Cut(rest, "\n")
			if text != "" {
				line = append(line, richtext.Delta{}.Insert(text, op.Attributes())...)
			}
			if !ends {
				break
			}
			list = p.line(line, op.Attributes(), list)
			line, rest = nil, after
		}
	}
	if len(line) > 0 {
		list = p.line(line, richtext.Attributes{}, list)
	}
	if list != "" {
		p.close(list)
	}
}

// line writes one line and returns the list that is open behind it, "" if none.
func (p *page) line(ops []richtext.Op, a richtext.Attributes, open string) string {
	tag, list := "p", ""
	if kind, ok := a.Text("list"); ok {
		tag, list = "li", "ul"
		if kind == "ordered" {
			list = "ol"
		}
	} else if level, ok := a.Get("header"); ok {
		if n, err := strconv.Atoi(level); err == nil && n >= 1 && n <= 6 {
			tag = "h" + level
		}
	}
	if open != list {
		if open != "" {
			p.close(open)
		}
		if list != "" {
			p.open(list)
		}
	}
	p.element(tag, func() {
		for _, op := range ops {
			p.piece(op)
		}
	})
	p.markup("\n")
	return list
}

// piece writes text with its inline attributes, or an embed in words.
func (p *page) piece(op richtext.Op) {
	a := op.Attributes()
	var tags []string
	for _, t := range [...]struct{ key, value, tag string }{
		{"bold", "true", "strong"}, {"italic", "true", "em"}, {"underline", "true", "u"}, {"strike", "true", "s"},
		{"code", "true", "code"}, {"script", `"super"`, "sup"}, {"script", `"sub"`, "sub"},
	} {
		if v, ok := a.Get(t.key); ok && v == t.value {
			tags = append(tags, t.tag)
		}
	}
	link, linked := a.Text("link")
	linked = linked && safeLink(link)
	if linked {
		p.attr(`a rel="noopener noreferrer nofollow"`, "href", link)
	}
	for _, t := range tags {
		p.open(t)
	}
	if op.Kind() == richtext.KindEmbed {
		p.text("[" + op.Embed().Key() + "]")
	} else {
		p.text(op.Text())
	}
	for i := len(tags) - 1; i >= 0; i-- {
		p.close(tags[i])
	}
	if linked {
		p.close("a")
	}
}

// safeLink reports whether a link leads where a click may lead.
func safeLink(link string) bool {
	u, err := url.Parse(link)
	if err != nil {
		return false
	}
	switch u.Scheme {
	case "http", "https", "mailto", "wave":
		return true
	}
	return false
}
