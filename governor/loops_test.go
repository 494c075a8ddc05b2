package governor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/governor"
	"weir/wavelet"
)

// scene is a scenario in the terms of the world: who is there, and what must
// come of it.
type scene struct {
	name   string
	length time.Duration
	set    func(w *world, speed float64)
	loop   bool
	within time.Duration         // a loop's time to stop, at speed 1
	of     []wavelet.Participant // who may be acted on, one at most unless more is set
	more   int                   // how many may be acted on, 0 for one
	kept   []wavelet.Participant // who must not be
	rule   string                // of the first act
}

const (
	ann = wavelet.Participant("ann@example.com")
	bob = wavelet.Participant("bob@example.com")
)

func named(id string) wavelet.Participant { return wavelet.Participant(id + "@example.com") }

// scaled divides a range of durations by speed.
func scaled(lo, hi int, speed float64) [2]time.Duration {
	return ms(int(float64(lo)/speed), int(float64(hi)/speed))
}

func scenes() []scene {
	bots := func(profile string, lo, hi int, answers func(wavelet.Participant, bool) bool, ids ...string) func(*world, float64) {
		return func(w *world, speed float64) {
			w.says(ann, home, ms(1000, 1000), 1)
			for _, id := range ids {
				w.add(&bot{id: named(id), profile: profile, answers: answers, latency: scaled(lo, hi, speed)})
			}
		}
	}
	list := func(ids ...string) (out []wavelet.Participant) {
		for _, id := range ids {
			out = append(out, named(id))
		}
		return out
	}
	return []scene{
		{name: "two echo robots", length: 5 * time.Minute, set: bots("default", 100, 400, everyone, "echo-a", "echo-b"),
			loop: true, within: 15 * time.Second, of: list("echo-a", "echo-b"), rule: "depth"},
		{name: "polite models", length: 20 * time.Minute, set: bots("default", 4000, 9000, everyone, "model-a", "model-b"),
			loop: true, within: 250 * time.Second, of: list("model-a", "model-b"), rule: "depth"},
		{name: "slow loop", length: 40 * time.Minute, set: bots("default", 18000, 22000, everyone, "slow-a", "slow-b"),
			loop: true, within: 750 * time.Second, of: list("slow-a", "slow-b"), rule: "depth"},
		{name: "one turn a minute", length: 60 * time.Minute, set: bots("default", 58000, 62000, everyone, "slow-a", "slow-b"),
			loop: true, within: 17 * time.Minute, of: list("slow-a", "slow-b"), rule: "depth"},
		{name: "echo robots under strict", length: 5 * time.Minute, set: bots("strict", 100, 400, everyone, "echo-a", "echo-b"),
			loop: true, within: 16 * time.Second, of: list("echo-a", "echo-b"), rule: "depth"},
		{name: "ring of three", length: 10 * time.Minute, loop: true, within: 45 * time.Second, of: list("r1", "r2", "r3"), rule: "depth",
			set: func(w *world, speed float64) {
				w.says(ann, home, ms(1000, 1000), 1)
				w.add(&bot{id: named("r1"), profile: "default", answers: only(ann, named("r3")), latency: scaled(500, 1500, speed)})
				w.add(&bot{id: named("r2"), profile: "default", answers: only(named("r1")), latency: scaled(500, 1500, speed)})
				w.add(&bot{id: named("r3"), profile: "default", answers: only(named("r2")), latency: scaled(500, 1500, speed)})
			}},
		{name: "spelly beside two echo robots", length: 5 * time.Minute, loop: true, within: 25 * time.Second,
			of: list("echo-a", "echo-b"), more: 2, kept: list("spelly"), rule: "depth",
			set: func(w *world, speed float64) {
				w.types(ann, scaled(120, 350, speed), scaled(60000, 120000, speed), scaled(1000, 3000, speed))
				w.add(&bot{id: named("echo-a"), profile: "default", answers: only(named("echo-b"), named("spelly"), ann), latency: scaled(100, 400, speed)})
				w.add(&bot{id: named("echo-b"), profile: "default", answers: only(named("echo-a"), named("spelly"), ann), latency: scaled(100, 400, speed)})
				n := 0
				w.add(&bot{id: named("spelly"), profile: "interactive", latency: scaled(50, 200, speed), answers: func(_ wavelet.Participant, robot bool) bool {
					n++
					return !robot || n%6 == 0
				}})
			}},
		{name: "loop under a typist", length: 5 * time.Minute, loop: true, within: 25 * time.Second, of: list("spell", "echo"), rule: "depth",
			set: func(w *world, speed float64) {
				w.types(ann, scaled(120, 350, speed), scaled(60000, 120000, speed), scaled(1000, 3000, speed))
				w.add(&bot{id: named("spell"), profile: "interactive", answers: everyone, latency: scaled(100, 400, speed)})
				w.add(&bot{id: named("echo"), profile: "default", answers: robots, latency: scaled(100, 400, speed)})
			}},
		{name: "across two wavelets", length: 10 * time.Minute, loop: true, within: 60 * time.Second, of: list("east", "west"), rule: "depth",
			set: func(w *world, speed float64) {
				w.says(ann, left, ms(1000, 1000), 1)
				w.add(&bot{id: named("east"), profile: "default", in: []wavelet.Name{left}, to: []wavelet.Name{right}, call: true, answers: everyone, latency: scaled(1000, 2000, speed)})
				w.add(&bot{id: named("west"), profile: "default", in: []wavelet.Name{right}, to: []wavelet.Name{left}, call: true, answers: everyone, latency: scaled(1000, 2000, speed)})
			}},
		{name: "storm of twelve", length: 10 * time.Minute, loop: true, within: 2 * time.Minute, more: 12,
			of: list("bot-00", "bot-01", "bot-02", "bot-03", "bot-04", "bot-05", "bot-06", "bot-07", "bot-08", "bot-09", "bot-10", "bot-11"),
			set: func(w *world, speed float64) {
				w.says(ann, home, scaled(15000, 15000, speed), 0)
				for i := range 12 {
					w.add(&bot{id: named(fmt.Sprintf("bot-%02d", i)), profile: "default", perItem: true, prob: 0.12, answers: everyone, latency: scaled(1000, 3000, speed)})
				}
			}},
		{name: "turns bad after an hour", length: 70 * time.Minute, loop: true, within: 90 * time.Second, of: list("helper-a", "helper-b"), rule: "depth",
			set: func(w *world, speed float64) {
				w.says(ann, home, scaled(20000, 60000, speed), 0)
				turned := w.start.Add(time.Duration(float64(time.Hour) / speed))
				answers := func(_ wavelet.Participant, robot bool) bool { return !robot || w.now.After(turned) }
				w.add(&bot{id: named("helper-a"), profile: "default", answers: answers, latency: scaled(200, 600, speed)})
				w.add(&bot{id: named("helper-b"), profile: "default", answers: answers, latency: scaled(200, 600, speed)})
			}},
		{name: "a helper beside the loop", length: 5 * time.Minute, loop: true, within: 20 * time.Second, of: list("echo-a", "echo-b"), kept: list("helper"), rule: "depth",
			set: func(w *world, speed float64) {
				w.says(ann, home, scaled(4000, 12000, speed), 0)
				for _, id := range list("echo-a", "echo-b") {
					w.add(&bot{id: id, profile: "default", answers: everyone, latency: scaled(100, 400, speed)})
				}
				w.add(&bot{id: named("helper"), profile: "default", answers: humans, latency: scaled(300, 1000, speed)})
			}},
		{name: "a ticker beside the loop", length: 5 * time.Minute, loop: true, within: 20 * time.Second, of: list("echo-a", "echo-b"), kept: list("ticker"), rule: "depth",
			set: func(w *world, speed float64) {
				w.says(ann, home, ms(1000, 1000), 1)
				for _, id := range list("echo-a", "echo-b") {
					w.add(&bot{id: id, profile: "default", answers: everyone, latency: scaled(100, 400, speed)})
				}
				w.add(&bot{id: named("ticker"), profile: "default", answers: nobody, latency: ms(10, 20), every: time.Duration(float64(2*time.Second) / speed)})
			}},
		{name: "one to one chat", length: 30 * time.Minute, kept: list("model"),
			set: func(w *world, speed float64) {
				w.says(ann, home, scaled(6000, 30000, speed), 0)
				w.add(&bot{id: named("model"), profile: "default", answers: humans, latency: scaled(2000, 6000, speed)})
			}},
		{name: "translator in a busy wave", length: 10 * time.Minute, kept: list("translator"),
			set: func(w *world, speed float64) {
				for i := range 50 {
					w.says(named(fmt.Sprint("q", i)), home, scaled(30000, 70000, speed), 0)
				}
				w.add(&bot{id: named("translator"), profile: "interactive", answers: humans, latency: scaled(200, 800, speed)})
			}},
		{name: "pipeline of five", length: 20 * time.Minute, kept: list("s1", "s2", "s3", "s4", "s5"),
			set: func(w *world, speed float64) {
				w.says(ann, home, scaled(20000, 40000, speed), 0)
				prev := ann
				for i := 1; i <= 5; i++ {
					id := named(fmt.Sprint("s", i))
					w.add(&bot{id: id, profile: "default", answers: only(prev), latency: scaled(300, 900, speed)})
					prev = id
				}
			}},
		{name: "pipeline under a typist", length: 20 * time.Minute, kept: list("s1", "s2", "s3"),
			set: func(w *world, speed float64) {
				w.types(ann, scaled(150, 400, speed), scaled(60000, 180000, speed), scaled(3000, 15000, speed))
				prev := ann
				for i := 1; i <= 3; i++ {
					id := named(fmt.Sprint("s", i))
					w.add(&bot{id: id, profile: "default", answers: only(prev), latency: scaled(300, 900, speed)})
					prev = id
				}
			}},
		{name: "two helpers, one human", length: 20 * time.Minute, kept: list("helper-a", "helper-b"),
			set: func(w *world, speed float64) {
				w.says(ann, home, scaled(4000, 12000, speed), 0)
				w.add(&bot{id: named("helper-a"), profile: "default", answers: humans, latency: scaled(300, 1000, speed)})
				w.add(&bot{id: named("helper-b"), profile: "default", answers: humans, latency: scaled(300, 1000, speed)})
			}},
		{name: "short hand-off", length: 30 * time.Minute, kept: list("planner", "worker"),
			set: func(w *world, speed float64) {
				w.says(ann, home, scaled(30000, 50000, speed), 0)
				w.add(&bot{id: named("planner"), profile: "default", answers: everyone, latency: scaled(1000, 3000, speed), most: 2})
				w.add(&bot{id: named("worker"), profile: "default", answers: only(named("planner")), latency: scaled(1000, 3000, speed), most: 2})
			}},
		{name: "agents with a moderator", length: 30 * time.Minute, kept: list("agent-a", "agent-b", "agent-c"),
			set: func(w *world, speed float64) {
				w.says(ann, home, scaled(40000, 80000, speed), 0)
				for _, id := range list("agent-a", "agent-b", "agent-c") {
					w.add(&bot{id: id, profile: "agent-discussion", answers: everyone, prob: 0.38, latency: scaled(4000, 9000, speed)})
				}
			}},
		{name: "spelly and a bad speller", length: 15 * time.Minute, kept: list("spelly"),
			set: func(w *world, speed float64) {
				w.types(ann, scaled(150, 400, speed), scaled(60000, 180000, speed), scaled(3000, 15000, speed))
				w.add(&bot{id: named("spelly"), profile: "interactive", answers: humans, prob: 0.97, latency: scaled(50, 200, speed)})
			}},
		{name: "two live translators", length: 10 * time.Minute, kept: list("french", "german"),
			set: func(w *world, speed float64) {
				for i := range 10 {
					w.types(named(fmt.Sprint("t", i)), scaled(200, 600, speed), scaled(20000, 60000, speed), scaled(5000, 30000, speed))
				}
				w.add(&bot{id: named("french"), profile: "interactive", answers: humans, prob: 0.98, latency: scaled(100, 400, speed)})
				w.add(&bot{id: named("german"), profile: "interactive", answers: humans, prob: 0.98, latency: scaled(100, 400, speed)})
			}},
		{name: "two tickers", length: 30 * time.Minute, kept: list("ticker-a", "ticker-b"),
			set: func(w *world, speed float64) {
				w.says(ann, home, scaled(60000, 120000, speed), 0)
				for _, id := range list("ticker-a", "ticker-b") {
					w.add(&bot{id: id, profile: "default", answers: nobody, latency: ms(10, 20), every: time.Duration(float64(2*time.Second) / speed)})
				}
			}},
	}
}

