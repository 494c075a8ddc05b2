package wire

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"weir/wavelet"
)

// FuzzOperations carries out whatever a robot may send to the active door, with
// other wavelets and everything around: each operation is done or fails, with a
// code and a message; what comes out can be committed; what was read is as it
// was.
func FuzzOperations(f *testing.F) {
	at := `"waveId":"example.com!w+abc123","waveletId":"example.com!conv+root","blipId":"b+root"`
	for _, tt := range spellings() {
		params := at
		if tt.params != "" {
			params += "," + tt.params
		}
		f.Add(fmt.Sprintf(`[{"method":%q,"id":"1","params":{%s}},{"method":"wave.%s","id":"2","params":{%s}}]`, tt.method, params, tt.old, params))
	}
	f.Add(`[{"method":"robot.search","id":"1","params":{"query":"with:ann \"a b\" in:unread","index":0,"numResults":3}},{"method":"robot.folderAction","id":"2","params":{` + at + `,"modifyHow":"markAsRead"}}]`)
	f.Add(`[{"method":"robot.importAttachment","id":"1","params":{` + at + `,"attachmentId":"a","attachmentData":{"fileName":"a.txt","data":"aGk="}}},{"method":"robot.exportAttachment","id":"2","params":{"attachmentId":"a"}}]`)
	f.Add(`[{"method":"document.modify","id":"1","params":{` + at + `,"modifyAction":{"modifyHow":"INSERT","elements":[{"type":"ATTACHMENT","properties":{"data":"aGk="}}]}}}]`)
	f.Add(`[{"method":"robot.createWavelet","id":"1","params":{"waveletData":{"waveId":"example.com/TBD_-1","rootBlipId":"TBD_r","participants":["bob@example.com"]}}},` +
		`{"method":"wavelet.setTitle","id":"2","params":{"waveId":"example.com/TBD_-1","proxyingFor":"x","waveletTitle":"t"}}]`)
	f.Add(`[{"method":"robot.fetchProfiles","id":"1","params":{"fetchProfilesRequest":{"participantIds":["a@b",1,null]}}},{"method":"robot.fetchWave","id":"2","params":{"waveId":"example.com!w+abc123","returnWaveletIds":true}}]`)
	f.Fuzz(func(t *testing.T, body string) {
		ops, err := Decode([]byte(body))
		if err != nil {
			return
		}
		carriedOut(t, ops)
	})
}

// carriedOut carries out operations in a wavelet with one of everything, and
// checks what holds whatever they are.
func carriedOut(t *testing.T, ops []Operation) (Outcome, *wavelet.State) {
	t.Helper()
	mine, other := furnished(t).state, another(t, "w+2", "secret", bob).state
	before, secret := rendered(t, mine), other.Version()
	c := Call{Robot: spell, State: mine, Surroundings: newWorld(t, mine, other).around, NewName: namedWaves}
	out := c.Apply(t.Context(), ops)
	if len(out.Results) != len(ops) {
		t.Fatalf("%d results for %d operations", len(out.Results), len(ops))
	}
	for i, r := range out.Results {
		if (r.Data == nil) == (r.Failure == nil) || r.ID != ops[i].ID {
			t.Errorf("operation %q came to %+v, neither done nor failed", ops[i].ID, r)
		}
		if r.Failure != nil && (r.Failure.Code < 400 || r.Failure.Message == "" || !utf8.ValidString(r.Failure.Message)) {
			t.Errorf("the failure says nothing: %+v", *r.Failure)
		}
	}
	old, fresh := out, out
	old.Answer.Deltas, fresh.Answer.Deltas = nil, nil
	for _, d := range out.Answer.Deltas {
		if d.Wavelet == mine.Name() {
			old.Answer.Deltas = append(old.Answer.Deltas, d)
		} else {
			fresh.Answer.Deltas = append(fresh.Answer.Deltas, d)
		}
	}
	left := after(t, mine, old)
	made(t, fresh)
	if rendered(t, mine) != before || other.Version() != secret {
		t.Error("a state that was read has changed")
	}
	return out, left
}

