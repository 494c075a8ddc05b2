package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/policies"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// TestPythonAnswer is the answer of a robot of the 0.21 dialect: old names, ids
// with "!", temporary blip ids, only the keys that are needed.
func TestPythonAnswer(t *testing.T) {
	w := newWavelet(t).blip("b+root", "", plain("Title\nsome text\n"))
	ops := decode(t, `[
		{"method":"robot.notifyCapabilitiesHash","id":"0","params":{"capabilitiesHash":"0xd67016bL","protocolVersion":"0.21"}},
		{"method":"wavelet.appendBlip","id":"op1","params":{"waveId":"example.com!w+abc123","waveletId":"example.com!conv+root",
			"blipData":{"waveletId":"example.com!conv+root","blipId":"TBD_example.com!conv+root_0x1b2c","waveId":"example.com!w+abc123","content":"\nHello"}}},
		{"method":"document.modify","id":"op2","params":{"waveId":"example.com!w+abc123","waveletId":"example.com!conv+root","blipId":"TBD_example.com!conv+root_0x1b2c",
			"modifyAction":{"modifyHow":"INSERT_AFTER","values":[" world 😀"]}}},
		{"method":"document.modify","id":"op3","params":{"waveId":"example.com!w+abc123","waveletId":"example.com!conv+root","blipId":"TBD_example.com!conv+root_0x1b2c",
			"range":{"start":-3,"end":-2},"modifyAction":{"modifyHow":"REPLACE","values":["!"]}}},
		{"method":"wavelet.participant.add","id":"op4","params":{"waveId":"example.com!w+abc123","waveletId":"example.com!conv+root","participantId":"carl@example.com"}},
		{"method":"wavelet.modifyTag","id":"op5","params":{"waveId":"example.com!w+abc123","waveletId":"example.com!conv+root","name":"news"}},
		{"method":"wavelet.datadoc.set","id":"op6","params":{"waveId":"example.com!w+abc123","waveletId":"example.com!conv+root","datadocName":"d","datadocValue":"v"}},
		{"method":"wavelet.setTitle","id":"op7","params":{"waveId":"example.com!w+abc123","waveletId":"example.com!conv+root","waveletTitle":"New title"}},
		{"method":"document.inlineBlip.insert","id":"op8","params":{"waveId":"example.com!w+abc123","waveletId":"example.com!conv+root","blipId":"b+root","index":3,
			"blipData":{"blipId":"TBD_x_1","content":"\ninline"}}}]`)
	out := Call{Robot: spell, State: w.state}.Apply(t.Context(), ops)
	noFailures(t, out)
	if out.Answer.Capabilities != "0xd67016bL" {
		t.Errorf("hash is %q", out.Answer.Capabilities)
	}
	s := after(t, w.state, out)
	thread, _ := s.Thread(wavelet.RootThread)
	if len(out.Answer.Deltas) != 1 || len(thread.Blips) != 2 {
		t.Fatalf("%d deltas, blips %v; want one delta and two blips", len(out.Answer.Deltas), thread.Blips)
	}
	if got := contentOf(t, s, thread.Blips[1]).text; got != "\nHello world!😀" {
		t.Errorf("the new blip reads %q", got)
	}
	if got := contentOf(t, s, "b+root"); got.text != "\nNe w title\nsome text" || len(got.anchors()) != 1 {
		t.Errorf("the root blip reads %q with anchors %v", got.text, got.anchors())
	}
	if _, ok := s.Role("carl@example.com"); !ok || s.Tags()[0] != "news" {
		t.Errorf("participants %v, tags %v", s.Participants(), s.Tags())
	}
	if v, _ := s.Data("d"); v != "v" {
		t.Errorf("data document is %q", v)
	}
}

