package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/wavelet"
)

func TestCreateAndSubmit(t *testing.T) {
	ctx := context.Background()
	h := began(t, NewMemoryLog(), Options{})
	created, err := h.Create(ctx, plans, ann, bob, ann)
	if err != nil {
		t.Fatal(err)
	}
	if created.Version != 1 || created.Delta.Cause.Kind != wavelet.Human || created.Delta.Cause.ID == "" || created.Delta.ID == "" {
		t.Errorf("created as %+v", created)
	}
	s := at(t, h, plans, Head)
	if len(s.Participants()) != 2 || !strings.HasPrefix(string(s.Root()), "b+") || s.Text() != "\n" || s.Creator() != ann {
		t.Errorf("participants %v, root %q, text %q", s.Participants(), s.Root(), s.Text())
	}
	if _, err := h.Create(ctx, plans, bob); code(t, err) != wavelet.CodeExists {
		t.Errorf("created twice: %v", err)
	}
	c := submit(t, h, plans, wavelet.Delta{Author: bob, Base: 1, Ops: []wavelet.Op{wavelet.SetTitle{Title: "Plans"}}})
	if at(t, h, plans, Head).Title() != "Plans" || c.Version != 2 || c.Delta.Base != 1 {
		t.Errorf("version %d on base %d, title %q", c.Version, c.Delta.Base, at(t, h, plans, Head).Title())
	}
	if _, ok := c.Delta.Ops[0].(wavelet.EditBlip); !ok {
		t.Errorf("a title is committed as %T", c.Delta.Ops[0])
	}
	if c.At.Before(created.At) || c.At.Location() != time.UTC {
		t.Errorf("committed at %v after %v", c.At, created.At)
	}
}

func TestNoSuchWavelet(t *testing.T) {
	ctx := context.Background()
	h := began(t, NewMemoryLog(), Options{})
	_, err := h.Snapshot(ctx, plans, Head)
	if code(t, err) != wavelet.CodeNotFound || !errors.Is(err, ErrNotFound) {
		t.Errorf("snapshot: %v", err)
	}
	if _, err := h.Submit(ctx, plans, edit("1", 0, insert(0, "x"))); !errors.Is(err, ErrNotFound) {
		t.Errorf("submit: %v", err)
	}
	if _, _, err := h.Resolve(ctx, plans, "1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("resolve: %v", err)
	}
	for _, err := range h.Read(ctx, plans, 0) {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("read: %v", err)
		}
	}
	if n := h.Stats().Open; n != 0 {
		t.Errorf("%d wavelets are open for a wrong name", n)
	}
	if _, err := h.Create(ctx, wavelet.Name{Wave: "a b!c", Wavelet: "x!y"}, ann); code(t, err) != wavelet.CodeBadDelta {
		t.Errorf("create under an impossible name: %v", err)
	}
}

func TestRefusalsChangeNothing(t *testing.T) {
	ctx := context.Background()
	h := began(t, NewMemoryLog(), Options{})
	founded(t, h, plans, "some text")
	submit(t, h, plans, edit("a/1", 1, insert(0, "xx")))
	submit(t, h, plans, edit("a/2", 2, remove(0, 2)))
	before := written(at(t, h, plans, Head))
	ops := func(ops ...wavelet.Op) wavelet.Delta { return wavelet.Delta{Author: ann, Base: 3, Ops: ops} }
	stranger := edit("", 3, insert(0, "x"))
	stranger.Author = bot
	other := edit("a/1", 3, insert(0, "x"))
	other.Author = bob
	for _, c := range []struct {
		what  string
		d     wavelet.Delta
		code  wavelet.Code
		op    int
		field string
	}{
		{"base past the head", edit("", 4, insert(0, "x")), wavelet.CodePastHead, -1, "base"},
		{"stranger", stranger, wavelet.CodeNotParticipant, -1, "author"},
		{"somebody else's delta id", other, wavelet.CodeDuplicateID, -1, "id"},
		{"unknown blip", ops(wavelet.SetTag{Tag: "x"}, wavelet.DeleteBlip{Blip: "b+9"}), wavelet.CodeUnknownBlip, 1, "delete.blip"},
		{"malformed op", ops(wavelet.SetTag{Tag: "x"}, wavelet.SetTag{}), wavelet.CodeBadDelta, 1, "tag.tag"},
		{"past the end", edit("", 3, remove(9, 1)), wavelet.CodeBadDelta, 0, "edit.ops[1].delete"},
		{"past the end at its base, not at the head", edit("", 1, remove(9, 1)), wavelet.CodeBadDelta, 0, "edit.ops"},
		{"behind the final newline at its base", edit("", 1, insert(10, "x")), wavelet.CodeBadDelta, 0, "edit.ops"},
		{"second op past the end at the base", wavelet.Delta{Author: ann, Base: 1, Ops: []wavelet.Op{
			wavelet.EditBlip{Blip: "b+1", Delta: insert(0, "12")}, wavelet.EditBlip{Blip: "b+1", Delta: insert(12, "x")}}}, wavelet.CodeBadDelta, 1, "edit.ops"},
	} {
		got, err := h.SubmitHuman(ctx, plans, c.d)
		r, ok := errors.AsType[*wavelet.Refusal](err)
		if !ok || r.Code != c.code || r.Op != c.op || r.Field != c.field || r.Reason == "" || got.Version != 0 {
			t.Errorf("%s: %#v", c.what, err)
		}
	}
	if written(at(t, h, plans, Head)) != before || len(history(t, h, plans)) != 3 {
		t.Error("a refused delta left a trace")
	}
	if st := h.Stats(); st.Refused != 9 || st.Commits != 3 {
		t.Errorf("stats %+v", st)
	}
}

