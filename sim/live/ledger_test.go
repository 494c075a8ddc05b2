package live

import (
	"strings"
	"testing"
	"time"

	"weir/events"
	"weir/gateway"
	"weir/policies"
	"weir/sim"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

var (
	main = wavelet.Name{Wave: "example.com!w+main", Wavelet: "example.com!conv+root"}
	echo = wavelet.Participant("echo@example.com")
	ann  = wavelet.Participant("ann@example.com")
)

// staged is a run with a person and a robot in one room, and no server.
func staged() (*run, *room) {
	sc := &sim.Scenario{Name: "staged"}
	in := newRoom("main")
	b := &robot{Habits: sim.NewHabits(sc, &sim.Robot{Name: "echo"}, 1, policies.Profile{}), seats: map[*room]*seat{}}
	b.seats[in] = newSeat(b, in, true)
	b.seats[in].id = wavelet.Seat{Wavelet: main, Robot: echo}
	p := sim.NewPerson(sc, &sim.Human{Name: "ann", Messages: &sim.Messages{}}, 1)
	return &run{
		sc: sc, o: Options{Scale: 1}, tally: sim.NewTally(sc, sim.Options{}), places: map[wavelet.Name]*room{main: in},
		robots: map[wavelet.Participant]*robot{echo: b}, people: map[wavelet.Participant]*sim.Person{ann: p},
		written: map[int]*written{}, met: map[wavelet.Seat]bool{}, sent: map[wavelet.Participant]time.Duration{}, ready: make(chan struct{}), struck: make(chan struct{}),
	}, in
}

// commit tells a run of the next commit.
func (r *run) commit(in *room, author wavelet.Participant, kind wavelet.CauseKind, ops ...wavelet.Op) {
	r.Committed(wavelet.Commit{
		Wavelet: main, Version: wavelet.Version(len(in.log) + 1),
		Delta: wavelet.Delta{Author: author, Ops: ops, Cause: wavelet.Cause{Kind: kind}},
	})
}

func plain(text string) richtext.Delta { return richtext.Delta{}.Insert(text, richtext.Attributes{}) }

// TestALineIsKnownByItsNumber finds a line again of which only a digit is new.
func TestALineIsKnownByItsNumber(t *testing.T) {
	r, in := staged()
	var lines []string
	for i := range 2 {
		w := &sim.Writes{Origin: sim.Origin{Chain: "ann/1", Depth: i + 1}, List: make([]sim.Write, 1), Landing: 1}
		lines = append(lines, r.number(&written{w, 0, wavelet.Seat{}}))
	}
	r.commit(in, echo, wavelet.Robot, wavelet.CreateBlip{Blip: "b+1", Content: plain(lines[0] + "\n")})
	shared := strings.Index(lines[0], "1")
	change := richtext.Delta{}.Retain(shared, richtext.Attributes{}).Insert("2", richtext.Attributes{}).Delete(1)
	r.commit(in, echo, wavelet.Robot, wavelet.EditBlip{Blip: "b+1", Delta: change})
	for i, e := range in.log {
		if e.By != "echo" || e.Origin.Depth != i+1 || e.Origin.Chain != "ann/1" {
			t.Errorf("line %d is by %q and goes back to %+v", i+1, e.By, e.Origin)
		}
	}
	if len(r.written) != 0 {
		t.Errorf("%d lines are still looked for", len(r.written))
	}
}

// TestABundleIsItsLanesDeltas finds what was in a bundle by its id and its blips.
func TestABundleIsItsLanesDeltas(t *testing.T) {
	r, in := staged()
	blip := func(id wavelet.BlipID) wavelet.Op { return wavelet.CreateBlip{Blip: id, Content: plain("x\n")} }
	r.commit(in, host, wavelet.Human, blip("b+root"))
	r.commit(in, ann, wavelet.Human, blip("b+1"))
	r.commit(in, echo, wavelet.Robot, blip("b+2"))
	r.commit(in, ann, wavelet.Human, blip("b+3"))
	r.commit(in, ann, wavelet.Human, blip("b+4"))

	s := r.robots[echo].seats[in]
	if v := s.begins(events.BundleID(s.id, events.HumanLane, 2), events.HumanLane, 5); v != 2 {
		t.Errorf("the bundle begins at %d, not 2", v)
	}
	if v := s.begins("another", events.HumanLane, 5); v != 5 {
		t.Errorf("an unknown bundle begins at %d", v)
	}
	heard := in.heard(echo, events.HumanLane, 2, 5, map[wavelet.BlipID]bool{"b+1": true, "b+2": true, "b+4": true})
	if len(heard) != 1 || heard[0].Version != 5 {
		t.Errorf("heard: %+v", heard)
	}
	if heard = in.heard(echo, events.HumanLane, 0, 5, nil); len(heard) != 3 {
		t.Errorf("%d deltas are heard by whoever hears all", len(heard))
	}
	if heard = in.heard(ann, events.RobotLane, 0, 5, nil); len(heard) != 1 || heard[0].By != "echo" {
		t.Errorf("in the robot lane: %+v", heard)
	}
}

// TestLagIsThatOfMost measures from the sending to the commit.
func TestLagIsThatOfMost(t *testing.T) {
	r, in := staged()
	for i := range 40 {
		r.sending(ann)
		r.sent[ann] = -time.Duration(i) * time.Second // the clock stands at 0
		r.sending(ann)
		r.commit(in, ann, wavelet.Human)
		r.commit(in, ann, wavelet.Human) // not one that was measured
	}
	if lag := r.lag(); lag != 38*time.Second || len(r.lags) != 40 {
		t.Errorf("a lag of %s of %d deltas", lag, len(r.lags))
	}
}

func TestTheGatewayIsReadyWhenEveryRobotHasHeard(t *testing.T) {
	r, in := staged()
	s := r.robots[echo].seats[in]
	r.happened(gateway.Happening{Kind: gateway.Sent, Seat: s.id})
	select {
	case <-r.ready:
		t.Fatal("ready before the robot has had its first bundle")
	default:
	}
	r.happened(gateway.Happening{Kind: gateway.Received, Seat: s.id})
	select {
	case <-r.ready:
	default:
		t.Fatal("not ready when it has")
	}
}
