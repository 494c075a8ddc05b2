package gateway_test

import (
	"encoding/json"
	"testing"
	"time"

	"weir/events"
	"weir/gateway"
	"weir/wavelet"
)

// edits adds a delta of ann's to a lane, in a blip.
func edits(l *gateway.Lane, now time.Time, v wavelet.Version, lane events.Lane, cause string, blips ...wavelet.BlipID) {
	p := gateway.Pending{Version: v, Lane: lane, Author: ann, Cause: wavelet.Cause{ID: cause, Kind: wavelet.Human}}
	if lane == events.RobotLane {
		p.Author, p.Cause.Kind = echoA, wavelet.Robot
	}
	l.Add(now, p)
	l.Edited(now, now, p, blips)
}

// TestAnEndIsToldAmongTraffic has others write all the time, so that something
// always waits.
func TestAnEndIsToldAmongTraffic(t *testing.T) {
	l := gateway.NewLane(plain(), gateway.Cursor{})
	now := epoch
	edits(l, now, 1, events.HumanLane, "a", "b+ann")
	var ended time.Duration
	for v := wavelet.Version(2); now.Sub(epoch) < time.Minute; v++ {
		now = now.Add(100 * time.Millisecond)
		l.Add(now, gateway.Pending{Version: v, Author: bob, Cause: wavelet.Cause{ID: "b", Kind: wavelet.Human}})
		if take, _, due := l.Next(now); due {
			if take.Ended != nil && ended == 0 {
				ended = now.Sub(epoch)
			}
			l.Done(now, gateway.Outcome{Kind: gateway.Delivered, Sent: now})
		}
	}
	if ended < 5*time.Second || ended > 7*time.Second {
		t.Errorf("the end is told after %s", ended)
	}
}

// TestSessionsThatAreNotTold drops sessions with what else the robot is not to
// be told.
func TestSessionsThatAreNotTold(t *testing.T) {
	for name, drop := range map[string]func(*gateway.Lane){
		"flush": func(l *gateway.Lane) { l.Flush("c") },
		"stop":  func(l *gateway.Lane) { l.Stop(); l.Return() },
		"leave": func(l *gateway.Lane) { l.Leave(epoch, gateway.Pending{Version: 2}); l.Return() },
	} {
		for _, flying := range []bool{false, true} {
			l := gateway.NewLane(plain(), gateway.Cursor{})
			edits(l, epoch, 1, events.RobotLane, "c", "b+1", "b+2")
			now := epoch.Add(time.Minute)
			if take, _, due := l.Next(now); !due || take.Ended != nil {
				t.Fatalf("%s: the change is not told first: %+v", name, take)
			}
			l.Done(now, gateway.Outcome{Kind: gateway.Delivered, Sent: now})
			now = now.Add(time.Minute)
			if flying {
				if take, _, _ := l.Next(now); len(take.Ended) != 2 || take.Deltas != 0 {
					t.Fatalf("%s: the take is %+v", name, take)
				}
			}
			drop(l)
			l.Done(now, gateway.Outcome{Kind: gateway.Failed})
			for range 3 {
				now = now.Add(time.Hour)
				if take, _, due := l.Next(now); due && take.Ended != nil {
					t.Errorf("%s (in flight: %t): %+v is told", name, flying, take.Ended)
				}
				l.Done(now, gateway.Outcome{Kind: gateway.Delivered, Sent: now})
			}
		}
	}
}

// TestSessionsAreInTheCursor carries sessions over by way of the stored cursor,
// with the commits that come again.
func TestSessionsAreInTheCursor(t *testing.T) {
	l := gateway.NewLane(plain(), gateway.Cursor{})
	edits(l, epoch, 1, events.HumanLane, "c", "b+1")
	edits(l, epoch, 2, events.RobotLane, "r", "b+2")
	raw, err := json.Marshal(l.Cursor())
	if err != nil {
		t.Fatal(err)
	}
	var c gateway.Cursor
	if err := json.Unmarshal(raw, &c); err != nil || len(c.Sessions) != 2 || c.Heard != 2 {
		t.Fatalf("the cursor is %s, %v", raw, err)
	}
	c.Human, c.Robot = 0, 0
	l = gateway.NewLane(plain(), c)
	now := epoch.Add(time.Hour)
	l.Reopen(now)
	edits(l, now, 1, events.HumanLane, "c", "b+old")
	edits(l, now, 2, events.RobotLane, "r", "b+old")
	var told []wavelet.BlipID
	for range 10 {
		now = now.Add(time.Second)
		take, _, due := l.Next(now)
		for _, s := range take.Ended {
			told = append(told, s.Blip)
		}
		if due {
			l.Done(now, gateway.Outcome{Kind: gateway.Delivered, Sent: now})
		}
	}
	if len(told) != 2 || told[0] != "b+1" || told[1] != "b+2" {
		t.Errorf("told of %v", told)
	}
}

// TestSessionsAreBounded edits more blips than a lane remembers.
func TestSessionsAreBounded(t *testing.T) {
	l := gateway.NewLane(plain(), gateway.Cursor{})
	for v := wavelet.Version(1); v <= 1000; v++ {
		edits(l, epoch, v, events.HumanLane, "c", wavelet.NewBlipID())
	}
	if n := len(l.Cursor().Sessions); n > 256 {
		t.Errorf("%d sessions are remembered", n)
	}
}

// TestAnEndThatWasAnsweredBefore has a lane read back with sessions of which one had
// ended, and was answered, before; what was written in it since ends anew.
func TestAnEndThatWasAnsweredBefore(t *testing.T) {
	told := gateway.Session{Ending: events.Ending{Blip: "b+1", By: ann}, Cause: wavelet.Cause{Kind: wavelet.Human}, Last: 2}
	since := told
	since.Last = 5
	for _, c := range []struct {
		now  gateway.Session
		told bool
		left int
	}{{told, false, 0}, {since, true, 1}} {
		l := gateway.NewLane(plain(), gateway.Cursor{Human: 5, Robot: 5, Sessions: []gateway.Session{c.now}})
		take := gateway.Take{To: 2, Ended: []gateway.Session{told}}
		if l.Told(take) != c.told {
			t.Errorf("of one that ended at %d: told %v", c.now.Last, !c.told)
		}
		l.Skip(take)
		if n := len(l.Cursor().Sessions); n != c.left || !l.Told(take) {
			t.Errorf("of one that ended at %d, %d sessions are left", c.now.Last, n)
		}
	}
}
