package wire

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"testing"

	"weir/store"
	"weir/wavelet"
	"weir/wavelet/attachment"
	"weir/wavelet/host"
	"weir/wavelet/reading"
)

// world is some wavelets and what surrounds them.
type world struct {
	t      testing.TB
	states map[wavelet.Name]*wavelet.State
	around Surroundings
}

func newWorld(t testing.TB, states ...*wavelet.State) *world {
	kv := store.NewMemory()
	w := &world{t, map[wavelet.Name]*wavelet.State{}, Surroundings{Reading: reading.New(kv), Files: attachment.New(kv), URL: "https://weir.example.com"}}
	for _, s := range states {
		w.states[s.Name()] = s
	}
	w.around.Waves = func(_ context.Context, who wavelet.Participant) iter.Seq2[host.Summary, error] {
		return func(yield func(host.Summary, error) bool) {
			for _, s := range w.states {
				if _, in := s.Role(who); in && !yield(host.Summarize(s), nil) {
					return
				}
			}
		}
	}
	return w
}

// call carries out operations for somebody who calls, on no wavelet at hand.
func (w *world) call(who wavelet.Participant, ops string) Outcome {
	w.t.Helper()
	c := Call{Robot: who, Surroundings: w.around, NewName: namedWaves, Find: func(_ context.Context, name wavelet.Name) (*wavelet.State, error) {
		if s := w.states[name]; s != nil {
			return s, nil
		}
		return nil, fmt.Errorf("no wavelet %s", name)
	}}
	return c.Apply(w.t.Context(), decode(w.t, "["+ops+"]"))
}

// ask is one operation's data as JSON, or its failure.
func (w *world) ask(who wavelet.Participant, method, params string) (string, int) {
	w.t.Helper()
	out := w.call(who, fmt.Sprintf(`{"method":%q,"id":"1","params":{%s}}`, method, params))
	if f := out.Results[0].Failure; f != nil {
		return f.Message, f.Code
	}
	raw, err := json.Marshal(out.Results[0].Data)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(raw), 200
}

// another is a second wavelet, of ann's and of others.
func another(t testing.TB, wave, text string, others ...wavelet.Participant) *writer {
	w := &writer{t, wavelet.NewState(wavelet.Name{Wave: "example.com!" + wave, Wavelet: "example.com!conv+root"})}
	w.commit(ann, wavelet.Opening(ann, others...)[:1+len(others)]...)
	return w.blip("b+root", "", plain(text+"\n"))
}

func here(s *wavelet.State) string {
	return fmt.Sprintf(`"waveId":%q,"waveletId":%q`, s.Name().Wave, s.Name().Wavelet)
}

func TestSearch(t *testing.T) {
	mine := newWavelet(t).blip("b+root", "", plain("Trip to Rome\nhats and <b>coats</b>\n")).commit(ann, wavelet.SetTag{Tag: "travel"}).state
	other := another(t, "w+2", "Shopping\nhats", bob).state
	shared := another(t, "w+3", "Old hats", spell, bob).state
	w := newWorld(t, mine, other, shared)
	for _, tt := range []struct {
		who           wavelet.Participant
		params, waves string
	}{
		{spell, `"query":""`, "abc123 3"},
		{spell, `"query":"hats"`, "abc123 3"},
		{spell, `"query":"shopping"`, ""},
		{spell, `"query":"title:shopping"`, ""},
		{spell, `"query":"title:old"`, "3"},
		{spell, `"query":"with:bob"`, "abc123 3"},
		{spell, `"query":"with:bob@example.com title:rome"`, "abc123"},
		{spell, `"query":"with:carl"`, ""},
		{spell, `"query":"in:inbox tag:travel"`, "abc123"},
		{spell, `"query":"in:all"`, "abc123 3"},
		{spell, `"query":"in:trash"`, ""},
		{spell, `"query":"hats","index":0,"numResults":1`, "abc123"},
		{spell, `"query":"hats","index":1,"numResults":1`, "3"},
		{spell, `"query":"hats","index":2,"numResults":1`, ""},
		{spell, `"query":"hats","index":null,"numResults":100000`, "abc123 3"},
		{spell, `"query":"hats","proxyingFor":"dan"`, "abc123 3"},
		{bob, `"query":"hats"`, "abc123 2 3"},
		{"zoe@example.com", `"query":"hats"`, ""},
		{"bob+x@example.com", `"query":"hats"`, ""},
	} {
		for _, method := range []string{"robot.search", "wave.robot.search"} {
			raw, code := w.ask(tt.who, method, tt.params)
			var data struct{ SearchResults *searchResults }
			if err := json.Unmarshal([]byte(raw), &data); err != nil || code != 200 || data.SearchResults == nil {
				t.Errorf("%s asks %s: %d %s", tt.who, tt.params, code, raw)
				continue
			}
			var got []string
			for _, d := range data.SearchResults.Digests {
				got = append(got, strings.TrimPrefix(d.WaveID, "example.com!w+"))
			}
			if strings.Join(got, " ") != tt.waves || data.SearchResults.NumResults != len(got) || !strings.Contains(raw, `"digests":[`) {
				t.Errorf("%s asks %s and finds %q, want %q: %s", tt.who, tt.params, got, tt.waves, raw)
			}
		}
	}
	raw, _ := w.ask(spell, "robot.search", `"query":"rome"`)
	want := `{"searchResults":{"query":"rome","numResults":1,"digests":[{"title":"Trip to Rome","snippet":"hats and \u003cb\u003ecoats\u003c/b\u003e","waveId":"example.com!w+abc123",` +
		`"lastModified":1700000003000,"created":1700000001000,"unreadCount":1,"blipCount":1,"participants":["ann@example.com","bob@example.com","spell@example.com"]}]}}`
	if raw != want {
		t.Errorf("the digest is\n%s, want\n%s", raw, want)
	}
	for params, says := range map[string]string{
		`"query":"x","index":-1`: "index", `"query":"x","index":"a"`: "index", `"query":"x","numResults":-5`: "numResults",
		`"query":"` + strings.Repeat("x", 501) + `"`: "characters", `"query":"x","proxyingFor":"a@b"`: "proxyingFor",
	} {
		if raw, code := w.ask(spell, "robot.search", params); code != 400 || !strings.Contains(raw, says) {
			t.Errorf("%.40s: %d %s, want a failure that names %s", params, code, raw, says)
		}
	}
}

