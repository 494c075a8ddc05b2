package gatewaybench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"weir"
	"weir/admission"
	"weir/events"
	"weir/gateway"
	"weir/governor"
	"weir/policies"
	"weir/store"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// pairs is how often a cost and what it is compared with are timed in turn. Each
// turn is well under a millisecond, so that on a busy machine most of them are
// not interrupted, and the median is of those.
const pairs = 201

// costs times the two things that happen on every commit.
func costs(ctx context.Context, _ Options) ([]weir.Figure, error) {
	const seats = 100
	commit, err := committer(seats)
	if err != nil {
		return nil, err
	}
	add := adder()
	load := loader()
	var commitNS, addNS, loadNS, commitRatio, addRatio []float64
	for range pairs {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		l := timed(2000, load)
		c := timed(10, commit) / seats
		a := timed(2000, add)
		loadNS, commitNS, addNS = append(loadNS, l), append(commitNS, c), append(addNS, a)
		commitRatio, addRatio = append(commitRatio, c/l), append(addRatio, a/l)
	}
	place, check := places()
	var placeRatio []float64
	for range pairs {
		p, c := timed(2000, place), timed(2000, check)
		placeRatio = append(placeRatio, c/p)
	}
	perSeat, err := memory()
	if err != nil {
		return nil, err
	}
	note := fmt.Sprintf("a mutex and a map load take %.0f ns here", quantile(loadNS, 0.5))
	return []weir.Figure{
		{Name: "Committed, per seat of the wavelet", Value: quantile(commitNS, 0.5), Unit: "ns", Measured: true, Note: "the governor's part included; " + note},
		{Name: "Committed per seat, to mutex + map load", Value: quantile(commitRatio, 0.5), Unit: "x", Bar: 8, HasBar: true, Measured: true},
		{Name: "Lane.Add", Value: quantile(addNS, 0.5), Unit: "ns", Measured: true},
		{Name: "Lane.Add, to mutex + map load", Value: quantile(addRatio, 0.5), Unit: "x", Bar: 2.5, HasBar: true, Measured: true},
		{Name: "check of a robot's connections, to an atomic add", Value: quantile(placeRatio, 0.5), Unit: "x", Bar: 2, HasBar: true, Measured: true},
		{Name: "memory of an idle seat", Value: perSeat, Unit: "B", Bar: 4096, HasBar: true, Measured: true, Note: "with its wavelet's and robot's names and the governor's part"},
	}, nil
}

// memory is how many bytes a seat costs that nothing happens at.
func memory() (float64, error) {
	profile, err := standard()
	if err != nil {
		return 0, err
	}
	const seats = 20_000
	before := heap()
	g := gateway.New(nil, everybody{profile}, governor.New(governor.Options{Default: profile}), store.NewMemory(), gateway.Options{})
	for i := range seats {
		g.Committed(opening(fmt.Sprintf("robot%d@example.com", i%100)))
	}
	used := heap() - before
	if n := g.Stats().Seats; n != seats {
		return 0, fmt.Errorf("opened %d seats, not %d", n, seats)
	}
	return float64(used) / seats, nil
}

// heap is how much memory is in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// standard is the profile that everybody in a benchmark has.
func standard() (policies.Profile, error) {
	profile, ok := policies.Builtin().Profile("")
	if !ok {
		return profile, errors.New("there is no default profile")
	}
	return profile, nil
}

// opening is the first commit of a new wavelet, which brings robots in.
func opening(robots ...string) wavelet.Commit {
	var ops []wavelet.Op
	for _, r := range robots {
		ops = append(ops, wavelet.AddParticipant{Who: wavelet.Participant(r)})
	}
	return wavelet.Commit{Wavelet: wavelet.NewName("example.com"), Version: 1, At: time.Now(), Delta: wavelet.Delta{
		ID: "opening", Author: typist, Ops: ops, Cause: wavelet.Cause{ID: "cause", Kind: wavelet.Human},
	}}
}

// timed is what one call of f takes in nanoseconds, over n of them.
func timed(n int, f func()) float64 {
	start := time.Now()
	for range n {
		f()
	}
	return float64(time.Since(start).Nanoseconds()) / float64(n)
}

// committer gives a function that tells a gateway of the next keystroke in a
// wavelet with so many robots.
func committer(seats int) (func(), error) {
	profile, err := standard()
	if err != nil {
		return nil, err
	}
	g := gateway.New(nil, everybody{profile}, governor.New(governor.Options{Default: profile}), store.NewMemory(), gateway.Options{})
	var robots []string
	for i := range seats {
		robots = append(robots, fmt.Sprintf("robot%d@example.com", i))
	}
	c := opening(robots...)
	g.Committed(c)
	c.Delta.Ops = []wavelet.Op{wavelet.EditBlip{Blip: "b+root", Delta: richtext.Delta(nil).Insert("x", richtext.Attributes{})}}
	return func() {
		c.Version++
		c.Delta.Base++
		g.Committed(c)
	}, nil
}

// everybody is a roster in which every address is a robot's, none in service.
type everybody struct{ profile policies.Profile }

func (e everybody) Robot(wavelet.Participant) (gateway.Robot, policies.Profile, bool) {
	return nil, e.profile, true
}

func (e everybody) Registered(p wavelet.Participant) bool { return p != typist }

// adder gives a function that adds a keystroke to a lane.
func adder() func() {
	lane := gateway.NewLane(policies.Profile{}, gateway.Cursor{})
	p := gateway.Pending{Lane: events.HumanLane, Author: typist, Cause: wavelet.Cause{ID: "cause", Kind: wavelet.Human}}
	now := time.Now()
	return func() {
		p.Version++
		lane.Add(now, p)
	}
}

// places gives a function that adds to a number, and one that asks whether a
// robot may have another connection.
func places() (add, check func()) {
	var n atomic.Int64
	var c admission.Connections
	c.SetMaximum(1 << 40)
	return func() { n.Add(1) }, func() { c.Enter() }
}

// loader gives a function that takes a mutex and looks into a map of seats.
func loader() func() {
	var mu sync.Mutex
	seats := map[wavelet.Seat]*gateway.Lane{}
	ids := make([]wavelet.Seat, 1024)
	for i := range ids {
		ids[i] = wavelet.Seat{Wavelet: wavelet.NewName("example.com"), Robot: wavelet.Participant(fmt.Sprintf("robot%d@example.com", i))}
		seats[ids[i]] = gateway.NewLane(policies.Profile{}, gateway.Cursor{})
	}
	i, found := 0, 0
	return func() {
		i++
		mu.Lock()
		if seats[ids[i%len(ids)]] != nil {
			found++
		}
		mu.Unlock()
	}
}
