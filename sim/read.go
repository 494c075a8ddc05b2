package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"weir/policies"
)

// Read reads a scenario file. Profiles is where the robots' profiles are. An
// error is of type policies.Faults and lists every fault of the file, with line
// and column, the key, and what is allowed there; the file's name is only used in
// it.
func Read(data []byte, file string, profiles policies.Set) (*Scenario, error) {
	n, faults := policies.Document(data, file, "a mapping that starts with scenario:", "one scenario in a file")
	r := &reader{file: file, profiles: profiles, faults: faults}
	var s Scenario
	if n != nil {
		r.scenario(&s, n)
	}
	if len(r.faults) == 0 {
		return &s, nil
	}
	slices.SortStableFunc(r.faults, func(a, b policies.Fault) int {
		return cmp.Or(a.Line-b.Line, a.Column-b.Column)
	})
	return nil, r.faults
}

// reader reads one file and collects its faults.
type reader struct {
	file     string
	profiles policies.Set
	faults   policies.Faults
	later    []func() // checks that need the whole file
}

// fault notes what is wrong at n.
func (r *reader) fault(n ast.Node, path, problem, allowed string) {
	r.faults = append(r.faults, policies.FaultAt(r.file, n, path, problem, allowed))
}

// key is what may stand in a mapping.
type key struct {
	name string
	need bool
	read func(n ast.Node, path string)
}

// mapping reads a mapping. Unknown and missing keys are faults.
func (r *reader) mapping(n ast.Node, path string, keys ...key) {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		r.fault(n, path, "not a mapping", "key: value, of "+names(keys))
		return
	}
	seen := map[string]bool{}
	for _, v := range values {
		if v == nil || v.Key == nil || v.Value == nil {
			r.fault(n, path, "a key without a value", "key: value, of "+names(keys))
			continue
		}
		name, _ := scalar(v.Key)
		i := slices.IndexFunc(keys, func(k key) bool { return k.name == name })
		if i < 0 {
			r.fault(v.Key, join(path, name), "unknown key", names(keys))
			continue
		}
		seen[name] = true
		keys[i].read(v.Value, join(path, name))
	}
	for _, k := range keys {
		if k.need && !seen[k.name] {
			r.fault(n, join(path, k.name), "missing", "it must be there")
		}
	}
}

func names(keys []key) string {
	var list []string
	for _, k := range keys {
		list = append(list, k.name)
	}
	return strings.Join(list, ", ")
}

// join is the path of a key below path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// list reads a list of at most most items.
func (r *reader) list(n ast.Node, path string, most int, item func(n ast.Node, path string)) {
	l, ok := n.(*ast.SequenceNode)
	switch {
	case !ok:
		r.fault(n, path, "not a list", "a list, such as [a, b]")
	case len(l.Values) > most:
		r.fault(n, path, fmt.Sprintf("%d items", len(l.Values)), fmt.Sprintf("at most %d", most))
	default:
		for i, v := range l.Values {
			item(v, fmt.Sprintf("%s[%d]", path, i))
		}
	}
}

// scalar is the text of a plain value: a word, a number, true or false.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}