// FuzzSequences carries out operations that are made from bytes and make sense,
// more or less, one after the other, and compares what the robot is shown in the
// end with what is committed.
func FuzzSequences(f *testing.F) {
	for seed := range 40 {
		raw := make([]byte, 120)
		for i := range raw {
			raw[i] = byte((i*i*7 + i*seed*31 + seed*13) >> (i % 3))
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		g := &choices{raw: raw[:min(len(raw), 400)]}
		var list []string
		for len(g.raw) > 0 && len(list) < 25 {
			list = append(list, g.operation(len(list)))
		}
		list = append(list, `{"method":"robot.fetchWave","id":"last","params":{}}`)
		out, left := carriedOut(t, decode(t, "["+strings.Join(list, ",")+"]"))
		wave, ok := out.Results[len(list)-1].Data.(fetchedWave)
		if !ok {
			return // the robot has put itself out
		}
		for b := range left.Blips() {
			view := newView(left, []wavelet.BlipID{b.ID}, 0)
			view.linkFiles("https://weir.example.com")
			got, want := wave.Blips[b.ID], view.blips[b.ID]
			if got.Content != want.Content || fmt.Sprint(got.Annotations) != fmt.Sprint(want.Annotations) || fmt.Sprint(got.Elements) != fmt.Sprint(want.Elements) {
				t.Errorf("%s\nthe robot is shown %q %v %v\ncommitted is       %q %v %v", strings.Join(list, "\n"),
					got.Content, got.Annotations, got.Elements, want.Content, want.Annotations, want.Elements)
			}
		}
	})
}

// choices makes choices from bytes.
type choices struct{ raw []byte }

func (g *choices) next() int {
	if len(g.raw) == 0 {
		return 0
	}
	n := g.raw[0]
	g.raw = g.raw[1:]
	return int(n)
}

func (g *choices) of(list ...string) string { return list[g.next()%len(list)] }

// operation is the n-th operation, with an id of its own.
func (g *choices) operation(n int) string {
	method := g.of("document.modify", "document.modify", "document.modify", "document.modify", "document.appendMarkup", "wavelet.setTitle",
		"wavelet.appendBlip", "blip.createChild", "blip.continueThread", "blip.delete", "document.insertInlineBlip", "document.appendInlineBlip",
		"document.insertInlineBlipAfterElement", "wavelet.addParticipant", "wavelet.removeParticipant", "wavelet.modifyTag", "wavelet.setDatadoc",
		"document.setAnnotation", "document.deleteElement", "document.replaceElement", "wavelet.modifyParticipantRole")
	params := []string{`"blipId":` + g.of(`"b+root"`, `"b+root"`, `"TBD_1"`, `"TBD_2"`, `"b+none"`)}
	add := func(format string, args ...any) { params = append(params, fmt.Sprintf(format, args...)) }
	switch method {
	case "document.modify":
		add(`%s,"modifyAction":{"modifyHow":%s,%s}`, g.where(), g.of(`"DELETE"`, `"REPLACE"`, `"INSERT"`, `"INSERT_AFTER"`, `"ANNOTATE"`, `"CLEAR_ANNOTATION"`, `"UPDATE_ELEMENT"`), g.what())
	case "document.appendMarkup":
		add(`"content":%q`, g.of("<b>b</b>", "<p>x", "<h2>t</h2>", "<ul><li>i</ul>", "a<br>", "<a href='https://example.com'>l</a>", ""))
	case "wavelet.setTitle":
		add(`"waveletTitle":%q`, g.of("T", "", "😀", "Title", "a b"))
	case "wavelet.addParticipant", "wavelet.removeParticipant", "wavelet.modifyParticipantRole":
		add(`"participantId":%q,"participantRole":%q`, g.of("bob@example.com", "carl@example.com", "spell+x@example.com", "ann@example.com"), g.of("FULL", "READ_ONLY", "COMMENT"))
	case "wavelet.modifyTag":
		add(`"name":%q,"modifyHow":%q`, g.of("old", "new"), g.of("add", "remove"))
	case "wavelet.setDatadoc":
		add(`"datadocName":"d","datadocValue":%s`, g.of(`"v"`, "null"))
	case "document.setAnnotation", "document.deleteElement", "document.replaceElement":
		add(`"annotation":{"name":"k","value":"w","range":%s},"index":%d,"element":%s`, g.span(), g.next()%20, g.element())
	default:
		add(`"index":%d,"element":%s,"blipData":{"blipId":%q,"content":%q}`, g.next()%20, g.element(), g.of("TBD_1", "TBD_2"), g.of("", "\n", "x", "\nx\ny"))
	}
	return fmt.Sprintf(`{"method":%q,"id":"%d","params":{%s}}`, method, n, strings.Join(params, ","))
}

