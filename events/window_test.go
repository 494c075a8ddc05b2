package events_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/events"
	"weir/wavelet"
	"weir/wavelet/richtext"

	"github.com/google/go-cmp/cmp"
)

const (
	ann   = wavelet.Participant("ann@example.com")
	bob   = wavelet.Participant("bob@example.com")
	echo  = wavelet.Participant("echo@example.com")
	other = wavelet.Participant("other@example.com")
)

var (
	name  = wavelet.Name{Wave: "example.com!w+1", Wavelet: "example.com!conv+root"}
	start = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	none  = richtext.Attributes{}
)

// story is a wavelet as it grows, with its history.
type story struct {
	t       *testing.T
	state   *wavelet.State
	commits []wavelet.Commit
	at      map[wavelet.Version]*wavelet.State
}

// begin is a wavelet with ann, bob and echo in it, and a root blip "Title\n".
func begin(t *testing.T) *story {
	s := &story{t: t, state: wavelet.NewState(name), at: map[wavelet.Version]*wavelet.State{}}
	s.at[0] = s.state.Clone()
	s.human(ann, wavelet.AddParticipant{Who: ann}, wavelet.AddParticipant{Who: bob}, wavelet.AddParticipant{Who: echo})
	s.human(ann, wavelet.CreateBlip{Blip: "b+root", Content: insert("Title\n")})
	return s
}

func (s *story) by(author wavelet.Participant, kind wavelet.CauseKind, ops ...wavelet.Op) {
	s.t.Helper()
	v := s.state.Version() + 1
	c := wavelet.Commit{Wavelet: name, Version: v, At: start.Add(time.Duration(v) * time.Second), Delta: wavelet.Delta{
		ID: wavelet.DeltaID(fmt.Sprint(v)), Author: author, Base: v - 1, Ops: ops, Cause: wavelet.Cause{Kind: kind},
	}}
	if err := s.state.Apply(c); err != nil {
		s.t.Fatalf("commit %d: %v", v, err)
	}
	s.commits = append(s.commits, c)
	s.at[v] = s.state.Clone()
}

func (s *story) human(author wavelet.Participant, ops ...wavelet.Op) {
	s.t.Helper()
	s.by(author, wavelet.Human, ops...)
}

func (s *story) robot(author wavelet.Participant, ops ...wavelet.Op) {
	s.t.Helper()
	s.by(author, wavelet.Robot, ops...)
}

// window is what robot is told in a lane from version from on.
func (s *story) window(robot wavelet.Participant, lane events.Lane, from wavelet.Version) *events.Window {
	s.t.Helper()
	w := events.NewWindow(wavelet.Seat{Wavelet: name, Robot: robot}, lane, s.at[from])
	for _, c := range s.commits[from:] {
		if err := w.Add(c); err != nil {
			s.t.Fatal(err)
		}
	}
	return w
}

func insert(text string) richtext.Delta { return richtext.Delta(nil).Insert(text, none) }

func edit(blip wavelet.BlipID, d richtext.Delta) wavelet.Op {
	return wavelet.EditBlip{Blip: blip, Delta: d}
}

// typed inserts text at a position.
func typed(blip wavelet.BlipID, at int, text string) wavelet.Op {
	return edit(blip, richtext.Delta(nil).Retain(at, none).Insert(text, none))
}

// erased deletes n units at a position.
func erased(blip wavelet.BlipID, at, n int) wavelet.Op {
	return edit(blip, richtext.Delta(nil).Retain(at, none).Delete(n))
}

// marked changes attributes.
func marked(blip wavelet.BlipID, at, n int, key string, value any) wavelet.Op {
	return edit(blip, richtext.Delta(nil).Retain(at, none).Retain(n, richtext.Attr(key, value)))
}