func TestEditOfABlipFromTheFuture(t *testing.T) {
	h := began(t, NewMemoryLog(), Options{})
	founded(t, h, plans, "x")
	submit(t, h, plans, wavelet.Delta{Author: ann, Base: 1, Ops: []wavelet.Op{wavelet.CreateBlip{Blip: "b+2"}}})
	_, err := h.SubmitHuman(context.Background(), plans, wavelet.Delta{Author: ann, Base: 1, Ops: []wavelet.Op{wavelet.EditBlip{Blip: "b+2", Delta: insert(0, "x")}}})
	if code(t, err) != wavelet.CodeUnknownBlip {
		t.Errorf("an edit of a blip its author cannot know: %v", err)
	}
}

func TestLateDeltasAreTransformed(t *testing.T) {
	h := began(t, NewMemoryLog(), Options{})
	founded(t, h, plans, "ab")
	submit(t, h, plans, edit("1", 1, insert(1, "X")))
	submit(t, h, plans, edit("2", 2, remove(0, 1)))
	late := submit(t, h, plans, edit("3", 1, insert(0, "Y")))
	if text := at(t, h, plans, Head).Text(); text != "YXb\n" || late.Version != 4 || late.Delta.Base != 3 {
		t.Errorf("text %q at version %d on base %d", text, late.Version, late.Delta.Base)
	}
	for _, title := range []string{"first", "second"} {
		submit(t, h, plans, wavelet.Delta{Author: ann, Base: 1, Ops: []wavelet.Op{wavelet.SetTitle{Title: title}}})
	}
	if got := at(t, h, plans, Head).Title(); got != "second" {
		t.Errorf("of two concurrent titles %q stands", got)
	}
	nothing := submit(t, h, plans, edit("4", 1, remove(0, 1)))
	if nothing.Version != 6 || len(nothing.Delta.Ops) != 0 || at(t, h, plans, Head).Version() != 6 {
		t.Errorf("a delta that comes to nothing: version %d, ops %v", nothing.Version, nothing.Delta.Ops)
	}
	submit(t, h, plans, wavelet.Delta{Author: ann, Base: 6, Ops: []wavelet.Op{wavelet.RemoveParticipant{Who: bob}}})
	_, err := h.SubmitHuman(context.Background(), plans, wavelet.Delta{Author: bob, Base: 1, Ops: edit("", 1, remove(0, 1)).Ops})
	if code(t, err) != wavelet.CodeNotParticipant {
		t.Errorf("even a delta that comes to nothing is refused to somebody removed: %v", err)
	}
	if st := h.Stats(); st.Empty != 1 {
		t.Errorf("stats %+v", st)
	}
}

