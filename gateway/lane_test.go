package gateway_test

import (
	"fmt"
	"testing"
	"time"

	"weir/events"
	"weir/gateway"
	"weir/policies"
	"weir/wavelet"

	"github.com/google/go-cmp/cmp"
)

var epoch = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func at(ms int) time.Time { return epoch.Add(time.Duration(ms) * time.Millisecond) }

// plain is a profile of round numbers.
func plain() policies.Profile {
	return policies.Profile{
		Pace:     policies.Pace{MinInterval: 500 * time.Millisecond, Merge: 500 * time.Millisecond},
		Delivery: policies.Delivery{Attempts: 3, Backoff: time.Second, MaxWait: 8 * time.Second, Timeout: 10 * time.Second, MaxOps: 100, MaxBody: 1 << 20},
	}
}

// timeline is a lane and what is to happen to it.
type timeline struct {
	t       *testing.T
	lane    *gateway.Lane
	version wavelet.Version
}

func newTimeline(t *testing.T) *timeline {
	return &timeline{t: t, lane: gateway.NewLane(plain(), gateway.Cursor{})}
}

func (l *timeline) human(ms int) {
	l.add(ms, events.HumanLane, wavelet.Cause{ID: "h", Kind: wavelet.Human})
}

func (l *timeline) robot(ms int, cause string, depth int) {
	l.add(ms, events.RobotLane, wavelet.Cause{ID: cause, Depth: depth, Kind: wavelet.Robot})
}

func (l *timeline) quiet(ms int) {
	l.version++
	l.lane.Add(at(ms), gateway.Pending{Version: l.version, Quiet: true})
}

func (l *timeline) add(ms int, lane events.Lane, c wavelet.Cause) {
	l.version++
	l.lane.Add(at(ms), gateway.Pending{
		Version: l.version, Lane: lane, Cause: c, Author: wavelet.Participant(fmt.Sprintf("author%d@example.com", l.version)),
	})
}

// next is "lane from-to xdeltas", "wait ms" or "idle".
func (l *timeline) next(ms int) string {
	t, wake, due := l.lane.Next(at(ms))
	switch {
	case due:
		last := ""
		if t.Last {
			last = " last"
		}
		return fmt.Sprintf("%s %d-%d x%d%s", t.Lane, t.From, t.To, t.Deltas, last)
	case wake.IsZero():
		return "idle"
	}
	return fmt.Sprintf("wait %d", wake.Sub(epoch).Milliseconds())
}

func (l *timeline) expect(ms int, want string) {
	l.t.Helper()
	if got := l.next(ms); got != want {
		l.t.Errorf("at %d ms: %s, want %s", ms, got, want)
	}
}

func (l *timeline) done(ms int, kind gateway.OutcomeKind) {
	l.lane.Done(at(ms), gateway.Outcome{Kind: kind, Sent: at(ms), Jitter: 1})
}

func TestMergeTimerStartsWithTheFirstDelta(t *testing.T) {
	l := newTimeline(t)
	l.expect(0, "idle")
	l.human(100)
	l.expect(100, "wait 600")
	l.human(400)
	l.human(599)
	l.expect(599, "wait 600")
	l.expect(600, "human 0-3 x3")
}

func TestSingleFlightAndPace(t *testing.T) {
	l := newTimeline(t)
	l.human(0)
	l.expect(500, "human 0-1 x1")
	l.human(510)
	l.robot(520, "h", 1)
	l.expect(5000, "idle")
	l.lane.Done(at(5000), gateway.Outcome{Kind: gateway.Delivered, Sent: at(500)})
	l.expect(5000, "human 1-3 x1")
	l.lane.Done(at(5001), gateway.Outcome{Kind: gateway.Delivered, Sent: at(5000)})
	l.expect(5001, "wait 5500")
	l.expect(5500, "robot 2-3 x1")
}

