package gateway_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"weir/events"
	"weir/gateway"
	"weir/wavelet"
)

// reading is how a robot that reads behaves.
type reading struct {
	id       wavelet.Participant
	profile  string
	every    [2]time.Duration // it reads, at random between the two
	chance   float64          // of answering news
	unasked  bool             // it writes whether or not there is news
	onlyTo   wavelet.Participant
	names    func(g *gateway.Gateway, seat wavelet.Seat, people bool) string // people: ann has written
	mostRuns int                                                             // at most so many answers after each word of a person; 0: any number
}

// asItComes names what a robot has read, as the door does by itself.
func asItComes(g *gateway.Gateway, seat wavelet.Seat, _ bool) string { return g.Answering(seat) }

// truly says whom the robot answers: people, if they have written.
func truly(g *gateway.Gateway, seat wavelet.Seat, people bool) string {
	if people {
		return g.Answering(seat, events.HumanLane)
	}
	return g.Answering(seat, events.RobotLane)
}

// takePart lets a robot read and answer until an instant; it ends with the
// refusal, and writes lines that luck decides about.
func (r *rig) takePart(b reading, luck *rand.Rand, until time.Time) error {
	seat, seen, runs := wavelet.Seat{Wavelet: main, Robot: b.id}, wavelet.Version(0), 0
	for n := 0; ; n++ {
		time.Sleep(b.every[0] + time.Duration(luck.Int64N(int64(b.every[1]-b.every[0]+1))))
		if time.Now().After(until) {
			return nil
		}
		if err := r.gateway.Admit(context.Background(), b.id, false); err != nil {
			return err
		}
		in, err := r.gateway.Read(context.Background(), seat)
		if err != nil {
			return err
		}
		news, people := b.unasked, false
		for x := range in.State.Blips() {
			if x.Version > seen && x.Creator != b.id && (b.onlyTo == "" || x.Creator == b.onlyTo) {
				news = true
				if x.Creator == ann {
					runs, people = 0, true
				}
			}
		}
		seen = max(seen, in.State.Version())
		if !news || luck.Float64() >= b.chance || b.mostRuns > 0 && runs == b.mostRuns {
			continue
		}
		runs++
		if err := r.gateway.Admit(context.Background(), b.id, false); err != nil {
			return err
		}
		token := ""
		if b.names != nil {
			token = b.names(r.gateway, seat, people)
		}
		if _, err := r.says(b.id, token, fmt.Sprintf("Line %d.", n)); err != nil {
			return err
		}
	}
}

// company lets robots take part while ann says something now and then, and gives
// how each ended.
func company(r *rig, seed uint64, d time.Duration, speaks [2]time.Duration, robots ...reading) map[wavelet.Participant]error {
	var ids []wavelet.Participant
	for _, b := range robots {
		r.askers(b.profile, b.id)
		ids = append(ids, b.id)
	}
	r.start()
	r.create(ids...)
	pause(time.Second)
	until := time.Now().Add(d)
	ends := map[wavelet.Participant]error{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i, b := range robots {
		wg.Go(func() {
			err := r.takePart(b, rand.New(rand.NewPCG(seed, uint64(i))), until)
			mu.Lock()
			defer mu.Unlock()
			ends[b.id] = err
		})
	}
	luck := rand.New(rand.NewPCG(seed, 99))
	for time.Now().Before(until) {
		r.types(ann, "go on ")
		time.Sleep(speaks[0] + time.Duration(luck.Int64N(int64(speaks[1]-speaks[0]+1))))
	}
	wg.Wait()
	return ends
}

// TestHonestReadersAreLeftAlone has robots that read behave as honest ones do,
// for a while, among people and each other.
func TestHonestReadersAreLeftAlone(t *testing.T) {
	agent := func(id wavelet.Participant) reading {
		return reading{id: id, profile: "agent-discussion", every: [2]time.Duration{4 * time.Second, 9 * time.Second}, chance: 0.38, names: truly}
	}
	polite := func(id wavelet.Participant) reading {
		return reading{id: id, profile: "default", every: [2]time.Duration{2 * time.Second, 4 * time.Second}, chance: 1, mostRuns: 4, names: truly}
	}
	ticker := reading{id: quiet, profile: "default", every: [2]time.Duration{2 * time.Second, 2 * time.Second}, chance: 1, unasked: true}
	speller := reading{id: spell, profile: "interactive", every: [2]time.Duration{time.Second, 2 * time.Second}, chance: 1, onlyTo: ann, names: truly}
	for what, x := range map[string]struct {
		lasts  time.Duration
		speaks [2]time.Duration
		robots []reading
	}{
		"agents with a moderator":         {20 * time.Minute, [2]time.Duration{40 * time.Second, 80 * time.Second}, []reading{agent(echoA), agent(echoB), agent(quiet)}},
		"polite models":                   {15 * time.Minute, [2]time.Duration{20 * time.Second, 40 * time.Second}, []reading{polite(echoA), polite(echoB)}},
		"a speller beside a ticker":       {10 * time.Minute, [2]time.Duration{2 * time.Second, 6 * time.Second}, []reading{speller, ticker}},
		"a ticker that reads as it ticks": {10 * time.Minute, [2]time.Duration{30 * time.Second, 60 * time.Second}, []reading{ticker, polite(echoA)}},
	} {
		for seed := range uint64(2) {
			t.Run(fmt.Sprintf("%s, seed %d", what, seed), func(t *testing.T) {
				inBubble(t, func(t *testing.T, r *rig) {
					ends := company(r, seed, x.lasts, x.speaks, x.robots...)
					defer r.stop()
					for id, err := range ends {
						if err != nil {
							t.Errorf("%s: %v", id, err)
						}
					}
					for _, h := range append(r.happened(gateway.Evicted), r.happened(gateway.Announced)...) {
						t.Errorf("%s: %s by %s: %+v", h.Seat.Robot, h.Decision.Action, h.Decision.Rule, h.Decision.Evidence)
					}
				})
			})
		}
	}
}

// TestReadersLoopUnderATypist has two robots thank each other while somebody
// types all the time: naming her words is no alibi.
func TestReadersLoopUnderATypist(t *testing.T) {
	for seed := range uint64(2) {
		inBubble(t, func(t *testing.T, r *rig) {
			talks := func(id wavelet.Participant) reading {
				return reading{id: id, profile: "default", every: [2]time.Duration{1200 * time.Millisecond, 2 * time.Second}, chance: 1, names: asItComes}
			}
			began := time.Now()
			ends := company(r, seed, 3*time.Minute, [2]time.Duration{200 * time.Millisecond, 500 * time.Millisecond}, talks(echoA), talks(echoB))
			defer r.stop()
			out := r.happened(gateway.Evicted)
			if len(out) != 1 || out[0].At.Sub(began) > 90*time.Second {
				t.Errorf("seed %d: %d evicted: %v", seed, len(out), ends)
			}
		})
	}
}