func (g *choices) span() string {
	return fmt.Sprintf(`{"start":%d,"end":%d}`, g.next()%24-4, g.next()%24-4)
}

// where is a place, or several.
func (g *choices) where() string {
	switch g.next() % 5 {
	case 0:
		return `"index":` + fmt.Sprint(g.next()%22)
	case 1:
		return `"modifyQuery":{"textMatch":` + g.of(`"e"`, `"\n"`, `" "`, `"Title"`, `"😀"`, `"x"`) + `,"maxRes":` + g.of("-1", "1", "2") + `}`
	case 2:
		return `"modifyQuery":{"elementMatch":` + g.of(`"CHECK"`, `"LINE"`, `"GADGET"`, `"IMAGE"`, `"INLINE_BLIP"`) + `}`
	case 3:
		return `"range":null`
	}
	return `"range":` + g.span()
}

// what is to be done with what is there.
func (g *choices) what() string {
	s := `"annotationKey":` + g.of(`"k"`, `"style/fontWeight"`, `"style/textDecoration"`, `"link/manual"`, `"header"`)
	if g.next()%2 == 0 {
		s += `,"values":[` + g.of(`"v"`, `""`, `"\n"`, `"a\nb"`, `"\nx"`, `"😀"`, `"bold","x"`, `null,"y"`, `"<h1>t</h1><b>b"`) + `]`
	} else {
		s += `,"values":[null],"elements":[` + g.element() + `]`
	}
	return s + g.of("", `,"useMarkup":true`, `,"bundledAnnotations":[]`, `,"bundledAnnotations":[{"key":"k","value":"b"}]`, `,"bundledAnnotations":[{"key":"style/fontWeight","value":"bold"}]`)
}

func (g *choices) element() string {
	return g.of(`{"type":"CHECK","properties":{"name":"n","value":"v"}}`, `{"type":"LINE","properties":{"lineType":"h1"}}`, `{"type":"LINE","properties":{"lineType":"li","indent":"2"}}`,
		`{"type":"GADGET","properties":{"url":"https://example.com/g","s":"1"}}`, `{"type":"GADGET","properties":{"url":null,"s":null}}`, `{"type":"IMAGE","properties":{"url":"https://example.com/i"}}`,
		`{"type":"ATTACHMENT","properties":{"data":"aGk="}}`, `{"type":"BUTTON","properties":{"name":"b"}}`, `{"type":"INLINE_BLIP","properties":{}}`, `null`)
}

// FuzzMarkup appends whatever is taken for HTML.
func FuzzMarkup(f *testing.F) {
	for _, source := range []string{
		"<p>a<br/>b</p>", "<b><i>x</b>y</i>", "<ul><li>a<ul><li>b</ul></ul>c", "<h1>t</h1><h2>u</h2>", `<a href="javascript:x">l</a><font color=red>r`,
		"<script>alert(1)</script><style>x</style>", "&lt;&amp;&#x1F600;&#xD800;", "<b", "<!-- <b>x --><![CDATA[y]]>", "\x00\xff<p\x00>", "a\r\nb\tc", "</li></ul></h1>x",
	} {
		f.Add("before\nit", source)
		f.Add("", source)
	}
	f.Fuzz(func(t *testing.T, before, source string) {
		if !utf8.ValidString(before) || len(before) > 1000 {
			return
		}
		w := newWavelet(t).blip("b+root", "", plain(before+"\n"))
		p := params{BlipID: literal("b+root"), Content: literal(source)}
		out := Call{Robot: spell, State: w.state}.Apply(t.Context(), []Operation{{ID: "1", Method: AppendMarkup, params: p}})
		c := contentOf(t, after(t, w.state, out), "b+root")
		if !strings.HasPrefix(c.text, "\n"+before) {
			t.Errorf("%q has become %q", before, c.text)
		}
		if was := unitsOf("\n" + before); c.length > was+3*len(source) {
			t.Errorf("%d bytes of markup have made %d units of text", len(source), c.length-was)
		}
		for _, a := range c.annotations() {
			if a.Name == manualLink && !safeLink(a.Value) {
				t.Errorf("there is a link to %q", a.Value)
			}
		}
	})
}

