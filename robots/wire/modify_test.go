package wire

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

// modified carries out one document.modify on a document and returns what the
// robot sees afterwards.
func modified(t *testing.T, d richtext.Delta, params string) (content, Outcome) {
	t.Helper()
	w := newWavelet(t).blip("b+1", "", d)
	ops := decode(t, `[{"method":"document.modify","id":"op1","params":{"blipId":"b+1",`+params+`}}]`)
	out := Call{Robot: spell, State: w.state}.Apply(t.Context(), ops)
	return contentOf(t, after(t, w.state, out), "b+1"), out
}

func action1(how, rest string) string {
	if rest != "" {
		rest = "," + rest
	}
	return fmt.Sprintf(`"modifyAction":{"modifyHow":%q%s}`, how, rest)
}

func TestModifyText(t *testing.T) {
	tests := []struct {
		name, text, params, want string
	}{
		{"replace all with a newline first", "old\ntext", action1("REPLACE", `"values":["\nX"]`), "\nX"},
		{"replace all without one", "old", action1("REPLACE", `"values":["X"]`), "\nX"},
		{"replace the first hit", "cat cat", `"modifyQuery":{"textMatch":"cat","maxRes":1},` + action1("REPLACE", `"values":["dog"]`), "\ndog cat"},
		{"replace the only hit", "cat dog", `"modifyQuery":{"textMatch":"cat","exactRes":1},` + action1("REPLACE", `"values":["cow"]`), "\ncow dog"},
		{"replace every hit, values in turn", "a a a", `"modifyQuery":{"textMatch":"a","maxRes":-1},` + action1("REPLACE", `"values":["x","yy"]`), "\nx yy x"},
		{"query with the nulls of Java", "a a", `"range":null,"index":null,"modifyQuery":{"textMatch":"a","elementMatch":null,"maxRes":-1,"restrictions":{}},` +
			action1("REPLACE", `"values":["b"],"elements":[null],"annotationKey":null,"bundledAnnotations":null,"useMarkup":false`), "\nb b"},
		{"no hit", "abc", `"modifyQuery":{"textMatch":"z"},` + action1("REPLACE", `"values":["b"]`), "\nabc"},
		{"hits do not overlap", "aaa", `"modifyQuery":{"textMatch":"aa"},` + action1("REPLACE", `"values":["b"]`), "\nba"},
		{"replace a range", "abcdef", `"range":{"start":2,"end":4},` + action1("REPLACE", `"values":["X"]`), "\naXdef"},
		{"replace a range behind an emoji", "😀bc", `"range":{"start":3,"end":4},` + action1("REPLACE", `"values":["X"]`), "\n😀Xc"},
		{"replace an emoji", "a😀b", `"modifyQuery":{"textMatch":"😀"},` + action1("REPLACE", `"values":["😀😁"]`), "\na😀😁b"},
		{"negative range", "abcdef", `"range":{"start":-2,"end":-1},` + action1("DELETE", ""), "\nabcdf"},
		{"negative start to the end", "abcdef", `"range":{"start":-2,"end":0},` + action1("DELETE", ""), "\nabcd"},
		{"delete all", "abc", action1("DELETE", ""), "\n"},
		{"delete from 0", "abc", `"range":{"start":0,"end":2},` + action1("DELETE", ""), "\nbc"},
		{"delete a line break", "a\nb", `"modifyQuery":{"textMatch":"\n"},` + action1("DELETE", ""), "\nab"},
		{"insert before", "bc", `"range":{"start":1,"end":2},` + action1("INSERT", `"values":["a"]`), "\nabc"},
		{"insert before all is a new first line", "b", action1("INSERT", `"values":["a"]`), "\na\nb"},
		{"insert before all with its newline", "b", action1("INSERT", `"values":["\na"]`), "\na\nb"},
		{"append", "a", action1("INSERT_AFTER", `"values":["b"]`), "\nab"},
		{"append to nothing", "", action1("INSERT_AFTER", `"values":["b"]`), "\nb"},
		{"append lines", "a", action1("INSERT_AFTER", `"values":["\nb\n"]`), "\na\nb\n"},
		{"insert after hits", "a a", `"modifyQuery":{"textMatch":"a"},` + action1("INSERT_AFTER", `"values":["1","2"]`), "\na1 a2"},
		{"insert at an index", "ac", `"index":2,` + action1("INSERT", `"values":["b"]`), "\nabc"},
		{"parallel arrays of Java", "a", action1("INSERT_AFTER", `"values":["b"],"elements":[null],"bundledAnnotations":null`), "\nab"},
		{"lower case action", "a", action1("insert_after", `"values":["b"]`), "\nab"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, out := modified(t, plain(tt.text+"\n"), tt.params)
			noFailures(t, out)
			if c.text != tt.want {
				t.Errorf("text is %q, want %q", c.text, tt.want)
			}
		})
	}
}

