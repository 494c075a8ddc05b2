package host

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"unicode/utf16"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

// scribble submits n random deltas of ann and bob, each against a version that
// may be old, and expects that none is refused but for what others did
// meanwhile.
func scribble(t testing.TB, h *Host, name wavelet.Name, random *rand.Rand, n int) {
	t.Helper()
	head := at(t, h, name, Head)
	base := head
	for i := range n {
		switch random.IntN(4) {
		case 0:
			base = head // stays behind until the next refresh
		case 1:
			head = at(t, h, name, Head)
		case 2:
			head = at(t, h, name, Head)
			base = head
		}
		d := wavelet.Delta{Base: base.Version(), Author: ann, Ops: randomOps(random, base)}
		if random.IntN(2) == 0 {
			d.Author = bob
		}
		if _, err := h.SubmitHuman(context.Background(), name, d); err != nil && !overtaken(err) {
			t.Errorf("delta %d %v on base %d: %v", i, d.Ops, d.Base, err)
			return
		}
	}
}

// overtaken reports whether a delta was refused for what was not so yet at its
// base.
func overtaken(err error) bool {
	r, ok := errors.AsType[*wavelet.Refusal](err)
	return ok && (r.Code == wavelet.CodeUnknownMember || r.Code == wavelet.CodeLimit)
}

// randomOps makes one to three ops that fit s.
func randomOps(random *rand.Rand, s *wavelet.State) []wavelet.Op {
	s = s.Clone()
	var ops []wavelet.Op
	for want := 1 + random.IntN(3); len(ops) < want; {
		op := randomOp(random, s)
		c := wavelet.Commit{Version: s.Version() + 1, Delta: wavelet.Delta{Author: ann, Ops: []wavelet.Op{op}}}
		if s.Apply(c) == nil {
			ops = append(ops, op)
		}
	}
	return ops
}

func randomOp(random *rand.Rand, s *wavelet.State) wavelet.Op {
	var blips []*wavelet.Blip
	for b := range s.Blips() {
		blips = append(blips, b)
	}
	blip := blips[random.IntN(len(blips))]
	yes := random.IntN(2) == 0
	who := wavelet.Participant(fmt.Sprintf("p%d@example.com", random.IntN(5)))
	switch kind := random.IntN(100); {
	case kind < 3:
		return wavelet.CreateBlip{Blip: wavelet.NewBlipID(), Thread: blip.Thread, Content: insert(0, "new 😀\n")}
	case kind < 4 && len(blips) > 1:
		return wavelet.DeleteBlip{Blip: blip.ID}
	case kind < 5:
		return wavelet.CreateThread{Thread: wavelet.NewThreadID(), Parent: blip.ID}
	case kind < 7:
		return wavelet.AddParticipant{Who: who, Role: wavelet.Role(random.IntN(3))}
	case kind < 8:
		return wavelet.RemoveParticipant{Who: who}
	case kind < 9:
		if _, in := s.Role(who); in {
			return wavelet.SetRole{Who: who, Role: wavelet.Role(random.IntN(3))}
		}
	case kind < 11:
		return wavelet.SetTag{Tag: fmt.Sprint(random.IntN(4)), Remove: yes}
	case kind < 13:
		return wavelet.SetData{Name: fmt.Sprint(random.IntN(4)), Value: fmt.Sprint(random.IntN(3)), Remove: yes}
	case kind < 14:
		return wavelet.ClickForm{Blip: blip.ID, Element: "e"}
	}
	return wavelet.EditBlip{Blip: blip.ID, Delta: randomEdit(random, blip.Doc.Text())}
}

// randomEdit makes an edit of a text that cuts it between code points, keeps
// its final newline, and lets it neither vanish nor grow for ever.
func randomEdit(random *rand.Rand, text string) richtext.Delta {
	runes := []rune(text)
	runes = runes[:len(runes)-1]
	skip := random.IntN(len(runes) + 1)
	edit := richtext.Delta{}.Retain(units(runes[:skip]), richtext.Attributes{})
	rest := runes[skip:]
	n := min(len(rest), random.IntN(6))
	switch kind := random.IntN(10); {
	case kind < 5 && len(runes) < 300:
		words := []string{"a", "word ", "😀", "two\nlines", "👍🏽"}
		edit = edit.Insert(words[random.IntN(len(words))], richtext.Attributes{})
	case kind < 8:
		edit = edit.Delete(units(rest[:n]))
	default:
		edit = edit.Retain(units(rest[:n]), richtext.Attr("bold", random.IntN(2) == 0))
	}
	return edit
}

func units(runes []rune) (n int) {
	for _, r := range runes {
		n += utf16.RuneLen(r)
	}
	return n
}
