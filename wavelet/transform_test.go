package wavelet_test

import (
	"reflect"
	"testing"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

// The table of what a client's op becomes behind one of the server's. Every row
// is also applied both ways round: the two sides must agree.
func TestTransformTable(t *testing.T) {
	type ops = []wavelet.Op
	edit := func(id wavelet.BlipID, d richtext.Delta) ops { return ops{wavelet.EditBlip{Blip: id, Delta: d}} }
	bold := richtext.Delta{}.Retain(3, richtext.Attr("bold", true))
	plain := richtext.Delta{}.Retain(3, richtext.Attr("bold", nil))
	add := func(p wavelet.Participant, r wavelet.Role) ops { return ops{wavelet.AddParticipant{Who: p, Role: r}} }
	leave := func(p wavelet.Participant) ops { return ops{wavelet.RemoveParticipant{Who: p}} }
	role := func(p wavelet.Participant, r wavelet.Role) ops { return ops{wavelet.SetRole{Who: p, Role: r}} }
	tag := func(tag string, remove bool) ops { return ops{wavelet.SetTag{Tag: tag, Remove: remove}} }
	data := func(value string) ops { return ops{wavelet.SetData{Name: "d", Value: value}} }
	gone := ops{wavelet.DeleteBlip{Blip: "b+1"}}
	cases := []struct {
		what           string
		server, client ops
		want           ops // the client's, after the server's
	}{
		{"edit, edit: the server's text comes first", edit("b+1", insert(0, "S")), edit("b+1", insert(0, "C")), edit("b+1", insert(1, "C"))},
		{"edit, edit: both delete", edit("b+1", remove(0, 3)), edit("b+1", remove(0, 3)), nil},
		{"edit, edit: same attribute, server's stays", edit("b+1", bold), edit("b+1", plain), nil},
		{"edit, edit of another blip", edit("b+1", insert(0, "S")), edit("b+2", insert(0, "C")), edit("b+2", insert(0, "C"))},
		{"delete, edit", gone, edit("b+1", insert(0, "C")), nil},
		{"delete, edit of another blip", gone, edit("b+2", insert(0, "C")), edit("b+2", insert(0, "C"))},
		{"delete, click", gone, ops{wavelet.ClickForm{Blip: "b+1", Element: "e"}}, nil},
		{"click, delete", ops{wavelet.ClickForm{Blip: "b+1", Element: "e"}}, gone, gone},
		{"edit, delete: the delete stands", edit("b+1", insert(0, "S")), gone, gone},
		{"delete, delete", gone, gone, nil},
		{"create, create of another id", ops{wavelet.CreateBlip{Blip: "b+8"}}, ops{wavelet.CreateBlip{Blip: "b+9"}}, ops{wavelet.CreateBlip{Blip: "b+9"}}},
		{"delete of the parent, reply thread", gone,
			ops{wavelet.CreateThread{Thread: "t+9", Parent: "b+1"}, wavelet.CreateBlip{Blip: "b+9", Thread: "t+9"}, wavelet.EditBlip{Blip: "b+1", Delta: insert(0, "C")}},
			ops{wavelet.CreateThread{Thread: "t+9", Parent: "b+1"}, wavelet.CreateBlip{Blip: "b+9", Thread: "t+9"}}},
		{"reply thread, delete of the parent", ops{wavelet.CreateThread{Thread: "t+9", Parent: "b+1"}}, gone, gone},
		{"add, add", add(bot, wavelet.Full), add(bot, wavelet.Full), nil},
		{"add, add with another role", add(bot, wavelet.Full), add(bot, wavelet.Read), nil},
		{"add, add of another", add(bot, wavelet.Full), add("x@example.com", 0), add("x@example.com", 0)},
		{"remove, remove", leave(bob), leave(bob), nil},
		{"add, remove: the later wins", add(bob, wavelet.Full), leave(bob), leave(bob)},
		{"remove, add: the later wins", leave(bob), add(bob, wavelet.Read), add(bob, wavelet.Read)},
		{"remove, role", leave(bob), role(bob, wavelet.Full), nil},
		{"role, remove", role(bob, wavelet.Full), leave(bob), leave(bob)},
		{"role, role: the later wins", role(bob, wavelet.Full), role(bob, wavelet.Read), role(bob, wavelet.Read)},
		{"role, same role", role(bob, wavelet.Full), role(bob, wavelet.Full), nil},
		{"role, add", role(bob, wavelet.Full), add(bob, wavelet.Read), nil},
		{"tag, same tag", tag("x", false), tag("x", false), nil},
		{"tag, its removal", tag("x", false), tag("x", true), tag("x", true)},
		{"removal, tag", tag("x", true), tag("x", false), tag("x", false)},
		{"tag, another tag", tag("x", false), tag("y", false), tag("y", false)},
		{"data, same data", data("1"), data("1"), nil},
		{"data, other data: the later wins", data("1"), data("2"), data("2")},
		{"data, its removal", data("1"), ops{wavelet.SetData{Name: "d", Remove: true}}, ops{wavelet.SetData{Name: "d", Remove: true}}},
		{"title, title", ops{wavelet.SetTitle{Title: "S"}}, ops{wavelet.SetTitle{Title: "C"}}, ops{wavelet.SetTitle{Title: "C"}}},
		{"a list passes a list", append(edit("b+1", insert(0, "SS")), leave(bob)...),
			append(edit("b+1", insert(0, "C")), append(edit("b+1", insert(1, "D")), leave(bob)...)...),
			append(edit("b+1", insert(2, "C")), edit("b+1", insert(3, "D"))...)},
	}
	for _, c := range cases {
		got := wavelet.Transform(wavelet.Delta{Ops: c.server}, wavelet.Delta{ID: "c/1", Ops: c.client})
		if got.ID != "c/1" || len(got.Ops)+len(c.want) > 0 && !reflect.DeepEqual(got.Ops, []wavelet.Op(c.want)) {
			t.Errorf("%s: %v, want %v", c.what, got.Ops, c.want)
		}
		if _, title := c.client[0].(wavelet.SetTitle); !title {
			if server, client := bothWays(t, conversation(t), c.server, c.client); server != client {
				t.Errorf("%s: the two sides differ\nserver:\n%s\nclient:\n%s", c.what, server, client)
			}
		}
	}
}

// bothWays applies the server's list and then the client's transformed one, and
// the other way round, and writes down both results.
func bothWays(t fatal, base *wavelet.State, server, client []wavelet.Op) (atServer, atClient string) {
	t.Helper()
	server2, client2 := wavelet.TransformPair(server, client)
	apply := func(lists ...[]wavelet.Op) string {
		s := base.Clone()
		for _, ops := range lists {
			if err := next(s, ann, ops...); err != nil {
				t.Fatalf("%v and then %v: %v", lists[0], lists[1], err)
			}
		}
		return render(s)
	}
	if one := wavelet.Transform(wavelet.Delta{Ops: server}, wavelet.Delta{Ops: client}); !reflect.DeepEqual(one.Ops, client2) {
		t.Fatalf("Transform gives %v, TransformPair %v", one.Ops, client2)
	}
	return apply(server, client2), apply(client, server2)
}

// fatal is the part of *testing.T that *rapid.T has as well.
type fatal interface {
	Helper()
	Fatalf(format string, args ...any)
}

func TestDuplicateCreateIsRefusedAtTheHead(t *testing.T) {
	s := conversation(t)
	create := delta(s, ann, wavelet.CreateBlip{Blip: "b+9"})
	must(t, s, bob, wavelet.CreateBlip{Blip: "b+9"})
	moved := wavelet.Transform(delta(s, bob, wavelet.CreateBlip{Blip: "b+9"}), create)
	if got := code(t, s.Check(moved)); got != wavelet.CodeDuplicateID {
		t.Errorf("code %q", got)
	}
}

func TestDeltaOfARemovedAuthorIsRefused(t *testing.T) {
	s := conversation(t)
	late := delta(s, bob, wavelet.CreateBlip{Blip: "b+9"})
	must(t, s, ann, wavelet.RemoveParticipant{Who: bob})
	moved := wavelet.Transform(delta(s, ann, wavelet.RemoveParticipant{Who: bob}), late)
	if got := code(t, s.Check(moved)); got != wavelet.CodeNotParticipant {
		t.Errorf("code %q", got)
	}
}

func TestTransformLeavesItsInputAlone(t *testing.T) {
	client := []wavelet.Op{wavelet.DeleteBlip{Blip: "b+1"}, wavelet.SetTag{Tag: "x"}, wavelet.SetTag{Tag: "y"}}
	server := []wavelet.Op{wavelet.SetTag{Tag: "x"}, wavelet.DeleteBlip{Blip: "b+1"}}
	wavelet.TransformPair(server, client)
	if client[1] != (wavelet.SetTag{Tag: "x"}) || client[2] != (wavelet.SetTag{Tag: "y"}) || server[1] != (wavelet.DeleteBlip{Blip: "b+1"}) {
		t.Errorf("the lists are now %v and %v", server, client)
	}
}

// Composing what was missed first is not the same: the smallest example.
func TestOneByOne(t *testing.T) {
	s := wavelet.NewState(name)
	must(t, s, ann, wavelet.AddParticipant{Who: ann}, wavelet.CreateBlip{Blip: "b+1", Content: text("ab\n")})
	client := delta(s, ann, wavelet.EditBlip{Blip: "b+1", Delta: insert(0, "Y")})
	for _, d := range []richtext.Delta{insert(1, "X"), remove(0, 1)} {
		op := wavelet.EditBlip{Blip: "b+1", Delta: d}
		must(t, s, ann, op)
		client = wavelet.Transform(delta(s, ann, op), client)
	}
	must(t, s, ann, client.Ops...)
	if s.Text() != "YXb\n" {
		t.Errorf("text %q", s.Text())
	}
}
