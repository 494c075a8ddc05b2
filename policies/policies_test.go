package policies_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/policies"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestBuiltinProfiles(t *testing.T) {
	set := policies.Builtin()
	want := []string{"agent-discussion", "batch", "default", "interactive", "stream", "strict", "unlimited", "wave-140"}
	if diff := cmp.Diff(want, set.Names()); diff != "" {
		t.Error(diff)
	}
	profile := func(name string) policies.Profile {
		p, ok := set.Profile(name)
		if !ok || (name != "" && p.Name != name) {
			t.Fatalf("profile %q is %q, %v", name, p.Name, ok)
		}
		return p
	}
	d, strict := profile(""), profile("strict")
	if d.Name != "default" || d.Depth.Act != 16 || d.Depth.Warn != 8 || d.Amplification.PerCause != 32 || d.Pace.MinInterval != 500*time.Millisecond {
		t.Errorf("default: %+v", d)
	}
	if strict.Depth.Act*2 != d.Depth.Act || strict.Amplification.PerCause*2 != d.Amplification.PerCause || strict.Hold.Depth*2 != d.Hold.Depth ||
		strict.Pace.MinInterval != 2*d.Pace.MinInterval || strict.Cooldown != 2*d.Cooldown || strict.Burst.Waiting*2 != d.Burst.Waiting {
		t.Errorf("strict is not half of default: %+v", strict)
	}
	if diff := cmp.Diff(d.Ratio, strict.Ratio); diff != "" {
		t.Errorf("strict changes the ratio: %s", diff)
	}
	for i, rule := range strict.Sustained {
		if rule.Max*2 != d.Sustained[i].Max {
			t.Errorf("strict: %+v", rule)
		}
	}
	for _, rule := range profile("wave-140").Ratio {
		if rule.Count != policies.CountAll || rule.Respond != policies.RespondAct {
			t.Errorf("wave-140: %+v", rule)
		}
	}
	for _, rule := range profile("interactive").Ratio {
		if rule.Count == policies.CountAll && rule.Respond != policies.RespondShow {
			t.Errorf("interactive is warned of its answers to people: %+v", rule)
		}
	}
	if a := profile("agent-discussion"); a.Depth.Act != 40 || a.Depth.SlowFrom != 16 || a.Action != policies.ActionCut || a.Human.Within != 10*time.Minute {
		t.Errorf("agent-discussion: %+v", a)
	}
	if u := profile("unlimited"); u.Depth.Act != 0 || u.Sustained == nil || len(u.Sustained) != 0 || u.Burst.Interval != 0 {
		t.Errorf("unlimited: %+v", u)
	}
}

func TestFaults(t *testing.T) {
	files, err := filepath.Glob("testdata/faults/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = policies.Parse(data, filepath.Base(file))
			var faults policies.Faults
			if !errors.As(err, &faults) {
				t.Fatalf("no faults but %v", err)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			got := err.Error() + "\n"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFileExtendsBuiltins(t *testing.T) {
	set, err := policies.Parse([]byte(`
version: 1
default: gentle
profiles:
  gentler: {extends: gentle, cooldown: 1h}
  gentle:
    extends: interactive
    depth: {act: 10}
    dry_run: [depth, ratio2m]
  strict: {warn_at: 0.5}
robots:
  spell@example.com: {depth: {act: 30}, action: cut}
`), "policies.yaml")
	if err != nil {
		t.Fatal(err)
	}
	gentle, _ := set.Profile("")
	interactive, _ := set.Profile("interactive")
	if gentle.Name != "gentle" || gentle.Depth.Act != 10 || gentle.Depth.Warn != 5 {
		t.Errorf("%+v", gentle)
	}
	if diff := cmp.Diff(interactive.Ratio, gentle.Ratio); diff != "" {
		t.Error(diff)
	}
	if gentler, _ := set.Profile("gentler"); gentler.Cooldown != time.Hour || gentler.Depth != gentle.Depth {
		t.Errorf("%+v", gentler)
	}
	if strict, _ := set.Profile("strict"); strict.WarnAt != 0.5 || strict.Depth.Act != 8 {
		t.Errorf("a built-in profile changed lost the rest: %+v", strict)
	}
	for name, want := range map[string]bool{"depth": true, "ratio2m": true, "ratio5m": false, "robotRatio2m": false} {
		if gentle.DryRuns(name) != want {
			t.Errorf("dry run of %s: %v", name, !want)
		}
	}
	spell, ok := set.For("spell@example.com", "strict")
	if !ok || spell.Depth.Act != 30 || spell.Depth.Warn != 15 || spell.Action != policies.ActionCut || spell.Amplification.PerCause != 16 {
		t.Errorf("%+v", spell)
	}
	if other, _ := set.For("other@example.com", "strict"); other.Depth.Act != 8 {
		t.Errorf("%+v", other)
	}
	if _, ok := set.For("spell@example.com", "missing"); ok {
		t.Error("a profile that is not there")
	}
}

// written is the profile as a whole policy file that reads back as the same
// profile.
func written(p policies.Profile) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "version: %d\nprofiles:\n  %s:\n", policies.Version, p.Name)
	section := ""
	for _, s := range p.Settings() {
		head, tail, nested := strings.Cut(s.Key, ".")
		switch {
		case !nested:
			fmt.Fprintf(&b, "    %s: %s\n", s.Key, s.Value)
		case head != section:
			fmt.Fprintf(&b, "    %s:\n", head)
			fallthrough
		default:
			fmt.Fprintf(&b, "      %s: %s\n", tail, s.Value)
		}
		section = head
	}
	return []byte(b.String())
}

func TestSettingsReadBack(t *testing.T) {
	set := policies.Builtin()
	for _, name := range set.Names() {
		p, _ := set.Profile(name)
		p.DryRun = []string{"burst", "ratio2m"}
		again, err := policies.Parse(written(p), name)
		if err != nil {
			t.Fatalf("%v\n%s", err, written(p))
		}
		q, _ := again.Profile(name)
		if diff := cmp.Diff(p, q); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff(p.Settings(), q.Settings()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWith(t *testing.T) {
	p, _ := policies.Builtin().Profile("default")
	q, err := p.With("depth.act", "20")
	if err != nil || q.Depth.Act != 20 || q.Depth.Warn != 10 || p.Depth.Act != 16 {
		t.Errorf("%+v %v", q.Depth, err)
	}
	if q, err = p.With("sustained", "[{window: 1m, max: 5}]"); err != nil || len(q.Sustained) != 1 || len(p.Sustained) != 2 {
		t.Errorf("%+v %v", q.Sustained, err)
	}
	for key, value := range map[string]string{"depth.act": "deep", "depth.axt": "3", "cooldown": "", "": "1", "version": "1", "depth": "{act: x}"} {
		if _, err := p.With(key, value); err == nil {
			t.Errorf("%s=%s was taken", key, value)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/faults/*.yaml")
	for _, file := range append(files, "builtin.yaml") {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := policies.Parse(data, "f.yaml")
		if err != nil {
			if err.Error() == "" || set.Names() != nil {
				t.Errorf("%q: %v", set.Names(), err)
			}
			return
		}
		for _, name := range set.Names() {
			p, _ := set.Profile(name)
			again, err := policies.Parse(written(p), "again.yaml")
			if err != nil {
				t.Fatalf("%v\n%s", err, written(p))
			}
			if q, _ := again.Profile(name); !cmp.Equal(p.Settings(), q.Settings()) {
				t.Error(cmp.Diff(p, q))
			}
		}
	})
}
