package policies

import (
	"maps"
	"slices"

	"github.com/goccy/go-yaml/ast"
)

// Change is one difference between two sets.
type Change struct {
	Profile string `json:"profile,omitzero"` // the profile that differs
	Robot   string `json:"robot,omitzero"`   // or the robot for which single limits differ; neither: the set as a whole
	Key     string `json:"key,omitzero"`     // as in a policy file; "" if all of the profile was added or removed
	Old     string `json:"old,omitzero"`     // "" if it was not there
	New     string `json:"new,omitzero"`     // "" if it is not there any more
}

// Diff lists what is different in next, setting by setting: first the name of
// the default profile, then profiles and robots in alphabetical order. Of a
// profile that was added, the settings are compared with the ones that its
// robots have had until then, those of the default profile of old; of one that
// was removed, with the ones that its robots fall back to.
func Diff(old, next Set) []Change {
	out := []Change{}
	if old.fallback != next.fallback {
		out = append(out, Change{Key: "default", Old: old.fallback, New: next.fallback})
	}
	for _, name := range union(old.profiles, next.profiles) {
		was, had := old.profiles[name]
		is, has := next.profiles[name]
		if !had {
			out = append(out, Change{Profile: name, New: "added"})
			was = old.profiles[old.fallback]
		}
		if !has {
			out = append(out, Change{Profile: name, Old: "removed"})
			is = next.profiles[next.fallback]
		}
		before := was.Settings()
		for i, s := range is.Settings() {
			if s.Value != before[i].Value && (s.Key != "about" || had && has) {
				out = append(out, Change{Profile: name, Key: s.Key, Old: before[i].Value, New: s.Value})
			}
		}
	}
	for _, id := range union(old.robots, next.robots) {
		was, is := old.changes(id), next.changes(id)
		for _, key := range union(was, is) {
			if was[key] != is[key] {
				out = append(out, Change{Robot: id, Key: key, Old: was[key], New: is[key]})
			}
		}
	}
	return out
}

// union is the keys of both, in alphabetical order.
func union[V any](a, b map[string]V) []string {
	all := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(all)
	return slices.Compact(all)
}

// changes is what the file changes for a robot: the value of each key that it
// names, as Settings would show it.
func (s Set) changes(id string) map[string]string {
	n := s.robots[id]
	if n == nil {
		return nil
	}
	p, _ := s.For(id, "")
	shown := map[string]string{}
	for _, x := range p.Settings() {
		shown[x.Key] = x.Value
	}
	out := map[string]string{}
	r := &reader{}
	for _, e := range r.entries(n, "") {
		if _, plain := shown[e.name]; plain {
			out[e.name] = shown[e.name]
			continue
		}
		r.section(e, shown, out)
	}
	return out
}

// section copies what a section names from shown.
func (r *reader) section(e entry, shown, out map[string]string) {
	switch e.value.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		for _, inner := range r.entries(e.value, "") {
			key := join(e.name, inner.name)
			out[key] = shown[key]
		}
	}
}
