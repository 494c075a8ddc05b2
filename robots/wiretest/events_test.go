package wiretest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"weir/robots/wiretest"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// told is the events that a robot has had, each as its type, who and properties.
func told(c *wiretest.Client) []string {
	var all []string
	for _, b := range c.Bundles() {
		for _, e := range b.Events {
			line := e.Type + " by " + e.ModifiedBy
			for _, name := range slices.Sorted(maps.Keys(e.Properties)) {
				line += fmt.Sprintf(" %s=%v", name, e.Properties[name])
			}
			all = append(all, line)
		}
	}
	return all
}

// everyEvent is the events that are told as they happen; the two others of the
// protocol are results of operations.
var everyEvent = []string{
	"WAVELET_SELF_ADDED", "WAVELET_SELF_REMOVED", "WAVELET_PARTICIPANTS_CHANGED", "WAVELET_BLIP_CREATED", "WAVELET_BLIP_REMOVED",
	"WAVELET_TITLE_CHANGED", "WAVELET_TAGS_CHANGED", "BLIP_SUBMITTED", "BLIP_CONTRIBUTORS_CHANGED", "DOCUMENT_CHANGED",
	"ANNOTATED_TEXT_CHANGED", "FORM_BUTTON_CLICKED", "GADGET_STATE_CHANGED", "OPERATION_ERROR",
}

// TestEveryEvent has everything happen that a robot can be told of, to a robot
// of either dialect that asks for all of it.
func TestEveryEvent(t *testing.T) {
	const bot, bob = wavelet.Participant("all@example.com"), wavelet.Participant("bob@example.com")
	none := richtext.Attributes{}
	insert := func(text string) richtext.Delta { return richtext.Delta{}.Insert(text, none) }
	mark := func(at, n int, key string, value any) richtext.Delta {
		return richtext.Delta{}.Retain(at, none).Retain(n, richtext.Attr(key, value))
	}
	embed := func(raw string) wavelet.Op {
		d, err := richtext.DecodeOps([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		return wavelet.EditBlip{Blip: "b+1", Delta: d}
	}
	for _, dialect := range []wiretest.Dialect{wiretest.Python, wiretest.Java} {
		t.Run(string(dialect), func(t *testing.T) {
			h := build(t)
			c := &wiretest.Client{Dialect: dialect, Hash: "1"}
			for _, event := range everyEvent {
				c.On(event, "SELF", "", func(a *wiretest.Answer, e wiretest.Event) {
					if e.Type == "WAVELET_TAGS_CHANGED" {
						a.Op("blip.delete", object{"blipId": "b+none"})
					}
				})
			}
			h.robot(bot, c)
			h.wave(bot)
			root := h.state().Root()
			step := func(want string, op wavelet.Op) {
				t.Helper()
				if op != nil {
					h.does(op)
				}
				h.until(want, func() bool {
					return slices.ContainsFunc(told(c), func(line string) bool { return strings.HasPrefix(line, want) })
				})
			}
			by := func(typ, rest string) string { return fmt.Sprintf("%s by %s blipId=%s", typ, ann, rest) }
			step(by("WAVELET_SELF_ADDED", string(root)), nil)
			step(by("WAVELET_PARTICIPANTS_CHANGED", string(root)+" participantsAdded=[bob@example.com] participantsRemoved=[]"), wavelet.AddParticipant{Who: bob})
			step(by("WAVELET_BLIP_CREATED", string(root)+" newBlipId=b+1"), wavelet.CreateBlip{Blip: "b+1", Content: insert("some words\n")})
			step(by("BLIP_SUBMITTED", "b+1"), nil)
			step(by("DOCUMENT_CHANGED", "b+1"), wavelet.EditBlip{Blip: "b+1", Delta: insert("😀 ")})
			step(by("ANNOTATED_TEXT_CHANGED", "b+1 name=style/fontWeight value=bold"), wavelet.EditBlip{Blip: "b+1", Delta: mark(3, 4, "bold", true)})
			step(by("ANNOTATED_TEXT_CHANGED", "b+1 name=style/fontWeight value=<nil>"), wavelet.EditBlip{Blip: "b+1", Delta: mark(3, 4, "bold", nil)})
			step(by("WAVELET_TITLE_CHANGED", string(root)+" title=A title"), wavelet.SetTitle{Title: "A title"})
			h.does(embed(`[{"retain":3},{"insert":{"gadget":{"id":"g1","url":"http://example.com/g.xml"}},"attributes":{"g/count":"1"}},
				{"insert":{"form":{"type":"BUTTON","name":"go","id":"f1"}}}]`))
			h.until("the gadget is seen", func() bool {
				return slices.ContainsFunc(c.Bundles(), func(b *wiretest.Bundle) bool {
					blip := b.Blips["b+1"]
					return blip != nil && blip.Elements["4"].Type == "GADGET" && blip.Elements["5"].Type == "BUTTON"
				})
			})
			step(by("GADGET_STATE_CHANGED", "b+1 index=4 oldState=map[count:1]"), embed(`[{"retain":3},{"retain":1,"attributes":{"g/count":"2"}}]`))
			step(by("FORM_BUTTON_CLICKED", "b+1 buttonName=go"), wavelet.ClickForm{Blip: "b+1", Element: "f1"})
			clicked := slices.ContainsFunc(c.Bundles(), func(b *wiretest.Bundle) bool {
				return slices.ContainsFunc(b.Events, func(e wiretest.Event) bool { return e.Type == "FORM_BUTTON_CLICKED" }) &&
					b.Blips["b+1"].Elements["5"].Properties["value"] == "clicked"
			})
			if !clicked {
				t.Error("a button that was clicked does not read as clicked")
			}
			if _, err := h.host.SubmitHuman(t.Context(), h.name, wavelet.Delta{Author: bob, Base: h.state().Version(),
				Ops: []wavelet.Op{wavelet.EditBlip{Blip: "b+1", Delta: insert("I too: ")}}}); err != nil {
				t.Fatal(err)
			}
			step("BLIP_CONTRIBUTORS_CHANGED by bob@example.com blipId=b+1 contributorsAdded=[bob@example.com] contributorsRemoved=[]", nil)
			step(by("WAVELET_TAGS_CHANGED", string(root)), wavelet.SetTag{Tag: "t"})
			h.types(root, 0, "x")
			step("OPERATION_ERROR by all@example.com blipId=<nil> code=404 message=", nil)
			step(by("WAVELET_BLIP_REMOVED", string(root)+" removedBlipId=b+1"), wavelet.DeleteBlip{Blip: "b+1"})
			step(by("WAVELET_SELF_REMOVED", string(root)), wavelet.RemoveParticipant{Who: bot})
			checkTimes(t, c)
		})
	}
}

// checkTimes wants every event to have its time, and every type to have come.
func checkTimes(t *testing.T, c *wiretest.Client) {
	seen := map[string]bool{}
	for _, b := range c.Bundles() {
		for _, e := range b.Events {
			seen[e.Type] = true
			if e.Timestamp < 1e12 {
				t.Errorf("a %s at %v", e.Type, e.Timestamp)
			}
		}
	}
	for _, event := range everyEvent {
		if !seen[event] {
			t.Errorf("%s was never told", event)
		}
	}
}
