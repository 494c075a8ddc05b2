package wiretest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"weir/robots/wiretest"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// fetch is the elements of a blip as robot.fetchWave shows them.
func (h *house) fetch(key string, blip wavelet.BlipID) map[string]wiretest.Element {
	h.t.Helper()
	body := `[{"method":"wave.robot.fetchWave","id":"f","params":{"waveId":"` + h.name.Wave + `","waveletId":"` + h.name.Wavelet + `"}}]`
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.rpcURL, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	var list []struct {
		Data struct {
			Blips map[wavelet.BlipID]struct{ Elements map[string]wiretest.Element }
		}
	}
	if err := json.Unmarshal(raw, &list); err != nil || len(list) != 1 {
		h.t.Fatalf("%v: %s", err, raw)
	}
	return list[0].Data.Blips[blip].Elements
}

// TestAButtonStaysClicked has a person press a button twice. Each time is told,
// once, and nothing else is; from then on the button reads as clicked, until the
// robot sets what it reads.
func TestAButtonStaysClicked(t *testing.T) {
	const bot = wavelet.Participant("poll@example.com")
	for _, dialect := range []wiretest.Dialect{wiretest.Python, wiretest.Java} {
		t.Run(string(dialect), func(t *testing.T) {
			h := build(t)
			c := &wiretest.Client{Dialect: dialect, Hash: "1"}
			for _, event := range []string{"FORM_BUTTON_CLICKED", "DOCUMENT_CHANGED", "ANNOTATED_TEXT_CHANGED", "BLIP_CONTRIBUTORS_CHANGED", "BLIP_SUBMITTED", "WAVELET_TAGS_CHANGED"} {
				c.On(event, "ALL", "", func(a *wiretest.Answer, e wiretest.Event) {
					if e.Type == "WAVELET_TAGS_CHANGED" && slices.Contains(a.Bundle.Wavelet["tags"].([]any), any("again")) {
						a.Modify("b+poll", object{"modifyHow": "UPDATE_ELEMENT", "elements": []any{object{"type": "BUTTON", "properties": object{"value": "Again?"}}}},
							object{"modifyQuery": object{"elementMatch": "BUTTON", "restrictions": object{"value": "clicked"}, "maxRes": 1}})
					}
				})
			}
			key := h.robot(bot, c)
			h.wave(bot)
			content, err := richtext.DecodeOps([]byte(`[{"insert":"vote "},{"insert":{"form":{"type":"BUTTON","name":"go","id":"f1"}},"attributes":{"value":"Yes"}},{"insert":"\n"}]`))
			if err != nil {
				t.Fatal(err)
			}
			h.does(wavelet.CreateBlip{Blip: "b+poll", Content: content})
			reads := func(want string) {
				t.Helper()
				el := h.fetch(key, "b+poll")["6"]
				if el.Type != "BUTTON" || el.Properties["name"] != "go" || el.Properties["value"] != want {
					t.Errorf("it reads %+v, want %q", el, want)
				}
			}
			reads("Yes")
			lines := func(prefix string) int {
				n := 0
				for _, line := range told(c) {
					if strings.HasPrefix(line, prefix) {
						n++
					}
				}
				return n
			}
			h.until("the blip is told", func() bool { return lines("BLIP_SUBMITTED") == 1 })
			before := lines("")
			for n := range 2 {
				h.does(wavelet.ClickForm{Blip: "b+poll", Element: "f1"})
				h.until("the click is told", func() bool { return lines("FORM_BUTTON_CLICKED by ann@example.com blipId=b+poll buttonName=go") == n+1 })
				reads("clicked")
			}
			h.does(wavelet.SetTag{Tag: "seen"})
			h.until("the tag is told", func() bool { return lines("WAVELET_TAGS_CHANGED") == 1 })
			if got := told(c)[before:]; len(got) != 3 {
				t.Errorf("two clicks and a tag told as %q", got)
			}
			last := c.Bundles()[len(c.Bundles())-1]
			if p := last.Blips["b+poll"].Elements["6"].Properties; p["value"] != "clicked" || p["name"] != "go" {
				t.Errorf("in a later bundle it has %v", p)
			}
			h.does(wavelet.SetTag{Tag: "again"})
			h.until("the robot sets it back", func() bool {
				b, _ := h.state().Blip("b+poll")
				value, _ := b.Doc.Delta()[1].Attributes().Text("value")
				return value == "Again?"
			})
			reads("Again?")
			h.does(wavelet.ClickForm{Blip: "b+poll", Element: "f1"})
			h.until("the last click is told", func() bool { return lines("FORM_BUTTON_CLICKED") == 3 })
			reads("clicked")
		})
	}
}
