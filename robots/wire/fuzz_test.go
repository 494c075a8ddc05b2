package wire

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
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
		mine, other := furnished(t).state, another(t, "w+2", "secret", bob).state
		before, secret := rendered(t, mine), other.Version()
		w := newWorld(t, mine, other)
		c := Call{Robot: spell, State: mine, Surroundings: w.around, NewName: namedWaves}
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
		after(t, mine, old)
		made(t, fresh)
		if rendered(t, mine) != before || other.Version() != secret {
			t.Error("a state that was read has changed")
		}
	})
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