// TestModifyWithMarkup inserts values that are markup.
func TestModifyWithMarkup(t *testing.T) {
	bold := func(start, end int) Annotation { return Annotation{fontWeight, "bold", Range{start, end}} }
	for _, tt := range []struct {
		name, params, text string
		want               []Annotation
	}{
		{"in the middle", `"modifyQuery":{"textMatch":"b"},` + action1("REPLACE", `"values":["<b>x</b>&amp;y"],"elements":[null],"useMarkup":true`), "\nax&yc", []Annotation{bold(2, 3)}},
		{"of several lines", `"index":2,` + action1("INSERT", `"values":["1<p>2"],"useMarkup":true`), "\na1\n2bc", []Annotation{}},
		{"for everything", action1("REPLACE", `"values":["<b>x</b>"],"useMarkup":true`), "\nx", []Annotation{bold(1, 2)}},
		{"with nothing in it", `"index":2,` + action1("REPLACE", `"values":["<b></b>"],"useMarkup":true`), "\nac", []Annotation{}},
		{"with annotations", `"index":3,` + action1("REPLACE", `"values":["<b>x</b>"],"useMarkup":true,"bundledAnnotations":[{"key":"k","value":"v"}]`), "\nabx", []Annotation{{"k", "v", Range{3, 4}}, bold(3, 4)}},
		{"that is none", `"index":2,` + action1("REPLACE", `"values":["<b>"],"useMarkup":false`), "\na<b>c", []Annotation{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, out := modified(t, plain("abc\n"), tt.params)
			noFailures(t, out)
			if diff := cmp.Diff(tt.want, c.annotations()); c.text != tt.text || diff != "" {
				t.Errorf("text %q, want %q; annotations (-want +got):\n%s", c.text, tt.text, diff)
			}
		})
	}
}

func TestModifyRefusals(t *testing.T) {
	tests := []struct {
		name, params string
		code         int
		says         string
	}{
		{"no action", `"range":{"start":1,"end":2}`, 400, "modifyAction"},
		{"unknown action", action1("EXPLODE", ""), 400, "EXPLODE"},
		{"range outside", `"range":{"start":1,"end":99},` + action1("DELETE", ""), 400, "4 UTF-16 units"},
		{"range backwards", `"range":{"start":3,"end":1},` + action1("DELETE", ""), 400, "range"},
		{"range of half an emoji", `"range":{"start":2,"end":3},` + action1("DELETE", ""), 400, "surrogate"},
		{"index outside", `"index":9,` + action1("DELETE", ""), 400, "index 9"},
		{"two places", `"index":1,"range":{"start":1,"end":2},` + action1("DELETE", ""), 400, "exclude"},
		{"only the first newline", `"range":{"start":0,"end":1},` + action1("DELETE", ""), 400, "first newline"},
		{"nothing to insert", action1("INSERT", ""), 400, "values"},
		{"null to insert", action1("INSERT", `"values":[null],"elements":[null]`), 400, "null in both"},
		{"no key", action1("ANNOTATE", `"values":["x"]`), 400, "annotationKey"},
		{"reserved key", action1("ANNOTATE", `"annotationKey":"header","values":["x"]`), 400, "reserved"},
		{"dangerous link", action1("ANNOTATE", `"annotationKey":"link/manual","values":["javascript:alert(1)"]`), 400, "link"},
		{"empty query", `"modifyQuery":{"textMatch":null,"elementMatch":null,"maxRes":-1},` + action1("DELETE", ""), 400, "textMatch"},
		{"fewer hits than there have to be", `"modifyQuery":{"textMatch":"b","exactRes":1},` + action1("DELETE", ""), 409, "has 0 hits"},
		{"more hits than there have to be", `"modifyQuery":{"textMatch":"a","exactRes":2},` + action1("DELETE", ""), 409, "asks for 2"},
		{"no number of hits", `"modifyQuery":{"textMatch":"a","exactRes":0},` + action1("DELETE", ""), 400, "exactRes 0"},
		{"unknown element", action1("INSERT_AFTER", `"elements":[{"type":"BOMB","properties":{}}]`), 400, "BOMB"},
		{"an element and its line, the line first in order", `"range":{"start":0,"end":4},` + action1("UPDATE_ELEMENT", `"elements":[{"properties":{"indent":"99"}}]`), 400, "indent"},
		{"no element there", action1("UPDATE_ELEMENT", `"elements":[{"type":"GADGET","properties":{"a":"b"}}]`), 404, "element"},
		{"params of a wrong kind", `"modifyAction":"DELETE"`, 400, "params"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, out := modified(t, plain("a😀\n"), tt.params)
			if c.text != "\na😀" || len(out.Answer.Deltas) != 0 {
				t.Errorf("the text is %q now", c.text)
			}
			if len(out.Answer.Failures) != 1 {
				t.Fatalf("failures: %v", out.Answer.Failures)
			}
			f := out.Answer.Failures[0]
			if f.ID != "op1" || f.Code != tt.code || !strings.Contains(f.Message, tt.says) {
				t.Errorf("failure is %+v, want code %d and a message with %q", f, tt.code, tt.says)
			}
		})
	}
}