// TestJavaAnswer is the answer of a robot of the 0.22 dialect, after the way of
// the echo robot: ids with "/", negative temporary ids, all keys with nulls, the
// same blip edited twice under its temporary id.
func TestJavaAnswer(t *testing.T) {
	w := newWavelet(t).blip("b+root", "", plain("hello\n"))
	ids := `"waveId":"example.com/w+abc123","waveletId":"example.com/conv+root","proxyingFor":null`
	modify := func(id, how, rest string) string {
		return `{"method":"document.modify","id":"` + id + `","params":{` + ids + `,"blipId":"TBD_example.com/conv+root_-599696995","range":null,"index":null,"modifyQuery":null,
			"modifyAction":{"modifyHow":"` + how + `",` + rest + `,"useMarkup":false}}}`
	}
	ops := decode(t, `[{"method":"robot.notify","id":"op1","params":{"protocolVersion":"0.22","capabilitiesHash":"2dc2bdf697e881"}},
		{"method":"blip.continueThread","id":"op2","params":{`+ids+`,"blipId":"b+root","blipData":{"annotations":[],"elements":{},"blipId":"TBD_example.com/conv+root_-599696995",
			"childBlipIds":[],"contributors":[],"creator":null,"content":"","lastModifiedTime":-1,"parentBlipId":null,"version":-1,"threadId":"TBD_example.com/conv+root_-599696995"}}},
		`+modify("op3", "REPLACE", `"values":["\nhello"],"elements":[null],"annotationKey":null,"bundledAnnotations":null`)+`,
		`+modify("op4", "ANNOTATE", `"values":["b+root"],"elements":null,"annotationKey":"www.waveprotocol.org/echoey","bundledAnnotations":null`)+`]`)
	out := Call{Robot: spell, State: w.state}.Apply(t.Context(), ops)
	noFailures(t, out)
	s := after(t, w.state, out)
	thread, _ := s.Thread(wavelet.RootThread)
	c := contentOf(t, s, thread.Blips[1])
	if c.text != "\nhello" {
		t.Errorf("the echo reads %q", c.text)
	}
	want := []Annotation{{"www.waveprotocol.org/echoey", "b+root", Range{0, 6}}}
	if diff := cmp.Diff(want, c.annotations()); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	if n := len(out.Answer.Deltas[0].Ops); n != 1 {
		t.Errorf("the delta has %d ops, want the new blip alone: %v", n, out.Answer.Deltas[0].Ops)
	}
}

func TestABadOperationFailsAlone(t *testing.T) {
	w := newWavelet(t).blip("b+root", "", plain("a\n"))
	ops := decode(t, `[{"method":"wavelet.appendBlip","id":"1","params":{"blipData":{"content":"one"}}},
		"nonsense", {"id":"3"}, {"method":"no.such","id":"4"}, {"method":"robot.search","id":5,"params":{"query":"x"}},
		{"method":"blip.delete","id":"6","params":{"blipId":"TBD_unknown"}},
		{"method":"wavelet.appendBlip","id":"7","params":{"blipData":[]}},
		{"method":"wavelet.appendBlip","id":"8","params":{"waveId":"example.com!w+other","waveletId":"example.com!conv+root","blipData":{"content":"x"}}},
		{"method":"wavelet.addParticipant","id":"9","params":{"participantId":"ann@example.com"}},
		{"method":"wavelet.addParticipant","id":"10","params":{"participantId":"nobody"}},
		{"method":"wavelet.removeParticipant","id":"11","params":{"participantId":"zoe@example.com"}},
		{"method":"wave.wavelet.appendBlip","id":"12","params":{"blipData":{"content":"two"}}}]`)
	out := Call{Robot: spell, State: w.state}.Apply(t.Context(), ops)
	codes := map[int]int{1: 400, 2: 400, 3: 404, 4: 501, 5: 404, 6: 400, 7: 403, 8: 400, 9: 400, 10: 400}
	for i, r := range out.Results {
		want, bad := codes[i]
		switch {
		case !bad && r.Failure != nil:
			t.Errorf("operation %d failed: %+v", i, *r.Failure)
		case bad && (r.Failure == nil || r.Failure.Code != want || r.Failure.Message == ""):
			t.Errorf("operation %d came to %+v, want code %d", i, r.Failure, want)
		}
	}
	if out.Results[4].ID != "5" || out.Results[0].Delta != 0 || out.Results[3].Delta != -1 {
		t.Errorf("results: %+v", out.Results)
	}
	if s := after(t, w.state, out); s.Text() != "a\none\ntwo\n" {
		t.Errorf("text is %q", s.Text())
	}
}