// TestReadStateIsOnesOwn marks a wavelet and a blip read and unread.
func TestReadStateIsOnesOwn(t *testing.T) {
	s := another(t, "w+2", "One", spell, bob).blip("b+2", "", plain("Two\n")).state
	w := newWorld(t, s)
	unread := func(who wavelet.Participant) string {
		raw, _ := w.ask(who, "robot.search", `"query":""`)
		_, rest, _ := strings.Cut(raw, `"unreadCount":`)
		n, _, _ := strings.Cut(rest, ",")
		return n
	}
	for _, step := range []struct {
		who             wavelet.Participant
		params          string
		forSpell, other string
	}{
		{spell, `"modifyHow":"markAsRead","blipId":"b+2"`, "1", "2"},
		{spell, `"modifyHow":"markAsRead"`, "0", "2"},
		{bob, `"modifyHow":"markAsUnread","blipId":"b+root"`, "0", "2"},
		{bob, `"modifyHow":"markAsRead","blipId":"b+root"`, "0", "1"},
		{spell, `"modifyHow":"markAsUnread","blipId":"b+2"`, "1", "1"},
		{spell, `"modifyHow":"markAsUnread"`, "2", "1"},
	} {
		for _, method := range []string{"robot.folderAction", "wave.robot.folderAction"} {
			if raw, code := w.ask(step.who, method, here(s)+","+step.params); raw != "{}" {
				t.Errorf("%s: %d %s", step.params, code, raw)
			}
			if a, b := unread(spell), unread(bob); a != step.forSpell || b != step.other {
				t.Errorf("after %s by %s: %s and %s unread, want %s and %s", step.params, step.who, a, b, step.forSpell, step.other)
			}
		}
	}
	for params, code := range map[string]int{
		here(s): 400, here(s) + `,"modifyHow":"archive"`: 400, here(s) + `,"modifyHow":"markAsRead","blipId":"b+none"`: 404, `"modifyHow":"markAsRead"`: 400,
	} {
		if raw, got := w.ask(spell, "robot.folderAction", params); got != code {
			t.Errorf("%s: %d %s, want %d", params, got, raw, code)
		}
	}
	if raw, code := w.ask("zoe@example.com", "robot.folderAction", here(s)+`,"modifyHow":"markAsRead"`); code != 403 {
		t.Errorf("a stranger: %d %s", code, raw)
	}
}