func TestModifyAnnotations(t *testing.T) {
	tests := []struct {
		name, params string
		want         []Annotation
	}{
		{"over the whole text", action1("ANNOTATE", `"annotationKey":"k","values":["v"]`),
			[]Annotation{{"k", "v", Range{0, 8}}, {"style/fontWeight", "bold", Range{1, 4}}, {"link/manual", "https://example.com", Range{5, 8}}}},
		{"over hits, values in turn", `"modifyQuery":{"textMatch":"o"},` + action1("ANNOTATE", `"annotationKey":"k","values":["1","2"]`),
			[]Annotation{{"style/fontWeight", "bold", Range{1, 4}}, {"k", "1", Range{2, 3}}, {"k", "2", Range{3, 4}}, {"link/manual", "https://example.com", Range{5, 8}}}},
		{"cleared in part", `"range":{"start":2,"end":3},` + action1("CLEAR_ANNOTATION", `"annotationKey":"style/fontWeight"`),
			[]Annotation{{"style/fontWeight", "bold", Range{1, 2}}, {"style/fontWeight", "bold", Range{3, 4}}, {"link/manual", "https://example.com", Range{5, 8}}}},
		{"text takes over what is to its left", `"range":{"start":4,"end":4},` + action1("INSERT", `"values":["d"]`),
			[]Annotation{{"style/fontWeight", "bold", Range{1, 5}}, {"link/manual", "https://example.com", Range{6, 9}}}},
		{"but no link", action1("INSERT_AFTER", `"values":["!"]`),
			[]Annotation{{"style/fontWeight", "bold", Range{1, 4}}, {"link/manual", "https://example.com", Range{5, 8}}}},
		{"nor what is on the line before", `"range":{"start":1,"end":1},` + action1("INSERT", `"values":["d"]`),
			[]Annotation{{"style/fontWeight", "bold", Range{2, 5}}, {"link/manual", "https://example.com", Range{6, 9}}}},
		{"bundled ones and no other", `"range":{"start":4,"end":4},` + action1("INSERT", `"values":["d"],"bundledAnnotations":[{"key":"style/fontStyle","value":"italic"}]`),
			[]Annotation{{"style/fontWeight", "bold", Range{1, 4}}, {"style/fontStyle", "italic", Range{4, 5}}, {"link/manual", "https://example.com", Range{6, 9}}}},
		{"no bundled ones means none", `"range":{"start":4,"end":4},` + action1("INSERT", `"values":["d"],"bundledAnnotations":[]`),
			[]Annotation{{"style/fontWeight", "bold", Range{1, 4}}, {"link/manual", "https://example.com", Range{6, 9}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := doc(t, `[{"insert":"foo","attributes":{"bold":true}},{"insert":" "},{"insert":"bar","attributes":{"link":"https://example.com"}},{"insert":"\n"}]`)
			c, out := modified(t, d, tt.params)
			noFailures(t, out)
			if diff := cmp.Diff(tt.want, c.annotations()); diff != "" {
				t.Errorf("annotations (-want +got):\n%s", diff)
			}
		})
	}
}

// elementsOf are a blip's elements but for lines without properties.
func elementsOf(c content) map[int]Element {
	m := map[int]Element{}
	for _, el := range c.elements() {
		if el.Type != typeLine || len(el.Properties) > 0 {
			m[el.at] = el.Element
		}
	}
	return m
}

func TestModifyElements(t *testing.T) {
	gadget := `[{"insert":"a"},{"insert":{"gadget":{"id":"g","url":"https://example.com/g.xml"}},"attributes":{"g/count":"1"}},
		{"insert":{"form":{"type":"CHECK","name":"ok","id":"c"}},"attributes":{"value":"false"}},
		{"insert":{"image":{"url":"https://example.com/a.png"}}},{"insert":"\nb\n","attributes":{"header":2}}]`
	base := map[int]Element{
		0: {typeLine, map[string]string{"lineType": "h2"}},
		2: {typeGadget, map[string]string{"url": "https://example.com/g.xml", "count": "1"}},
		3: {"CHECK", map[string]string{"name": "ok", "value": "false"}},
		4: {typeImage, map[string]string{"url": "https://example.com/a.png"}},
		5: {typeLine, map[string]string{"lineType": "h2"}},
	}
	tests := []struct {
		name, params string
		change       map[int]Element
	}{
		{"state of a gadget, url null", `"modifyQuery":{"elementMatch":"GADGET","restrictions":{"url":"https://example.com/g.xml"}},` +
			action1("UPDATE_ELEMENT", `"elements":[{"type":"GADGET","properties":{"url":null,"count":"2","seen":true}}]`),
			map[int]Element{2: {typeGadget, map[string]string{"url": "https://example.com/g.xml", "count": "2", "seen": "true"}}}},
		{"null removes a state", `"index":2,` + action1("UPDATE_ELEMENT", `"elements":[{"type":"GADGET","properties":{"count":null}}]`),
			map[int]Element{2: {typeGadget, map[string]string{"url": "https://example.com/g.xml"}}}},
		{"form by name", `"modifyQuery":{"elementMatch":"CHECK","maxRes":1,"restrictions":{"name":"ok"}},` +
			action1("UPDATE_ELEMENT", `"elements":[{"type":"CHECK","properties":{"value":"true"}}]`),
			map[int]Element{3: {"CHECK", map[string]string{"name": "ok", "value": "true"}}}},
		{"a restriction that fails", `"modifyQuery":{"elementMatch":"CHECK","restrictions":{"name":"no"}},` + action1("DELETE", ""), nil},
		{"image replaced", `"modifyQuery":{"elementMatch":"IMAGE"},` +
			action1("REPLACE", `"elements":[{"type":"IMAGE","properties":{"url":"https://example.com/b.png","width":"8","caption":"b"}}]`),
			map[int]Element{4: {typeImage, map[string]string{"url": "https://example.com/b.png", "width": "8", "caption": "b"}}}},
		{"a gadget of another URL keeps its state", `"modifyQuery":{"elementMatch":"GADGET"},` +
			action1("UPDATE_ELEMENT", `"elements":[{"type":"GADGET","properties":{"url":"https://example.com/h.xml","seen":"1"}}]`),
			map[int]Element{2: {typeGadget, map[string]string{"url": "https://example.com/h.xml", "count": "1", "seen": "1"}}}},
		{"a form element of another name", `"index":3,` + action1("UPDATE_ELEMENT", `"elements":[{"type":"CHECK","properties":{"name":"no","value":null}}]`),
			map[int]Element{3: {"CHECK", map[string]string{"name": "no"}}}},
		{"an image of another source", `"index":4,` + action1("UPDATE_ELEMENT", `"elements":[{"type":"IMAGE","properties":{"url":null,"attachmentId":"a","width":"8"}}]`),
			map[int]Element{4: {typeImage, map[string]string{"attachmentId": "a", "width": "8"}}}},
		{"values in turn, one for each hit", `"modifyQuery":{"elementMatch":"LINE"},` +
			action1("UPDATE_ELEMENT", `"elements":[{"type":"LINE","properties":{"indent":"1"}},{"type":"LINE","properties":{"lineType":"h1"}}]`),
			map[int]Element{0: {typeLine, map[string]string{"lineType": "h2", "indent": "1"}}, 5: {typeLine, map[string]string{"lineType": "h1"}}}},
		{"whatever is there", action1("UPDATE_ELEMENT", `"elements":[{"type":"","properties":{}}]`), nil},
		{"line type of the first line", `"index":0,` + action1("UPDATE_ELEMENT", `"elements":[{"type":"LINE","properties":{"lineType":"li","indent":"1"}}]`),
			map[int]Element{0: {typeLine, map[string]string{"lineType": "li", "indent": "1"}}}},
		{"line type of the last line", `"index":5,` + action1("UPDATE_ELEMENT", `"elements":[{"type":"LINE","properties":{"lineType":"","alignment":"c"}}]`),
			map[int]Element{5: {typeLine, map[string]string{"alignment": "c"}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, out := modified(t, doc(t, gadget), tt.params)
			noFailures(t, out)
			want := map[int]Element{}
			maps.Copy(want, base)
			maps.Copy(want, tt.change)
			if diff := cmp.Diff(want, elementsOf(c)); diff != "" {
				t.Errorf("elements (-want +got):\n%s", diff)
			}
		})
	}
}

// TestModifyInsertsEveryElement inserts each type and reads its properties back.
func TestModifyInsertsEveryElement(t *testing.T) {
	tests := []struct {
		kind, properties string
		want             map[string]string
	}{
		{"INPUT", `{"name":"n","value":"v","defaultValue":"d"}`, map[string]string{"name": "n", "value": "v", "defaultValue": "d"}},
		{"PASSWORD", `{"name":"n","value":"v"}`, map[string]string{"name": "n", "value": "v"}},
		{"TEXTAREA", `{"name":"n","value":"a\nb"}`, map[string]string{"name": "n", "value": "a\nb"}},
		{"CHECK", `{"name":"n","value":true}`, map[string]string{"name": "n", "value": "true"}},
		{"LABEL", `{"name":"for","value":"caption"}`, map[string]string{"name": "for", "value": "caption"}},
		{"BUTTON", `{"name":"n","value":"Go"}`, map[string]string{"name": "n", "value": "Go"}},
		{"RADIO_BUTTON", `{"name":"n","value":"group"}`, map[string]string{"name": "n", "value": "group"}},
		{"RADIO_BUTTON_GROUP", `{"name":"n","value":"v"}`, map[string]string{"name": "n", "value": "v"}},
		{"IMAGE", `{"attachmentId":"a","url":null,"width":1}`, map[string]string{"attachmentId": "a", "width": "1"}},
		{"ATTACHMENT", `{"attachmentId":"a","caption":"c"}`, map[string]string{"attachmentId": "a", "caption": "c"}},
		{"GADGET", `{"url":"https://example.com/g.xml","title":"t","x":"1"}`, map[string]string{"url": "https://example.com/g.xml", "title": "t", "x": "1"}},
		{"INSTALLER", `{"manifest":"https://example.com/m.xml"}`, map[string]string{"manifest": "https://example.com/m.xml"}},
		{"LINE", `{"lineType":"h3","indent":2,"alignment":"r","direction":"r"}`, map[string]string{"lineType": "h3", "indent": "2", "alignment": "r", "direction": "r"}},
	}
	for _, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			c, out := modified(t, plain("a\n"), action1("INSERT_AFTER", `"values":[null],"elements":[{"type":"`+tt.kind+`","properties":`+tt.properties+`}]`))
			noFailures(t, out)
			if diff := cmp.Diff(map[int]Element{2: {tt.kind, tt.want}}, elementsOf(c)); diff != "" {
				t.Errorf("elements (-want +got):\n%s", diff)
			}
		})
	}
}

