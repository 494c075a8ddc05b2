package wiretest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/governor"
	"weir/robots/wiretest"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// TestAnswersToOtherWavelets has a robot of either dialect answer one bundle with
// operations on other wavelets: one in which it takes part, one in which it does
// not, and one that it was put out of.
func TestAnswersToOtherWavelets(t *testing.T) {
	const bot = wavelet.Participant("everywhere@example.com")
	for _, dialect := range []wiretest.Dialect{wiretest.Python, wiretest.Java} {
		t.Run(string(dialect), func(t *testing.T) {
			h := build(t)
			var shared, theirs, former wavelet.Name
			c := &wiretest.Client{Dialect: dialect, Hash: "1"}
			c.On("OPERATION_ERROR", "", "", nil)
			c.On("WAVELET_TITLE_CHANGED", "SELF", "", func(a *wiretest.Answer, e wiretest.Event) {
				if e.Text("title") != "go" {
					return
				}
				for _, name := range []wavelet.Name{theirs, former, shared} {
					a.In(name.Wave, name.Wavelet, "wavelet.setTitle", object{"waveletTitle": "Told"})
					a.ModifyIn(name.Wave, name.Wavelet, "b+note", object{"modifyHow": "INSERT_AFTER", "values": []string{" 😀!"}},
						object{"modifyQuery": object{"textMatch": "note", "maxRes": 1}})
				}
				a.NewBlip("wavelet.appendBlip", "", "\nDone.", nil)
			})
			h.robot(bot, c)
			note := wavelet.CreateBlip{Blip: "b+note", Content: richtext.Delta{}.Insert("a note\n", richtext.Attributes{})}
			h.wave(bot)
			shared = h.name
			h.does(note)
			h.wave()
			theirs = h.name
			h.does(note)
			h.wave(bot)
			former = h.name
			h.does(note)
			h.wave(bot)
			h.evict(wavelet.Seat{Wavelet: former, Robot: bot})

			h.does(wavelet.SetTitle{Title: "go"})
			h.until("the answer here", func() bool { return strings.Contains(h.state().Text(), "Done.") })
			h.until("the answer there", func() bool { return h.stateOf(shared).Title() == "Told" })
			if got := h.stateOf(shared).Text(); !strings.HasSuffix(got, "a note 😀!\n") {
				t.Errorf("the shared wavelet reads %q", got)
			}
			for _, name := range []wavelet.Name{theirs, former} {
				if s := h.stateOf(name); s.Title() == "Told" || strings.Contains(s.Text(), "😀") {
					t.Errorf("%s reads %q", name, s.Text())
				}
			}
			h.does(wavelet.SetTitle{Title: "what failed"})
			h.until("four failures are told", func() bool {
				failed := slices.DeleteFunc(told(c), func(line string) bool { return !strings.HasPrefix(line, "OPERATION_ERROR") })
				return len(failed) == 4
			})
			var kinds []string
			for _, line := range told(c) {
				if strings.HasPrefix(line, "OPERATION_ERROR") {
					kinds = append(kinds, fmt.Sprint(strings.Contains(line, "code=403"), strings.Contains(line, "evicted")))
				}
			}
			if want := []string{"true false", "true false", "true true", "true true"}; !slices.Equal(kinds, want) {
				t.Errorf("failures %q of %q", kinds, told(c))
			}
		})
	}
}

// evict has the governor put a robot out of a wavelet.
func (h *house) evict(seat wavelet.Seat) {
	h.t.Helper()
	now := time.Now()
	deep := governor.Delivery{Seat: seat, Bundle: "b", RobotLane: true, Author: "other@example.com", Sent: now,
		Cause: wavelet.Cause{ID: "c", Depth: 15, Exact: 15, Kind: wavelet.Robot}}
	if v := h.governor.Answer(now, governor.Answer{Robot: seat.Robot, Wavelet: seat.Wavelet, Delta: "x", Named: deep}); len(v.Acts) != 1 {
		h.t.Fatalf("%+v", v)
	}
}
