package wiretest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"weir/robots/wire"
	"weir/robots/wiretest"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

const pybot = wavelet.Participant("pybot@example.com")

// object is an object of JSON.
type object = map[string]any

// answerMessage is what the robot does with a message: all that a robot of the
// time was used to do.
func answerMessage(a *wiretest.Answer, e wiretest.Event) {
	message := e.Text("blipId")
	a.Modify(message, object{"modifyHow": "REPLACE", "values": []string{"the"}}, object{"modifyQuery": object{"textMatch": "teh", "maxRes": -1}})
	a.Modify(message, object{"modifyHow": "INSERT", "values": []string{">"}}, object{"modifyQuery": object{"textMatch": "the", "maxRes": 1}})
	a.Modify(message, object{"modifyHow": "INSERT_AFTER", "values": []string{" [1]", " [2]"}}, object{"modifyQuery": object{"textMatch": "cat", "maxRes": -1}})
	a.Modify(message, object{"modifyHow": "ANNOTATE", "annotationKey": "style/color", "values": []string{"red"}}, object{"range": object{"start": -3, "end": -1}})
	a.Modify(message, object{"modifyHow": "CLEAR_ANNOTATION", "annotationKey": "lang"}, nil)
	a.Op("blip.delete", object{"blipId": "b+none"}) // fails alone
	a.Modify(message, object{"modifyHow": "DELETE"}, object{"range": object{"start": -1, "end": 0}})
	a.Modify(message, object{"modifyHow": "INSERT_AFTER", "elements": []any{object{"type": "GADGET", "properties": object{"url": "http://example.com/g.xml", "count": "1"}}}}, nil)
	a.Modify(message, object{"modifyHow": "UPDATE_ELEMENT", "elements": []any{object{"type": "GADGET", "properties": object{"url": nil, "count": "2"}}}},
		object{"modifyQuery": object{"elementMatch": "GADGET", "maxRes": -1, "restrictions": object{"url": "http://example.com/g.xml"}}})
	reply := a.NewBlip("blip.createChild", message, "", nil)
	a.Modify(reply, object{"modifyHow": "INSERT_AFTER", "values": []string{"on it 😀"}, "bundledAnnotations": []any{object{"key": "style/fontWeight", "value": "bold"}}}, nil)
	a.Op("document.appendMarkup", object{"blipId": reply, "content": ", <i>soon</i><br />done"})
	a.NewBlip("document.insertInlineBlip", message, "\ninline", object{"index": 3})
	a.NewBlip("wavelet.appendBlip", "", "\nappended", nil)
	a.Op("wavelet.addParticipant", object{"participantId": "carl@example.com"})
	a.Op("wavelet.modifyTag", object{"name": "seen"})
	a.Op("wavelet.setDatadoc", object{"datadocName": "state", "datadocValue": "1"})
	a.Op("wavelet.setTitle", object{"waveletTitle": "Of cats"})
	wave, root := a.NewWave("example.com", "ann@example.com", "carl@example.com")
	a.ModifyIn(wave, "example.com!conv+root", root, object{"modifyHow": "INSERT_AFTER", "values": []string{"elsewhere 😀"}}, nil)
	a.In(wave, "example.com!conv+root", "wavelet.setTitle", object{"waveletTitle": "Elsewhere"})
}