// TestEachAuthorHasADelta lets a robot write as itself and for others.
func TestEachAuthorHasADelta(t *testing.T) {
	w := newWavelet(t).blip("b+root", "", plain("a\n"))
	ops := decode(t, `[{"method":"wavelet.participant.add","id":"1","params":{"participantId":"spell+bob@example.com"}},
		{"method":"wavelet.appendBlip","id":"2","params":{"proxyingFor":"bob","blipData":{"blipId":"TBD_1","content":"for bob"}}},
		{"method":"document.modify","id":"3","params":{"proxyingFor":"bob","blipId":"TBD_1","modifyAction":{"modifyHow":"INSERT_AFTER","values":["!"]}}},
		{"method":"document.modify","id":"4","params":{"blipId":"b+root","modifyAction":{"modifyHow":"INSERT_AFTER","values":["b"]}}},
		{"method":"wavelet.appendBlip","id":"5","params":{"proxyingFor":"a@b","blipData":{"content":"x"}}}]`)
	out := Call{Robot: spell, State: w.state}.Apply(t.Context(), ops)
	if len(out.Answer.Failures) != 1 || out.Answer.Failures[0].ID != "5" {
		t.Errorf("failures: %v", out.Answer.Failures)
	}
	var authors []wavelet.Participant
	for _, d := range out.Answer.Deltas {
		authors = append(authors, d.Author)
	}
	if diff := cmp.Diff([]wavelet.Participant{spell, "spell+bob@example.com"}, authors); diff != "" {
		t.Errorf("authors (-want +got):\n%s", diff)
	}
	if s := after(t, w.state, out); s.Text() != "ab\nfor bob!\n" {
		t.Errorf("text is %q", s.Text())
	}
}

// TestNothingIsLearnedFromOutside asks about a wavelet in which the robot does
// not take part, in ways that would tell something.
func TestNothingIsLearnedFromOutside(t *testing.T) {
	w := newWavelet(t).blip("b+root", "", plain("secret\n")).commit(ann, wavelet.RemoveParticipant{Who: spell})
	for _, params := range []string{
		`"method":"robot.fetchWave","params":{}`,
		`"method":"document.modify","params":{"blipId":"b+root","modifyQuery":{"textMatch":"secret"},"modifyAction":{"modifyHow":"DELETE"}}`,
		`"method":"document.modify","params":{"blipId":"b+root","modifyQuery":{"textMatch":"guess"},"modifyAction":{"modifyHow":"DELETE"}}`,
		`"method":"document.modify","params":{"blipId":"b+none","modifyAction":{"modifyHow":"DELETE"}}`,
		`"method":"wavelet.addParticipant","params":{"participantId":"spell@example.com"}`,
	} {
		out := Call{Robot: spell, State: w.state}.Apply(t.Context(), decode(t, `[{"id":"1",`+params+`}]`))
		if len(out.Answer.Deltas) != 0 || len(out.Answer.Failures) != 1 || out.Answer.Failures[0].Code != 403 ||
			!strings.HasPrefix(out.Answer.Failures[0].Message, "Access rejected") {
			t.Errorf("%s came to %+v", params, out)
		}
	}
}

func TestOtherWaveletsAreFound(t *testing.T) {
	w := newWavelet(t).blip("b+root", "", plain("a\n"))
	find := func(_ context.Context, name wavelet.Name) (*wavelet.State, error) {
		if name != testName() {
			return nil, errors.New("no such wavelet")
		}
		return w.state, nil
	}
	ops := decode(t, `[{"method":"robot.getLimits","id":"1"},
		{"method":"blip.createChild","id":"2","params":{"waveId":"example.com/w+abc123","waveletId":"example.com/conv+root","blipId":"b+root","blipData":{"content":"child"}}},
		{"method":"blip.createChild","id":"3","params":{"blipId":"b+root","blipData":{"content":"child"}}},
		{"method":"robot.fetchWave","id":"4","params":{"waveId":"example.com!w+abc123","waveletId":"example.com!conv+root","message":"m"}},
		{"method":"robot.fetchWave","id":"5","params":{"waveId":"example.com!w+none","waveletId":"example.com!conv+root"}},
		{"method":"robot.fetchWave","id":"6","params":{"waveId":"example.com!TBD_0x1","waveletId":"example.com!conv+root"}}]`)
	limits := func() policies.Limits { return policies.Limits{Profile: "strict"} }
	out := Call{Robot: spell, Find: find, Limits: limits}.Apply(t.Context(), ops)
	for i, want := range []bool{true, true, false, true, false, false} {
		if done := out.Results[i].Failure == nil; done != want {
			t.Errorf("operation %d done is %t: %+v", i+1, done, out.Results[i].Failure)
		}
	}
	if l, ok := out.Results[0].Data.(policies.Limits); !ok || l.Profile != "strict" {
		t.Errorf("limits are %v", out.Results[0].Data)
	}
	raw, err := json.Marshal(out.Results[3].Data)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Message     string
		WaveletData struct{ RootBlipID string }
		Blips       map[string]struct{ Content, ThreadID string }
		Threads     map[string]struct{ BlipIDs []string }
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if got.Message != "m" || got.WaveletData.RootBlipID != "b+root" || len(got.Blips) != 2 || len(got.Threads) != 1 {
		t.Errorf("the fetched wave is %s", raw)
	}
	for id, thread := range got.Threads {
		if len(thread.BlipIDs) != 1 || thread.BlipIDs[0] != id {
			t.Errorf("thread %s holds %v; it should have its first blip's id", id, thread.BlipIDs)
		}
	}
}

