package gateway_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"weir/events"
	"weir/gateway"
	"weir/wavelet"
)

// model is a lane under random traffic, and what is known to have happened.
type model struct {
	t       *testing.T
	rnd     *rand.Rand
	lane    *gateway.Lane
	now     time.Time
	deltas  []told // by version, from 1
	last    time.Time
	flight  *gateway.Take
	bundles int
	parted  bool // a window went out in parts: counts are upper bounds from then on
}

// told is a delta, and what became of it.
type told struct {
	lane    events.Lane
	cause   string
	quiet   bool
	flushed bool
	times   int
}

// Under any traffic, failures, holds and flushes: one bundle at a time, at the
// pace, each delta told once in its own lane and none lost, and the robot lane
// not starved.
func TestLaneKeepsItsPromises(t *testing.T) {
	for seed := range uint64(200) {
		m := &model{t: t, rnd: rand.New(rand.NewPCG(seed, 1)), lane: gateway.NewLane(plain(), gateway.Cursor{}), now: epoch}
		for range 400 {
			m.step()
		}
		m.drain()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func (m *model) step() {
	m.now = m.now.Add(time.Duration(m.rnd.IntN(300)) * time.Millisecond)
	switch n := m.rnd.IntN(100); {
	case n < 55:
		m.add()
	case n < 58 && m.flight == nil:
		m.flush()
	case n < 60:
		m.restart()
	case m.flight != nil:
		m.done(m.rnd.IntN(10))
	default:
		m.next()
	}
}

func (m *model) add() {
	d := told{lane: events.Lane(m.rnd.IntN(2)), quiet: m.rnd.IntN(5) == 0, cause: fmt.Sprint(m.rnd.IntN(40))}
	m.deltas = append(m.deltas, d)
	m.lane.Add(m.now, gateway.Pending{
		Version: wavelet.Version(len(m.deltas)), Lane: d.lane, Quiet: d.quiet, Cause: wavelet.Cause{ID: d.cause, Depth: m.rnd.IntN(20)},
	})
}

func (m *model) flush() {
	cause := fmt.Sprint(m.rnd.IntN(40))
	m.lane.Flush(cause)
	for i := range m.deltas {
		if d := &m.deltas[i]; d.lane == events.RobotLane && d.cause == cause && d.times == 0 {
			d.flushed = true
		}
	}
}

// restart carries the cursors over to a new lane, as a new process does. What
// was in flight is sent again.
func (m *model) restart() {
	c := m.lane.Cursor()
	m.lane, m.flight = gateway.NewLane(plain(), c), nil
	for i, d := range m.deltas {
		if v := wavelet.Version(i + 1); v > min(c.Human, c.Robot) {
			m.lane.Add(m.now, gateway.Pending{Version: v, Lane: d.lane, Quiet: d.quiet, Cause: wavelet.Cause{ID: d.cause}})
		}
	}
	m.last = time.Time{} // the pace begins anew
}

func (m *model) next() {
	before, others := m.lane.Cursor(), m.lane.Waiting()
	t, wake, due := m.lane.Next(m.now)
	if !due {
		if !wake.IsZero() && !wake.After(m.now) {
			m.t.Errorf("nothing due, but asked to come back in the past")
		}
		return
	}
	m.flight = &t
	m.bundles++
	if gap := m.now.Sub(m.last); gap < 500*time.Millisecond {
		m.t.Errorf("a bundle %s after the last one", gap)
	}
	if waited := m.now.Sub(t.Since); waited < 500*time.Millisecond {
		m.t.Errorf("a bundle whose first delta has waited %s", waited)
	}
	n := 0
	for v := t.From + 1; v <= t.To; v++ {
		if d := m.deltas[v-1]; d.lane == t.Lane && !d.quiet && !d.flushed {
			n++
		}
	}
	if t.Lane == events.HumanLane && (n > t.Deltas || n < t.Deltas && !m.parted) {
		m.t.Errorf("a bundle says it merges %d deltas, it is %d", t.Deltas, n)
	}
	if n == 0 && t.Lane == events.HumanLane {
		m.t.Errorf("a bundle of nothing, from %+v with %d waiting", before, others)
	}
}

func (m *model) done(how int) {
	t := *m.flight
	m.flight = nil
	switch {
	case how < 6:
		m.last = m.now
		m.lane.Done(m.now, gateway.Outcome{Kind: gateway.Delivered, Sent: m.now})
		m.tell(t, t.To)
	case how < 7:
		through := t.From + 1 + wavelet.Version(m.rnd.IntN(int(t.To-t.From)))
		for through < t.To && !m.heard(through+1, t.Lane) { // windows end before a delta of their lane
			through++
		}
		m.last, m.parted = m.now, true
		m.lane.Done(m.now, gateway.Outcome{Kind: gateway.Delivered, Sent: m.now, Through: through})
		m.tell(t, through)
	case how < 8:
		m.lane.Done(m.now, gateway.Outcome{Kind: gateway.Held, Delay: time.Second})
	default:
		m.last = m.now
		m.lane.Done(m.now, gateway.Outcome{Kind: gateway.Failed, Sent: m.now, Jitter: m.rnd.Float64()})
	}
}

func (m *model) heard(v wavelet.Version, lane events.Lane) bool {
	d := m.deltas[v-1]
	return d.lane == lane && !d.quiet && !d.flushed
}

func (m *model) tell(t gateway.Take, through wavelet.Version) {
	for v := t.From + 1; v <= through; v++ {
		if m.heard(v, t.Lane) {
			m.deltas[v-1].times++
		}
	}
}

// drain lets everything out, and counts.
func (m *model) drain() {
	if m.flight != nil {
		m.done(0)
	}
	m.lane.Resume()
	for {
		wake := m.lane.Wake()
		if wake.IsZero() {
			break
		}
		if wake.After(m.now) {
			m.now = wake
		}
		if m.next(); m.flight == nil {
			m.t.Error("not due at the time that Wake named")
			break
		}
		m.done(0)
	}
	for i, d := range m.deltas {
		want := 1
		if d.quiet || d.flushed {
			want = 0
		}
		if d.times != want {
			m.t.Errorf("delta %d, %s lane, was told %d times, want %d", i+1, d.lane, d.times, want)
		}
	}
	if m.bundles < 20 || m.lane.Waiting() != 0 {
		m.t.Errorf("%d bundles, %d deltas left", m.bundles, m.lane.Waiting())
	}
}

// With both lanes always full, each gets every second bundle; with only one of
// them, that one gets all.
func TestLaneIsFair(t *testing.T) {
	lane := gateway.NewLane(plain(), gateway.Cursor{})
	counts := map[events.Lane]int{}
	v := wavelet.Version(0)
	for now := epoch; now.Before(epoch.Add(5 * time.Minute)); now = now.Add(50 * time.Millisecond) {
		for _, l := range []events.Lane{events.HumanLane, events.RobotLane} {
			v++
			lane.Add(now, gateway.Pending{Version: v, Lane: l})
		}
		if take, _, due := lane.Next(now); due {
			counts[take.Lane]++
			lane.Done(now, gateway.Outcome{Kind: gateway.Delivered, Sent: now})
		}
	}
	if h, r := counts[events.HumanLane], counts[events.RobotLane]; h-r > 1 || r-h > 1 || h+r < 595 {
		t.Errorf("%d human and %d robot bundles in 600 slots", h, r)
	}
}
