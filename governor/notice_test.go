package governor_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/governor"
	"weir/policies"
	"weir/wavelet"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares text with the file of this name in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

// TestNotices holds the text of decisions, and their JSON, to golden files.
func TestNotices(t *testing.T) {
	var text strings.Builder
	tell := func(title string, d governor.Decision) {
		text.WriteString("== " + title + "\n" + strings.Join(d.Sentences(), "\n") + "\n\n")
	}
	d := newDesk(t)
	d.g.Commit(after(0), wavelet.Commit{Wavelet: home, Delta: wavelet.Delta{Author: ann, Cause: wavelet.Cause{ID: "c1", Kind: wavelet.Human}}})
	act, at := d.loop(0.7, "c1")
	tell("evicted by depth", act.Decision)
	dec, err := d.g.Readmit(after(at+60), act.Seat, bob, true)
	if err != nil {
		t.Fatal(err)
	}
	tell("readmitted", dec)
	data, err := json.MarshalIndent(act.Decision, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "eviction.json", string(data)+"\n")
	var back governor.Decision
	if err := json.Unmarshal(data, &back); err != nil || !cmp.Equal(back, act.Decision) {
		t.Errorf("read back: %v %s", err, cmp.Diff(act.Decision, back))
	}

	told := map[string]bool{}
	take := func(w *world) {
		for _, x := range w.decisions {
			key := x.Rule + " " + x.Action
			if x.DryRun {
				key += ", tried"
			}
			if !told[key] {
				told[key] = true
				tell(key, x)
			}
		}
	}
	w := newWorld(t, 1, governor.Options{RatioOnly: true})
	party(w, "wave-140", 0.5)
	w.run(4 * time.Minute)
	take(w)
	w = newWorld(t, 1, governor.Options{})
	w.says(ann, home, ms(20000, 20000), 0)
	for _, id := range []string{"agent-a", "agent-b", "agent-c"} {
		w.add(&bot{id: named(id), profile: "agent-discussion", answers: everyone, latency: ms(100, 300)})
	}
	w.add(&bot{id: named("tried"), profile: "default", answers: everyone, latency: ms(100, 300), change: func(p policies.Profile) policies.Profile {
		p.DryRun = []string{"depth", "amplification"}
		return p
	}})
	w.run(12 * time.Minute)
	take(w)
	for i := range 1000 {
		v := d.g.Call(after(1000+float64(i)/2), named("a"), false)
		w.decisions = append(w.decisions, v.Decisions...)
	}
	take(w)
	golden(t, "notices.txt", text.String())
}

// TestEvictionExplains checks that a notice holds all that people are promised.
func TestEvictionExplains(t *testing.T) {
	for _, sc := range scenes() {
		if !sc.loop {
			continue
		}
		w := newWorld(t, 1, governor.Options{})
		sc.set(w, 1)
		w.run(sc.length)
		for _, a := range w.acts {
			e := a.Decision.Evidence
			if e.Cause == "" || e.Started.By == "" || e.Started.At.IsZero() || len(e.Exchanges) == 0 || len(e.Partners) == 0 ||
				e.Depth == 0 || e.Answers == 0 || e.Duration == 0 || e.Allowed == "" || e.Undo == "" {
				t.Errorf("%s: %+v", sc.name, e)
			}
			text := strings.Join(a.Decision.Sentences(), "\n")
			for _, want := range []string{string(a.Seat.Robot), "Cause: it began with", "Chain:", "Depth:", "Duration:", "Partners:", "Still allowed:", "Undo:", string(ann)} {
				if !strings.Contains(text, want) {
					t.Errorf("%s: no %q in the notice:\n%s", sc.name, want, text)
				}
			}
		}
	}
}

// TestWarningsOncePerApproach lets a ratio rise to its warning level twice.
func TestWarningsOncePerApproach(t *testing.T) {
	d := newDesk(t)
	d.g.SetProfile(named("a"), profile("wave-140"))
	var warned []float64
	for at := 0.0; at < 900; at++ {
		b := bundle("a", time.Duration(at).String(), ann, 0, at)
		v := d.deliver(b)
		if quiet := int(at)/100%3 == 1; !quiet && at != 600 {
			if int(at)%6 != 0 { // five of six, under the limit and over 80 % of it
				v = d.answer(at+0.2, "a", governor.Reply, b)
			}
		}
		for _, w := range v.Warnings {
			if w.Limit.Name == "ratio2m" {
				warned = append(warned, at)
				if w.Wavelet != home || w.Limit.Used < 0.7 {
					t.Errorf("%+v", w)
				}
			}
		}
		if len(v.Acts) > 0 {
			t.Fatalf("acted at %v", at)
		}
	}
	if len(warned) < 2 || len(warned) > 4 {
		t.Errorf("warned at %v", warned)
	}
}

// TestHumanWithin lets agents discuss on their own for longer than their
// profile allows.
func TestHumanWithin(t *testing.T) {
	w := newWorld(t, 1, governor.Options{})
	w.says(ann, home, ms(1000, 1000), 1)
	for _, id := range []string{"agent-a", "agent-b"} {
		w.add(&bot{id: named(id), profile: "agent-discussion", answers: everyone, latency: ms(30000, 40000)})
	}
	w.run(30 * time.Minute)
	if len(w.acts) != 1 || w.acts[0].Decision.Rule != "human" || w.acts[0].Kind != governor.Cut {
		t.Fatalf("%+v", w.decisions)
	}
	if at := w.acts[0].Decision.Time.Sub(w.start); at < 10*time.Minute || at > 11*time.Minute {
		t.Errorf("after %v", at)
	}
}
