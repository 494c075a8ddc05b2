package governor_test

import (
	"strings"
	"testing"
	"time"

	"weir/governor"
	"weir/policies"
)

// lenient is the profile "default" with nothing that acts, but for what the
// settings, "key: value", put back.
func lenient(t *testing.T, settings ...string) policies.Profile {
	t.Helper()
	p := profile("default")
	for _, s := range append([]string{"ratio: []", "burst: {interval: 0s}", "sustained: []", "depth: {warn: 0, act: 0}", "amplification: {per_cause: 0}"}, settings...) {
		key, value, _ := strings.Cut(s, ": ")
		var err error
		if p, err = p.With(key, value); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// TestDryRunOfEveryRule puts each rule alone in force, on traffic that breaks it.
// In force it acts, slows or refuses; tried it decides the same, records it, and
// lets everything go on.
func TestDryRunOfEveryRule(t *testing.T) {
	const ratio = "ratio: [{window: 1m, max: 0.9, min_events: 10, count: %, respond: act}]"
	rules := []struct {
		rule, setting string
		calls, asks   bool
	}{
		{rule: "depth", setting: "depth: {warn: 8, act: 16}"},
		{rule: "amplification", setting: "amplification: {per_cause: 20}"},
		{rule: "human", setting: "human: {within: 30s}"},
		{rule: "ratio", setting: strings.Replace(ratio, "%", "all", 1)},
		{rule: "robotRatio", setting: strings.Replace(ratio, "%", "cycle", 1)},
		{rule: "sustained", setting: "sustained: [{window: 1m, max: 20}]", calls: true},
		{rule: "burst", setting: "burst: {interval: 1s, waiting: 4}", calls: true},
		{rule: "limitsQuery", setting: "limits_query: {window: 1m, max: 20}", calls: true, asks: true},
	}
	for _, c := range rules {
		for _, tried := range []bool{false, true} {
			p := lenient(t, c.setting)
			if tried {
				p.DryRun = []string{c.rule}
			}
			var done, stood int // what was decided to be done, and what was done
			note := func(list []governor.Decision) {
				for _, d := range list {
					if strings.HasPrefix(d.Rule, c.rule) && d.Action != "warn" {
						done++
						if d.DryRun != tried {
							t.Errorf("%s, tried %v: %+v", c.rule, tried, d)
						}
						if (strings.HasPrefix(d.Reason(), "Dry run, nothing was done: ")) != tried {
							t.Errorf("%s: %s", c.rule, d.Reason())
						}
					}
				}
			}
			if c.calls {
				d := newDesk(t)
				d.g.SetProfile(named("a"), p)
				for i := range 100 {
					v := d.g.Call(after(float64(i)/10), named("a"), c.asks)
					note(v.Decisions)
					if v.Refuse != nil || v.Delay > 0 || len(v.Acts) > 0 {
						stood++
					}
				}
			} else {
				w := newWorld(t, 1, governor.Options{})
				w.says(ann, home, ms(1000, 1000), 1)
				for _, id := range []string{"echo-a", "echo-b"} {
					w.add(&bot{id: named(id), profile: "default", answers: everyone, latency: ms(100, 400), change: func(policies.Profile) policies.Profile { return p }})
				}
				w.run(3 * time.Minute)
				note(w.decisions)
				stood = len(w.acts) + len(w.refusals)
				if tried && w.now.Sub(w.lastLoop) > 5*time.Second {
					t.Errorf("%s: tried, and the loop has stopped", c.rule)
				}
			}
			if done == 0 || (stood == 0) != tried {
				t.Errorf("%s, tried %v: %d decisions, %d things done", c.rule, tried, done, stood)
			}
		}
	}
}

// TestDryRunHidesNoOtherRule tries the depth rule where amplification is in
// force: that one still acts.
func TestDryRunHidesNoOtherRule(t *testing.T) {
	w := newWorld(t, 1, governor.Options{})
	w.says(ann, home, ms(1000, 1000), 1)
	for _, id := range []string{"echo-a", "echo-b"} {
		w.add(&bot{id: named(id), profile: "default", answers: everyone, latency: ms(100, 400), change: func(p policies.Profile) policies.Profile {
			p.DryRun = []string{"depth"}
			return p
		}})
	}
	w.run(2 * time.Minute)
	if len(w.acts) != 1 || w.acts[0].Decision.Rule != "amplification" {
		t.Errorf("acts %+v", w.acts)
	}
}

// TestDryRunOfBurstHoldsNothingLater lets a flood pass, and then puts the rule in
// force: what was not held then is not held against the robot.
func TestDryRunOfBurstHoldsNothingLater(t *testing.T) {
	d := newDesk(t)
	p := lenient(t, "burst: {interval: 1s, waiting: 4}")
	p.DryRun = []string{"burst"}
	d.g.SetProfile(named("a"), p)
	for range 100 {
		d.g.Call(after(0), named("a"), false)
	}
	p.DryRun = nil
	d.g.SetProfile(named("a"), p)
	if v := d.g.Call(after(6), named("a"), false); v.Refuse != nil || v.Delay > 0 {
		t.Errorf("%+v", v)
	}
}

// TestRefusedRequestsAreRecorded floods the API twice: one record for each flood.
func TestRefusedRequestsAreRecorded(t *testing.T) {
	d := newDesk(t)
	for flood, want := range []int{1, 2} {
		for range 30 {
			d.g.Call(after(float64(60*flood)), named("a"), false)
		}
		n := 0
		for _, x := range d.g.Limits(after(float64(60*flood)), named("a")).Decisions {
			if x.Rule == "burst" && x.Action == "refuse" {
				n++
			}
		}
		if n != want {
			t.Errorf("flood %d: %d records", flood+1, n)
		}
	}
}

// TestProfileChangeEndsWhatItWouldNotDo puts a robot that is cut off, and one
// whose lane is slowed, under profiles that would do neither.
func TestProfileChangeEndsWhatItWouldNotDo(t *testing.T) {
	d := newDesk(t)
	id := named("a")
	cut := -1.0
	for at := 0.0; cut < 0; at += 0.5 {
		if v := d.g.Call(after(at), id, false); v.Refuse != nil {
			cut = at
		}
	}
	d.g.SetProfile(id, profile("default"))
	if v := d.g.Call(after(cut+1), id, false); v.Refuse == nil {
		t.Error("the same profile again ended the cut-off")
	}
	d.g.SetProfile(id, profile("batch"))
	if v := d.g.Call(after(cut+2), id, false); v.Refuse != nil {
		t.Errorf("batch allows more: %v", v.Refuse)
	}

	w := newWorld(t, 1, governor.Options{RatioOnly: true})
	party(w, "wave-140", 0.5)
	w.run(110 * time.Second)
	slowed := func() bool { return w.g.Limits(w.now, named("echo-a")).Status == "slowed" }
	for !slowed() && w.now.Sub(w.start) < 4*time.Minute {
		w.run(w.now.Sub(w.start) + time.Second)
	}
	if !slowed() {
		t.Fatal("the lane was never slowed")
	}
	w.g.SetProfile(named("echo-a"), profile("unlimited"))
	if slowed() {
		t.Error("unlimited, and still slowed")
	}
}