func TestRobotLaneGetsEverySecondSlot(t *testing.T) {
	l := newTimeline(t)
	var got []string
	for slot := 1; slot <= 6; slot++ {
		l.human(slot*500 - 500)
		l.robot(slot*500-500, "h", 1)
	}
	for slot := 1; slot <= 6; slot++ {
		ms := 3000 + slot*500
		take, _, due := l.lane.Next(at(ms))
		if !due {
			t.Fatalf("nothing due at %d ms", ms)
		}
		got = append(got, take.Lane.String())
		l.done(ms, gateway.Delivered)
		l.human(ms)
		l.robot(ms, "h", 1)
	}
	if diff := cmp.Diff([]string{"human", "robot", "human", "robot", "human", "robot"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHumanLaneFirstWhenTheRobotLaneDidNotWait(t *testing.T) {
	l := newTimeline(t)
	l.human(0)
	l.robot(100, "h", 1) // not due at 500
	l.expect(500, "human 0-2 x1")
	l.done(500, gateway.Delivered)
	l.human(501)
	l.expect(1001, "human 2-3 x1") // both are due; the robot lane was not passed over
}

func TestCursorsOfTheLanes(t *testing.T) {
	l := newTimeline(t)
	l.quiet(0)
	l.human(0)
	l.robot(0, "h", 1)
	l.quiet(0)
	want := gateway.Cursor{Human: 1, Robot: 2}
	if diff := cmp.Diff(want, l.lane.Cursor()); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	l.expect(500, "human 1-4 x1")
	if diff := cmp.Diff(want, l.lane.Cursor()); diff != "" {
		t.Errorf("in flight (-want +got):\n%s", diff)
	}
	l.quiet(600)
	l.done(600, gateway.Delivered)
	if diff := cmp.Diff(gateway.Cursor{Human: 5, Robot: 2}, l.lane.Cursor()); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
}

func TestRetryAndBreaker(t *testing.T) {
	l := newTimeline(t)
	l.human(0)
	l.expect(500, "human 0-1 x1")
	l.done(500, gateway.Failed)
	l.human(600)
	l.expect(600, "wait 1500") // 1 s
	l.expect(1500, "human 0-2 x2")
	l.done(1500, gateway.Failed)
	l.expect(1500, "wait 3500") // 2 s
	take, _, _ := l.lane.Next(at(3500))
	if take.Attempt != 3 {
		t.Errorf("attempt %d, want 3", take.Attempt)
	}
	if l.lane.BreakerOpen() {
		t.Error("the breaker opened before the third failure")
	}
	l.done(3500, gateway.Failed)
	if !l.lane.BreakerOpen() {
		t.Error("the breaker did not open at the third failure")
	}
	l.expect(3500, "wait 11500") // the longest wait
	l.human(4000)
	l.expect(11500, "human 0-3 x3")
	l.done(11500, gateway.Failed)
	l.expect(11500, "wait 19500")
	l.lane.Resume()
	l.expect(12000, "human 0-3 x3")
	l.done(12000, gateway.Delivered)
	if l.lane.BreakerOpen() {
		t.Error("the breaker stayed open after a delivery")
	}
	l.human(12100)
	l.expect(12600, "human 3-4 x1")
}

func TestJitterSpreadsTheUpperHalf(t *testing.T) {
	for jitter, want := range map[float64]string{0: "wait 1000", 0.5: "wait 1250", 1: "wait 1500"} {
		l := newTimeline(t)
		l.human(0)
		l.expect(500, "human 0-1 x1")
		l.lane.Done(at(500), gateway.Outcome{Kind: gateway.Failed, Jitter: jitter, Sent: at(500)})
		l.expect(500, want)
	}
}

func TestHeldLane(t *testing.T) {
	l := newTimeline(t)
	l.robot(0, "h", 9)
	l.expect(500, "robot 0-1 x1")
	l.lane.Done(at(500), gateway.Outcome{Kind: gateway.Held, Delay: 10 * time.Second})
	l.expect(500, "wait 10500")
	l.human(600)
	l.expect(1100, "human 1-2 x1") // the other lane goes on
	l.done(1100, gateway.Delivered)
	l.robot(2000, "h", 10)
	l.expect(10500, "robot 0-3 x2")
}

func TestPartialWindow(t *testing.T) {
	l := newTimeline(t)
	for range 4 {
		l.human(0)
	}
	l.expect(500, "human 0-4 x4")
	l.lane.Done(at(500), gateway.Outcome{Kind: gateway.Delivered, Sent: at(500), Through: 2})
	l.human(700)
	take, _, due := l.lane.Next(at(1000))
	if !due || take.From != 2 || take.To != 5 {
		t.Errorf("the rest goes out as %+v, want from 2 to 5", take)
	}
}

func TestDeepestCause(t *testing.T) {
	l := newTimeline(t)
	l.robot(0, "a", 3)
	l.robot(0, "b", 7)
	l.robot(0, "a", 5)
	l.robot(0, "c", 7) // as deep, but later
	take, _, _ := l.lane.Next(at(500))
	if take.Cause.ID != "c" || take.Cause.Depth != 7 || take.Author != "author4@example.com" {
		t.Errorf("deepest cause %+v by %s", take.Cause, take.Author)
	}
	l = newTimeline(t)
	l.add(0, events.RobotLane, wavelet.Cause{ID: "x", Depth: 7, Exact: 2})
	l.add(0, events.RobotLane, wavelet.Cause{ID: "y", Depth: 7, Exact: 5})
	l.add(0, events.RobotLane, wavelet.Cause{ID: "z", Depth: 7, Exact: 3})
	if take, _, _ := l.lane.Next(at(500)); take.Cause.ID != "y" {
		t.Errorf("deepest cause %s, want y, which is proved best", take.Cause.ID)
	}
}

func TestFlush(t *testing.T) {
	l := newTimeline(t)
	l.robot(0, "loop", 8)
	l.robot(10, "other", 1)
	l.human(20)
	l.lane.Flush("loop")
	l.expect(520, "human 2-3 x1")
	l.done(520, gateway.Delivered)
	take, _, due := l.lane.Next(at(1020))
	if !due || take.Cause.ID != "other" || take.From != 1 || take.Deltas != 1 {
		t.Errorf("after the flush %+v", take)
	}
	if diff := cmp.Diff([]gateway.Mute{{Cause: "loop", Through: 3}}, take.Mutes); diff != "" {
		t.Errorf("mutes (-want +got):\n%s", diff)
	}
	l.done(1020, gateway.Delivered)
	l.robot(1100, "loop", 9) // what comes later is told again
	take, _, due = l.lane.Next(at(1600))
	if !due || take.From != 3 || len(take.Mutes) != 0 {
		t.Errorf("the next one of the cause %+v", take)
	}
}

func TestFlushSurvivesARestart(t *testing.T) {
	first := newTimeline(t)
	first.robot(0, "loop", 8)
	first.robot(0, "other", 1)
	first.lane.Flush("loop")
	second := &timeline{t: t, lane: gateway.NewLane(plain(), gateway.Cursor{Mutes: first.lane.Cursor().Mutes})}
	second.robot(0, "loop", 8)
	second.robot(0, "other", 1)
	second.robot(0, "loop", 9)
	second.expect(500, "robot 1-3 x2")
}

func TestFlushReachesAFailedFlight(t *testing.T) {
	l := newTimeline(t)
	l.robot(0, "loop", 8)
	l.expect(500, "robot 0-1 x1")
	l.lane.Flush("loop")
	l.done(600, gateway.Failed)
	l.expect(60_000, "idle")
}

func TestManyCauses(t *testing.T) {
	l := newTimeline(t)
	for i := range 100 {
		l.robot(0, fmt.Sprint(i), i)
	}
	take, _, _ := l.lane.Next(at(500))
	if take.Deltas != 100 || take.Cause.Depth != 99 || take.From != 0 {
		t.Errorf("%+v", take)
	}
	l.done(500, gateway.Failed)
	l.robot(600, "0", 200)
	take, _, _ = l.lane.Next(at(3000))
	if take.Deltas != 101 || take.Cause.Depth != 200 || take.From != 0 {
		t.Errorf("after a failure %+v", take)
	}
}

func TestStopAndLeave(t *testing.T) {
	l := newTimeline(t)
	l.human(0)
	l.robot(0, "h", 16)
	l.expect(500, "human 0-2 x1")
	l.lane.Stop()
	l.human(600)
	l.done(700, gateway.Dropped)
	l.expect(60_000, "idle")
	l.version++
	l.lane.Leave(at(800), gateway.Pending{Version: l.version})
	l.expect(1300, "human 3-4 x1 last")
	l.human(1400)
	l.done(1500, gateway.Delivered)
	if !l.lane.Over() {
		t.Error("the seat did not end with its last bundle")
	}
}

func TestLeaveTellsWhatWaited(t *testing.T) {
	l := newTimeline(t)
	l.human(0)
	l.robot(0, "h", 1)
	l.version++
	l.lane.Leave(at(10), gateway.Pending{Version: l.version})
	l.human(20)
	l.expect(500, "human 0-3 x2 last")
	for range 3 {
		l.done(500, gateway.Failed)
		l.next(100_000)
	}
	if !l.lane.Over() {
		t.Error("a dead robot keeps its seat though it was removed")
	}
}

func TestReturn(t *testing.T) {
	l := newTimeline(t)
	l.version++
	l.lane.Leave(at(0), gateway.Pending{Version: l.version})
	l.lane.Return()
	l.human(10)
	l.expect(500, "human 0-2 x2")
}

func TestParked(t *testing.T) {
	l := newTimeline(t)
	l.human(0)
	l.expect(500, "human 0-1 x1")
	l.lane.Done(at(500), gateway.Outcome{Kind: gateway.Parked})
	l.human(600)
	l.expect(60_000, "idle")
	l.lane.Resume()
	l.expect(60_000, "human 0-2 x2")
}

func TestRestartFindsTheSameWindow(t *testing.T) {
	first := newTimeline(t)
	first.quiet(0)
	first.human(0)
	first.robot(0, "h", 1)
	cursor := first.lane.Cursor()
	first.expect(500, "human 1-3 x1")
	if diff := cmp.Diff(cursor, first.lane.Cursor()); diff != "" {
		t.Errorf("cursor moved with the flight (-want +got):\n%s", diff)
	}
	second := &timeline{t: t, lane: gateway.NewLane(plain(), cursor)}
	second.quiet(0)
	second.human(0)
	second.robot(0, "h", 1)
	second.expect(500, "human 1-3 x1")
}

func TestSee(t *testing.T) {
	const robot = wavelet.Participant("echo@example.com")
	for what, c := range map[string]struct {
		author wavelet.Participant
		kind   wavelet.CauseKind
		ops    []wavelet.Op
		cut    bool
		lane   events.Lane
		quiet  bool
	}{
		"a person":           {author: "ann@example.com", kind: wavelet.Human},
		"unknown":            {author: "ann@elsewhere.org", kind: wavelet.Unknown},
		"another robot":      {author: "x@example.com", kind: wavelet.Robot, lane: events.RobotLane},
		"assumed":            {author: "x@example.com", kind: wavelet.Assumed, lane: events.RobotLane},
		"cut from it":        {author: "x@example.com", kind: wavelet.Robot, lane: events.RobotLane, cut: true, quiet: true},
		"cut, elsewhere":     {author: "x@elsewhere.org", kind: wavelet.Unknown, cut: true, quiet: true},
		"itself":             {author: robot, kind: wavelet.Robot, lane: events.RobotLane, quiet: true},
		"a longer name":      {author: "echoes@example.com", kind: wavelet.Robot, lane: events.RobotLane},
		"of another domain":  {author: "echo+x@sub.example.com", kind: wavelet.Robot, lane: events.RobotLane},
		"its version":        {author: "echo+ann#2@example.com", kind: wavelet.Robot, lane: events.RobotLane, quiet: true},
		"its alias":          {author: "echo+ann@example.com", kind: wavelet.Robot, lane: events.RobotLane, quiet: true},
		"the server":         {author: "weir@example.com", kind: wavelet.System, quiet: true},
		"the server, of it":  {author: "weir@example.com", kind: wavelet.System, ops: []wavelet.Op{wavelet.RemoveParticipant{Who: robot}}},
		"the server, of bob": {author: "weir@example.com", kind: wavelet.System, ops: []wavelet.Op{wavelet.AddParticipant{Who: "bob@example.com"}}, quiet: true},
	} {
		p := gateway.See(robot, wavelet.Commit{Version: 1, Delta: wavelet.Delta{Author: c.author, Ops: c.ops, Cause: wavelet.Cause{Kind: c.kind}}}, c.cut)
		if p.Lane != c.lane || p.Quiet != c.quiet {
			t.Errorf("%s: %s lane, quiet %v; want %s, %v", what, p.Lane, p.Quiet, c.lane, c.quiet)
		}
	}
}

func BenchmarkLaneAdd(b *testing.B) {
	b.ReportAllocs()
	lane := gateway.NewLane(plain(), gateway.Cursor{})
	p := gateway.Pending{Lane: events.HumanLane, Author: "ann@example.com", Cause: wavelet.Cause{ID: "c", Kind: wavelet.Human}}
	for b.Loop() {
		p.Version++
		lane.Add(epoch, p)
	}
}