// TestModifyBoundsHits holds a query that matches everywhere to a bound, and to
// little time.
func TestModifyBoundsHits(t *testing.T) {
	text := strings.Repeat("a", 200_000) + "\n"
	_, out := modified(t, plain(text), `"modifyQuery":{"textMatch":"a"},`+action1("REPLACE", `"values":["b"]`))
	if len(out.Answer.Failures) != 1 || !strings.Contains(out.Answer.Failures[0].Message, "maxRes") {
		t.Errorf("failures are %v, want one that names maxRes", out.Answer.Failures)
	}
	c, out := modified(t, plain(text), `"modifyQuery":{"textMatch":"a","maxRes":3000},`+action1("REPLACE", `"values":["b"]`))
	noFailures(t, out)
	if n := strings.Count(c.text, "b"); n != 3000 {
		t.Errorf("%d places were changed, want 3000", n)
	}
}

// TestUpdateOfALineAndWhatIsOnIt sets a property that a line and a gadget on it
// both have. The line's attributes sit behind the gadget.
func TestUpdateOfALineAndWhatIsOnIt(t *testing.T) {
	c, out := modified(t, doc(t, `[{"insert":"a"},{"insert":{"gadget":{"id":"g","url":"https://example.com/g.xml"}}},{"insert":"\nb\n"}]`),
		action1("UPDATE_ELEMENT", `"elements":[{"properties":{"indent":"1"}}]`))
	noFailures(t, out)
	want := map[int]Element{
		0: {typeLine, map[string]string{"indent": "1"}},
		2: {typeGadget, map[string]string{"url": "https://example.com/g.xml", "indent": "1"}},
		3: {typeLine, map[string]string{"indent": "1"}},
	}
	if diff := cmp.Diff(want, elementsOf(c)); diff != "" {
		t.Errorf("elements (-want +got):\n%s", diff)
	}
}