// FuzzModify compares document.modify with the way in which clients reckon what
// it does to a text.
func FuzzModify(f *testing.F) {
	f.Add("one two one", "REPLACE", "one", 0, 0, -1, "1", "zwei")
	f.Add("one", "INSERT", "", 0, 0, 0, "\nx", "")
	f.Add("one\ntwo", "DELETE", "\n", 0, 0, 1, "", "")
	f.Add("abc", "INSERT_AFTER", "", -2, 0, 0, "x", "y")
	f.Add("abc", "REPLACE", "", 0, 2, 0, "x\ny", "y")
	f.Fuzz(func(t *testing.T, text, how, match string, start, end, most int, one, two string) {
		for _, s := range []string{text, match, one, two} {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r > 0xffff }) || len(s) > 500 {
				return // the model counts runes
			}
		}
		w := newWavelet(t).blip("b+root", "", plain(text+"\n"))
		p := params{BlipID: literal("b+root"), Action: &actionData{How: literal(how), Values: []scalar{literal(one), literal(two)}}}
		if match != "" {
			p.Query = &queryData{TextMatch: literal(match), MaxRes: literal(fmt.Sprint(most))}
		} else {
			p.Range = &rangeData{literal(fmt.Sprint(start)), literal(fmt.Sprint(end))}
		}
		want, ok := reckoned([]rune("\n"+text), strings.ToUpper(how), match, start, end, most, [2]string{one, two})
		out := Call{Robot: spell, State: w.state}.Apply(t.Context(), []Operation{{ID: "1", Method: ModifyDocument, params: p}})
		if failed := len(out.Answer.Failures) > 0; failed == ok {
			t.Fatalf("failures are %v, the client reckons %q, %t", out.Answer.Failures, want, ok)
		}
		if got := contentOf(t, after(t, w.state, out), "b+root").text; ok && got != want {
			t.Errorf("the text is %q, the client reckons %q", got, want)
		}
	})
}

// reckoned is the text after a document.modify as a client has it, false if the
// operation is to fail.
func reckoned(text []rune, how, match string, start, end, most int, values [2]string) (string, bool) {
	type hit struct{ start, end int }
	var hits []hit
	switch {
	case match != "":
		needle := []rune(match)
		for i := 0; i+len(needle) <= len(text) && (most <= 0 || len(hits) < most); {
			if string(text[i:i+len(needle)]) == match {
				hits = append(hits, hit{i, i + len(needle)})
				i += len(needle)
			} else {
				i++
			}
		}
	default:
		if start < 0 {
			if start += len(text); end == 0 {
				end = len(text)
			}
		}
		if end < 0 {
			end += len(text)
		}
		if start < 0 || start > end || end > len(text) {
			return "", false
		}
		hits = []hit{{start, end}}
	}
	var out strings.Builder
	at, done := 0, 0
	for i, h := range hits {
		value := values[i%2]
		switch how {
		case "DELETE":
			if value, h.start = "", max(h.start, 1); h.start >= h.end {
				continue
			}
		case "INSERT":
			h.end = h.start
		case "INSERT_AFTER":
			h.start = h.end
		case "REPLACE":
		default:
			return "", false
		}
		done++
		out.WriteString(string(text[at:h.start]))
		if h.start == 0 && !strings.HasPrefix(value, "\n") {
			value = "\n" + value
		}
		out.WriteString(value)
		at = h.end
	}
	known := how == "DELETE" || how == "INSERT" || how == "INSERT_AFTER" || how == "REPLACE"
	if !known || how == "DELETE" && done == 0 && len(hits) > 0 {
		return "", false
	}
	return out.String() + string(text[at:]), true
}