func TestTitle(t *testing.T) {
	title := func(text string) string {
		return fmt.Sprintf(`{"method":"wavelet.setTitle","id":"1","params":{"waveletTitle":%q}}`, text)
	}
	edit := `{"method":"document.modify","id":"2","params":{"blipId":"b+root","modifyAction":{"modifyHow":"INSERT_AFTER","values":["end"]}}}`
	tests := []struct {
		name, text, ops, want string
		asTitle               bool
	}{
		{"alone it stays a title", "old\nbody\n", title("new"), "new\nbody\n", true},
		{"twice", "old\nbody\n", title("new") + "," + title("newer"), "newer\nbody\n", true},
		{"the same", "old\nbody\n", title("old"), "old\nbody\n", false},
		{"with an edit behind it", "old\nbody\n", title("new") + "," + edit, "new\nbodyend\n", false},
		{"with an edit before it", "old\nbody\n", edit + "," + title("new"), "new\nbodyend\n", false},
		{"one line gets a second", "old\n", title("new"), "new\n\n", false},
		{"and goes on there", "old\n", title("new") + "," + edit, "new\nend\n", false},
		{"the same on one line", "old\n", title("old"), "old\n\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWavelet(t).blip("b+root", "", plain(tt.text))
			out := Call{Robot: spell, State: w.state}.Apply(t.Context(), decode(t, "["+tt.ops+"]"))
			noFailures(t, out)
			b, _ := after(t, w.state, out).Blip("b+root")
			if b.Doc.Text() != tt.want {
				t.Errorf("the blip reads %q, want %q", b.Doc.Text(), tt.want)
			}
			asTitle := false
			for _, d := range out.Answer.Deltas {
				for _, op := range d.Ops {
					_, is := op.(wavelet.SetTitle)
					asTitle = asTitle || is
				}
			}
			if asTitle != tt.asTitle {
				t.Errorf("as a title: %t, want %t", asTitle, tt.asTitle)
			}
		})
	}
	w := newWavelet(t).blip("b+root", "", plain("a\n"))
	out := Call{Robot: spell, State: w.state}.Apply(t.Context(), decode(t, "["+title("two\nlines")+"]"))
	if len(out.Answer.Failures) != 1 {
		t.Errorf("a title of two lines: %v", out.Answer.Failures)
	}
}

// TestWritingWhatIsThereIsNoChange keeps a robot that repeats itself from making
// versions.
func TestWritingWhatIsThereIsNoChange(t *testing.T) {
	w := newWavelet(t).blip("b+root", "", plain("same\n"))
	out := Call{Robot: spell, State: w.state}.Apply(t.Context(), decode(t,
		`[{"method":"document.modify","id":"1","params":{"blipId":"b+root","modifyAction":{"modifyHow":"REPLACE","values":["same"]}}}]`))
	noFailures(t, out)
	if len(out.Answer.Deltas) != 0 || out.Results[0].Delta != -1 {
		t.Errorf("deltas: %v", out.Answer.Deltas)
	}
}

func TestReadersMayNotWrite(t *testing.T) {
	w := newWavelet(t).blip("b+root", "", plain("a\n")).commit(ann, wavelet.SetRole{Who: spell, Role: wavelet.Read})
	out := Call{Robot: spell, State: w.state}.Apply(t.Context(), decode(t,
		`[{"method":"wavelet.appendBlip","id":"1","params":{"blipData":{"content":"x"}}},{"method":"robot.fetchWave","id":"2","params":{}}]`))
	if f := out.Results[0].Failure; f == nil || f.Code != 403 {
		t.Errorf("a reader's write came to %+v", f)
	}
	if f := out.Results[1].Failure; f != nil {
		t.Errorf("a reader's fetch came to %+v", f)
	}
}