// TestUpdatesOfManyElements holds an update of very many lines to little time.
func TestUpdatesOfManyElements(t *testing.T) {
	c, out := modified(t, plain(strings.Repeat("\n", 200_000)), `"modifyQuery":{"elementMatch":"LINE","maxRes":4000},`+action1("UPDATE_ELEMENT", `"elements":[{"type":"LINE","properties":{"indent":"1"}}]`))
	noFailures(t, out)
	if n := len(elementsOf(c)); n != 4000 {
		t.Errorf("%d lines were changed, want 4000", n)
	}
}

// TestEveryElementIsFoundChangedAndDeleted takes an element of each type through
// all that document.modify does with elements.
func TestEveryElementIsFoundChangedAndDeleted(t *testing.T) {
	tests := []struct{ kind, properties, restriction, change, changed string }{
		{"INPUT", `"name":"n","value":"v"`, `"name":"n"`, `"value":"w"`, "map[name:n value:w]"},
		{"PASSWORD", `"name":"n","value":"v"`, `"value":"v"`, `"value":null`, "map[name:n]"},
		{"TEXTAREA", `"name":"n","value":"a\nb"`, `"value":"a\nb"`, `"value":"c"`, "map[name:n value:c]"},
		{"CHECK", `"name":"n","value":"false"`, `"name":"n","value":"false"`, `"value":true`, "map[name:n value:true]"},
		{"LABEL", `"name":"n","value":"Caption"`, `"name":"n"`, `"name":"m"`, "map[name:m value:Caption]"},
		{"BUTTON", `"name":"n","value":"Go"`, `"value":"Go"`, `"name":"m"`, "map[name:m value:Go]"},
		{"RADIO_BUTTON", `"name":"n","value":"g"`, `"value":"g"`, `"value":"h"`, "map[name:n value:h]"},
		{"RADIO_BUTTON_GROUP", `"name":"n","value":"v"`, `"name":"n"`, `"value":"w"`, "map[name:n value:w]"},
		{"IMAGE", `"url":"https://example.com/a.png","width":"1"`, `"width":"1"`, `"width":2,"url":null`, "map[url:https://example.com/a.png width:2]"},
		{"ATTACHMENT", `"attachmentId":"a","caption":"c"`, `"attachmentId":"a"`, `"caption":"d"`, "map[attachmentId:a caption:d]"},
		{"GADGET", `"url":"https://example.com/g.xml","title":"t","n":"1"`, `"n":1`, `"n":null,"title":"u","url":null`, "map[title:u url:https://example.com/g.xml]"},
		{"INSTALLER", `"manifest":"https://example.com/m.xml"`, `"manifest":"https://example.com/m.xml"`, `"manifest":"https://example.com/n.xml"`, "map[manifest:https://example.com/n.xml]"},
		{"LINE", `"lineType":"h1","indent":"2"`, `"lineType":"h1"`, `"alignment":"r"`, "map[alignment:r indent:2 lineType:h1]"},
	}
	for _, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			base := newWavelet(t).blip("b+1", "", plain("ab\n"))
			apply := func(s *wavelet.State, where, action string) (*wavelet.State, content) {
				t.Helper()
				out := Call{Robot: spell, State: s}.Apply(t.Context(), decode(t, `[{"method":"document.modify","id":"1","params":{"blipId":"b+1",`+where+action+`}}]`))
				noFailures(t, out)
				s = after(t, s, out)
				return s, contentOf(t, s, "b+1")
			}
			s, c := apply(base.state, `"index":2,`, action1("INSERT", `"elements":[{"type":"`+tt.kind+`","properties":{`+tt.properties+`}}]`))
			at := c.elements()[1]
			if at.at != 2 || at.Type != tt.kind {
				t.Fatalf("the element is at %d, a %s", at.at, at.Type)
			}
			query := `"modifyQuery":{"elementMatch":"` + tt.kind + `","maxRes":1,"restrictions":{` + tt.restriction + `}},`
			s, c = apply(s, query, action1("UPDATE_ELEMENT", `"elements":[{"type":"`+tt.kind+`","properties":{`+tt.change+`}}]`))
			if got := fmt.Sprint(c.elements()[1].Properties); got != tt.changed {
				t.Errorf("changed, it has %s, want %s", got, tt.changed)
			}
			_, c = apply(s, `"modifyQuery":{"elementMatch":"`+tt.kind+`","restrictions":{"name":"no such"}},`, action1("DELETE", ""))
			if len(c.elements()) != 2 {
				t.Errorf("an element that does not fit is deleted: %v", c.elements())
			}
			whole := `"modifyQuery":{"elementMatch":"` + tt.kind + `"},`
			_, replaced := apply(s, whole, action1("REPLACE", `"values":["-"]`))
			_, c = apply(s, whole, action1("DELETE", ""))
			if want := "\na-b"; tt.kind != "LINE" && replaced.text != want {
				t.Errorf("replaced, the text is %q, want %q", replaced.text, want)
			}
			if c.text != "\nab" || len(c.elements()) != 1 {
				t.Errorf("deleted, the text is %q with %v", c.text, c.elements())
			}
		})
	}
}

