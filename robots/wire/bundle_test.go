package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/events"
	"weir/policies"
	"weir/robots/wiretest"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// sampleWavelet has what bundles have to show: annotations, elements of several
// types, threads with and without anchors, a deleted blip, roles, tags, data.
func sampleWavelet(t testing.TB) *writer {
	w := newWavelet(t)
	w.blip("b+root", "", doc(t, `[{"insert":"A title"},{"insert":"\n","attributes":{"header":1}},{"insert":"bold","attributes":{"bold":true}},
		{"insert":" 😀 "},{"insert":{"reply":{"thread":"b+inline"}}},{"insert":"\n"}]`))
	w.blip("b+two", "", doc(t, `[{"insert":"second blip "},{"insert":{"image":{"url":"https://example.com/a.png"}},"attributes":{"width":"8"}},
		{"insert":{"gadget":{"id":"g1","url":"https://example.com/g.xml"}},"attributes":{"g/count":"1"}},{"insert":"\n"}]`))
	w.commit(bob, wavelet.CreateThread{Thread: "b+inline", Parent: "b+root"}, wavelet.CreateBlip{Blip: "b+inline", Thread: "b+inline"})
	w.commit(ann, wavelet.CreateThread{Thread: "t+reply", Parent: "b+two"}, wavelet.CreateBlip{Blip: "b+child", Thread: "t+reply", Content: plain("child\n")})
	w.commit(ann, wavelet.CreateBlip{Blip: "b+gone", Content: plain("gone\n")}, wavelet.CreateBlip{Blip: "b+last", Content: plain("last\n")})
	w.commit(ann, wavelet.DeleteBlip{Blip: "b+gone"}, wavelet.SetTag{Tag: "news"}, wavelet.SetData{Name: "notes", Value: "n"},
		wavelet.SetRole{Who: "bob@example.com", Role: wavelet.Read})
	return w
}

// sampleBundle holds one event of every type.
func sampleBundle(t testing.TB) events.Bundle {
	s := sampleWavelet(t).state
	at := time.UnixMilli(1_700_000_100_000)
	limit := events.LimitNote{Name: "ratio2m", Used: 80, Max: 90, Window: 2 * time.Minute, ResetsAt: at.Add(time.Minute).UTC()}
	list := []events.Event{
		{Type: events.WaveletSelfAdded, Blip: "b+root"},
		{Type: events.WaveletParticipantsChanged, Blip: "b+root", Added: []wavelet.Participant{bob}},
		{Type: events.WaveletBlipCreated, Blip: "b+root", NewBlip: "b+child"},
		{Type: events.WaveletBlipRemoved, Blip: "b+root", RemovedBlip: "b+gone"},
		{Type: events.WaveletTitleChanged, Blip: "b+root", Title: "A title"},
		{Type: events.WaveletTagsChanged, Blip: "b+root"},
		{Type: events.BlipSubmitted, Blip: "b+two"},
		{Type: events.BlipContributorsChanged, Blip: "b+two", Added: []wavelet.Participant{ann}},
		{Type: events.DocumentChanged, Blip: "b+two", Contributors: []wavelet.Participant{ann, bob}},
		{Type: events.AnnotatedTextChanged, Blip: "b+two", Annotation: events.Annotation{Name: "lang", Value: "en"}},
		{Type: events.AnnotatedTextChanged, Blip: "b+two", Annotation: events.Annotation{Name: "lang", Null: true}},
		{Type: events.FormButtonClicked, Blip: "b+two", Button: "go"},
		{Type: events.GadgetStateChanged, Blip: "b+two", Index: 14, OldState: map[string]string{"count": "0"}},
		{Type: events.OperationError, Failure: events.OperationFailure{ID: "op7", Code: 429, Message: "limit exceeded", Limit: limit, RetryAfter: 12 * time.Second}},
		{Type: events.RobotLimitWarning, Blip: "b+root", Limit: limit},
		{Type: events.WaveletSelfRemoved, Blip: "b+root", Reason: "limit", Limit: limit},
	}
	for i := range list {
		list[i].ModifiedBy, list[i].At = ann, at
	}
	return events.Bundle{
		ID: "bundle-1", Token: "token-1", Seat: wavelet.Seat{Wavelet: s.Name(), Robot: spell}, Lane: events.RobotLane,
		From: 3, Version: s.Version(), Attempt: 1, Events: list, State: s,
		Limits: policies.Limits{Robot: string(spell), Profile: "default", Status: "ok", At: at.UTC(),
			Limits: []policies.Limit{{Name: "depth", Max: 16, Used: 1, Remaining: 15}}, Decisions: []policies.Decided{}, Evicted: []policies.SeatNote{}, Cuts: []policies.CutNote{}},
	}
}