// brief is events in one line each: type, who, blip, and what is special.
func brief(evs []events.Event) []string {
	lines := []string{}
	for _, e := range evs {
		local, _, _ := strings.Cut(string(e.ModifiedBy), "@")
		var line strings.Builder
		fmt.Fprintf(&line, "%s by %s about %s", e.Type, local, e.Blip)
		for _, p := range e.Added {
			line.WriteString(" +" + string(p))
		}
		for _, p := range e.Removed {
			line.WriteString(" -" + string(p))
		}
		switch e.Type {
		case events.WaveletBlipCreated:
			line.WriteString(" " + string(e.NewBlip))
		case events.WaveletBlipRemoved:
			line.WriteString(" " + string(e.RemovedBlip))
		case events.WaveletTitleChanged:
			line.WriteString(" " + e.Title)
		case events.AnnotatedTextChanged:
			fmt.Fprintf(&line, " %s=%s null:%v", e.Annotation.Name, e.Annotation.Value, e.Annotation.Null)
		case events.GadgetStateChanged:
			fmt.Fprintf(&line, " %d %v", e.Index, e.OldState)
		case events.FormButtonClicked:
			line.WriteString(" " + e.Button)
		}
		lines = append(lines, line.String())
	}
	return lines
}

func check(t *testing.T, what string, w *events.Window, want ...string) {
	t.Helper()
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, brief(w.Events())); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestKeystrokesBecomeOneEvent(t *testing.T) {
	s := begin(t)
	for i, r := range "hello" {
		s.human(ann, typed("b+root", 5+i, string(r)))
	}
	w := s.window(echo, events.HumanLane, 2)
	check(t, "human lane", w,
		"DOCUMENT_CHANGED by ann about b+root", "WAVELET_TITLE_CHANGED by ann about b+root Titlehello")
	check(t, "robot lane", s.window(echo, events.RobotLane, 2))
	if w.Heard() != 5 || w.State().Version() != 7 {
		t.Errorf("heard %d up to version %d, want 5 up to 7", w.Heard(), w.State().Version())
	}
}

func TestWhatIsUndoneIsNotTold(t *testing.T) {
	for what, ops := range map[string][]wavelet.Op{
		"typed and erased": {typed("b+root", 0, "x"), erased("b+root", 0, 1)},
		"erased and typed": {erased("b+root", 0, 1), typed("b+root", 0, "T")},
		"bold and not":     {marked("b+root", 0, 3, "bold", true), marked("b+root", 0, 3, "bold", nil)},
		"a blip of a moment": {
			wavelet.CreateBlip{Blip: "b+2", Content: insert("hi\n")}, typed("b+2", 0, "x"), wavelet.DeleteBlip{Blip: "b+2"}},
		"in and out": {wavelet.AddParticipant{Who: other}, wavelet.RemoveParticipant{Who: other}},
		"tag":        {wavelet.SetTag{Tag: "x"}, wavelet.SetTag{Tag: "x", Remove: true}},
	} {
		s := begin(t)
		for _, op := range ops {
			s.human(ann, op)
		}
		check(t, what, s.window(echo, events.HumanLane, 2))
	}
}

