package policies

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// apply reads entries into p. The keys of a section are found by its prefix:
// entries of depth have the section "depth". path is where the faults are.
func (r *reader) apply(p *Profile, entries []entry, path, section string, top bool) {
	fields := profileFields()
	for _, e := range entries {
		key := join(section, e.name)
		at := join(path, e.name)
		if i := slices.IndexFunc(fields, func(f field[Profile]) bool { return f.key == key }); i >= 0 {
			if problem := fields[i].set(p, e.value); problem != "" {
				r.fault(e.value, at, problem, fields[i].allowed)
			}
			continue
		}
		switch {
		case top && e.name == "ratio":
			p.Ratio = r.ratios(e.value, at)
		case top && e.name == "sustained":
			p.Sustained = r.sustained(e.value, at)
		case top && e.name == "dry_run":
			p.DryRun = r.dryRun(e.value, at)
		case top && hasSection(fields, e.name):
			inner := r.entries(e.value, at)
			r.apply(p, inner, at, e.name, false)
			r.settle(p, inner, at, e.name)
		default:
			r.unknown(e, path, keysOf(fields, section))
		}
	}
}

// hasSection reports whether some key lies in the section.
func hasSection(fields []field[Profile], section string) bool {
	return slices.ContainsFunc(fields, func(f field[Profile]) bool { return strings.HasPrefix(f.key, section+".") })
}

// keysOf lists what may stand in a section, "" for the profile itself.
func keysOf(fields []field[Profile], section string) []string {
	var keys []string
	for _, f := range fields {
		head, tail, nested := strings.Cut(f.key, ".")
		switch {
		case section == "" && !slices.Contains(keys, head):
			keys = append(keys, head)
		case nested && head == section:
			keys = append(keys, tail)
		}
	}
	if section == "" {
		keys = append(keys, "ratio", "sustained", "dry_run")
	}
	slices.Sort(keys)
	return keys
}

// settle checks what hangs together in a section.
func (r *reader) settle(p *Profile, entries []entry, path, section string) {
	said := func(name string) ast.Node {
		for _, e := range entries {
			if e.name == name {
				return e.value
			}
		}
		return nil
	}
	switch section {
	case "depth":
		warn, act := said("warn"), said("act")
		switch {
		case warn == nil && act != nil:
			p.Depth.Warn = (p.Depth.Act + 1) / 2
		case warn != nil && p.Depth.Act > 0 && p.Depth.Warn > p.Depth.Act:
			r.fault(warn, join(path, "warn"), fmt.Sprintf("%d is above act, which is %d", p.Depth.Warn, p.Depth.Act), "a depth below act")
		}
		if p.Depth.SlowMax < p.Depth.SlowStep {
			at := first(said("slow_max"), said("slow_step"))
			r.fault(at, join(path, "slow_max"), short(p.Depth.SlowMax)+" is below slow_step, which is "+short(p.Depth.SlowStep), "at least slow_step")
		}
	case "hold":
		if p.Hold.MaxFor < p.Hold.MinFor {
			at := first(said("max_for"), said("min_for"))
			r.fault(at, join(path, "max_for"), short(p.Hold.MaxFor)+" is below min_for, which is "+short(p.Hold.MinFor), "at least min_for")
		}
	}
}

// first is the first of the nodes that is there.
func first(nodes ...ast.Node) ast.Node {
	for _, n := range nodes {
		if n != nil {
			return n
		}
	}
	return nil
}

// readItem reads one item of a list of rules; need names the keys it must have.
func readItem[T any](r *reader, n ast.Node, path string, fields []field[T], into *T, need ...string) {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.key
	}
	seen := map[string]bool{}
	for _, e := range r.entries(n, path) {
		i := slices.Index(names, e.name)
		if i < 0 {
			r.unknown(e, path, names)
			continue
		}
		seen[e.name] = true
		if problem := fields[i].set(into, e.value); problem != "" {
			r.fault(e.value, join(path, e.name), problem, fields[i].allowed)
		}
	}
	for _, key := range need {
		if i := slices.Index(names, key); !seen[key] {
			r.fault(n, join(path, key), "missing", fields[i].allowed)
		}
	}
}

// ratios reads the list of ratio rules.
func (r *reader) ratios(n ast.Node, path string) []Ratio {
	out := []Ratio{}
	windows := map[time.Duration]bool{}
	for i, item := range r.items(n, path, 8) {
		at := fmt.Sprintf("%s[%d]", path, i)
		rule := Ratio{Count: CountAll, Respond: RespondAct}
		readItem(r, item, at, ratioFields(), &rule, "window", "max", "min_events")
		if slices.ContainsFunc(out, func(o Ratio) bool { return o.Name() == rule.Name() }) {
			r.fault(item, at, "a second rule for this window and count", "one rule for each")
		}
		if windows[rule.Window] = true; len(windows) > maxWindows {
			r.fault(item, at, "a fifth window", "at most 4 different windows")
		}
		out = append(out, rule)
	}
	return out
}

// maxWindows is how many different windows a profile's ratio, or sustained,
// rules may have.
const maxWindows = 4

// sustained reads the list of sustained limits.
func (r *reader) sustained(n ast.Node, path string) []Sustained {
	out := []Sustained{}
	for i, item := range r.items(n, path, maxWindows) {
		at := fmt.Sprintf("%s[%d]", path, i)
		var rule Sustained
		readItem(r, item, at, sustainedFields(), &rule, "window", "max")
		if slices.ContainsFunc(out, func(o Sustained) bool { return o.Window == rule.Window }) {
			r.fault(item, at, "a second limit for this window", "one limit for each")
		}
		out = append(out, rule)
	}
	return out
}

// dryRun reads the list of rules that are only tried.
func (r *reader) dryRun(n ast.Node, path string) []string {
	out := []string{}
	for i, item := range r.items(n, path, 32) {
		name, _ := scalar(item)
		if !slices.Contains(rules(), family(name)) {
			r.fault(item, fmt.Sprintf("%s[%d]", path, i), fmt.Sprintf("no rule is called %q", name),
				strings.Join(rules(), ", ")+", or one window's such as ratio2m")
			continue
		}
		out = append(out, name)
	}
	return out
}
