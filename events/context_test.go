package events_test

import (
	"testing"

	"weir/events"
	"weir/wavelet"

	"github.com/google/go-cmp/cmp"
)

// conversation is:
//
//	a
//	├ t1: a1, a2
//	└ t2: a3
//	b (deleted)
//	└ t3: b1, b2
//	c
func conversation(t *testing.T) *wavelet.State {
	s := &story{t: t, state: wavelet.NewState(name), at: map[wavelet.Version]*wavelet.State{}}
	create := func(id wavelet.BlipID, in wavelet.ThreadID) wavelet.Op {
		return wavelet.CreateBlip{Blip: id, Thread: in}
	}
	s.human(ann,
		wavelet.AddParticipant{Who: ann}, create("a", ""), create("b", ""), create("c", ""),
		wavelet.CreateThread{Thread: "t1", Parent: "a"}, create("a1", "t1"), create("a2", "t1"),
		wavelet.CreateThread{Thread: "t2", Parent: "a"}, create("a3", "t2"),
		wavelet.CreateThread{Thread: "t3", Parent: "b"}, create("b1", "t3"), create("b2", "t3"),
		wavelet.DeleteBlip{Blip: "b"})
	return s.state
}

func TestBlips(t *testing.T) {
	s := conversation(t)
	for what, c := range map[string]struct {
		contexts events.Contexts
		about    wavelet.BlipID
		dialect  events.Dialect
		want     []wavelet.BlipID
	}{
		"self":             {events.Self, "a2", events.V022, []wavelet.BlipID{"a2"}},
		"nothing asked":    {0, "a2", events.V022, []wavelet.BlipID{"a2"}},
		"root":             {events.Root, "a2", events.V022, []wavelet.BlipID{"a", "a2"}},
		"parent":           {events.Parent, "a2", events.V022, []wavelet.BlipID{"a2", "a"}},
		"parent, old":      {events.Parent, "a2", events.V021, []wavelet.BlipID{"a2", "a1"}},
		"parent of first":  {events.Parent, "a1", events.V021, []wavelet.BlipID{"a1", "a"}},
		"siblings":         {events.Siblings, "a", events.V022, []wavelet.BlipID{"a", "c"}},
		"children":         {events.Children, "a", events.V022, []wavelet.BlipID{"a", "a1", "a2", "a3"}},
		"children, old":    {events.Children, "a", events.V021, []wavelet.BlipID{"a", "c", "b1", "a1", "a3"}},
		"deleted":          {events.Self, "b", events.V022, nil},
		"of a deleted one": {events.Parent, "b1", events.V022, []wavelet.BlipID{"b1"}},
		"of it, old":       {events.Parent, "b1", events.V021, []wavelet.BlipID{"b1", "a"}},
		"all":              {events.All, "c", events.V022, []wavelet.BlipID{"a", "a1", "a2", "a3", "b1", "b2", "c"}},
	} {
		evs := []events.Event{{Type: events.DocumentChanged, Blip: c.about}}
		got := events.Blips(s, evs, map[events.Type]events.Contexts{events.DocumentChanged: c.contexts}, c.dialect)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

func TestBlipsOfSeveralEvents(t *testing.T) {
	s := conversation(t)
	evs := []events.Event{
		{Type: events.WaveletBlipCreated, Blip: "a", NewBlip: "b2"},
		{Type: events.DocumentChanged, Blip: "a2"},
		{Type: events.WaveletTagsChanged, Blip: "a"},
	}
	got := events.Blips(s, evs, map[events.Type]events.Contexts{
		events.WaveletBlipCreated: events.Self,
		events.DocumentChanged:    events.Self,
	}, events.V022)
	want := []wavelet.BlipID{"a", "a1", "a2", "a3", "b2"} // the default brings a's children
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What is a blip's parent has that blip among its children, in both dialects.
func TestParentsAndChildrenAgree(t *testing.T) {
	s := conversation(t)
	for _, d := range []events.Dialect{events.V022, events.V021} {
		for b := range s.Blips() {
			for _, child := range events.ChildrenOf(s, b.ID, d) {
				if p := events.ParentOf(s, child, d); p != b.ID {
					t.Errorf("dialect %d: %s is a child of %s, but its parent is %q", d, child, b.ID, p)
				}
			}
			if p := events.ParentOf(s, b.ID, d); p != "" {
				found := false
				for _, child := range events.ChildrenOf(s, p, d) {
					found = found || child == b.ID
				}
				if !found {
					t.Errorf("dialect %d: %s is the parent of %s, which is not among its children", d, p, b.ID)
				}
			}
		}
	}
}
