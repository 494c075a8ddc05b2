package wavelet_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

const (
	ann = wavelet.Participant("ann@example.com")
	bob = wavelet.Participant("bob@example.com")
	cat = wavelet.Participant("cat@example.com")
	bot = wavelet.Participant("bot@example.com")
)

var (
	name  = wavelet.Name{Wave: "example.com!w+abc", Wavelet: "example.com!conv+root"}
	start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// text is a document or an insertion of plain text.
func text(s string) richtext.Delta { return richtext.Delta{}.Insert(s, richtext.Attributes{}) }

// insert puts text at a position.
func insert(at int, s string) richtext.Delta {
	return richtext.Delta{}.Retain(at, richtext.Attributes{}).Insert(s, richtext.Attributes{})
}

// remove deletes units from a position on.
func remove(at, n int) richtext.Delta {
	return richtext.Delta{}.Retain(at, richtext.Attributes{}).Delete(n)
}

// next applies ops by an author as the next version.
func next(s *wavelet.State, author wavelet.Participant, ops ...wavelet.Op) error {
	v := s.Version() + 1
	return s.Apply(wavelet.Commit{
		Wavelet: name, Version: v, At: start.Add(time.Duration(v) * time.Second),
		Delta: wavelet.Delta{ID: wavelet.DeltaID(fmt.Sprintf("d/%d", v)), Author: author, Base: v - 1, Ops: ops},
	})
}

// must is next that has to succeed.
func must(t testing.TB, s *wavelet.State, author wavelet.Participant, ops ...wavelet.Op) {
	t.Helper()
	if err := next(s, author, ops...); err != nil {
		t.Fatalf("apply at version %d: %v", s.Version(), err)
	}
}

// conversation is a wavelet with three participants and three blips, b+1 with
// a reply b+3 below it.
func conversation(t testing.TB) *wavelet.State {
	t.Helper()
	s := wavelet.NewState(name)
	must(t, s, ann, wavelet.AddParticipant{Who: ann}, wavelet.AddParticipant{Who: bob, Role: wavelet.Comment},
		wavelet.AddParticipant{Who: cat, Role: wavelet.Read}, wavelet.CreateBlip{Blip: "b+1", Content: text("Plans\nwe have\n")})
	must(t, s, bob, wavelet.CreateBlip{Blip: "b+2", Content: text("second\n")})
	must(t, s, ann, wavelet.CreateThread{Thread: "t+1", Parent: "b+1"}, wavelet.CreateBlip{Blip: "b+3", Thread: "t+1", Content: text("reply\n")})
	return s
}

// delta is a delta by an author against s.
func delta(s *wavelet.State, author wavelet.Participant, ops ...wavelet.Op) wavelet.Delta {
	return wavelet.Delta{ID: "c/1", Author: author, Base: s.Version(), Ops: ops, Cause: wavelet.Cause{Kind: wavelet.Human}}
}

// code is the code of a refusal, "" for nil.
func code(t testing.TB, err error) wavelet.Code {
	t.Helper()
	if err == nil {
		return ""
	}
	r, ok := errors.AsType[*wavelet.Refusal](err)
	if !ok {
		t.Fatalf("the error %v is no Refusal", err)
	}
	return r.Code
}

// render writes down everything a state holds, in an order that does not depend
// on which of two concurrent additions came first.
func render(s *wavelet.State) string {
	var lines []string
	for _, m := range s.Participants() {
		lines = append(lines, fmt.Sprintf("member %s %s", m.Address, m.Role))
	}
	for _, tag := range s.Tags() {
		lines = append(lines, "tag "+tag)
	}
	for _, n := range s.DataNames() {
		v, _ := s.Data(n)
		lines = append(lines, "data "+n+" "+v)
	}
	for thread := range s.Threads() {
		lines = append(lines, fmt.Sprintf("thread %s of %s", thread.ID, thread.Parent))
		for _, id := range thread.Blips {
			b, _ := s.Blip(id)
			if b.Deleted {
				lines = append(lines, fmt.Sprintf("tombstone %s in %s", id, b.Thread))
			} else {
				lines = append(lines, fmt.Sprintf("blip %s in %s: %s", id, b.Thread, b.Doc.Delta()))
			}
		}
	}
	sortLines(lines)
	return strings.Join(lines, "\n")
}