func TestMarkup(t *testing.T) {
	tests := []struct {
		name, before, html, text string
		annotations              []Annotation
		lines                    map[int]string
	}{
		{name: "inline tags add no newline", before: "a", html: `x<b>y</b><blink>z</blink>`, text: "\naxyz",
			annotations: []Annotation{{"style/fontWeight", "bold", Range{3, 4}}}},
		{name: "p and br are one newline each", html: `<p>a</p><p>b</p>c<br>d<br/>e<br />f`, text: "\n\na\nbc\nd\ne\nf"},
		{name: "nesting", html: `<b>a<i>b</i></b><u>c</u><s>d</s><strong>e</strong><em>f</em><del>g</del>`, text: "\nabcdefg",
			annotations: []Annotation{{"style/fontWeight", "bold", Range{1, 3}}, {"style/fontStyle", "italic", Range{2, 3}},
				{"style/textDecoration", "underline", Range{3, 4}}, {"style/textDecoration", "line-through", Range{4, 5}},
				{"style/fontWeight", "bold", Range{5, 6}}, {"style/fontStyle", "italic", Range{6, 7}}, {"style/textDecoration", "line-through", Range{7, 8}}}},
		{name: "links and colours", html: `<a href="https://example.com/?a=1&amp;b=2">x</a><a href="javascript:x()">y</a><font color="red">z</font>`, text: "\nxyz",
			annotations: []Annotation{{"link/manual", "https://example.com/?a=1&b=2", Range{1, 2}}, {"style/color", "red", Range{3, 4}}}},
		{name: "headings and items have lines of their own", before: "", html: "<h1>T</h1>text<ul>\n <li>a</li>\n <li>b<ul><li>c</li></ul></ul>end", text: "\nT\ntext\na\nb\nc\nend",
			lines: map[int]string{0: "h1", 7: "li", 9: "li", 11: "li"}},
		{name: "a heading behind text", before: "x", html: "<h2>T</h2><p>y", text: "\nx\nT\ny", lines: map[int]string{2: "h2"}},
		{name: "a heading after p", before: "x", html: "<p><h3>T</h3>", text: "\nx\nT", lines: map[int]string{2: "h3"}},
		{name: "scripts and styles go", html: "a<script>alert(1)</script><style>p{}</style><!-- c -->b", text: "\nab"},
		{name: "unbalanced", html: "</b><i>a</u></ul><b", text: "\na", annotations: []Annotation{{"style/fontStyle", "italic", Range{1, 2}}}},
		{name: "entities", html: "1 &lt; 2 &amp; 3 &nbsp;😀", text: "\n1 < 2 & 3 \u00a0😀"},
		{name: "nothing", before: "a", html: "", text: "\na"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWavelet(t).blip("b+1", "", plain(tt.before+"\n"))
			content, _ := json.Marshal(tt.html)
			out := Call{Robot: spell, State: w.state}.Apply(t.Context(), decode(t,
				`[{"method":"document.appendMarkup","id":"1","params":{"blipId":"b+1","content":`+string(content)+`}}]`))
			noFailures(t, out)
			c := contentOf(t, after(t, w.state, out), "b+1")
			if c.text != tt.text {
				t.Errorf("text is %q, want %q", c.text, tt.text)
			}
			if diff := cmp.Diff(append([]Annotation{}, tt.annotations...), c.annotations()); diff != "" {
				t.Errorf("annotations (-want +got):\n%s", diff)
			}
			lines := map[int]string{}
			for at, el := range elementsOf(c) {
				lines[at] = el.Properties["lineType"]
			}
			if diff := cmp.Diff(tt.lines, lines); diff != "" && len(tt.lines)+len(lines) > 0 {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

// TestMarkupIsLinear holds deeply nested tags to little time.
func TestMarkupIsLinear(t *testing.T) {
	w := newWavelet(t).blip("b+1", "", plain("\n"))
	content, _ := json.Marshal(strings.Repeat("<b>x", 60_000))
	out := Call{Robot: spell, State: w.state}.Apply(t.Context(), decode(t,
		`[{"method":"document.appendMarkup","id":"1","params":{"blipId":"b+1","content":`+string(content)+`}}]`))
	noFailures(t, out)
	if c := contentOf(t, after(t, w.state, out), "b+1"); c.length != 60_001 {
		t.Errorf("length is %d", c.length)
	}
}

// TestOneAnswerCostsABoundedAmount fetches a wave more often than one request
// may, and goes on after its context has ended.
func TestOneAnswerCostsABoundedAmount(t *testing.T) {
	w := newWavelet(t).blip("b+root", "", plain("a\n"))
	fetch := `{"method":"robot.fetchWave","id":"f","params":{}}`
	ops := decode(t, "["+strings.Repeat(fetch+",", maxFetches)+fetch+"]")
	out := Call{Robot: spell, State: w.state}.Apply(t.Context(), ops)
	if n := len(out.Answer.Failures); n != 1 || out.Results[maxFetches].Failure == nil {
		t.Errorf("%d fetches failed, want the last alone", n)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	out = Call{Robot: spell, State: w.state}.Apply(ctx, ops)
	if n := len(out.Answer.Failures); n != len(ops) || out.Answer.Failures[0].Code != 503 {
		t.Errorf("%d operations failed after the end, want all: %+v", n, out.Answer.Failures)
	}
}

// TestFetchesShareTheirRoom fetches a long wave until there is no more room for
// it in one response.
func TestFetchesShareTheirRoom(t *testing.T) {
	w := newWavelet(t).blip("b+root", "", plain(strings.Repeat("a", 1<<20-2)+"\n")).blip("b+2", "", plain(strings.Repeat("b", 1<<20-2)+"\n"))
	ops := decode(t, "["+strings.TrimSuffix(strings.Repeat(`{"method":"robot.fetchWave","id":"f","params":{}},`, 9), ",")+"]")
	out := Call{Robot: spell, State: w.state}.Apply(t.Context(), ops)
	if len(out.Answer.Failures) != 1 || out.Results[8].Failure == nil || !strings.Contains(out.Results[8].Failure.Message, "fetch it later") {
		t.Errorf("failures are %v, want the ninth alone", out.Answer.Failures)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`[{"method":"document.modify","id":"op1","params":{"blipId":"b+1","range":{"start":-2,"end":0},"modifyAction":{"modifyHow":"REPLACE","values":["x"],"elements":[null],"bundledAnnotations":[{"key":"k","value":null}]}}}]`)
	f.Add(`[{"method":"document.modify","id":"op1","params":{"blipId":"b+1","modifyQuery":{"elementMatch":"IMAGE","restrictions":{"a":1}},"modifyAction":{"modifyHow":"UPDATE_ELEMENT","elements":[{"type":"LINE","properties":{"lineType":"h1"}}]}}}]`)
	f.Add(`[{"method":"document.appendMarkup","id":"op1","params":{"blipId":"b+1","content":"<h1>a<li>b<p>c</ul>"}}]`)
	f.Add(`[{"method":"blip.createChild","id":1,"params":{"blipId":"b+1","blipData":{"blipId":"TBD_1","content":"\n"}}},{"method":"blip.delete","params":{"blipId":"TBD_1"}}]`)
	f.Add(`[{"method":"wavelet.setTitle","params":{"waveletTitle":"x"}},{"method":"document.insertInlineBlip","params":{"blipId":"b+1","index":2,"blipData":{}}}]`)
	f.Add(`{"method":"wavelet.modifyTag","id":null,"params":null}`)
	f.Add("\xef\xbb\xbf [null,[],\"\",{}]")
	content := doc(f, `[{"insert":"a😀\n","attributes":{"header":1}},{"insert":{"image":{"url":"https://example.com/a.png"}}},{"insert":"b","attributes":{"bold":true}},{"insert":"\n"}]`)
	f.Fuzz(func(t *testing.T, body string) {
		ops, err := Decode([]byte(body))
		if err != nil {
			if !errors.Is(err, ErrAnswer) {
				t.Errorf("error %v does not wrap ErrAnswer", err)
			}
			return
		}
		w := newWavelet(t).blip("b+1", "", content)
		out := Call{Robot: spell, State: w.state}.Apply(t.Context(), ops)
		if len(out.Results) != len(ops) {
			t.Fatalf("%d results for %d operations", len(out.Results), len(ops))
		}
		for _, r := range out.Results {
			if (r.Data == nil) == (r.Failure == nil) {
				t.Errorf("result %+v is neither done nor failed", r)
			}
		}
		after(t, w.state, out)
		if b, _ := w.state.Blip("b+1"); !b.Doc.Delta().Equal(richtext.Delta(content)) {
			t.Error("the state that was read has changed")
		}
	})
}