func TestLanesNameTheirOwnAuthors(t *testing.T) {
	s := begin(t)
	s.human(ann, typed("b+root", 0, "a"))
	s.robot(other, typed("b+root", 0, "o"))
	s.human(bob, typed("b+root", 0, "b"))
	s.human(bob, marked("b+root", 0, 1, "bold", nil)) // changes nothing
	s.robot(echo, typed("b+root", 0, "e"))
	human := s.window(echo, events.HumanLane, 2).Events()
	robot := s.window(echo, events.RobotLane, 2).Events()
	if got := human[0]; got.ModifiedBy != bob || !got.At.Equal(s.commits[4].At) {
		t.Errorf("human lane: modified by %s at %s, want bob at %s", got.ModifiedBy, got.At, s.commits[4].At)
	}
	if diff := cmp.Diff([]wavelet.Participant{ann, bob}, human[0].Contributors); diff != "" {
		t.Errorf("human lane, contributors (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]wavelet.Participant{other}, robot[0].Contributors); diff != "" {
		t.Errorf("robot lane, contributors (-want +got):\n%s", diff)
	}
	if robot[0].ModifiedBy != other {
		t.Errorf("robot lane: modified by %s", robot[0].ModifiedBy)
	}
}

// An annotation that a robot set is not told in the human lane because a person
// typed in the same blip, nor the typing in the robot lane.
func TestLanesTellTheirOwnKindOfChange(t *testing.T) {
	s := begin(t)
	s.human(ann, wavelet.CreateBlip{Blip: "b+2", Content: insert("some text\n")})
	from := s.state.Version()
	s.human(ann, typed("b+2", 0, "more "))
	s.robot(other, marked("b+2", 0, 4, "lang", "en"))
	check(t, "human lane", s.window(echo, events.HumanLane, from), "DOCUMENT_CHANGED by ann about b+2")
	check(t, "robot lane", s.window(echo, events.RobotLane, from),
		"ANNOTATED_TEXT_CHANGED by other about b+2 lang=en null:false",
		"BLIP_CONTRIBUTORS_CHANGED by other about b+2 +other@example.com")
}

func TestAPersonsWordsARobotRemovedAreNotTold(t *testing.T) {
	s := begin(t)
	s.human(ann, typed("b+root", 5, "spam"))
	s.robot(echo, erased("b+root", 5, 4))
	check(t, "human lane", s.window(echo, events.HumanLane, 2))
}

func TestARobotIsNotToldOfItself(t *testing.T) {
	for _, alias := range []wavelet.Participant{echo, "echo+ann@example.com", "echo#2@example.com"} {
		s := begin(t)
		s.robot(alias, typed("b+root", 0, "x"))
		s.human(alias, typed("b+root", 0, "y"))
		check(t, string(alias), s.window(echo, events.RobotLane, 2))
		check(t, string(alias), s.window(echo, events.HumanLane, 2))
	}
}

func TestTheServerIsNotTold(t *testing.T) {
	s := begin(t)
	s.by("weir@example.com", wavelet.System, wavelet.RemoveParticipant{Who: bob}, wavelet.CreateBlip{Blip: "b+n", Content: insert("notice\n")})
	check(t, "human lane", s.window(echo, events.HumanLane, 2))
	check(t, "robot lane", s.window(echo, events.RobotLane, 2))
	s.human(ann, typed("b+root", 0, "x"))
	w := s.window(echo, events.HumanLane, 2)
	if _, ok := w.State().Blip("b+n"); !ok {
		t.Error("the notice is not in the snapshot")
	}
}

func TestBarriers(t *testing.T) {
	s := begin(t)
	s.human(ann, wavelet.CreateBlip{Blip: "b+2", Content: insert("two\n")})
	s.human(bob, wavelet.CreateThread{Thread: "t+1", Parent: "b+2"}, wavelet.CreateBlip{Blip: "b+3", Thread: "t+1"})
	s.human(bob, wavelet.AddParticipant{Who: other}, wavelet.SetTag{Tag: "new"})
	s.human(ann, wavelet.RemoveParticipant{Who: bob})
	check(t, "created", s.window(echo, events.HumanLane, 2),
		"WAVELET_BLIP_CREATED by ann about b+root b+2",
		"DOCUMENT_CHANGED by ann about b+2",
		"WAVELET_BLIP_CREATED by bob about b+root b+3",
		"WAVELET_PARTICIPANTS_CHANGED by ann about b+root +other@example.com -bob@example.com",
		"WAVELET_TAGS_CHANGED by bob about b+root")
	from := s.state.Version()
	s.human(ann, typed("b+2", 0, "x"), wavelet.DeleteBlip{Blip: "b+2"})
	check(t, "removed", s.window(echo, events.HumanLane, from), "WAVELET_BLIP_REMOVED by ann about b+root b+2")
}

func TestComingAndGoing(t *testing.T) {
	s := begin(t)
	s.human(ann, typed("b+root", 0, "before "))
	from := s.state.Version()
	s.human(ann, typed("b+root", 0, "unheard "))
	s.human(bob, wavelet.AddParticipant{Who: other})
	s.human(ann, typed("b+root", 0, "heard "))
	check(t, "added", s.window(other, events.HumanLane, from),
		"WAVELET_SELF_ADDED by bob about b+root",
		"WAVELET_PARTICIPANTS_CHANGED by bob about b+root +other@example.com",
		"DOCUMENT_CHANGED by ann about b+root",
		"WAVELET_TITLE_CHANGED by ann about b+root heard unheard before Title")
	from = s.state.Version()
	s.human(ann, wavelet.RemoveParticipant{Who: other})
	s.human(ann, typed("b+root", 0, "secret "))
	check(t, "removed", s.window(other, events.HumanLane, from),
		"WAVELET_PARTICIPANTS_CHANGED by ann about b+root -other@example.com",
		"WAVELET_SELF_REMOVED by ann about b+root")
	check(t, "robot lane", s.window(other, events.RobotLane, from))
	from = s.state.Version()
	s.by("weir@example.com", wavelet.System, wavelet.AddParticipant{Who: other})
	check(t, "readmitted", s.window(other, events.HumanLane, from), "WAVELET_SELF_ADDED by weir about b+root")
	from = s.state.Version()
	s.human(ann, wavelet.AddParticipant{Who: "other+bob@example.com"})
	s.human(ann, wavelet.RemoveParticipant{Who: other})
	check(t, "still there under an alias", s.window(other, events.HumanLane, from),
		"WAVELET_PARTICIPANTS_CHANGED by ann about b+root +other+bob@example.com -other@example.com")
}

// What a new participant is told is the change since it came, not since the
// window began.
func TestAddedInTheMiddle(t *testing.T) {
	s := begin(t)
	s.human(ann, wavelet.CreateBlip{Blip: "b+2", Content: insert("two\n")})
	from := s.state.Version()
	s.human(ann, typed("b+2", 0, "unheard "))
	s.human(bob, wavelet.AddParticipant{Who: other})
	s.human(ann, erased("b+2", 0, 8))
	check(t, "back to before the window", s.window(other, events.HumanLane, from),
		"WAVELET_SELF_ADDED by bob about b+root",
		"WAVELET_PARTICIPANTS_CHANGED by bob about b+root +other@example.com",
		"DOCUMENT_CHANGED by ann about b+2")
	from = s.state.Version()
	s.human(ann, wavelet.RemoveParticipant{Who: bob})
	s.human(ann, wavelet.AddParticipant{Who: "third@example.com"})
	s.human(ann, wavelet.AddParticipant{Who: bob})
	check(t, "somebody who was there before the window", s.window("third@example.com", events.HumanLane, from),
		"WAVELET_SELF_ADDED by ann about b+root",
		"WAVELET_PARTICIPANTS_CHANGED by ann about b+root +third@example.com +bob@example.com")
}

func TestGadgetsAndForms(t *testing.T) {
	s := begin(t)
	gadget, err := richtext.NewEmbed("gadget", map[string]any{"id": "g1", "url": "https://example.com/g.xml", "author": "ann"})
	if err != nil {
		t.Fatal(err)
	}
	button, err := richtext.NewEmbed("form", map[string]any{"type": "BUTTON", "name": "vote", "id": "e1"})
	if err != nil {
		t.Fatal(err)
	}
	s.human(ann, edit("b+root", richtext.Delta(nil).Retain(5, none).InsertEmbed(gadget, richtext.Attr("g/score", "1")).InsertEmbed(button, none)))
	from := s.state.Version()
	s.human(bob, marked("b+root", 5, 1, "g/score", "2"))
	s.human(bob, wavelet.ClickForm{Blip: "b+root", Element: "e1"})
	check(t, "gadget and click", s.window(echo, events.HumanLane, from),
		"GADGET_STATE_CHANGED by bob about b+root 6 map[score:1]",
		"BLIP_CONTRIBUTORS_CHANGED by bob about b+root +bob@example.com",
		"FORM_BUTTON_CLICKED by bob about b+root vote")
	from = s.state.Version()
	s.human(bob, marked("b+root", 6, 1, "value", "on"))
	check(t, "form value", s.window(echo, events.HumanLane, from), "DOCUMENT_CHANGED by bob about b+root")
}

func TestAnnotations(t *testing.T) {
	s := begin(t)
	s.human(ann, marked("b+root", 0, 2, "bold", true))
	from := s.state.Version()
	bold := richtext.Attr("bold", true)
	s.human(ann, edit("b+root", richtext.Delta(nil).Retain(2, none).Insert("x", bold)))
	check(t, "carried on", s.window(echo, events.HumanLane, from),
		"DOCUMENT_CHANGED by ann about b+root", "WAVELET_TITLE_CHANGED by ann about b+root Tixtle")
	from = s.state.Version()
	s.human(ann, edit("b+root", richtext.Delta(nil).Retain(5, none).Insert("y", bold)), marked("b+root", 0, 1, "bold", nil))
	check(t, "new and removed", s.window(echo, events.HumanLane, from),
		"DOCUMENT_CHANGED by ann about b+root",
		"ANNOTATED_TEXT_CHANGED by ann about b+root bold= null:true",
		"ANNOTATED_TEXT_CHANGED by ann about b+root bold=true null:false",
		"WAVELET_TITLE_CHANGED by ann about b+root Tixtlye")
	from = s.state.Version()
	s.human(ann, marked("b+root", 7, 1, "header", 1))
	check(t, "line", s.window(echo, events.HumanLane, from), "DOCUMENT_CHANGED by ann about b+root")
}

func TestMutedCommitsRaiseNoEvent(t *testing.T) {
	s := begin(t)
	s.robot(other, typed("b+root", 0, "x"))
	s.robot("third@example.com", typed("b+root", 0, "y"))
	w := events.NewWindow(wavelet.Seat{Wavelet: name, Robot: echo}, events.RobotLane, s.at[2])
	w.Mute(func(c wavelet.Commit) bool { return c.Delta.Author == other })
	for _, c := range s.commits[2:] {
		if err := w.Add(c); err != nil {
			t.Fatal(err)
		}
	}
	got := w.Events()[0]
	if diff := cmp.Diff([]wavelet.Participant{"third@example.com"}, got.Contributors); diff != "" {
		t.Errorf("contributors (-want +got):\n%s", diff)
	}
	if w.Heard() != 1 {
		t.Errorf("heard %d, want 1", w.Heard())
	}
}

// A window too large to fold is told from the two snapshots.
func TestReplacedDocument(t *testing.T) {
	s := begin(t)
	s.human(ann, wavelet.CreateBlip{Blip: "b+2", Content: insert(strings.Repeat("ab", 12_000) + "\n")})
	from := s.state.Version()
	for lap := range 2 {
		d := richtext.Delta(nil)
		for range 6000 {
			d = d.Retain(1+lap, none).Insert("z", none).Retain(1, none)
		}
		s.human(ann, edit("b+2", d))
	}
	w := s.window(echo, events.HumanLane, from)
	check(t, "grown", w, "DOCUMENT_CHANGED by ann about b+2")
	before := s.at[from]
	blip, _ := before.Blip("b+2")
	now, _ := s.state.Blip("b+2")
	back := append(blip.Doc.Slice(0, blip.Doc.Len()-1), richtext.Delta(nil).Delete(now.Doc.Len()-1)...)
	s.human(ann, edit("b+2", back))
	check(t, "grown and put back", s.window(echo, events.HumanLane, from))
}

func TestWindowRefusesGaps(t *testing.T) {
	s := begin(t)
	s.human(ann, typed("b+root", 0, "x"))
	s.human(ann, typed("b+root", 0, "y"))
	w := events.NewWindow(wavelet.Seat{Wavelet: name, Robot: echo}, events.HumanLane, s.at[2])
	if err := w.Add(s.commits[3]); err == nil {
		t.Error("a window at version 2 took commit 4")
	}
}

func TestBundleID(t *testing.T) {
	seat := wavelet.Seat{Wavelet: name, Robot: echo}
	id := events.BundleID(seat, events.HumanLane, 7)
	if len(id) != 32 || id != events.BundleID(seat, events.HumanLane, 7) {
		t.Errorf("bundle id %q is not stable", id)
	}
	for _, differs := range []string{
		events.BundleID(seat, events.RobotLane, 7),
		events.BundleID(seat, events.HumanLane, 8),
		events.BundleID(wavelet.Seat{Wavelet: name, Robot: other}, events.HumanLane, 7),
	} {
		if differs == id {
			t.Error("two windows share a bundle id")
		}
	}
}