// TestPythonRobot is a typical robot: it greets when it is added, answers
// messages when they are submitted, and is told of the operation that failed.
func TestPythonRobot(t *testing.T) {
	for _, dialect := range []wiretest.Dialect{wiretest.Python, wiretest.Java} {
		t.Run(string(dialect), func(t *testing.T) {
			h := build(t)
			failed := make(chan string, 10)
			c := &wiretest.Client{Dialect: dialect, Hash: "0xd67016bL", Name: "Py Bot", ImageURL: "http://example.com/py.png", ProfileURL: "http://example.com/py"}
			c.On("WAVELET_SELF_ADDED", "", "", func(a *wiretest.Answer, _ wiretest.Event) { a.NewBlip("wavelet.appendBlip", "", "\nhello", nil) })
			c.On("BLIP_SUBMITTED", "SELF,PARENT", "teh cat", answerMessage)
			c.On("OPERATION_ERROR", "SELF", "", func(_ *wiretest.Answer, e wiretest.Event) { failed <- fmt.Sprint(e.Text("operationId"), e.ModifiedBy) })
			key := h.robot(pybot, c)
			h.wave(pybot)
			h.until("the robot is shown as it wants to be", func() bool {
				return h.directory.Shown(pybot) == wire.Profile{Address: pybot, Name: c.Name, ImageURL: c.ImageURL, ProfileURL: c.ProfileURL}
			})
			h.until("the robot greets", func() bool { return strings.Contains(h.state().Text(), "hello") })
			const message = wavelet.BlipID("b+message")
			h.does(wavelet.CreateBlip{Blip: message, Content: richtext.Delta{}.Insert("😀 teh cat and teh cat!?\n", richtext.Attr("lang", "en"))})
			h.until("the robot answers", func() bool { return slices.Contains(h.state().Tags(), "seen") })
			checkAnswer(t, h, message)
			h.types(message, 0, "more ") // for a bundle that can carry the error
			h.until("the robot is told what failed", func() bool { return len(failed) > 0 })
			if got := <-failed; !strings.HasPrefix(got, "op") || !strings.HasSuffix(got, string(pybot)) {
				t.Errorf("what failed is %q", got)
			}
			fetches(t, h, key)
			for _, b := range c.Bundles() {
				if b.RPCServerURL != h.rpcURL || b.RobotAddress != string(pybot) {
					t.Errorf("a bundle names %s and %s", b.RPCServerURL, b.RobotAddress)
				}
			}
		})
	}
}

// checkAnswer looks at all that the robot did.
func checkAnswer(t *testing.T, h *house, message wavelet.BlipID) {
	s := h.state()
	b, _ := s.Blip(message)
	if got := b.Doc.Text(); strings.ReplaceAll(got, string(richtext.EmbedRune), "_") != "😀_ >the cat [1] and the cat [2]!_\n" {
		t.Errorf("the message reads %q", got)
	}
	var red, lang, gadget string
	for _, op := range b.Doc.Delta() {
		if v, ok := op.Attributes().Text("color"); ok && v == "red" {
			red += op.Text()
		}
		if _, ok := op.Attributes().Get("lang"); ok {
			lang += op.Text()
		}
		if op.Embed().Key() == "gadget" {
			gadget, _ = op.Attributes().Text("g/count")
		}
	}
	if red != "]!" || strings.TrimSuffix(lang, "\n") != "" || gadget != "2" {
		t.Errorf("red is %q, lang on %q, the gadget counts %q", red, lang, gadget)
	}
	for _, want := range []string{"on it 😀, soon\ndone\n", "inline\n", "appended\n"} {
		if !strings.Contains(s.Text(), want) {
			t.Errorf("there is no %q in %q", want, s.Text())
		}
	}
	if _, ok := s.Role("carl@example.com"); !ok || s.Title() != "Of cats" {
		t.Errorf("the wave is called %q and has %v", s.Title(), s.Participants())
	}
	if v, _ := s.Data("state"); v != "1" {
		t.Errorf("the data document reads %q", v)
	}
	h.until("there is a second wave", func() bool {
		for name, err := range h.host.Of(t.Context(), "carl@example.com") {
			if err == nil && name != h.name && strings.HasPrefix(h.stateOf(name).Text(), "Elsewhere\n") {
				return h.stateOf(name).Title() == "Elsewhere"
			}
		}
		return false
	})
}

// fetches fetches the wave by the active API, in the way of the Python client.
func fetches(t *testing.T, h *house, key string) {
	body := fmt.Sprintf(`[{"method":"wave.robot.fetchWave","id":"op1","params":{"waveId":%q,"waveletId":%q}}]`, h.name.Wave, h.name.Wavelet)
	r, err := http.NewRequestWithContext(t.Context(), "POST", h.rpcURL, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var results []struct {
		Data struct {
			WaveletData struct{ Title, WaveID string }
			Blips       map[string]any
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&results); err != nil || len(results) != 1 {
		t.Fatalf("%v, %v", results, err)
	}
	if d := results[0].Data; d.WaveletData.Title != "Of cats" || len(d.Blips) != h.state().Living() {
		t.Errorf("fetched %+v", d)
	}
}
