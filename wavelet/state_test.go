package wavelet_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

func sortLines(lines []string) { slices.Sort(lines) }

func TestStateOfAConversation(t *testing.T) {
	s := conversation(t)
	if s.Version() != 3 || s.Creator() != ann || !s.Created().Equal(start.Add(1e9)) || !s.Modified().Equal(start.Add(3e9)) {
		t.Errorf("version %d by %s, created %v, modified %v", s.Version(), s.Creator(), s.Created(), s.Modified())
	}
	if got, want := s.Text(), "Plans\nwe have\nreply\nsecond\n"; got != want {
		t.Errorf("text %q, want %q: replies stand below their blip", got, want)
	}
	if s.Root() != "b+1" || s.Title() != "Plans" {
		t.Errorf("root %q, title %q", s.Root(), s.Title())
	}
	if role, ok := s.Role(bob); !ok || role != wavelet.Comment {
		t.Errorf("bob's role is %v, %v", role, ok)
	}
	b, _ := s.Blip("b+1")
	if b.Version != 1 || b.Creator != ann || !slices.Equal(b.Replies, []wavelet.ThreadID{"t+1"}) {
		t.Errorf("root blip: version %d, creator %s, replies %v", b.Version, b.Creator, b.Replies)
	}
	must(t, s, bob, wavelet.EditBlip{Blip: "b+1", Delta: insert(0, " New ")})
	b, _ = s.Blip("b+1")
	if b.Version != 4 || !slices.Equal(b.Contributors, []wavelet.Participant{ann, bob}) || !b.Modified.Equal(s.Modified()) {
		t.Errorf("after an edit: version %d, contributors %v, modified %v", b.Version, b.Contributors, b.Modified)
	}
	if s.Title() != "New Plans" {
		t.Errorf("title %q", s.Title())
	}
}

func TestDeletedBlipLeavesItsReplies(t *testing.T) {
	s := conversation(t)
	must(t, s, ann, wavelet.DeleteBlip{Blip: "b+1"})
	if got, want := s.Text(), "reply\nsecond\n"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	b, ok := s.Blip("b+1")
	if !ok || !b.Deleted || b.Doc.Text() != "Plans\nwe have\n" {
		t.Errorf("the tombstone lost its text: %v %q", ok, b.Doc.Text())
	}
	if s.Root() != "b+2" || s.Title() != "second" {
		t.Errorf("root %q, title %q: the next living blip takes over", s.Root(), s.Title())
	}
	must(t, s, bob, wavelet.CreateThread{Thread: "t+2", Parent: "b+1"}, wavelet.CreateBlip{Blip: "b+4", Thread: "t+2"})
	if !strings.HasPrefix(s.Text(), "reply\n\nsecond") {
		t.Errorf("a reply to a deleted blip is not shown: %q", s.Text())
	}
}

func TestApplyIsAllOrNothing(t *testing.T) {
	s := conversation(t)
	before, clone := render(s), s.Clone()
	err := next(s, ann, wavelet.EditBlip{Blip: "b+1", Delta: insert(0, "x")}, wavelet.CreateBlip{Blip: "b+9"},
		wavelet.AddParticipant{Who: bot}, wavelet.SetTag{Tag: "t"}, wavelet.DeleteBlip{Blip: "b+2"},
		wavelet.EditBlip{Blip: "b+1", Delta: remove(0, 99)})
	if code(t, err) != wavelet.CodeBadDelta || !strings.HasPrefix(err.Error(), "op 5: edit.ops[0].delete") {
		t.Errorf("error %v does not name the op", err)
	}
	if render(s) != before || s.Version() != 3 {
		t.Errorf("a refused commit left a trace:\n%s", render(s))
	}
	must(t, s, ann, wavelet.EditBlip{Blip: "b+1", Delta: insert(0, "x")}, wavelet.SetTag{Tag: "t"})
	if render(clone) != before {
		t.Error("a clone changed with its original")
	}
}

