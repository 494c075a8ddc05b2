package rpc_test

import (
	"fmt"
	"strings"
	"testing"

	"weir/wavelet"
)

// fetched is what a robot learns by fetching: the text, and the token of each lane.
func (h *house) fetched(key string, name wavelet.Name) (text string, news map[string]string) {
	h.t.Helper()
	data := h.call(key, `[{"method":"robot.fetchWave","id":"f","params":{`+ids(name)+`}}]`)[0].Data
	news = map[string]string{}
	entries, _ := data["news"].([]any)
	for _, e := range entries {
		n := e.(map[string]any)
		news[n["lane"].(string)] = n["token"].(string)
	}
	for _, b := range data["blips"].(map[string]any) {
		text += b.(map[string]any)["content"].(string)
	}
	return text, news
}

// writes has a robot write a message that shows a token, and gives its lineage.
func (h *house) writes(key string, name wavelet.Name, token, text string) wavelet.Cause {
	h.t.Helper()
	before := h.state(name).Version()
	for _, e := range h.call(key, fmt.Sprintf(`[{"method":"robot.notify","id":"n","params":{"bundle":%q}},
		{"method":"wavelet.appendBlip","id":"a","params":{%s,"blipData":{"content":%q}}}]`, token, ids(name), "\n"+text)) {
		if e.Error != nil {
			h.t.Fatalf("%+v", e.Error)
		}
	}
	for c, err := range h.host.Read(h.t.Context(), name, before) {
		if err != nil {
			h.t.Fatal(err)
		}
		return c.Delta.Cause
	}
	h.t.Fatal("nothing was written")
	return wavelet.Cause{}
}

func TestToFetchIsToBeTold(t *testing.T) {
	h := build(t)
	first, second := h.register(echo, "", "unlimited"), h.register(other, "", "unlimited")
	name := h.wave(echo, other)
	h.types(name, "Hello.")
	text, news := h.fetched(first, name)
	if !strings.Contains(text, "Hello.") || len(news) != 1 || news["human"] == "" {
		t.Fatalf("told of %q, and %v", text, news)
	}
	raw := h.call(first, `[{"method":"robot.fetchWave","id":"f","params":{`+ids(name)+`}}]`)[0].Data["limits"]
	if l, _ := raw.(map[string]any); l["robot"] != string(echo) || l["profile"] != "unlimited" {
		t.Errorf("limits %v", raw)
	}
	if c := h.writes(first, name, news["human"], "Hello, ann."); c.Kind != wavelet.Robot || c.Depth != 1 || c.Exact != 1 || c.Parent != ann {
		t.Errorf("an answer to ann: %+v", c)
	}
	text, news = h.fetched(second, name)
	if !strings.Contains(text, "Hello, ann.") || news["human"] == "" || news["robot"] == "" {
		t.Fatalf("told of %q, and %v", text, news)
	}
	if c := h.writes(second, name, news["robot"], "Hello, echo."); c.Kind != wavelet.Robot || c.Depth != 2 || c.Exact != 2 || c.Parent != echo {
		t.Errorf("an answer to a robot: %+v", c)
	}
	if _, news = h.fetched(first, name); news["robot"] == "" {
		t.Fatalf("told of %v", news)
	}
	if c := h.writes(first, name, "", "Hello, whoever."); c.Kind != wavelet.Assumed || c.Depth != 3 || c.Parent != other {
		t.Errorf("an answer that shows nothing: %+v", c)
	}
	list := h.call(second, `[{"method":"robot.exportSnapshot","id":"x","params":{`+ids(name)+`}}]`)
	if raw, _ := list[0].Data["rawSnapshot"].(string); !strings.Contains(raw, "Hello, whoever.") {
		t.Fatalf("a snapshot %q", raw)
	}
	if c := h.writes(second, name, "", "I have seen it all."); c.Kind != wavelet.Assumed || c.Depth != 4 || c.Parent != echo {
		t.Errorf("what a snapshot tells is told: %+v", c)
	}
}