func TestProfiles(t *testing.T) {
	w := newWorld(t)
	raw, code := w.ask(spell, "robot.fetchProfiles", `"fetchProfilesRequest":{"participantIds":["ann@example.com","spell+bob#2@example.com"],"language":"en"}`)
	want := `{"fetchProfilesResult":{"profiles":[{"address":"ann@example.com","name":"ann","imageUrl":"","profileUrl":""},{"address":"spell+bob#2@example.com","name":"bob","imageUrl":"","profileUrl":""}]}}`
	if code != 200 || raw != want {
		t.Errorf("%d %s, want %s", code, raw, want)
	}
	if raw, _ := w.ask(spell, "wave.robot.fetchProfiles", `"fetchProfilesRequest":{"participantIds":[]}`); raw != `{"fetchProfilesResult":{"profiles":[]}}` {
		t.Errorf("no profiles are %s", raw)
	}
	many := strings.TrimSuffix(strings.Repeat(`"a@b",`, maxProfiles+1), ",")
	for _, params := range []string{``, `"fetchProfilesRequest":null`, `"fetchProfilesRequest":{"participantIds":["nobody"]}`, `"fetchProfilesRequest":{"participantIds":[` + many + `]}`, `"fetchProfilesRequest":7`} {
		if raw, code := w.ask(spell, "robot.fetchProfiles", params); code != 400 {
			t.Errorf("%.60s: %d %s", params, code, raw)
		}
	}
	w.around.Profile = func(who wavelet.Participant) Profile { return Profile{Address: who, Name: "Spelly"} }
	if raw, _ := w.ask(spell, "robot.fetchProfiles", `"fetchProfilesRequest":{"participantIds":["ann@example.com"]}`); !strings.Contains(raw, "Spelly") {
		t.Errorf("the profile is %s", raw)
	}
}

func TestWaveletIDs(t *testing.T) {
	s := another(t, "w+2", "One", spell).state
	private := &writer{t, wavelet.NewState(wavelet.Name{Wave: "example.com!w+2", Wavelet: "example.com!conv+private"})}
	private.commit(ann, wavelet.AddParticipant{Who: ann})
	w := newWorld(t, s, private.state)
	for _, wave := range []string{"example.com!w+2", "example.com/w+2"} {
		raw, code := w.ask(spell, "robot.fetchWave", `"waveId":"`+wave+`","waveletId":"example.com!conv+root","returnWaveletIds":true`)
		if raw != `{"waveletIds":[{"domain":"example.com","id":"conv+root"}]}` {
			t.Errorf("spell sees %d %s", code, raw)
		}
	}
	if raw, _ := w.ask(ann, "robot.fetchWave", `"waveId":"example.com!w+2","returnWaveletIds":"true"`); raw != `{"waveletIds":[{"domain":"example.com","id":"conv+private"},{"domain":"example.com","id":"conv+root"}]}` {
		t.Errorf("ann sees %s", raw)
	}
	for params, code := range map[string]int{`"returnWaveletIds":true`: 400, `"waveId":"example.com!w+none","returnWaveletIds":true`: 403} {
		if raw, got := w.ask(spell, "robot.fetchWave", params); got != code {
			t.Errorf("%s: %d %s, want %d", params, got, raw, code)
		}
	}
	if raw, code := w.ask(bob, "robot.fetchWave", `"waveId":"example.com!w+2","returnWaveletIds":true`); code != 403 {
		t.Errorf("a stranger sees %d %s", code, raw)
	}
}

func TestExportsAndImports(t *testing.T) {
	s := another(t, "w+2", "One", spell).state
	w := newWorld(t, s)
	raw, code := w.ask(spell, "wave.robot.exportSnapshot", here(s))
	var data struct{ RawSnapshot string }
	if err := json.Unmarshal([]byte(raw), &data); err != nil || code != 200 {
		t.Fatalf("%d %s", code, raw)
	}
	var snapshot struct {
		Version int
		Title   string
		Blips   []struct{ ID string }
	}
	if err := json.Unmarshal([]byte(data.RawSnapshot), &snapshot); err != nil || snapshot.Version != 2 || snapshot.Title != "One" || len(snapshot.Blips) != 1 {
		t.Errorf("the snapshot is %s, %v", data.RawSnapshot, err)
	}
	for _, method := range []string{"robot.exportDeltas", "wave.robot.exportDeltas", "robot.importDeltas"} {
		if raw, code := w.ask(spell, method, here(s)+`,"fromVersion":"AA==","toVersion":"AA==","rawDeltas":["AA=="]`); code != 501 || !strings.Contains(raw, "robot.exportSnapshot") {
			t.Errorf("%s: %d %s", method, code, raw)
		}
	}
	for _, method := range []string{"robot.exportSnapshot", "robot.exportDeltas", "robot.importDeltas"} {
		if raw, code := w.ask(bob, method, here(s)); code != 403 {
			t.Errorf("a stranger's %s: %d %s", method, code, raw)
		}
	}
}

