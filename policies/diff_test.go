package policies_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/policies"
)

func TestDiff(t *testing.T) {
	parse := func(text string) policies.Set {
		t.Helper()
		set, err := policies.Parse([]byte("version: 1\n"+text), "x.yaml")
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	for name, c := range map[string]struct {
		old, next string
		want      []policies.Change
	}{
		"nothing": {"", "", []policies.Change{}},
		"the same said otherwise": {
			"profiles: {default: {cooldown: 10m}}", "profiles: {default: {cooldown: 600s}}", []policies.Change{},
		},
		"a setting": {"", "profiles: {strict: {burst: {waiting: 3}}}", []policies.Change{{Profile: "strict", Key: "burst.waiting", Old: "8", New: "3"}}},
		"a profile that comes": {"", "profiles: {calm: {burst: {waiting: 3}}}", []policies.Change{
			{Profile: "calm", New: "added"}, {Profile: "calm", Key: "burst.waiting", Old: "16", New: "3"},
		}},
		"a profile that goes": {"profiles: {calm: {about: Calm., burst: {waiting: 3}}}", "", []policies.Change{
			{Profile: "calm", Old: "removed"}, {Profile: "calm", Key: "burst.waiting", Old: "3", New: "16"},
		}},
		"the default": {"", "default: batch", []policies.Change{{Key: "default", Old: "default", New: "batch"}}},
		"a robot": {
			"robots: {a@x.org: {cooldown: 5m, burst: {waiting: 3}}}", "robots: {a@x.org: {cooldown: 5m, burst: {waiting: 4}, dry_run: [depth]}}",
			[]policies.Change{{Robot: "a@x.org", Key: "burst.waiting", Old: "3", New: "4"}, {Robot: "a@x.org", Key: "dry_run", New: "[depth]"}},
		},
		"a robot that goes": {"robots: {a@x.org: {cooldown: 5m}}", "", []policies.Change{{Robot: "a@x.org", Key: "cooldown", Old: "5m"}}},
	} {
		if diff := cmp.Diff(c.want, policies.Diff(parse(c.old), parse(c.next))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
