package wire

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"weir/wavelet"
)

// spellings are the names of the operations: the newer one, the older one if
// there is one, parameters with which it succeeds in the wavelet of [furnished],
// and what it leaves: the rendering of the wavelet, and a part of the data.
func spellings() []spelling {
	const blip = `"blipData":{"blipId":"TBD_1","content":"\nnew"}`
	return []spelling{
		{Notify, "robot.notifyCapabilitiesHash", `"capabilitiesHash":"1","protocolVersion":"0.21"`, "", `{}`},
		{GetLimits, "", ``, "", `"robot":"spell@example.com"`},
		{FetchWave, "", `"message":"m"`, "", `"rootBlipId":"b+root"`},
		{AppendBlip, "", blip, "blips b+root, ID:new", `"newBlipId":"ID"`},
		{CreateChild, "", `"blipId":"b+root",` + blip, "blips b+root, ID:new", `"blipId":"b+root"`},
		{ContinueThread, "", `"blipId":"b+root",` + blip, "blips b+root, ID:new", `"newBlipId":"ID"`},
		{DeleteBlip, "", `"blipId":"b+root"`, "blips ", `{}`},
		{SetTitle, "", `"waveletTitle":"T"`, `text "\nT\nsome   text"`, `{}`},
		{AddParticipant, "wavelet.participant.add", `"participantId":"carl@example.com"`, "carl@example.com", `"participantsAdded":["carl@example.com"],"participantsRemoved":[]`},
		{RemoveParticipant, "wavelet.participant.remove", `"participantId":"bob@example.com"`, "people ann@example.com full, spell@example.com full", `"participantsRemoved":["bob@example.com"]`},
		{ModifyRole, "", `"participantId":"bob@example.com","participantRole":"FULL"`, "bob@example.com full", `{}`},
		{ModifyTag, "", `"name":"new"`, "tags [old new]", `{}`},
		{SetDatadoc, "wavelet.datadoc.set", `"datadocName":"d","datadocValue":"v"`, "data d=v", `{}`},
		{AppendDatadoc, "wavelet.datadoc.append", `"datadocName":"d","datadocValue":"!"`, "data d=was!", `{}`},
		{ModifyDocument, "", `"blipId":"b+root","modifyAction":{"modifyHow":"INSERT_AFTER","values":["!"]}`, `some   text!"`, `{}`},
		{AppendMarkup, "", `"blipId":"b+root","content":"<b>!</b>"`, `some   text!"`, `{}`},
		{InsertInlineBlip, "document.inlineBlip.insert", `"blipId":"b+root","index":1,` + blip, `text "\n Title`, `"newBlipId":"ID"`},
		{AppendInlineBlip, "document.inlineBlip.append", `"blipId":"b+root",` + blip, `some   text\n "`, `"newBlipId":"ID"`},
		{InlineAfterElement, "document.inlineBlip.insertAfterElement", `"blipId":"b+root","element":{"type":"CHECK","properties":{"name":"ok"}},` + blip, `some    text"`, `"newBlipId":"ID"`},
		{DeleteAnnotation, "document.annotation.delete", `"blipId":"b+root","annotationKey":"k"`, "annotations []", `{}`},
		{SetAnnotation, "document.annotation.set", `"blipId":"b+root","annotation":{"name":"a","value":"1","range":{"start":1,"end":3}}`, "annotations [{a 1 {1 3}} {k v {1 6}}]", `{}`},
		{SetAnnotationNoRange, "document.annotation.setNoRange", `"blipId":"b+root","annotationKey":"a","value":"1"`, "{a 1 {0 18}}", `{}`},
		{AppendElement, "document.element.append", `"blipId":"b+root","element":{"type":"BUTTON","properties":{"name":"b"}}`, "18 BUTTON", `{}`},
		{DeleteElement, "document.element.delete", `"blipId":"b+root","index":12`, `some  text"`, `{}`},
		{InsertElement, "document.element.insert", `"blipId":"b+root","index":1,"element":{"type":"BUTTON","properties":{"name":"b"}}`, "1 BUTTON", `{}`},
		{InsertElementAfter, "document.element.insertAfter", `"blipId":"b+root","index":12,"element":{"type":"BUTTON","properties":{"name":"b"}}`, "13 BUTTON", `{}`},
		{InsertElementBefore, "document.element.insertBefore", `"blipId":"b+root","index":12,"element":{"type":"BUTTON","properties":{"name":"b"}}`, "12 BUTTON", `{}`},
		{ModifyElementAttrs, "document.element.modifyAttrs", `"blipId":"b+root","index":12,"element":{"type":"CHECK","properties":{"value":"true"}}`, "12 CHECK map[name:ok value:true]", `{}`},
		{ReplaceElement, "document.element.replace", `"blipId":"b+root","index":12,"element":{"type":"BUTTON","properties":{"name":"b"}}`, "12 BUTTON", `{}`},
	}
}