// TestAnInlineBlipIsFoundUnderTheIDThatRobotsSee looks for an anchor whose thread
// has an id of its own by the id of its first blip.
func TestAnInlineBlipIsFoundUnderTheIDThatRobotsSee(t *testing.T) {
	w := newWavelet(t).blip("b+1", "", plain("ab\n")).
		commit(ann, wavelet.CreateThread{Thread: "t+1", Parent: "b+1"}, wavelet.CreateBlip{Blip: "b+2", Thread: "t+1"},
			wavelet.EditBlip{Blip: "b+1", Delta: doc(t, `[{"retain":1},{"insert":{"reply":{"thread":"t+1"}}}]`)})
	modify := func(id string) string {
		t.Helper()
		out := Call{Robot: spell, State: w.state}.Apply(t.Context(), decode(t, `[{"method":"document.modify","id":"1","params":{"blipId":"b+1",
			"modifyQuery":{"elementMatch":"INLINE_BLIP","restrictions":{"id":"`+id+`"}},"modifyAction":{"modifyHow":"DELETE"}}}]`))
		noFailures(t, out)
		return contentOf(t, after(t, w.state, out), "b+1").text
	}
	if a, b := modify("b+2"), modify("t+1"); a != "\nab" || b != "\na b" {
		t.Errorf("by the blip's id %q, by the thread's %q; want only the first without the anchor", a, b)
	}
	_, out := modified(t, plain("a\n"), action1("INSERT_AFTER", `"elements":[{"type":"INLINE_BLIP","properties":{"id":"b+2"}}]`))
	if len(out.Answer.Failures) != 1 || !strings.Contains(out.Answer.Failures[0].Message, "document.insertInlineBlip") {
		t.Errorf("an anchor without a blip: %v", out.Answer.Failures)
	}
}
