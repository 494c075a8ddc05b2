package wavelet_test

import (
	"fmt"
	"strings"
	"testing"

	"weir/wavelet"
)

// large is a wavelet of 1,000 blips and as many threads.
func large(b testing.TB) *wavelet.State {
	s := wavelet.NewState(name)
	must(b, s, ann, wavelet.AddParticipant{Who: ann}, wavelet.CreateBlip{Blip: "b+0", Content: text(strings.Repeat("some text ", 5000) + "\n")})
	for i := 1; i < wavelet.MaxBlips; i++ {
		thread := wavelet.ThreadID(fmt.Sprint("t+", i))
		must(b, s, ann, wavelet.CreateThread{Thread: thread, Parent: "b+0"},
			wavelet.CreateBlip{Blip: wavelet.BlipID(fmt.Sprint("b+", i)), Thread: thread, Content: text("a line of text\n")})
	}
	return s
}

// A clone costs the same whatever the size, and what it defers to the next edit
// is little too.
func BenchmarkClone(b *testing.B) {
	s := large(b)
	b.Run("clone", func(b *testing.B) {
		b.ReportAllocs()
		var kept *wavelet.State
		for b.Loop() {
			kept = s.Clone()
		}
		if kept.Version() != s.Version() {
			b.Fatal("the clone has another version")
		}
	})
	keystroke := wavelet.EditBlip{Blip: "b+0", Delta: insert(25_000, "x")}
	b.Run("keystroke", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			must(b, s, ann, keystroke)
		}
	})
	b.Run("clone and keystroke", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Clone()
			must(b, s, ann, keystroke)
		}
	})
	b.Run("check", func(b *testing.B) {
		b.ReportAllocs()
		d := delta(s, ann, keystroke)
		for b.Loop() {
			if err := s.Check(d); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// One delta against 1,000 that it missed.
func BenchmarkTransformMissed(b *testing.B) {
	missed := make([]wavelet.Delta, 1000)
	for i := range missed {
		missed[i].Ops = []wavelet.Op{wavelet.EditBlip{Blip: "b+1", Delta: insert(i, "x")}}
	}
	late := wavelet.Delta{Ops: []wavelet.Op{wavelet.EditBlip{Blip: "b+1", Delta: insert(5000, "x")}}}
	b.ReportAllocs()
	for b.Loop() {
		d := late
		for i := range missed {
			d = wavelet.Transform(missed[i], d)
		}
	}
}

func BenchmarkDecodeOps(b *testing.B) {
	raw := []byte(`[{"edit":{"blip":"b+AbCdEfGhIjKlMnOp","ops":[{"retain":12345},{"insert":"x"}]}}]`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wavelet.DecodeOps(raw); err != nil {
			b.Fatal(err)
		}
	}
}

// The promise behind cheap snapshots, without a clock: a clone of a wavelet of
// 1,000 blips allocates a handful of objects.
func TestCloneIsCheap(t *testing.T) {
	s := large(t)
	if n := testing.AllocsPerRun(10, func() { s.Clone() }); n > 2 {
		t.Errorf("a clone makes %v allocations", n)
	}
	if n := testing.AllocsPerRun(10, func() {
		s.Clone()
		must(t, s, ann, wavelet.EditBlip{Blip: "b+7", Delta: insert(0, "x")})
	}); n > 30 {
		t.Errorf("a clone and an edit make %v allocations", n)
	}
}