// everything wants every event, with the given contexts.
func everything(protocol string, c events.Contexts) Capabilities {
	caps := Capabilities{Hash: "h", Protocol: protocol}
	for _, e := range known() {
		caps.Wants = append(caps.Wants, Want{Event: e, Contexts: Contexts(c)})
	}
	return caps
}

func encode(t testing.TB, b events.Bundle, c Capabilities) []byte {
	t.Helper()
	line, err := Encode(b, c, "http://127.0.0.1:9898/robot/rpc")
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// TestBundlesAreAsTheProtocolSays holds the bundles of both dialects to golden
// files.
func TestBundlesAreAsTheProtocolSays(t *testing.T) {
	for name, protocol := range map[string]string{"python-0.21.json": "0.21", "java-0.22.json": "0.22"} {
		line := encode(t, sampleBundle(t), everything(protocol, events.Self|events.Parent|events.Children|events.Root))
		if bytes.ContainsAny(line, "\r\n") {
			t.Errorf("%s: the bundle is not one line", name)
		}
		golden(t, name, indented(t, line))
	}
}

// mayBeNull is what may be null in a bundle by the table of the protocol.
var mayBeNull = []string{"parentBlipId", "blipId", "value"}

// TestBundlesNeverCrashAnOldClient checks the rules which the clients of the time
// break on.
func TestBundlesNeverCrashAnOldClient(t *testing.T) {
	empty := wavelet.NewState(testName())
	bare := events.Bundle{Seat: wavelet.Seat{Wavelet: testName(), Robot: spell}, State: empty, Events: []events.Event{
		{Type: events.WaveletSelfAdded}, {Type: events.WaveletParticipantsChanged}, {Type: events.BlipContributorsChanged},
		{Type: events.GadgetStateChanged}, {Type: events.OperationError}, {Type: events.WaveletSelfRemoved}}}
	for _, protocol := range []string{"0.21", "0.22"} {
		for _, c := range []events.Contexts{events.Self, events.All, events.Siblings, events.Children | events.Parent} {
			for i, b := range []events.Bundle{sampleBundle(t), bare} {
				t.Run(fmt.Sprintf("%s/%d/%d", protocol, c, i), func(t *testing.T) {
					checkBundle(t, encode(t, b, everything(protocol, c)))
				})
			}
		}
	}
}

// TestOldClientsReadEveryBundle has both clients of the time read what they are
// sent, of a wavelet that holds what they have never heard of.
func TestOldClientsReadEveryBundle(t *testing.T) {
	b := sampleBundle(t)
	w := &writer{t, b.State.Clone()}
	for i, embed := range []string{
		`{"video":"https://example.com/v"}`, `{"image":"https://example.com/i.png"}`, `{"image":{"url":"u","attachmentId":"a","alt":"x"}}`,
		`{"attachment":{"id":"a","name":"n.txt","type":"text/plain"}}`, `{"form":{"type":"DATE","name":"d","id":"f1"}}`, `{"reply":{"thread":"b+child"}}`,
		`{"gadget":{"id":"g","url":"u","other":1}}`, `{"installer":{"manifest":"m"}}`, `{"mention":{"who":"ann"}}`,
	} {
		d := doc(t, fmt.Sprintf(`[{"insert":%s,"attributes":{"alt":"x","width":"3","caption":"c","g/n":"1","class":"odd"}},{"insert":"\n","attributes":{"list":"ordered","header":6}}]`, embed))
		w.blip(wavelet.BlipID(fmt.Sprintf("b+odd%d", i)), "", d)
	}
	b.State, b.Version = w.state, w.state.Version()
	for dialect, protocol := range map[wiretest.Dialect]string{wiretest.Python: "0.21", wiretest.Java: "0.22"} {
		for _, contexts := range []events.Contexts{events.All, events.Self, events.Siblings | events.Children} {
			caps := everything(protocol, contexts)
			caps.Wants = slices.DeleteFunc(caps.Wants, func(w Want) bool { return w.Event == events.RobotLimitWarning })
			read, err := dialect.Read(encode(t, b, caps))
			if err != nil {
				t.Errorf("contexts %d: %v", contexts, err)
				continue
			}
			if contexts == events.All && len(read.Blips) != w.state.Living() {
				t.Errorf("the %s client sees %d blips of %d", dialect, len(read.Blips), w.state.Living())
			}
		}
	}
}

// checkBundle holds a bundle to the crash rules.
func checkBundle(t *testing.T, line []byte) {
	var b struct {
		Events []struct {
			Type       *string
			ModifiedBy *string
			Timestamp  *int64
			Properties map[string]any
		}
		Wavelet map[string]any
		Blips   map[string]struct {
			WaveID, WaveletID string
			ThreadID          string
			ReplyThreadIDs    []string
			Elements          map[string]Element
		}
		Threads      map[string]any
		RobotAddress string
	}
	if err := json.Unmarshal(line, &b); err != nil {
		t.Fatal(err)
	}
	noNulls(t, "", mustJSON(t, line))
	if b.Threads == nil || b.Blips == nil || b.Wavelet == nil || b.RobotAddress != string(spell) {
		t.Errorf("something that is needed is missing: %s", line)
	}
	for _, e := range b.Events {
		if e.Type == nil || e.ModifiedBy == nil || e.Timestamp == nil || e.Properties == nil {
			t.Errorf("event %+v lacks what every event must have", e)
		}
		if id, ok := e.Properties["newBlipId"].(string); ok && b.Blips[id].WaveID == "" {
			t.Errorf("the new blip %s is not in the bundle", id)
		}
	}
	for id, blip := range b.Blips {
		if blip.WaveID != b.Wavelet["waveId"] || blip.WaveletID != b.Wavelet["waveletId"] {
			t.Errorf("blip %s belongs to %s %s", id, blip.WaveID, blip.WaveletID)
		}
		for _, thread := range append(blip.ReplyThreadIDs, blip.ThreadID) {
			if _, ok := b.Threads[thread]; !ok && thread != "" {
				t.Errorf("the thread %s of blip %s is not in the bundle", thread, id)
			}
		}
		for at, el := range blip.Elements {
			types := []string{typeImage, typeAttachment, typeGadget, typeInstaller, typeInline, typeLine}
			if !slices.Contains(types, el.Type) && !isForm(el.Type) || el.Properties == nil {
				t.Errorf("element %+v at %s", el, at)
			}
			for name := range el.Properties {
				if el.Type == typeImage && !slices.Contains([]string{"url", "width", "height", "attachmentId", "caption"}, name) {
					t.Errorf("an image has the property %s", name)
				}
			}
		}
	}
}

func mustJSON(t *testing.T, raw []byte) any {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// noNulls reports nulls where an old client does not expect any.
func noNulls(t *testing.T, path string, v any) {
	switch v := v.(type) {
	case nil:
		if !slices.Contains(mayBeNull, path[strings.LastIndexByte(path, '.')+1:]) && !strings.HasPrefix(path, ".limits") {
			t.Errorf("%s is null", path)
		}
	case map[string]any:
		for key, value := range v {
			noNulls(t, path+"."+key, value)
		}
	case []any:
		for _, value := range v {
			noNulls(t, path, value)
		}
	}
}

// TestUnknownEmbedsAreBlanks keeps what robots have no name for out of the
// elements.
func TestUnknownEmbedsAreBlanks(t *testing.T) {
	video, err := richtext.NewEmbed("video", "https://example.com/v")
	if err != nil {
		t.Fatal(err)
	}
	d := plain("a").InsertEmbed(video, richtext.Attributes{}).Insert("b\n", richtext.Attributes{})
	c := read(d)
	if got := c.elements(); c.text != "\na b" || len(got) != 1 || got[0].Type != typeLine {
		t.Errorf("text %q with elements %v", c.text, got)
	}
}

func TestEncodeFiltersEvents(t *testing.T) {
	all := sampleBundle(t)
	only := func(want Want, evs ...events.Event) []byte {
		b := all
		b.Events = evs
		return encode(t, b, Capabilities{Protocol: "0.22", Wants: []Want{want}})
	}
	changed := events.Event{Type: events.DocumentChanged, Blip: "b+two", ModifiedBy: ann}
	annotated := events.Event{Type: events.AnnotatedTextChanged, Blip: "b+two", ModifiedBy: ann, Annotation: events.Annotation{Name: "lang"}}
	warned := events.Event{Type: events.RobotLimitWarning, Blip: "b+root", ModifiedBy: ann}
	tests := []struct {
		name string
		want Want
		ev   events.Event
		sent bool
	}{
		{"named", Want{Event: events.DocumentChanged}, changed, true},
		{"not named", Want{Event: events.BlipSubmitted}, changed, false},
		{"warning not named", Want{Event: events.DocumentChanged}, warned, false},
		{"warning named", Want{Event: events.RobotLimitWarning}, warned, true},
		{"added, though not named", Want{Event: events.DocumentChanged}, events.Event{Type: events.WaveletSelfAdded, Blip: "b+root"}, true},
		{"filter on text", Want{Event: events.DocumentChanged, Filters: []string{"^no", "sec.nd"}}, changed, true},
		{"filter on other text", Want{Event: events.DocumentChanged, Filters: []string{"third"}}, changed, false},
		{"filter on the annotation", Want{Event: events.AnnotatedTextChanged, Filters: []string{"^la"}}, annotated, true},
		{"filter on another annotation", Want{Event: events.AnnotatedTextChanged, Filters: []string{"^style/"}}, annotated, false},
		{"filter that is only Java", Want{Event: events.DocumentChanged, Filters: []string{"(?<=x)third"}}, changed, true},
	}
	for _, tt := range tests {
		if line := only(tt.want, tt.ev); (line != nil) != tt.sent {
			t.Errorf("%s: sent %s", tt.name, line)
		}
	}
}

// TestAnnotationsChangeUnderTheirOwnNames has an event name what changed as the
// blip does.
func TestAnnotationsChangeUnderTheirOwnNames(t *testing.T) {
	for attribute, want := range map[events.Annotation]string{
		{Name: "bold", Value: "true"}:                "name:style/fontWeight value:bold",
		{Name: "bold", Null: true}:                   "name:style/fontWeight value:<nil>",
		{Name: "italic", Value: "true"}:              "name:style/fontStyle value:italic",
		{Name: "underline", Value: "true"}:           "name:style/textDecoration value:underline",
		{Name: "strike", Null: true}:                 "name:style/textDecoration value:<nil>",
		{Name: "script", Value: "super"}:             "name:style/verticalAlign value:super",
		{Name: "color", Value: "red"}:                "name:style/color value:red",
		{Name: "link", Value: "https://example.com"}: "name:link/manual value:https://example.com",
		{Name: "example.com/x", Value: ""}:           "name:example.com/x value:",
	} {
		b := sampleBundle(t)
		b.Events = []events.Event{{Type: events.AnnotatedTextChanged, Blip: "b+two", ModifiedBy: ann, Annotation: attribute}}
		line := encode(t, b, Capabilities{Protocol: "0.22", Wants: []Want{{Event: events.AnnotatedTextChanged, Filters: []string{"^(style|link|example.com)/"}}}})
		if line == nil {
			t.Errorf("%+v is filtered out", attribute)
			continue
		}
		p := mustJSON(t, line).(map[string]any)["events"].([]any)[0].(map[string]any)["properties"]
		if got := fmt.Sprint(p); got != "map[blipId:b+two "+want+"]" {
			t.Errorf("%+v is told as %s, want %s", attribute, got, want)
		}
	}
}

// TestAProxyIsTold tells a robot for whom it takes part, if it does under no
// other address.
func TestAProxyIsTold(t *testing.T) {
	proxy, version := wavelet.Participant("spell+bob#2@example.com"), wavelet.Participant("spell#2@example.com")
	for want, ops := range map[string][]wavelet.Op{
		"":    {wavelet.AddParticipant{Who: proxy}},
		"bob": {wavelet.AddParticipant{Who: proxy}, wavelet.RemoveParticipant{Who: spell}},
		"<>":  {wavelet.AddParticipant{Who: version}, wavelet.RemoveParticipant{Who: spell}},
	} {
		s := newWavelet(t).blip("b+root", "", plain("a\n")).commit(ann, ops...).state
		line := encode(t, changed(s, "b+root"), everything("0.21", events.Self))
		var got struct {
			RobotAddress string
			ProxyingFor  *string
		}
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatal(err)
		}
		if want = strings.Trim(want, "<>"); got.RobotAddress != string(spell) || (got.ProxyingFor == nil) != (want == "") || want != "" && *got.ProxyingFor != want {
			t.Errorf("after %v the bundle is for %s, proxy %v", ops, got.RobotAddress, got.ProxyingFor)
		}
	}
}

// bigWavelet has many blips and participants.
func bigWavelet(t testing.TB, blips, participants int) *wavelet.State {
	w := newWavelet(t)
	var ops []wavelet.Op
	for i := range participants {
		ops = append(ops, wavelet.AddParticipant{Who: wavelet.Participant(fmt.Sprintf("person-%d@example.com", i))})
	}
	for i := range blips {
		ops = append(ops, wavelet.CreateBlip{Blip: wavelet.BlipID(fmt.Sprintf("b+%d", i)),
			Content: plain(strings.Repeat("Some words of a message that somebody wrote.\n", 4))})
	}
	return w.commit(ann, ops...).state
}

// TestABundleOfSelfIsSmall keeps what a robot with context SELF is sent under
// 64 KiB in a wave of 1,000 blips and 50 participants.
func TestABundleOfSelfIsSmall(t *testing.T) {
	s := bigWavelet(t, 1000, 50)
	b := events.Bundle{Seat: wavelet.Seat{Wavelet: s.Name(), Robot: spell}, State: s,
		Events: []events.Event{{Type: events.DocumentChanged, Blip: "b+500", ModifiedBy: ann}}}
	for _, protocol := range []string{"0.21", "0.22"} {
		n := len(encode(t, b, everything(protocol, events.Self)))
		if t.Logf("dialect %s: %d bytes", protocol, n); n > 64<<10 {
			t.Errorf("the bundle has %d bytes", n)
		}
	}
}

// BenchmarkEncode1000Blips makes the JSON of the bundle that holds all of a wave
// of 1,000 blips and 50 participants.
func BenchmarkEncode1000Blips(b *testing.B) {
	s := bigWavelet(b, 1000, 50)
	bundle := events.Bundle{Seat: wavelet.Seat{Wavelet: s.Name(), Robot: spell}, State: s,
		Events: []events.Event{{Type: events.DocumentChanged, Blip: "b+500", ModifiedBy: ann}}}
	for _, protocol := range []string{"0.21", "0.22"} {
		b.Run(protocol, func(b *testing.B) {
			caps := everything(protocol, events.All)
			b.ReportAllocs()
			for b.Loop() {
				encode(b, bundle, caps)
			}
		})
	}
}

// TestFilesInBundles shows an attachment to robots of every age.
func TestFilesInBundles(t *testing.T) {
	w := newWavelet(t).blip("b+root", "", doc(t, `[{"insert":{"attachment":{"id":"a+1"}},"attributes":{"caption":"c","mimeType":"text/plain"}},{"insert":"\n"}]`))
	for protocol, want := range map[string]string{
		"0.21": `{"type":"ATTACHMENT","properties":{"attachmentId":"a+1","attachmentUrl":"https://example.com/api/v1/waves/example.com%21w+abc123/example.com%21conv+root/attachments/a+1","caption":"c","mimeType":"text/plain"}}`,
		"0.22": `{"type":"ATTACHMENT",`,
		"0.2":  `{"type":"IMAGE","properties":{"attachmentId":"a+1","caption":"c"}}`,
		"0.1":  `{"type":"IMAGE","properties":{"attachmentId":"a+1","caption":"c"}}`,
	} {
		caps := Capabilities{Protocol: protocol, Wants: []Want{{Event: events.DocumentChanged}}}
		line, err := Encode(changed(w.state, "b+root"), caps, "https://example.com/robot/rpc")
		if err != nil || !strings.Contains(string(line), want) {
			t.Errorf("to a robot of %s: %s, %v; want %s", protocol, line, err, want)
		}
	}
	line, err := Encode(changed(w.state, "b+root"), Capabilities{Wants: []Want{{Event: events.DocumentChanged}}}, "")
	if err != nil || strings.Contains(string(line), "attachmentUrl") {
		t.Errorf("where nobody can call: %s, %v", line, err)
	}
}
