package policies

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Setting is one limit of a profile in the words of a policy file.
type Setting struct {
	Key   string // "depth.act"
	Value string // "16"
}

// Settings lists every limit of the profile, in the order of the built-in file.
// Two profiles with equal settings are equal.
func (p Profile) Settings() []Setting {
	var out []Setting
	for _, f := range profileFields() {
		out = append(out, Setting{f.key, f.get(&p)})
	}
	var ratios, sustained []string
	for _, rule := range p.Ratio {
		ratios = append(ratios, flow(ratioFields(), &rule))
	}
	for _, rule := range p.Sustained {
		sustained = append(sustained, flow(sustainedFields(), &rule))
	}
	return append(out,
		Setting{"ratio", "[" + strings.Join(ratios, ", ") + "]"},
		Setting{"sustained", "[" + strings.Join(sustained, ", ") + "]"},
		Setting{"dry_run", "[" + strings.Join(p.DryRun, ", ") + "]"})
}

// flow writes an item of a list as {key: value, …}.
func flow[T any](fields []field[T], item *T) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = f.key + ": " + f.get(item)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// With is the profile with one limit changed: key and value as in a policy
// file, such as "depth.act" and "20". The error is of type Faults.
func (p Profile) With(key, value string) (Profile, error) {
	r := &reader{file: key}
	f, err := parser.ParseBytes([]byte(value), 0)
	if err != nil || len(f.Docs) != 1 || f.Docs[0].Body == nil {
		return Profile{}, Faults{{File: key, Line: 1, Column: 1, Key: key, Problem: fmt.Sprintf("%q is not a value", value)}}
	}
	var node ast.Node = f.Docs[0].Body
	e := entry{name: key, key: node, value: node}
	section, tail, nested := strings.Cut(key, ".")
	if nested {
		e.name = tail
		r.apply(&p, []entry{e}, section, section, false)
		r.settle(&p, []entry{e}, section, section)
	} else {
		r.apply(&p, []entry{e}, "", "", true)
	}
	if len(r.faults) > 0 {
		return Profile{}, r.faults
	}
	return p, nil
}