// TestScenes runs every scene at several speeds, with and without people in the
// background, over some seeds.
func TestScenes(t *testing.T) {
	for _, sc := range scenes() {
		t.Run(strings.ReplaceAll(sc.name, " ", "-"), func(t *testing.T) {
			speeds := []float64{0.3, 1, 5}
			if !sc.loop {
				speeds = speeds[:2]
			}
			for _, speed := range speeds {
				for _, crowd := range []int{0, 1, 20} {
					for seed := range uint64(3) {
						if (crowd == 20 || !sc.loop && crowd > 0) && seed > 0 {
							continue
						}
						w := newWorld(t, seed, governor.Options{})
						sc.set(w, speed)
						for i := range crowd {
							w.says(named(fmt.Sprint("p", i)), w.bots[0].in[0], ms(5000, 60000), 0)
						}
						w.run(time.Duration(float64(sc.length) / min(speed, 1)))
						sc.judge(t, w, speed, crowd)
						if t.Failed() {
							t.Fatalf("speed %v, %d people, seed %d", speed, crowd, seed)
						}
					}
				}
			}
		})
	}
}

// judge compares what came of the scene with what must.
func (sc *scene) judge(t *testing.T, w *world, speed float64, crowd int) {
	t.Helper()
	acted := w.acted()
	for _, id := range acted {
		if !slices.Contains(sc.of, id) {
			t.Errorf("acted on %s: %s", id, w.acts[len(w.acts)-1].Decision.Sentences())
		}
	}
	if !sc.loop {
		return
	}
	if len(acted) == 0 {
		t.Fatalf("nobody was acted on; %d robot answers, depth %d", len(w.wasted), w.exact)
	}
	if len(acted) > max(1, sc.more) {
		t.Errorf("acted on %v", acted)
	}
	if sc.rule != "" && w.acts[0].Decision.Rule != sc.rule {
		t.Errorf("acted by %s", w.acts[0].Decision.Rule)
	}
	within := max(16*time.Second, time.Duration(float64(sc.within)/speed))
	if crowd > 0 {
		within *= 2
	}
	if sc.more == 0 {
		if took := w.acts[0].Decision.Time.Sub(w.firstLoop); took > within {
			t.Errorf("stopped after %v, want %v", took, within)
		}
	}
	if crowd == 0 && sc.more == 0 && w.exact >= 16 {
		t.Errorf("a chain of %d exact links", w.exact)
	}
}
