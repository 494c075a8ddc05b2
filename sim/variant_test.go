package sim_test

import (
	"slices"
	"testing"
	"time"

	"weir/sim"
)

var everyFault = []sim.Fault{sim.NoFault, sim.Restarts, sim.Loss, sim.Jitter}

// TestVariants holds how often a scenario is run, and that no variant changes it.
func TestVariants(t *testing.T) {
	loop, honest := named(t, "two-echo-bots"), named(t, "pipeline-of-five")
	if n, m := len(loop.Variants(everyFault, 2)), len(honest.Variants([]sim.Fault{sim.NoFault}, 3)); n != 3*3*4*2 || m != 2*3*3 {
		t.Errorf("%d variants of a loop, %d of honest traffic", n, m)
	}
	for _, v := range loop.Variants(everyFault, 1) {
		r, err := v.Play(loop, sim.Options{Profiles: builtin()})
		if err != nil || !r.OK || r.Missed || r.Fault != v.Fault || r.People != v.People || r.Speed != v.Speed || r.Seed != v.Seed {
			t.Errorf("%+v: %+v, %v", v, r, err)
		}
	}
	if again := named(t, "two-echo-bots"); loop.Expect.StoppedWithin != again.Expect.StoppedWithin || loop.Faults.Restart != nil || *loop.Expect.WastedAtMost != *again.Expect.WastedAtMost {
		t.Errorf("a variant changed the scenario: %+v", loop)
	}
}

// TestFaults: a fault makes a difference, and the restarts of different seeds
// come at different instants.
func TestFaults(t *testing.T) {
	sc := named(t, "loop-under-a-typist")
	var acts []float64
	for _, f := range everyFault {
		r, err := sim.Variant{Speed: 1, Fault: f, Seed: 1}.Play(sc, sim.Options{Profiles: builtin()})
		if err != nil || len(r.ActedOn) != 1 {
			t.Fatalf("%q: %+v, %v", f, r, err)
		}
		acts = append(acts, r.ActedOn[0].AtS)
	}
	if slices.Sort(acts); len(slices.Compact(acts)) != 4 {
		t.Errorf("acts at %v", acts)
	}
}

func TestSight(t *testing.T) {
	for name, want := range map[string]sim.Sight{
		"two-echo-bots": sim.Visible, "forged-tokens": sim.Hidden, "half-forgetful-pair": sim.Hidden, "remote-echo": sim.Remote, "imported-history": sim.Visible,
	} {
		if got := named(t, name).Sight(); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// TestMissed tells a loop that goes on too long from one that is only late.
func TestMissed(t *testing.T) {
	sc := named(t, "two-echo-bots")
	for _, c := range []struct {
		within          time.Duration
		stopped, missed bool
	}{{15 * time.Second, true, false}, {8 * time.Second, false, false}, {3 * time.Second, false, true}} {
		sc.Expect.StoppedWithin = c.within
		if r := run(t, sc, sim.Options{Seed: 1}); r.Stopped != c.stopped || r.Missed != c.missed || r.Slowness < 0.4 || r.Slowness > 0.8 {
			t.Errorf("within %s: stopped %v, missed %v, slowness %v, at %v", c.within, r.Stopped, r.Missed, r.Slowness, *r.StoppedAtS)
		}
	}
}
