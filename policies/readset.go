package policies

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Version is the version of the file format.
const Version = 1

// draft is a profile of the file that has not been resolved yet.
type draft struct {
	at    entry
	state int // 0 new, 1 being resolved, 2 done
}

// set reads a whole file.
func (r *reader) set(base Set, data []byte) Set {
	out := Set{profiles: maps.Clone(base.profiles), fallback: base.fallback, robots: map[string]ast.Node{}}
	if out.profiles == nil {
		out.profiles = map[string]Profile{}
	}
	doc := r.document(data)
	if doc == nil {
		return out
	}
	versioned := false
	drafts := map[string]*draft{}
	var fallback entry
	for _, e := range doc {
		switch e.name {
		case "version":
			versioned = true
			if text, ok := scalar(e.value); !ok || text != "1" {
				r.fault(e.value, "version", "not a version that this weir reads", "1")
			}
		case "default":
			fallback = e
		case "profiles":
			r.drafts(e.value, drafts)
		case "robots":
			r.robots(e.value, out.robots)
		default:
			r.unknown(e, "", []string{"version", "default", "profiles", "robots"})
		}
	}
	if !versioned {
		r.fault(doc[0].key, "version", "missing", "version: 1 in every file")
	}
	for _, name := range slices.Sorted(maps.Keys(drafts)) {
		r.resolve(name, drafts, out.profiles)
	}
	if fallback.value != nil {
		r.fallback(fallback, &out)
	}
	r.tryRobots(out)
	return out
}

// fallback reads the name of the default profile.
func (r *reader) fallback(e entry, out *Set) {
	name, _ := scalar(e.value)
	if _, ok := out.profiles[name]; !ok {
		r.fault(e.value, "default", fmt.Sprintf("no profile is called %q", name), strings.Join(out.Names(), ", "))
		return
	}
	out.fallback = name
}

// drafts collects the profiles of the file by name.
func (r *reader) drafts(n ast.Node, into map[string]*draft) {
	fits := regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
	for _, e := range r.entries(n, "profiles") {
		if !fits.MatchString(e.name) {
			r.fault(e.key, join("profiles", e.name), "not a name for a profile", "lower-case letters, digits and -, at most 40, a letter first")
			continue
		}
		into[e.name] = &draft{at: e}
	}
}

// resolve builds one profile of the file, after the one it extends, and puts it
// into done. It reports whether the profile exists.
func (r *reader) resolve(name string, drafts map[string]*draft, done map[string]Profile) bool {
	d := drafts[name]
	if d == nil || d.state == 2 {
		_, ok := done[name]
		return ok
	}
	path := join("profiles", name)
	d.state = 1
	defer func() { d.state = 2 }()
	entries := r.entries(d.at.value, path)
	base, ok := done[name]
	if !ok && drafts["default"] != nil && name != "default" {
		r.resolve("default", drafts, done)
	}
	if !ok {
		base = done["default"]
	}
	var rest []entry
	for _, e := range entries {
		if e.name != "extends" {
			rest = append(rest, e)
			continue
		}
		parent, _ := scalar(e.value)
		switch known := drafts[parent]; {
		case known != nil && known.state == 1 && parent != name, known != nil && parent == name && !ok:
			r.fault(e.value, join(path, "extends"), fmt.Sprintf("%q extends itself", parent), "another profile")
			continue
		case parent == name: // a built-in one, changed
			continue
		case !r.resolve(parent, drafts, done):
			r.fault(e.value, join(path, "extends"), fmt.Sprintf("no profile is called %q", parent), extendable(drafts, done))
			continue
		}
		base = done[parent]
	}
	base.Name = name
	r.apply(&base, rest, path, "", true)
	done[name] = base
	return true
}

// extendable lists the profiles that can be extended.
func extendable(drafts map[string]*draft, done map[string]Profile) string {
	names := slices.Collect(maps.Keys(done))
	for name := range drafts {
		if _, ok := done[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// robots collects the changes for single robots by address.
func (r *reader) robots(n ast.Node, into map[string]ast.Node) {
	for _, e := range r.entries(n, "robots") {
		local, domain, ok := strings.Cut(e.name, "@")
		if !ok || local == "" || domain == "" || strings.ContainsAny(e.name, " \t") {
			r.fault(e.key, join("robots", e.name), "not a robot's address", "name@domain")
			continue
		}
		into[e.name] = e.value
	}
}

// tryRobots reads every robot's changes once, for their faults.
func (r *reader) tryRobots(s Set) {
	for _, id := range slices.Sorted(maps.Keys(s.robots)) {
		p := s.profiles[s.fallback]
		path := join("robots", id)
		r.apply(&p, r.entries(s.robots[id], path), path, "", true)
	}
}
