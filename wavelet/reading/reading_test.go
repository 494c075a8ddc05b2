package reading_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"weir/store"
	"weir/wavelet"
	"weir/wavelet/reading"
	"weir/wavelet/richtext"
)

const (
	ann = wavelet.Participant("ann@example.com")
	bob = wavelet.Participant("bob@example.com")
)

func name() wavelet.Name {
	return wavelet.Name{Wave: "example.com!w+1", Wavelet: "example.com!conv+root"}
}

// grow commits ops.
func grow(t *testing.T, s *wavelet.State, by wavelet.Participant, ops ...wavelet.Op) {
	t.Helper()
	v := s.Version() + 1
	if err := s.Apply(wavelet.Commit{Wavelet: name(), Version: v, At: time.Unix(int64(v), 0), Delta: wavelet.Delta{Author: by, Base: v - 1, Ops: ops}}); err != nil {
		t.Fatal(err)
	}
}

func edit(id wavelet.BlipID) wavelet.EditBlip {
	return wavelet.EditBlip{Blip: id, Delta: richtext.Delta{}.Insert("x", richtext.Attributes{})}
}

func TestWhatIsUnread(t *testing.T) {
	s := wavelet.NewState(name())
	grow(t, s, ann, wavelet.AddParticipant{Who: ann}, wavelet.AddParticipant{Who: bob}, wavelet.CreateBlip{Blip: "b+1"})
	grow(t, s, ann, wavelet.CreateBlip{Blip: "b+2"})
	var r reading.Record
	check := func(when string, ofAnn, ofBob int) {
		t.Helper()
		if a, b := r.Unread(s, ann), r.Unread(s, bob); a != ofAnn || b != ofBob {
			t.Errorf("%s: %d unread for ann and %d for bob, want %d and %d", when, a, b, ofAnn, ofBob)
		}
	}
	check("at first", 0, 2)
	r.Mark(s, "b+1", true)
	check("one blip read", 0, 1)
	r.Mark(s, "", true)
	check("all read", 0, 0)
	grow(t, s, bob, edit("b+1"))
	check("changed by bob", 1, 1)
	grow(t, s, ann, wavelet.CreateBlip{Blip: "b+3"})
	check("a new blip of ann's", 1, 2)
	r.Mark(s, "b+2", false)
	check("one blip unread", 2, 3)
	r.Mark(s, "b+2", true)
	check("and read again", 1, 2)
	grow(t, s, ann, wavelet.DeleteBlip{Blip: "b+2"})
	r.Mark(s, "b+1", true)
	if _, kept := r.Blips["b+2"]; kept {
		t.Error("the mark of a deleted blip is kept")
	}
	r.Mark(s, "", false)
	check("all unread, one's own too", 2, 2)
}

// TestMarksAtOnce sets marks from many goroutines: none is lost.
func TestMarksAtOnce(t *testing.T) {
	s := wavelet.NewState(name())
	grow(t, s, ann, wavelet.AddParticipant{Who: ann})
	for i := range 20 {
		grow(t, s, ann, wavelet.CreateBlip{Blip: wavelet.BlipID(fmt.Sprint("b+", i))})
	}
	kv := store.NewMemory()
	marks := reading.New(kv)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			err := marks.Change(t.Context(), bob, name(), func(r *reading.Record) { r.Mark(s, wavelet.BlipID(fmt.Sprint("b+", i)), true) })
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	r, err := reading.New(kv).Of(bob, name())
	if err != nil || r.Unread(s, bob) != 0 {
		t.Errorf("%d unread of 20, %v", r.Unread(s, bob), err)
	}
	if r, err := marks.Of("zoe@example.com", name()); err != nil || r.Unread(s, "zoe@example.com") != 20 {
		t.Errorf("zoe has read %+v, %v", r, err)
	}
}