// TestNothingAround has the operations that need something fail, and no other.
func TestNothingAround(t *testing.T) {
	s := another(t, "w+2", "One", spell).state
	w := newWorld(t, s)
	w.around = Surroundings{}
	for method, params := range map[string]string{
		"robot.search": `"query":""`, "robot.folderAction": here(s) + `,"modifyHow":"markAsRead"`, "robot.exportAttachment": `"attachmentId":"a"`,
		"robot.importAttachment": here(s) + `,"attachmentId":"a","attachmentData":{"data":"AA=="}`, "robot.fetchWave": here(s) + `,"returnWaveletIds":true`,
	} {
		if raw, code := w.ask(spell, method, params); code != 501 || !strings.Contains(raw, method) {
			t.Errorf("%s: %d %s", method, code, raw)
		}
	}
}

const tinyPNG = "\x89PNG\r\n\x1a\n0000"

func TestAttachments(t *testing.T) {
	mine := another(t, "w+2", "One", spell)
	theirs := another(t, "w+3", "Two", bob)
	both := another(t, "w+4", "Three", spell, bob)
	reader := another(t, "w+5", "Four", spell).commit(ann, wavelet.SetRole{Who: spell, Role: wavelet.Read})
	w := newWorld(t, mine.state, theirs.state, both.state, reader.state)
	encoded := base64.StdEncoding.EncodeToString([]byte(tinyPNG))
	file := func(s *writer, id, name, data string) string {
		return fmt.Sprintf(`%s,"attachmentId":%q,"attachmentData":{"fileName":%q,"creator":"ann@example.com","data":%q}`, here(s.state), id, name, data)
	}
	for _, tt := range []struct {
		name, params string
		who          wavelet.Participant
		code         int
	}{
		{"a picture", file(mine, "a+1", "a.png", encoded), spell, 200},
		{"the same again, with line breaks", file(mine, "a+1", "a.png", encoded[:8]+"\n"+encoded[8:]+"\r\n"), spell, 200},
		{"another under its id", file(mine, "a+1", "", "aGVsbG8="), spell, 400},
		{"the same elsewhere", file(theirs, "a+3", "a.png", encoded), bob, 200},
		{"where one does not take part", file(theirs, "a+9", "a.png", encoded), spell, 403},
		{"where one may only read", file(reader, "a+9", "a.png", encoded), spell, 403},
		{"a page", file(mine, "a+9", "a.html", base64.StdEncoding.EncodeToString([]byte("<html>"))), spell, 400},
		{"no base64", file(mine, "a+9", "a.png", "###"), spell, 400},
		{"a bad id", file(mine, "a/9", "a.png", encoded), spell, 400},
		{"no id", here(mine.state) + `,"attachmentData":{"data":""}`, spell, 400},
		{"no data", here(mine.state) + `,"attachmentId":"a+9"`, spell, 400},
		{"no wavelet", `"attachmentId":"a+9","attachmentData":{"data":"AA=="}`, spell, 400},
	} {
		if raw, code := w.ask(tt.who, "robot.importAttachment", tt.params); code != tt.code || code == 200 && raw != "{}" {
			t.Errorf("%s: %d %s, want %d", tt.name, code, raw, tt.code)
		}
	}
	raw, code := w.ask(spell, "wave.robot.exportAttachment", `"attachmentId":"a+1"`)
	if want := `{"attachmentData":{"fileName":"a.png","creator":"spell@example.com","data":"` + encoded + `"}}`; code != 200 || raw != want {
		t.Errorf("exported: %d %s, want %s", code, raw, want)
	}
	for id, code := range map[string]int{"a+3": 404, "a+9": 404, "": 400, "a": 404} {
		if raw, got := w.ask(spell, "robot.exportAttachment", fmt.Sprintf(`"attachmentId":%q`, id)); got != code {
			t.Errorf("exporting %q: %d %s, want %d", id, got, raw, code)
		}
	}
}

