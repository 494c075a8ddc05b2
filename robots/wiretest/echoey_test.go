package wiretest_test

import (
	"strings"
	"testing"

	"weir/robots/wiretest"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// shadowOf is the id of Echoey's blip with some text.
func (h *house) shadowOf(robot wavelet.Participant, text string) wavelet.BlipID {
	for b := range h.state().Blips() {
		if b.Creator == robot && strings.TrimSuffix(b.Doc.Text(), "\n") == text {
			return b.ID
		}
	}
	return ""
}

// TestEchoey has the robot shadow new blips, in the root thread and in a reply,
// and follow what is written and annotated there.
func TestEchoey(t *testing.T) {
	const echoey = wavelet.Participant("echoey@example.com")
	h := build(t)
	h.robot(echoey, wiretest.Echoey())
	h.wave(echoey)
	h.does(wavelet.CreateBlip{Blip: "b+new", Content: richtext.Delta{}.Insert("a 😀 new one\n", richtext.Attributes{})})
	h.until("the new blip has a shadow", func() bool { return h.shadowOf(echoey, "a 😀 new one") != "" })
	shadow := h.shadowOf(echoey, "a 😀 new one")
	h.types("b+new", 4, " very")
	h.until("the shadow follows", func() bool { return h.text(shadow) == "a 😀 very new one" })
	h.does(wavelet.EditBlip{Blip: "b+new", Delta: richtext.Delta{}.Retain(5, richtext.Attributes{}).Retain(4, richtext.Attr("bold", true))})
	h.until("the shadow is annotated in the same place", func() bool {
		b, _ := h.state().Blip(shadow)
		for _, op := range b.Doc.Delta() {
			if v, ok := op.Attributes().Get("bold"); ok && v == "true" {
				return op.Text() == "very"
			}
		}
		return false
	})
	h.does(
		wavelet.CreateThread{Thread: "b+reply", Parent: "b+new"},
		wavelet.CreateBlip{Blip: "b+reply", Thread: "b+reply", Content: richtext.Delta{}.Insert("in a reply\n", richtext.Attributes{})})
	h.until("a reply has a shadow", func() bool { return h.shadowOf(echoey, "in a reply") != "" })
	b, _ := h.state().Blip(h.shadowOf(echoey, "in a reply"))
	if b.Thread != "b+reply" {
		t.Errorf("the reply's shadow is in thread %q", b.Thread)
	}
	if n := h.state().Living(); n != 6 {
		t.Errorf("%d blips, want the root, two others and a shadow of each: %q", n, h.state().Text())
	}
}
