package wire

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"weir/wavelet"
)

// TestWhatIsHeldBackIsNotShown fetches a wavelet of which the newest blip is held
// back, and one of which nothing is, with and without changes of the robot's own.
func TestWhatIsHeldBackIsNotShown(t *testing.T) {
	w := newWavelet(t).blip("b+root", "", plain("seen\n"))
	before := w.state.Clone()
	w.blip("b+new", "", plain("later\n"))
	const fetch, export = `{"method":"robot.fetchWave","id":"f"}`, `{"method":"robot.exportSnapshot","id":"f"}`
	const change = `{"method":"wavelet.appendBlip","id":"1","params":{"blipData":{"content":"mine"}}},`
	for _, x := range []struct {
		what, ops string
		held      time.Duration
		want      string // of seen, later and mine
	}{
		{"held back", fetch, time.Minute, "seen"},
		{"held back, after a change", change + fetch, time.Minute, "seen"},
		{"held back from a snapshot", export, time.Minute, "seen"},
		{"not held back", fetch, 0, "seen later"},
		{"not held back, after a change", change + fetch, 0, "seen later mine"},
		{"a snapshot", change + export, 0, "seen later"},
	} {
		c := Call{Robot: spell, State: w.state, Read: func(_ context.Context, name wavelet.Name) (Shown, error) {
			shown := Shown{State: w.state, Held: x.held, News: []News{{"human", "token"}}}
			if x.held > 0 {
				shown.State = before
			}
			if name != testName() {
				t.Errorf("%s: asked for %s", x.what, name)
			}
			return shown, nil
		}}
		out := c.Apply(t.Context(), decode(t, "["+x.ops+"]"))
		raw, err := json.Marshal(out.Results[len(out.Results)-1].Data)
		if err != nil || len(out.Answer.Failures) > 0 {
			t.Fatal(x.what, err, out.Answer.Failures)
		}
		for _, word := range []string{"seen", "later", "mine"} {
			if strings.Contains(string(raw), word) != strings.Contains(x.want, word) {
				t.Errorf("%s: want %q of %s", x.what, x.want, raw)
			}
		}
		if strings.Contains(x.ops, fetch) && (strings.Contains(string(raw), `"heldMs":60000`) != (x.held > 0) || !strings.Contains(string(raw), `"news":[{"lane":"human","token":"token"}]`)) {
			t.Errorf("%s: %s", x.what, raw)
		}
	}
}

func TestAFetchThatIsRefused(t *testing.T) {
	w := newWavelet(t).blip("b+root", "", plain("seen\n"))
	for want, err := range map[int]error{
		403: &wavelet.Refusal{Code: wavelet.CodeEvicted, Reason: "it was put out"},
		503: errors.New("the disk is away"),
	} {
		c := Call{Robot: spell, State: w.state, Read: func(context.Context, wavelet.Name) (Shown, error) { return Shown{}, err }}
		for _, method := range []string{"robot.fetchWave", "robot.exportSnapshot"} {
			out := c.Apply(t.Context(), decode(t, `[{"method":"`+method+`","id":"f"}]`))
			if f := out.Results[0].Failure; f == nil || f.Code != want {
				t.Errorf("%s, %v: %+v, want %d", method, err, f, want)
			}
		}
	}
}