// TestAttachmentElements inserts elements with data, with the id of an
// attachment, and with ids that the robot may not use.
func TestAttachmentElements(t *testing.T) {
	mine := another(t, "w+2", "One", spell)
	theirs := another(t, "w+3", "Two", bob)
	both := another(t, "w+4", "Three", spell, bob)
	w := newWorld(t, mine.state, theirs.state, both.state)
	encoded := base64.StdEncoding.EncodeToString([]byte(tinyPNG))
	insert := func(s *writer, kind, properties string) string {
		return here(s.state) + `,"blipId":"b+root","modifyAction":{"modifyHow":"INSERT_AFTER","elements":[{"type":"` + kind + `","properties":{` + properties + `}}]}`
	}
	properties := func(s *writer, kind, given string) map[string]string {
		t.Helper()
		out := w.call(spell, `{"method":"document.modify","id":"1","params":{`+insert(s, kind, given)+`}}`)
		noFailures(t, out)
		state := after(t, s.state, out)
		w.states[s.state.Name()] = state
		fetched := w.call(spell, `{"method":"robot.fetchWave","id":"1","params":{`+here(state)+`}}`)
		noFailures(t, fetched)
		var last Element
		for _, el := range fetched.Results[0].Data.(fetchedWave).Blips["b+root"].Elements {
			if el.Type == kind {
				last = el
			}
		}
		w.states[s.state.Name()] = s.state
		return last.Properties
	}
	got := properties(mine, "ATTACHMENT", `"caption":"c","data":"`+encoded[:4]+`\n`+encoded[4:]+`"`)
	id := got["attachmentId"]
	want := map[string]string{"attachmentId": id, "caption": "c", "mimeType": "image/png",
		"attachmentUrl": "https://weir.example.com/api/v1/waves/example.com%21w+2/example.com%21conv+root/attachments/" + id}
	if !strings.HasPrefix(id, "a+") || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the element has %v, want %v", got, want)
	}
	if raw, code := w.ask(spell, "robot.exportAttachment", `"attachmentId":"`+id+`"`); code != 200 || !strings.Contains(raw, encoded) {
		t.Errorf("what came with the element: %d %s", code, raw)
	}
	if got := properties(both, "ATTACHMENT", `"attachmentId":"`+id+`"`); got["mimeType"] != "image/png" || !strings.Contains(got["attachmentUrl"], "w+4") {
		t.Errorf("shared with another wavelet it has %v", got)
	}
	if raw, code := w.ask(bob, "robot.exportAttachment", `"attachmentId":"`+id+`"`); code != 200 {
		t.Errorf("bob, who takes part there, gets %d %s", code, raw)
	}
	if got := properties(mine, "IMAGE", `"url":null,"attachmentId":"`+id+`","width":"8"`); got["attachmentId"] != id || got["width"] != "8" {
		t.Errorf("as an image it has %v", got)
	}
	if raw, code := w.ask(bob, "robot.importAttachment", here(theirs.state)+`,"attachmentId":"secret","attachmentData":{"data":"AAAA"}`); code != 200 {
		t.Fatalf("%d %s", code, raw)
	}
	for params, code := range map[string]int{`"attachmentId":"secret"`: 404, `"attachmentId":"none"`: 404, `"data":"###"`: 400, `"data":"PGh0bWw+"`: 400, ``: 400} {
		if raw, got := w.ask(spell, "document.modify", insert(mine, "ATTACHMENT", params)); got != code {
			t.Errorf("{%s}: %d %s, want %d", params, got, raw, code)
		}
	}
}

// TestAnAnswerBringsAFile has a robot that is called, not one that calls, answer
// with a file and mark what it was told as read.
func TestAnAnswerBringsAFile(t *testing.T) {
	w := newWavelet(t).blip("b+root", "", plain("a\n"))
	around := newWorld(t, w.state).around
	robot := newStrictRobot(t, capabilitiesXML(`<w:version>1</w:version><w:protocolversion>0.21</w:protocolversion><w:capability name="DOCUMENT_CHANGED"/>`), func(map[string]any) string {
		return `[{"method":"document.modify","id":"op1","params":{"blipId":"b+root","modifyAction":{"modifyHow":"INSERT_AFTER","elements":[{"type":"ATTACHMENT","properties":{"data":"aGVs\nbG8=","caption":"c"}}]}}},
			{"method":"robot.folderAction","id":"op2","params":{"modifyHow":"markAsRead"}}]`
	})
	answer, err := serve(t, robot, PassiveOptions{Surroundings: around}).Receive(t.Context(), changed(w.state, "b+root"))
	if err != nil || len(answer.Failures) > 0 {
		t.Fatalf("failures %v, %v", answer.Failures, err)
	}
	els := elementsOf(contentOf(t, after(t, w.state, Outcome{Answer: answer}), "b+root"))
	r, err := around.Files.Get(w.state.Name(), els[2].Properties["attachmentId"])
	if err != nil || r.Size != 5 || r.Creator != spell {
		t.Errorf("the file is %+v, %v; the elements are %v", r, err, els)
	}
	if read, err := around.Reading.Of(spell, w.state.Name()); err != nil || read.Unread(w.state, spell) != 0 {
		t.Errorf("read is %+v, %v", read, err)
	}
}