func TestSameIDIsCommittedOnce(t *testing.T) {
	ctx := context.Background()
	log := NewMemoryLog()
	h := New(log, Options{})
	founded(t, h, plans, "x")
	first := submit(t, h, plans, edit("c/1", 1, insert(0, "a")))
	for range 1100 { // beyond the window
		submit(t, h, plans, edit("", at(t, h, plans, Head).Version(), insert(0, "b")))
	}
	again := submit(t, h, plans, edit("c/1", 1, insert(0, "a")))
	if again.Version != first.Version || !again.At.Equal(first.At) || len(again.Delta.Ops) != 1 {
		t.Errorf("answered with %+v, the first was %+v", again, first)
	}
	if err := h.Close(ctx); err != nil {
		t.Fatal(err)
	}
	h = began(t, log, Options{})
	if again = submit(t, h, plans, edit("c/1", 1, insert(0, "a"))); again.Version != first.Version {
		t.Errorf("after a restart answered with version %d", again.Version)
	}
	if c, ok, err := h.Resolve(ctx, plans, "c/1"); !ok || err != nil || c.Version != first.Version || c.Wavelet != plans {
		t.Errorf("resolved to %+v, %v, %v", c, ok, err)
	}
	if _, ok, err := h.Resolve(ctx, plans, "c/2"); ok || err != nil {
		t.Errorf("an id never seen: %v, %v", ok, err)
	}
	if st := h.Stats(); st.Duplicates != 1 || st.Commits != 0 {
		t.Errorf("stats %+v", st)
	}
}

// guard refuses an author, and looks whether it is asked about the right state.
type guard struct {
	t      *testing.T
	banned wavelet.Participant
}

func (g guard) Check(now time.Time, s *wavelet.State, d wavelet.Delta) error {
	if d.Base != s.Version() || now.Before(s.Modified()) || d.Cause.ID == "" {
		g.t.Errorf("asked about %+v at version %d and %v", d, s.Version(), now)
	}
	if d.Author == g.banned {
		return &wavelet.Refusal{Code: wavelet.CodeEvicted, Op: -1, Reason: "was evicted"}
	}
	return nil
}

func TestGuard(t *testing.T) {
	h := began(t, NewMemoryLog(), Options{})
	h.SetGuard(guard{t, bob})
	founded(t, h, plans, "x")
	d := edit("", 1, insert(0, "x"))
	submit(t, h, plans, d)
	d.Author = bob
	if _, err := h.SubmitHuman(context.Background(), plans, d); code(t, err) != wavelet.CodeEvicted {
		t.Errorf("the guard's refusal comes as %v", err)
	}
}

func TestResyncFarBehind(t *testing.T) {
	log := NewMemoryLog()
	h := began(t, log, Options{})
	founded(t, h, plans, "x")
	grow(t, log, plans, maxMissed)
	if c := submit(t, h, plans, edit("", 1, insert(0, "last"))); c.Version != maxMissed+2 {
		t.Errorf("a delta that missed %d commits became version %d", maxMissed, c.Version)
	}
	if _, err := h.SubmitHuman(context.Background(), plans, edit("", 1, insert(0, "x"))); code(t, err) != wavelet.CodeResync {
		t.Errorf("a delta that missed one more: %v", err)
	}
}

