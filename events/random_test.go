package events_test

import (
	"math/rand/v2"
	"testing"

	"weir/events"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// randomEdit is a small change of a document, often one that undoes another.
func randomEdit(rnd *rand.Rand, length int) richtext.Delta {
	at := rnd.IntN(length)
	d := richtext.Delta(nil).Retain(at, none)
	n := min(1+rnd.IntN(3), length-1-at)
	switch rnd.IntN(5) {
	case 0, 1:
		return d.Insert([]string{"a", "ab", "ä", "😀"}[rnd.IntN(4)], none)
	case 2:
		return d.Delete(n)
	case 3:
		return d.Retain(n, richtext.Attr("bold", []any{true, nil}[rnd.IntN(2)]))
	}
	return d.Insert("b", richtext.Attr("bold", true)).Delete(n)
}

// Between the two lanes something is told of a blip if, and only if, it is not
// as it was.
func TestToldIfAndOnlyIfChanged(t *testing.T) {
	silent, idle := 0, 0
	for seed := range uint64(1500) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		s := begin(t)
		s.human(ann, wavelet.CreateBlip{Blip: "b+2", Content: insert("abab\n")})
		from := s.state.Version()
		for range 1 + rnd.IntN(4) {
			blip, _ := s.state.Blip("b+2")
			d := randomEdit(rnd, blip.Doc.Len())
			if len(d) == 0 || blip.Doc.Check(d) != nil {
				continue
			}
			if rnd.IntN(2) == 0 {
				s.human([]wavelet.Participant{ann, bob}[rnd.IntN(2)], edit("b+2", d))
			} else {
				s.robot(other, edit("b+2", d))
			}
		}
		before, _ := s.at[from].Blip("b+2")
		after, _ := s.state.Blip("b+2")
		changed := !before.Doc.Delta().Equal(after.Doc.Delta())
		told := map[events.Lane]int{}
		for _, lane := range []events.Lane{events.HumanLane, events.RobotLane} {
			for _, e := range s.window(echo, lane, from).Events() {
				if e.Type == events.DocumentChanged || e.Type == events.AnnotatedTextChanged {
					told[lane]++
				}
				if byRobot := e.ModifiedBy == other; byRobot != (lane == events.RobotLane) {
					t.Errorf("seed %d: an event by %s in the %s lane", seed, e.ModifiedBy, lane)
				}
			}
		}
		if any := told[events.HumanLane]+told[events.RobotLane] > 0; any != changed {
			t.Errorf("seed %d: changed is %v, told is %v: %s became %s", seed, changed, told, before.Doc.Delta(), after.Doc.Delta())
		}
		if !changed {
			silent++
			if s.state.Version() > from {
				idle++
			}
		}
	}
	if idle < 20 {
		t.Errorf("only %d of %d unchanged windows had deltas; the test proves little", idle, silent)
	}
}
