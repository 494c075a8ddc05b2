package wavelet_test

import (
	"fmt"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

// Two lists of ops made for the same state lead to the same wavelet in either
// order, whatever they hold.
func TestConverge(t *testing.T) {
	base := conversation(t)
	must(t, base, ann, wavelet.SetTag{Tag: "t0"}, wavelet.SetData{Name: "d0", Value: "v"},
		wavelet.EditBlip{Blip: "b+2", Delta: insert(3, "a😀b👍🏽")})
	for range 10 { // of 100 cases each
		rapid.Check(t, func(t *rapid.T) {
			s := drawOps(t, base, "s")
			c := drawOps(t, base, "c")
			if server, client := bothWays(t, base, s, c); server != client {
				t.Fatalf("server %v\nclient %v\nat the server:\n%s\nat the client:\n%s", s, c, server, client)
			}
		})
	}
}

// A delta that missed several others, and is moved past them one by one, ends
// where the client ends that received them one by one.
func TestConvergeOverAHistory(t *testing.T) {
	base := conversation(t)
	rapid.Check(t, func(t *rapid.T) {
		server, client := base.Clone(), base.Clone()
		ops := drawOps(t, base, "c")
		if err := next(client, ann, ops...); err != nil {
			t.Fatalf("client: %v", err)
		}
		late := wavelet.Delta{Author: ann, Ops: ops}
		for i := range rapid.IntRange(1, 6).Draw(t, "missed") {
			s := drawOps(t, server, fmt.Sprintf("s%d", i))
			if err := next(server, bob, s...); err != nil {
				t.Fatalf("server: %v", err)
			}
			s2, mine := wavelet.TransformPair(s, late.Ops)
			late.Ops = mine
			if err := next(client, bob, s2...); err != nil {
				t.Fatalf("client: %v", err)
			}
		}
		if err := next(server, ann, late.Ops...); err != nil {
			t.Fatalf("server: %v", err)
		}
		if render(server) != render(client) {
			t.Fatalf("at the server:\n%s\nat the client:\n%s", render(server), render(client))
		}
	})
}

// drawOps makes up to six ops that apply one after the other to s. New things
// get ids with the prefix.
func drawOps(t *rapid.T, s *wavelet.State, prefix string) []wavelet.Op {
	s = s.Clone()
	var ops []wavelet.Op
	for i := range rapid.IntRange(1, 6).Draw(t, "ops") {
		op := drawOp(t, s, fmt.Sprintf("%s%d", prefix, i))
		if err := next(s, ann, op); err != nil {
			continue // a tombstone was drawn
		}
		ops = append(ops, op)
	}
	return ops
}

func drawOp(t *rapid.T, s *wavelet.State, id string) wavelet.Op {
	var blips []wavelet.BlipID
	var threads []wavelet.ThreadID
	for thread := range s.Threads() {
		threads = append(threads, thread.ID)
		blips = append(blips, thread.Blips...)
	}
	blip := rapid.SampledFrom(blips).Draw(t, "blip")
	who := rapid.SampledFrom([]wavelet.Participant{bob, cat, bot}).Draw(t, "who")
	role := wavelet.Role(rapid.IntRange(0, 2).Draw(t, "role"))
	yes := rapid.Bool().Draw(t, "yes")
	switch rapid.IntRange(0, 12).Draw(t, "kind") {
	case 0:
		return wavelet.CreateBlip{Blip: wavelet.BlipID("b+" + id), Thread: rapid.SampledFrom(threads).Draw(t, "thread"), Content: text(id + "\n")}
	case 1:
		return wavelet.DeleteBlip{Blip: blip}
	case 2:
		return wavelet.CreateThread{Thread: wavelet.ThreadID("t+" + id), Parent: blip}
	case 3, 4, 5:
		switch _, in := s.Role(who); {
		case !in:
			return wavelet.AddParticipant{Who: who, Role: role}
		case yes:
			return wavelet.RemoveParticipant{Who: who}
		}
		return wavelet.SetRole{Who: who, Role: role}
	case 6:
		return wavelet.SetTag{Tag: rapid.SampledFrom([]string{"t0", "t1"}).Draw(t, "tag"), Remove: yes}
	case 7:
		d := wavelet.SetData{Name: rapid.SampledFrom([]string{"d0", "d1"}).Draw(t, "data"), Remove: yes}
		if !yes {
			d.Value = rapid.SampledFrom([]string{"v", "w"}).Draw(t, "value")
		}
		return d
	case 8:
		return wavelet.ClickForm{Blip: blip, Element: "e"}
	}
	b, _ := s.Blip(blip)
	return wavelet.EditBlip{Blip: blip, Delta: drawEdit(t, b.Doc.Text())}
}

// drawEdit makes an edit of a document with the given text that cuts it between
// code points and spares its final newline.
func drawEdit(t *rapid.T, doc string) richtext.Delta {
	var edit richtext.Delta
	runes := []rune(doc)
	runes = runes[:len(runes)-1]
	units := func(n int) (units int) {
		for _, r := range runes[:n] {
			units += utf16.RuneLen(r)
		}
		runes = runes[n:]
		return units
	}
	bold := func() richtext.Attributes {
		switch rapid.IntRange(0, 3).Draw(t, "bold") {
		case 0:
			return richtext.Attr("bold", true)
		case 1:
			return richtext.Attr("color", rapid.SampledFrom([]string{"red", "blue"}).Draw(t, "color"))
		}
		return richtext.Attributes{}
	}
	for range rapid.IntRange(1, 4).Draw(t, "steps") {
		n := rapid.IntRange(0, min(len(runes), 5)).Draw(t, "length")
		switch rapid.IntRange(0, 2).Draw(t, "step") {
		case 0:
			edit = edit.Insert(rapid.SampledFrom([]string{"x", "yz", "😀", "\n"}).Draw(t, "text"), bold())
		case 1:
			edit = edit.Retain(units(n), bold())
		case 2:
			edit = edit.Delete(units(n))
		}
	}
	return edit.Chop()
}
