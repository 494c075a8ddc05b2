package web_test

import (
	"errors"
	"testing"

	"weir/store"
	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/reading"
)

func TestWhatIsReadIsNoted(t *testing.T) {
	memory := store.NewMemory()
	h := plan{memory: memory}.build(t)
	name := h.wave(bob)
	head := h.commit(name, wavelet.CreateBlip{Blip: "b+2"})
	marks := reading.New(memory)
	c := h.dial(bob, "")
	for _, step := range []struct {
		name   string
		params map[string]any
		unread int
	}{
		{"as it was before the reply", map[string]any{"version": head - 1}, 1},
		{"the reply", map[string]any{"blip": "b+2"}, 0},
		{"an old reading of all", map[string]any{"version": head - 1}, 0},
		{"an older one", map[string]any{"version": 0}, 0},
		{"the reply again", map[string]any{"blip": "b+2", "unread": true}, 1},
		{"all", map[string]any{}, 0},
		{"nothing", map[string]any{"unread": true}, 2},
	} {
		step.params["wave"], step.params["wavelet"] = name.Wave, name.Wavelet
		if err := c.Call(t.Context(), "wavelet.read", step.params, nil); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		r, err := marks.Of(bob, name)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Unread(h.state(name), bob); got != step.unread {
			t.Errorf("%s: %d unread, want %d", step.name, got, step.unread)
		}
	}
	for code, params := range map[int]map[string]any{
		client.CodePastHead:    {"version": head + 1},
		client.CodeUnknownBlip: {"blip": "b+none"},
	} {
		params["wave"], params["wavelet"] = name.Wave, name.Wavelet
		var refusal *client.Error
		if err := c.Call(t.Context(), "wavelet.read", params, nil); !errors.As(err, &refusal) || refusal.Code != code {
			t.Errorf("%v: %v, want code %d", params, err, code)
		}
	}
}
