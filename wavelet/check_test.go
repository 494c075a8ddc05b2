package wavelet_test

import (
	"fmt"
	"strings"
	"testing"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

func TestAccess(t *testing.T) {
	edit := wavelet.EditBlip{Blip: "b+1", Delta: insert(0, "x")}
	own := wavelet.EditBlip{Blip: "b+2", Delta: insert(0, "x")}
	thread := wavelet.CreateThread{Thread: "t+9", Parent: "b+1"}
	human, robot, unknown, system := wavelet.Human, wavelet.Robot, wavelet.Unknown, wavelet.System
	proxy := wavelet.Participant("bob+ann#2@example.com")
	cases := []struct {
		author wavelet.Participant
		kind   wavelet.CauseKind
		op     wavelet.Op
		want   wavelet.Code
	}{
		{ann, human, edit, ""},
		{ann, human, wavelet.DeleteBlip{Blip: "b+2"}, ""},
		{ann, human, wavelet.AddParticipant{Who: bot}, ""},
		{ann, human, wavelet.RemoveParticipant{Who: bob}, ""},
		{ann, human, wavelet.SetRole{Who: bob, Role: wavelet.Full}, ""},
		{ann, human, wavelet.SetTitle{Title: "x"}, ""},
		{ann, human, wavelet.SetRole{Who: bot, Role: wavelet.Full}, wavelet.CodeUnknownMember},
		{bob, human, own, ""},
		{bob, human, wavelet.DeleteBlip{Blip: "b+2"}, ""},
		{bob, human, wavelet.CreateBlip{Blip: "b+9"}, ""},
		{bob, human, thread, ""},
		{bob, human, wavelet.ClickForm{Blip: "b+1", Element: "e"}, ""},
		{bob, human, wavelet.RemoveParticipant{Who: bob}, ""},
		{bob, human, edit, wavelet.CodeNoAccess},
		{bob, human, wavelet.DeleteBlip{Blip: "b+1"}, wavelet.CodeNoAccess},
		{bob, human, wavelet.SetTitle{Title: "x"}, wavelet.CodeNoAccess},
		{bob, human, wavelet.SetTag{Tag: "x"}, wavelet.CodeNoAccess},
		{bob, human, wavelet.SetData{Name: "d"}, wavelet.CodeNoAccess},
		{bob, human, wavelet.SetRole{Who: bob, Role: wavelet.Full}, wavelet.CodeNoAccess},
		{bob, human, wavelet.AddParticipant{Who: bot}, wavelet.CodeNoAccess},
		{bob, human, wavelet.RemoveParticipant{Who: ann}, wavelet.CodeNoAccess},
		{bob, human, wavelet.EditBlip{Blip: "b+9"}, wavelet.CodeUnknownBlip},
		{cat, human, wavelet.RemoveParticipant{Who: cat}, ""},
		{cat, human, own, wavelet.CodeNoAccess},
		{cat, human, wavelet.CreateBlip{Blip: "b+9"}, wavelet.CodeNoAccess},
		{cat, human, wavelet.ClickForm{Blip: "b+1", Element: "e"}, wavelet.CodeNoAccess},
		{bot, human, edit, wavelet.CodeNotParticipant},
		{bot, unknown, edit, wavelet.CodeNotParticipant},
		{bot, human, wavelet.AddParticipant{Who: bot}, wavelet.CodeNotParticipant},
		{bot, system, edit, ""},
		{bot, system, wavelet.RemoveParticipant{Who: ann}, ""},
		// A robot acts for whatever its address says behind the plus, a person never.
		{proxy, robot, own, ""},
		{proxy, wavelet.Assumed, own, ""},
		{proxy, robot, edit, wavelet.CodeNoAccess},
		{proxy, human, own, wavelet.CodeNotParticipant},
		{proxy, unknown, own, wavelet.CodeNotParticipant},
	}
	for _, c := range cases {
		s := conversation(t)
		before := render(s)
		d := delta(s, c.author, c.op)
		d.Cause.Kind = c.kind
		if got := code(t, s.Check(d)); got != c.want {
			t.Errorf("%s %s: %T%v: code %q, want %q", c.kind, c.author, c.op, c.op, got, c.want)
		}
		if render(s) != before || s.Version() != 3 {
			t.Errorf("%T: Check changed the state", c.op)
		}
	}
}

func TestCheckFollowsTheDelta(t *testing.T) {
	s := conversation(t)
	ok := delta(s, bob, wavelet.CreateThread{Thread: "t+9", Parent: "b+1"}, wavelet.CreateBlip{Blip: "b+9", Thread: "t+9"},
		wavelet.EditBlip{Blip: "b+9", Delta: insert(0, "mine")}, wavelet.RemoveParticipant{Who: bob})
	if err := s.Check(ok); err != nil {
		t.Errorf("each op may build on those before it: %v", err)
	}
	bad := ok
	bad.Ops = append(bad.Ops[:4:4], wavelet.EditBlip{Blip: "b+9", Delta: insert(0, "late")})
	err := s.Check(bad)
	if r, is := err.(*wavelet.Refusal); !is || r.Code != wavelet.CodeNotParticipant || r.Op != 4 {
		t.Errorf("an op behind leaving: %v", err)
	}
	if err := s.Check(delta(s, ann)); err != nil {
		t.Errorf("a delta of nothing: %v", err)
	}
	if got := code(t, s.Check(delta(s, bot))); got != wavelet.CodeNotParticipant {
		t.Errorf("a stranger's delta of nothing: %q", got)
	}
}

func TestBootstrap(t *testing.T) {
	s := wavelet.NewState(name)
	opening := delta(s, ann, wavelet.Opening(ann, bob, ann)...)
	if err := s.Check(opening); err != nil || len(opening.Ops) != 3 {
		t.Errorf("opening of %d ops: %v", len(opening.Ops), err)
	}
	for _, ops := range [][]wavelet.Op{
		nil,
		{wavelet.CreateBlip{Blip: "b+1"}},
		{wavelet.AddParticipant{Who: bob}},
		{wavelet.CreateBlip{Blip: "b+1"}, wavelet.AddParticipant{Who: ann}},
	} {
		if got := code(t, s.Check(delta(s, ann, ops...))); got != wavelet.CodeNotParticipant {
			t.Errorf("%v at version 0: %q", ops, got)
		}
	}
	if got := code(t, s.Check(delta(s, ann, wavelet.AddParticipant{Who: ann, Role: wavelet.Read}, wavelet.CreateBlip{Blip: "b+1"}))); got != wavelet.CodeNoAccess {
		t.Errorf("whoever lets himself in as a reader only reads: %q", got)
	}
	must(t, s, ann, wavelet.AddParticipant{Who: ann}, wavelet.RemoveParticipant{Who: ann})
	if got := code(t, s.Check(delta(s, bob, wavelet.AddParticipant{Who: bob}))); got != wavelet.CodeNotParticipant {
		t.Errorf("a wavelet that everybody left is open to all: %q", got)
	}
}

func TestShape(t *testing.T) {
	long := strings.Repeat("x", 300)
	edit := func(d richtext.Delta) wavelet.Op { return wavelet.EditBlip{Blip: "b+1", Delta: d} }
	many := make(map[string]any)
	for i := range 65 {
		many[fmt.Sprint("k", i)] = i
	}
	attributes := func(m map[string]any) wavelet.Op {
		a, err := richtext.NewAttributes(m)
		if err != nil {
			t.Fatal(err)
		}
		return edit(richtext.Delta{}.Retain(1, a))
	}
	bad, limit := wavelet.CodeBadDelta, wavelet.CodeLimit
	cases := []struct {
		what string
		op   wavelet.Op
		want wavelet.Code
	}{
		{"no op", nil, bad},
		{"an op of pointer type", &wavelet.DeleteBlip{Blip: "b+1"}, bad},
		{"empty id", wavelet.CreateBlip{}, bad},
		{"id with a blank", wavelet.CreateBlip{Blip: "b 1"}, bad},
		{"id with a slash", wavelet.CreateBlip{Blip: "b/1"}, bad},
		{"long id", wavelet.CreateBlip{Blip: wavelet.BlipID(long)}, bad},
		{"thread without id", wavelet.CreateThread{Parent: "b+1"}, bad},
		{"address", wavelet.AddParticipant{Who: "nobody"}, bad},
		{"role", wavelet.AddParticipant{Who: bot, Role: 3}, bad},
		{"role", wavelet.SetRole{Who: bob, Role: 9}, bad},
		{"title of two lines", wavelet.SetTitle{Title: "a\nb"}, bad},
		{"title", wavelet.SetTitle{Title: strings.Repeat("x", wavelet.MaxTitle)}, ""},
		{"long title", wavelet.SetTitle{Title: strings.Repeat("x", wavelet.MaxTitle+1)}, limit},
		{"empty tag", wavelet.SetTag{}, bad},
		{"ill-formed tag", wavelet.SetTag{Tag: "\xff"}, bad},
		{"tag", wavelet.SetTag{Tag: strings.Repeat("x", wavelet.MaxTag)}, ""},
		{"long tag", wavelet.SetTag{Tag: strings.Repeat("x", wavelet.MaxTag+1)}, limit},
		{"data", wavelet.SetData{Name: "d", Value: strings.Repeat("x", wavelet.MaxData)}, ""},
		{"long data", wavelet.SetData{Name: "d", Value: strings.Repeat("x", wavelet.MaxData+1)}, limit},
		{"ill-formed data", wavelet.SetData{Name: "d", Value: "\xed\xa0\x80"}, bad},
		{"click without element", wavelet.ClickForm{Blip: "b+1"}, bad},
		{"insert", edit(text(strings.Repeat("x", 256<<10))), ""},
		{"long insert", edit(text(strings.Repeat("x", 256<<10+1))), limit},
		{"op of no kind", edit(richtext.Delta{{}}), bad},
		{"lengths that overflow", edit(richtext.Delta{}.Delete(1 << 31)), bad},
		{"attributes", attributes(map[string]any{"k": 1}), ""},
		{"too many attributes", attributes(many), limit},
		{"long key", attributes(map[string]any{long: 1}), limit},
		{"long value", attributes(map[string]any{"k": strings.Repeat("x", 8<<10)}), limit},
		{"deep value", attributes(map[string]any{"k": [][][][][][][][]string{{{{{{{{"["}}}}}}}}}), ""},
		{"too deep value", attributes(map[string]any{"k": [][][][][][][][][]string{{{{{{{{{"x"}}}}}}}}}}), limit},
	}
	for _, c := range cases {
		s := conversation(t)
		if got := code(t, s.Check(delta(s, ann, c.op))); got != c.want {
			t.Errorf("%s: code %q, want %q", c.what, got, c.want)
		}
	}
	s := conversation(t)
	d := delta(s, "nobody")
	if code(t, s.Check(d)) != bad {
		t.Error("an author without address is let in")
	}
	d = delta(s, ann)
	if d.ID = wavelet.DeltaID(long); code(t, s.Check(d)) != bad {
		t.Error("a delta id of 300 bytes is let in")
	}
	for range wavelet.MaxOps + 1 {
		d.Ops = append(d.Ops, wavelet.SetTag{Tag: "x"})
	}
	if d.ID = ""; code(t, s.Check(d)) != limit {
		t.Error("a delta of 10,001 ops is let in")
	}
	d.Ops = nil
	for i := range 5 {
		d.Ops = append(d.Ops, wavelet.CreateBlip{Blip: wavelet.BlipID(fmt.Sprint("b+big", i)), Content: text(strings.Repeat("x", 250<<10) + "\n")})
	}
	if code(t, s.Check(d)) != limit {
		t.Error("a delta of 1.2 MiB is let in")
	}
	if size := d.Size(); size < 1<<20 {
		t.Errorf("its size is %d", size)
	}
}

func TestLimitsOfAWavelet(t *testing.T) {
	full := wavelet.NewState(name)
	must(t, full, ann, wavelet.AddParticipant{Who: ann}, wavelet.CreateBlip{Blip: "b+0"})
	for i := range wavelet.MaxBlips - 1 {
		must(t, full, ann, wavelet.CreateBlip{Blip: wavelet.BlipID(fmt.Sprint("b+", i+1))})
	}
	for i := range wavelet.MaxParticipants - 1 {
		must(t, full, ann, wavelet.AddParticipant{Who: wavelet.Participant(fmt.Sprint("p", i, "@example.com"))})
	}
	for i := range wavelet.MaxTags {
		must(t, full, ann, wavelet.SetTag{Tag: fmt.Sprint(i)})
	}
	for i := range wavelet.MaxDataDocs {
		must(t, full, ann, wavelet.SetData{Name: fmt.Sprint("d", i)})
	}
	for _, op := range []wavelet.Op{
		wavelet.CreateBlip{Blip: "b+new"}, wavelet.AddParticipant{Who: bot}, wavelet.SetTag{Tag: "new"}, wavelet.SetData{Name: "new"},
	} {
		d := delta(full, ann, op)
		if got := code(t, full.Check(d)); got != wavelet.CodeLimit {
			t.Errorf("%T into a full wavelet: %q", op, got)
		}
		if d.Cause.Kind = wavelet.System; full.Check(d) != nil {
			t.Errorf("%T of the server itself is refused: %v", op, full.Check(d))
		}
	}
	for _, op := range []wavelet.Op{
		wavelet.AddParticipant{Who: "p5@example.com"}, wavelet.SetData{Name: "d5", Value: "x"}, wavelet.SetTag{Tag: "5", Remove: true},
	} {
		if err := full.Check(delta(full, ann, op)); err != nil {
			t.Errorf("%T adds nothing: %v", op, err)
		}
	}
	if err := full.Check(delta(full, ann, wavelet.DeleteBlip{Blip: "b+7"}, wavelet.CreateBlip{Blip: "b+new"})); err != nil {
		t.Errorf("a deleted blip makes room: %v", err)
	}
}

func TestEmbedsAndLinks(t *testing.T) {
	cases := []struct {
		json string
		ok   bool
	}{
		{`{"insert":{"image":{"url":"https://example.com/a.png"}},"attributes":{"width":"40","caption":"c"}}`, true},
		{`{"insert":{"image":{"url":"a.png"}}}`, true},
		{`{"insert":{"image":{"attachmentId":"a1"}}}`, true},
		{`{"insert":{"image":{"url":"javascript:alert(1)"}}}`, false},
		{`{"insert":{"image":{"url":"data:image/svg+xml,x"}}}`, false},
		{`{"insert":{"image":{"url":"https://example.com","attachmentId":"a1"}}}`, false},
		{`{"insert":{"image":{}}}`, false},
		{`{"insert":{"image":"https://example.com/a.png"}}`, false},
		{`{"insert":{"image":{"url":1}}}`, false},
		{`{"insert":{"image":null}}`, false},
		{`{"insert":{"image":{"src":"a.png"}}}`, false},
		{`{"insert":{"attachment":{"id":"a1"}},"attributes":{"caption":"c"}}`, true},
		{`{"insert":{"attachment":{}}}`, false},
		{`{"insert":{"gadget":{"id":"g1","url":"https://example.com/g.xml","author":"ann@example.com"}},"attributes":{"g/count":"1"}}`, true},
		{`{"insert":{"gadget":{"id":"g1"}}}`, false},
		{`{"insert":{"gadget":{"url":"ftp://example.com"}}}`, false},
		{`{"insert":{"form":{"type":"CHECK","name":"n","id":"f1"}},"attributes":{"value":"true"}}`, true},
		{`{"insert":{"form":{"type":"SUBMIT","name":"n","id":"f1"}}}`, false},
		{`{"insert":{"form":{"name":"n"}}}`, false},
		{`{"insert":{"installer":{"manifest":"https://example.com/m.xml"}}}`, true},
		{`{"insert":{"installer":{"manifest":"file:///etc/passwd"}}}`, false},
		{`{"insert":{"reply":{"thread":"t+1"}}}`, true},
		{`{"insert":{"reply":{"thread":"t 1"}}}`, false},
		{`{"insert":{"iframe":"x"}}`, false},
		{`{"insert":"x","attributes":{"link":"https://example.com"}}`, true},
		{`{"insert":"x","attributes":{"link":"HTTP://EXAMPLE.COM/a:b"}}`, true},
		{`{"insert":"x","attributes":{"link":"mailto:ann@example.com"}}`, true},
		{`{"insert":"x","attributes":{"link":"wave://example.com/w+abc"}}`, true},
		{`{"insert":"x","attributes":{"link":"/a/path?x=a:b"}}`, true},
		{`{"insert":"x","attributes":{"link":"#part:2"}}`, true},
		{`{"retain":1,"attributes":{"link":null}}`, true},
		{`{"retain":1,"attributes":{"link":"javascript:alert(1)"}}`, false},
		{`{"insert":"x","attributes":{"link":"JavaScript:alert(1)"}}`, false},
		{`{"insert":"x","attributes":{"link":" javascript:alert(1)"}}`, false},
		{`{"insert":"x","attributes":{"link":"java\nscript:alert(1)"}}`, false},
		{`{"insert":"x","attributes":{"link":"data:text/html,x"}}`, false},
		{`{"insert":"x","attributes":{"link":"vbscript:x"}}`, false},
		{`{"insert":"x","attributes":{"link":""}}`, false},
		{`{"insert":"x","attributes":{"link":true}}`, false},
		{`{"insert":"x","attributes":{"link":{"href":"javascript:x"}}}`, false},
		{`{"insert":"x","attributes":{"lang":"de","link/auto":"anything goes","conv/x":"y"}}`, true},
	}
	for _, c := range cases {
		d, err := richtext.DecodeOps([]byte("[" + c.json + "]"))
		if err != nil {
			t.Fatalf("%s: %v", c.json, err)
		}
		s := conversation(t)
		if err := s.Check(delta(s, ann, wavelet.EditBlip{Blip: "b+1", Delta: d})); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.json, err)
		}
	}
}
