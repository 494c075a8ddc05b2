package wire

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

var updateGolden = flag.Bool("update", false, "write golden files instead of comparing with them")

const (
	ann   = wavelet.Participant("ann@example.com")
	bob   = wavelet.Participant("bob@example.com")
	spell = wavelet.Participant("spell@example.com")
)

func testName() wavelet.Name {
	return wavelet.Name{Wave: "example.com!w+abc123", Wavelet: "example.com!conv+root"}
}

// doc reads the ops of a document.
func doc(t testing.TB, ops string) richtext.Delta {
	t.Helper()
	d, err := richtext.DecodeOps([]byte(ops))
	if err != nil {
		t.Fatalf("document %s: %v", ops, err)
	}
	return d
}

// plain is a document without attributes.
func plain(text string) richtext.Delta {
	return richtext.Delta{}.Insert(text, richtext.Attributes{})
}

// writer builds a wavelet commit by commit, a second apart.
type writer struct {
	t     testing.TB
	state *wavelet.State
}

// newWavelet is a wavelet with ann, bob and the robot in it, and nothing else.
func newWavelet(t testing.TB) *writer {
	w := &writer{t, wavelet.NewState(testName())}
	w.commit(ann, wavelet.AddParticipant{Who: ann}, wavelet.AddParticipant{Who: bob, Role: wavelet.Read}, wavelet.AddParticipant{Who: spell})
	return w
}

func (w *writer) commit(by wavelet.Participant, ops ...wavelet.Op) *writer {
	w.t.Helper()
	v := w.state.Version() + 1
	d := wavelet.Delta{Author: by, Base: v - 1, Ops: ops}
	at := time.UnixMilli(1_700_000_000_000).Add(time.Duration(v) * time.Second)
	if err := w.state.Apply(wavelet.Commit{Wavelet: w.state.Name(), Version: v, Delta: d, At: at}); err != nil {
		w.t.Fatalf("commit %d: %v", v, err)
	}
	return w
}

func (w *writer) blip(id wavelet.BlipID, thread wavelet.ThreadID, content richtext.Delta) *writer {
	w.t.Helper()
	return w.commit(ann, wavelet.CreateBlip{Blip: id, Thread: thread, Content: content})
}

// after is the state with an answer's deltas applied one behind the other.
func after(t testing.TB, s *wavelet.State, out Outcome) *wavelet.State {
	t.Helper()
	next := s.Clone()
	for _, d := range out.Answer.Deltas {
		if d.Base != s.Version() {
			t.Errorf("delta against version %d, want %d", d.Base, s.Version())
		}
		delta := wavelet.Delta{Author: d.Author, Base: next.Version(), Ops: d.Ops, Cause: wavelet.Cause{Kind: wavelet.Robot}}
		if err := next.Check(delta); err != nil {
			t.Fatalf("the answer is refused: %v", err)
		}
		delta, err := next.Resolve(delta)
		if err == nil {
			err = next.Apply(wavelet.Commit{Wavelet: next.Name(), Version: next.Version() + 1, Delta: delta, At: s.Modified()})
		}
		if err != nil {
			t.Fatalf("the answer does not apply: %v", err)
		}
	}
	return next
}

// contentOf is a blip's text as robots see it.
func contentOf(t testing.TB, s *wavelet.State, id wavelet.BlipID) content {
	t.Helper()
	b, ok := s.Blip(id)
	if !ok {
		t.Fatalf("there is no blip %q", id)
	}
	return read(b.Doc.Delta())
}

// decode reads operations that are known to be good JSON.
func decode(t testing.TB, body string) []Operation {
	t.Helper()
	ops, err := Decode([]byte(body))
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	return ops
}

// noFailures reports operations that failed.
func noFailures(t testing.TB, out Outcome) {
	t.Helper()
	for _, f := range out.Answer.Failures {
		t.Errorf("operation %s failed with %d: %s", f.ID, f.Code, f.Message)
	}
}

// golden compares got with a file in testdata, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *updateGolden {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; run the test with -update", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s has changed (-want +got):\n%s", name, diff)
	}
}

// indented is JSON with a line for each value, to be read in a diff.
func indented(t testing.TB, line []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, line, "", "  "); err != nil {
		t.Fatal(err)
	}
	b.WriteByte('\n')
	return b.Bytes()
}