func TestApplyRefusesWhatDoesNotFit(t *testing.T) {
	cases := []struct {
		op   wavelet.Op
		code wavelet.Code
	}{
		{wavelet.EditBlip{Blip: "b+9", Delta: insert(0, "x")}, wavelet.CodeUnknownBlip},
		{wavelet.EditBlip{Blip: "b+1", Delta: insert(99, "x")}, wavelet.CodeBadDelta},
		{wavelet.EditBlip{Blip: "b+1", Delta: remove(13, 1)}, wavelet.CodeBadDelta},
		{wavelet.CreateBlip{Blip: "b+1"}, wavelet.CodeDuplicateID},
		{wavelet.CreateBlip{Blip: "b+9", Thread: "t+9"}, wavelet.CodeUnknownThread},
		{wavelet.CreateBlip{Blip: "b+9", Content: text("no newline")}, wavelet.CodeBadDelta},
		{wavelet.CreateBlip{Blip: "b+9", Content: insert(3, "no document\n")}, wavelet.CodeBadDelta},
		{wavelet.DeleteBlip{Blip: "b+9"}, wavelet.CodeUnknownBlip},
		{wavelet.CreateThread{Thread: "t+1", Parent: "b+1"}, wavelet.CodeDuplicateID},
		{wavelet.CreateThread{Thread: "", Parent: "b+1"}, wavelet.CodeDuplicateID},
		{wavelet.CreateThread{Thread: "t+2", Parent: "b+9"}, wavelet.CodeUnknownBlip},
		{wavelet.ClickForm{Blip: "b+9", Element: "e"}, wavelet.CodeUnknownBlip},
		{wavelet.SetTitle{Title: "x"}, wavelet.CodeBadDelta},
		{nil, wavelet.CodeBadDelta},
	}
	for _, c := range cases {
		s := conversation(t)
		before := render(s)
		if got := code(t, next(s, ann, c.op)); got != c.code {
			t.Errorf("%T %v: code %q, want %q", c.op, c.op, got, c.code)
		}
		if render(s) != before || s.Version() != 3 {
			t.Errorf("%T changed the state it was refused by", c.op)
		}
	}
	s := conversation(t)
	must(t, s, ann, wavelet.DeleteBlip{Blip: "b+2"})
	for _, op := range []wavelet.Op{wavelet.EditBlip{Blip: "b+2"}, wavelet.DeleteBlip{Blip: "b+2"}, wavelet.ClickForm{Blip: "b+2", Element: "e"}} {
		if got := code(t, next(s, ann, op)); got != wavelet.CodeBlipDeleted {
			t.Errorf("%T on a tombstone: code %q", op, got)
		}
	}
	if err := s.Apply(wavelet.Commit{Wavelet: name, Version: s.Version() + 2}); code(t, err) != wavelet.CodeBaseUnknown {
		t.Errorf("a commit that leaves one out: %v", err)
	}
	if err := s.Apply(wavelet.Commit{Wavelet: wavelet.NewName("example.com"), Version: s.Version() + 1}); code(t, err) != wavelet.CodeBadDelta {
		t.Errorf("a commit of another wavelet: %v", err)
	}
}

func TestIdempotentOps(t *testing.T) {
	s := conversation(t)
	before := render(s)
	must(t, s, ann, wavelet.AddParticipant{Who: bob, Role: wavelet.Full}, wavelet.RemoveParticipant{Who: bot},
		wavelet.SetTag{Tag: "x", Remove: true}, wavelet.SetData{Name: "d", Remove: true})
	if render(s) != before {
		t.Errorf("ops that repeat what is so changed something:\n%s", render(s))
	}
	must(t, s, ann, wavelet.SetTag{Tag: "x"}, wavelet.SetTag{Tag: "y"}, wavelet.SetTag{Tag: "x"}, wavelet.SetRole{Who: bob},
		wavelet.SetData{Name: "d", Value: "1"}, wavelet.SetData{Name: "c", Value: "2"}, wavelet.RemoveParticipant{Who: cat})
	if !slices.Equal(s.Tags(), []string{"x", "y"}) || !slices.Equal(s.DataNames(), []string{"c", "d"}) || len(s.Participants()) != 2 {
		t.Errorf("tags %v, data %v, participants %v", s.Tags(), s.DataNames(), s.Participants())
	}
	if role, _ := s.Role(bob); role != wavelet.Full {
		t.Errorf("bob's role is %v", role)
	}
}

func TestTitle(t *testing.T) {
	image, err := richtext.NewEmbed("image", map[string]string{"url": "https://example.com/a.png"})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("😀 long ", 400) // of 8 units each
	cut := long[:125*len("😀 long ")-1]
	for _, c := range []struct {
		doc  richtext.Delta
		want string
	}{
		{text("\n"), ""},
		{text("  spaced out \nmore\n"), "spaced out"},
		{richtext.Delta{}.InsertEmbed(image, richtext.Attributes{}).Insert("pic\n", richtext.Attributes{}), "pic"},
		{text(long + "\nx\n"), cut},
		{text("x" + long + "\n"), "x" + cut},
		{text("1234567" + long + "\n"), "1234567" + cut[:len(cut)-len(" 😀 long")]},
	} {
		s := wavelet.NewState(name)
		must(t, s, ann, wavelet.AddParticipant{Who: ann}, wavelet.CreateBlip{Blip: "b+1", Content: c.doc})
		if got := s.Title(); got != c.want {
			t.Errorf("title of %.40s: %q, want %q", c.doc, got, c.want)
		}
		d, err := s.Resolve(delta(s, ann, wavelet.SetTitle{Title: "new"}))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(c.doc.Text(), "\n")
		must(t, s, ann, d.Ops...)
		if b, _ := s.Blip("b+1"); b.Doc.Text() != "new\n"+rest {
			t.Errorf("after setting the title: %.40q, want the first line replaced and nothing else", b.Doc.Text())
		}
	}
}

