package live

import (
	"strings"
	"testing"

	"weir/sim"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// TestAgentsEditWhatTheyHaveWritten has an agent write more lines than it has blips
// for: at first messages, then each blip's line gives way to a new one, once.
func TestAgentsEditWhatTheyHaveWritten(t *testing.T) {
	r := &run{written: map[int]*written{}}
	b := &robot{Habits: &sim.Habits{Robot: &sim.Robot{Operations: 3}, Address: "agent@weir.local"}}
	in := newRoom("main")
	edited := map[string]bool{}
	for n := range 2 * robotBlips {
		line := r.number(nil)
		tool, args := r.phrase(b, in, line)
		if n < robotBlips {
			text, _ := args["text"].(string)
			if tool != "reply" || !strings.HasPrefix(text, line+"\n") || strings.Count(text, "\n") != 2 {
				t.Fatalf("line %d is written by %s %q", n, tool, args)
			}
			blip := wavelet.NewBlipID()
			in.own[b.Address] = append(in.own[b.Address], blip)
			in.page(wavelet.CreateBlip{Blip: blip, Content: richtext.Delta{}.Insert(text+"\n", richtext.Attributes{})})
			continue
		}
		blip, _ := args["blip"].(string)
		find, _ := args["find"].(string)
		if tool != "edit_text" || args["replace"] != line || edited[blip] || find == "" || strings.Count(in.text(wavelet.BlipID(blip)), find) != 1 {
			t.Fatalf("line %d is written by %s %q", n, tool, args)
		}
		edited[blip] = true
	}
}