// grow appends n edits to a wavelet of one commit, past the host, which has to
// notice by itself.
func grow(t testing.TB, log Log, name wavelet.Name, n int) {
	t.Helper()
	for v := wavelet.Version(2); n > 0; {
		var es []Entry
		for range min(n, 500) {
			d := edit(fmt.Sprint("grow/", v), v-1, insert(0, "g"))
			d.Cause = wavelet.Cause{ID: "c", Kind: wavelet.Unknown}
			es = append(es, Entry{Commit: wavelet.Commit{Wavelet: name, Version: v, Delta: d, At: time.Unix(1, 0).UTC()}})
			v++
			n--
		}
		if _, err := log.Append(context.Background(), es...); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHumanCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := NewMemoryLog()
		h := New(log, Options{})
		founded(t, h, plans, "x")
		type step struct {
			wait   time.Duration
			author wavelet.Participant
			same   string // the step whose cause it shares, "" for a new one
		}
		causes := map[string]string{}
		play := func(steps map[string]step, order ...string) {
			for _, name := range order {
				st := steps[name]
				time.Sleep(st.wait)
				d := edit("", at(t, h, plans, Head).Version(), insert(0, "x"))
				d.Author = st.author
				d.Cause = wavelet.Cause{ID: "forged", Depth: 7, Kind: wavelet.System}
				c := submit(t, h, plans, d).Delta.Cause
				if c.Kind != wavelet.Human || c.Depth != 0 || c.ID == "forged" || c.ID == "" {
					t.Errorf("%s: the door stamps %+v", name, c)
				}
				causes[name] = c.ID
				for other, id := range causes {
					if other != name && (id == c.ID) != (causes[st.same] == id) {
						t.Errorf("%s and %s share a cause: %v", name, other, id == c.ID)
					}
				}
			}
		}
		play(map[string]step{
			"a1": {time.Minute, ann, ""},
			"a2": {9 * time.Second, ann, "a1"},
			"b1": {time.Second, bob, ""},
			"a3": {8 * time.Second, ann, "a1"},
			"a4": {10 * time.Second, ann, ""},
			"b2": {0, bob, ""},
		}, "a1", "a2", "b1", "a3", "a4", "b2")
		if err := h.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		h = New(log, Options{})
		play(map[string]step{"a5": {5 * time.Second, ann, "a4"}, "a6": {11 * time.Second, ann, ""}}, "a5", "a6")
		cs := history(t, h, plans)
		if last := cs[len(cs)-1]; last.Delta.Cause.ID != causes["a6"] || last.Delta.Cause.Kind != wavelet.Human {
			t.Errorf("stored as %+v", last.Delta.Cause)
		}
		kept := wavelet.Cause{ID: "c", Depth: 3, Exact: 2, Parent: bot, Bundle: "b", Kind: wavelet.Assumed}
		d := edit("", cs[len(cs)-1].Version, insert(0, "x"))
		d.Cause = kept
		if c, err := h.Submit(t.Context(), plans, d); err != nil || c.Delta.Cause != kept {
			t.Errorf("Submit makes %+v of the cause: %v", c.Delta.Cause, err)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestOf(t *testing.T) {
	ctx := context.Background()
	h := began(t, NewMemoryLog(), Options{})
	for i := range 5 {
		founded(t, h, named(fmt.Sprint("w", i)), fmt.Sprint("Title ", i))
	}
	submit(t, h, named("w3"), wavelet.Delta{Author: ann, Base: 1, Ops: []wavelet.Op{wavelet.RemoveParticipant{Who: bob}, wavelet.SetTitle{Title: strings.Repeat("é", 300)}}})
	of := func(p wavelet.Participant) (names []string) {
		for name, err := range h.Of(ctx, p) {
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, name.Wave[len("example.com!w+"):])
		}
		slices.Sort(names)
		return names
	}
	if got := of(bob); !slices.Equal(got, []string{"w0", "w1", "w2", "w4"}) {
		t.Errorf("bob takes part in %v", got)
	}
	if got := of(ann); len(got) != 5 {
		t.Errorf("ann takes part in %v", got)
	}
	if got := append(of("an@example.com"), of("ann@example.co")...); len(got) != 0 {
		t.Errorf("a stranger takes part in %v", got)
	}
	if got := of(""); len(got) != 5 {
		t.Errorf("there are %v", got)
	}
	for s, err := range h.Summaries(ctx, ann) {
		want := Summarize(at(t, h, s.Name, Head))
		if err != nil || s.Version != want.Version || s.Title != want.Title || !s.Modified.Equal(want.Modified) || s.Creator != ann || s.Participants != want.Participants || s.Blips != 1 {
			t.Errorf("summary %+v, %v; want %+v", s, err, want)
		}
	}
}

// A clock that is set back does not make a history run backwards.
func TestClockSetBack(t *testing.T) {
	log := NewMemoryLog()
	future := time.Now().Add(time.Hour).UTC().Round(0)
	opening := wavelet.Delta{ID: "o", Author: ann, Ops: wavelet.Opening(ann), Cause: wavelet.Cause{ID: "c"}}
	if _, err := log.Append(t.Context(), Entry{Commit: wavelet.Commit{Wavelet: plans, Version: 1, Delta: opening, At: future}}); err != nil {
		t.Fatal(err)
	}
	h := began(t, log, Options{})
	if c := submit(t, h, plans, wavelet.Delta{Author: ann, Base: 1, Ops: []wavelet.Op{wavelet.SetTag{Tag: "x"}}}); !c.At.Equal(future) {
		t.Errorf("committed at %v, behind a commit at %v", c.At, future)
	}
}

func TestClosedHost(t *testing.T) {
	h := New(NewMemoryLog(), Options{})
	founded(t, h, plans, "x")
	for range 2 {
		if err := h.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if _, err := h.Snapshot(context.Background(), plans, Head); code(t, err) != wavelet.CodeUnavailable || !errors.Is(err, ErrClosed) {
		t.Errorf("snapshot of a closed host: %v", err)
	}
}