func TestResolve(t *testing.T) {
	s := conversation(t)
	d, err := s.Resolve(delta(s, ann, wavelet.EditBlip{Blip: "b+1", Delta: insert(0, "Old ")}, wavelet.SetTitle{Title: "One"},
		wavelet.EditBlip{Blip: "b+1", Delta: insert(3, "!")}, wavelet.SetTitle{Title: "Two"}))
	if err != nil {
		t.Fatal(err)
	}
	must(t, s, ann, d.Ops...)
	if s.Title() != "Two" || !strings.HasPrefix(s.Text(), "Two\nwe have\n") {
		t.Errorf("titles among edits: %q", s.Text())
	}
	d, err = s.Resolve(delta(s, ann, wavelet.SetTitle{Title: "Two"}))
	if edit, ok := d.Ops[0].(wavelet.EditBlip); err != nil || !ok || len(edit.Delta) != 0 {
		t.Errorf("a title that stands already resolves to %v, %v", d.Ops, err)
	}
	empty := wavelet.NewState(name)
	if _, err := empty.Resolve(delta(empty, ann, wavelet.SetTitle{Title: "x"})); code(t, err) != wavelet.CodeUnknownBlip {
		t.Errorf("a title without a root blip: %v", err)
	}
	if _, err := s.Resolve(delta(s, ann, wavelet.SetTitle{Title: "x"}, wavelet.DeleteBlip{Blip: "b+9"})); code(t, err) != wavelet.CodeUnknownBlip {
		t.Errorf("a title beside an op that does not fit: %v", err)
	}
}

func TestPartsAssemble(t *testing.T) {
	s := conversation(t)
	must(t, s, ann, wavelet.SetTag{Tag: "x"}, wavelet.SetData{Name: "d", Value: "1"}, wavelet.DeleteBlip{Blip: "b+2"})
	again, err := wavelet.Assemble(s.Clone().Parts())
	if err != nil {
		t.Fatal(err)
	}
	if render(again) != render(s) || again.Version() != s.Version() || again.Living() != 2 || again.Creator() != ann {
		t.Errorf("assembled:\n%s\nwant:\n%s", render(again), render(s))
	}
	must(t, again, ann, wavelet.EditBlip{Blip: "b+1", Delta: insert(0, "x")}, wavelet.CreateBlip{Blip: "b+9"})

	for what, spoil := range map[string]func(*wavelet.Parts){
		"no root thread":      func(p *wavelet.Parts) { p.Threads = p.Threads[1:] },
		"a blip is gone":      func(p *wavelet.Parts) { p.Blips = p.Blips[1:] },
		"a blip without home": func(p *wavelet.Parts) { p.Blips = append(p.Blips, &wavelet.Blip{ID: "b+0"}) },
		"a blip twice":        func(p *wavelet.Parts) { p.Blips = append(p.Blips, p.Blips[0]) },
		"a thread twice":      func(p *wavelet.Parts) { p.Threads = append(p.Threads, p.Threads[1]) },
		"a thread loose":      func(p *wavelet.Parts) { p.Threads = append(p.Threads, &wavelet.Thread{ID: "t+0", Parent: "b+1"}) },
	} {
		p := s.Parts()
		p.Blips, p.Threads = slices.Clone(p.Blips), slices.Clone(p.Threads)
		spoil(&p)
		if _, err := wavelet.Assemble(p); err == nil {
			t.Errorf("%s: assembled all the same", what)
		}
	}
}

// The race detector watches: clones of one state are edited, cloned and read at
// the same time as the original goes on.
func TestClonesAreIndependent(t *testing.T) {
	s := conversation(t)
	frozen := s.Clone()
	want := render(frozen)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			mine := frozen.Clone()
			for range 50 {
				if err := next(mine, ann, wavelet.EditBlip{Blip: "b+1", Delta: insert(0, "x")}, wavelet.CreateBlip{Blip: wavelet.NewBlipID()}); err != nil {
					t.Error(err)
				}
				_ = render(frozen)
			}
		})
	}
	for range 50 {
		must(t, s, ann, wavelet.EditBlip{Blip: "b+1", Delta: insert(0, "y")}, wavelet.EditBlip{Blip: "b+2", Delta: insert(0, "y")})
	}
	wg.Wait()
	if render(frozen) != want {
		t.Error("a state that nobody applied anything to has changed")
	}
}