type spelling struct {
	method       Method
	old, params  string
	leaves, data string
}

// furnished is a wavelet with one of everything.
func furnished(t testing.TB) *writer {
	return newWavelet(t).
		blip("b+root", "", doc(t, `[{"insert":"Title","attributes":{"k":"v"}},{"insert":"\nsome "},
			{"insert":{"form":{"type":"CHECK","name":"ok","id":"c"}}},{"insert":" text\n"}]`)).
		commit(ann, wavelet.SetTag{Tag: "old"}, wavelet.SetData{Name: "d", Value: "was"})
}

// rendered is everything about a wavelet that operations change, in text. Ids
// made by chance are all written ID.
func rendered(t testing.TB, s *wavelet.State) string {
	t.Helper()
	var b strings.Builder
	var people []string
	for _, m := range s.Participants() {
		people = append(people, fmt.Sprintf("%s %s", m.Address, m.Role))
	}
	fmt.Fprintf(&b, "people %s\ntags %v\n", strings.Join(people, ", "), s.Tags())
	for _, name := range s.DataNames() {
		value, _ := s.Data(name)
		fmt.Fprintf(&b, "data %s=%s\n", name, value)
	}
	var blips []string
	for blip := range s.Blips() {
		entry := string(blip.ID)
		if blip.ID != "b+root" {
			entry += ":" + strings.TrimSpace(blip.Doc.Text())
		}
		blips = append(blips, entry)
	}
	fmt.Fprintf(&b, "blips %s\n", strings.Join(blips, ", "))
	c := contentOf(t, s, "b+root")
	fmt.Fprintf(&b, "text %q\nannotations %v\n", c.text, c.annotations())
	for _, el := range c.elements() {
		fmt.Fprintf(&b, "%d %s %v\n", el.at, el.Type, el.Properties)
	}
	return anyID(b.String())
}

func anyID(s string) string {
	return regexp.MustCompile(`b\+[\w-]{16}|"[A-Z2-7]{26}"`).ReplaceAllString(s, "ID")
}

func TestEverySpellingDoesTheSame(t *testing.T) {
	for _, tt := range spellings() {
		t.Run(string(tt.method), func(t *testing.T) {
			names := []string{string(tt.method), "wave." + string(tt.method)}
			if tt.old != "" {
				names = append(names, tt.old, "wave."+tt.old)
			}
			var first string
			for _, name := range names {
				w := furnished(t)
				ops := decode(t, fmt.Sprintf(`[{"method":%q,"id":"op1","params":{"waveId":"example.com!w+abc123","waveletId":"example.com/conv+root",%s}}]`,
					name, strings.Join(append([]string{`"proxyingFor":null`}, notEmpty(tt.params)...), ",")))
				out := Call{Robot: spell, State: w.state}.Apply(t.Context(), ops)
				noFailures(t, out)
				raw, err := json.Marshal(out.Results[0].Data)
				if err != nil {
					t.Fatal(err)
				}
				left := rendered(t, after(t, w.state, out))
				if !strings.Contains(left, tt.leaves) {
					t.Errorf("%s leaves\n%swant %s", name, left, tt.leaves)
				}
				if data := anyID(string(raw)); !strings.Contains(data, tt.data) {
					t.Errorf("%s answers %s, want %s", name, data, tt.data)
				}
				if first == "" {
					first = left
				}
				if left != first {
					t.Errorf("%s leaves\n%s%s left\n%s", name, left, names[0], first)
				}
			}
		})
	}
}

func notEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func TestNamesThatNothingIsDoneFor(t *testing.T) {
	w := newWavelet(t).blip("b+root", "", plain("a\n"))
	for name, code := range map[string]int{
		"wavelet.removeSelf": 501, "blip.setAuthor": 501, "blip.setCreationTime": 501, "document.append": 501,
		"document.appendStyledText": 501, "document.delete": 501, "document.insert": 501, "document.replace": 501,
		"robot.fetchMyProfile": 501, "robot.importSnapshot": 501, "robot.unheardOf": 404, "wave.": 404, "x": 404,
	} {
		for _, name := range []string{name, "wave." + name} {
			out := Call{Robot: spell, State: w.state}.Apply(t.Context(), decode(t, fmt.Sprintf(`[{"method":%q,"id":"op1","params":{}}]`, name)))
			if len(out.Answer.Failures) != 1 || out.Answer.Failures[0].Code != code || !strings.Contains(out.Answer.Failures[0].Message, strings.TrimPrefix(name, "wave.")) {
				t.Errorf("%s came to %+v, want code %d", name, out.Answer.Failures, code)
			}
		}
	}
}

// TestEveryOperationSaysWhatItLacks leaves out each parameter that an operation
// needs.
func TestEveryOperationSaysWhatItLacks(t *testing.T) {
	w := furnished(t)
	for _, tt := range []struct {
		method       Method
		params, says string
	}{
		{AppendBlip, ``, "blipData"},
		{CreateChild, `"blipData":{}`, "blipId"},
		{CreateChild, `"blipId":"b+root"`, "blipData"},
		{ContinueThread, `"blipData":{}`, "blipId"},
		{DeleteBlip, ``, "blipId"},
		{SetTitle, ``, "waveletTitle"},
		{AddParticipant, ``, "participantId"},
		{AddParticipant, `"participantId":"ann@example.com"`, "already"},
		{AddParticipant, `"participantId":"no address"`, "participantId"},
		{RemoveParticipant, ``, "participantId"},
		{RemoveParticipant, `"participantId":"zoe@example.com"`, "not a participant"},
		{ModifyRole, `"participantRole":"FULL"`, "participantId"},
		{ModifyRole, `"participantId":"bob@example.com"`, "participantRole"},
		{ModifyRole, `"participantId":"bob@example.com","participantRole":"KING"`, "KING"},
		{ModifyTag, ``, "name"},
		{ModifyTag, `"name":"x","modifyHow":"twice"`, "twice"},
		{SetDatadoc, `"datadocValue":"v"`, "datadocName"},
		{AppendDatadoc, `"datadocName":"d"`, "datadocValue"},
		{ModifyDocument, `"blipId":"b+root"`, "modifyAction"},
		{ModifyDocument, `"modifyAction":{"modifyHow":"DELETE"}`, "blipId"},
		{AppendMarkup, `"blipId":"b+root"`, "content"},
		{InsertInlineBlip, `"blipId":"b+root","blipData":{}`, "index"},
		{InsertInlineBlip, `"blipId":"b+root","blipData":{},"index":0`, "index 0"},
		{InsertInlineBlip, `"blipId":"b+root","blipData":{},"index":-1`, "index -1"},
		{InsertInlineBlip, `"blipId":"b+root","blipData":{},"index":99`, "index 99"},
		{InlineAfterElement, `"blipId":"b+root","blipData":{}`, "element"},
		{InlineAfterElement, `"blipId":"b+root","blipData":{},"element":{"type":"GADGET"}`, "GADGET"},
		{SetAnnotation, `"blipId":"b+root","range":{"start":1,"end":2}`, "annotation"},
		{SetAnnotation, `"blipId":"b+root","annotationKey":"a","value":"b"`, "range"},
		{DeleteElement, `"blipId":"b+root"`, "index"},
		{DeleteElement, `"blipId":"b+root","index":2`, "no element at index 2"},
		{ReplaceElement, `"blipId":"b+root","index":12`, "element"},
	} {
		out := Call{Robot: spell, State: w.state}.Apply(t.Context(), decode(t, fmt.Sprintf(`[{"method":%q,"id":"op1","params":{%s}}]`, tt.method, tt.params)))
		if len(out.Answer.Deltas) != 0 || len(out.Answer.Failures) != 1 || out.Answer.Failures[0].Code/100 != 4 || !strings.Contains(out.Answer.Failures[0].Message, tt.says) {
			t.Errorf("%s with {%s} came to %+v, want a failure that names %q", tt.method, tt.params, out.Answer, tt.says)
		}
	}
}
