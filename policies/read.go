package policies

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

const (
	maxFile   = 1 << 20 // bytes of a policy file
	maxNested = 64      // open brackets and indentation steps, against a parser that recurses
)

// reader reads one policy file and collects its faults.
type reader struct {
	file   string
	faults Faults
}

// read is what data says, on top of the profiles of base.
func read(base Set, data []byte, file string) (Set, error) {
	r := &reader{file: file}
	set := r.set(base, data)
	if len(r.faults) > 0 {
		slices.SortStableFunc(r.faults, func(a, b Fault) int {
			if a.Line != b.Line {
				return a.Line - b.Line
			}
			return a.Column - b.Column
		})
		return Set{}, r.faults
	}
	return set, nil
}

// fault notes what is wrong at n.
func (r *reader) fault(n ast.Node, key, problem, allowed string) {
	f := Fault{File: r.file, Line: 1, Column: 1, Key: key, Problem: problem, Allowed: allowed}
	switch m := n.(type) { // a mapping begins at its first key
	case *ast.MappingValueNode:
		n = m.Key
	case *ast.MappingNode:
		if !m.IsFlowStyle && len(m.Values) > 0 {
			n = m.Values[0].Key
		}
	}
	if n != nil {
		if t := n.GetToken(); t != nil && t.Position != nil {
			f.Line, f.Column = t.Position.Line, t.Position.Column
		}
	}
	r.faults = append(r.faults, f)
}

// document is the one mapping that a policy file is.
func (r *reader) document(data []byte) []entry {
	if len(data) > maxFile {
		r.fault(nil, "", "larger than 1 MiB", "a smaller file")
		return nil
	}
	if tooDeep(data) {
		r.fault(nil, "", "nested too deeply", "at most 64 levels")
		return nil
	}
	f, err := parser.ParseBytes(data, 0)
	if err != nil {
		at := Fault{File: r.file, Line: 1, Column: 1, Problem: "not YAML: " + err.Error()}
		var positioned yaml.Error
		if errors.As(err, &positioned) {
			at.Problem = "not YAML: " + positioned.GetMessage()
			if t := positioned.GetToken(); t != nil && t.Position != nil {
				at.Line, at.Column = t.Position.Line, t.Position.Column
			}
		}
		r.faults = append(r.faults, at)
		return nil
	}
	if len(f.Docs) == 0 || f.Docs[0].Body == nil {
		r.fault(nil, "", "empty", "a mapping that starts with version: 1")
		return nil
	}
	if len(f.Docs) > 1 && f.Docs[1].Body != nil {
		r.fault(f.Docs[1].Body, "", "a second document", "one document in a file")
	}
	return r.entries(f.Docs[0].Body, "")
}

// tooDeep reports whether the text opens more levels than any policy has.
func tooDeep(data []byte) bool {
	open := 0
	for _, c := range data {
		switch c {
		case '[', '{':
			open++
		case ']', '}':
			open = max(0, open-1)
		}
		if open > maxNested {
			return true
		}
	}
	for line := range strings.Lines(string(data)) {
		if dashes := strings.Count(line, "- ") + strings.Count(line, "? "); dashes > maxNested {
			return true
		}
		if indent := len(line) - len(strings.TrimLeft(line, " ")); indent > 16*maxNested {
			return true
		}
	}
	return false
}

// entry is one key of a mapping with its value.
type entry struct {
	name  string
	key   ast.Node
	value ast.Node
}

// entries is what is in a mapping, in its order; a fault and nothing if n is
// something else.
func (r *reader) entries(n ast.Node, path string) []entry {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		r.fault(n, path, "an anchor, an alias or a tag", "plain values; a profile takes another one's with extends")
		return nil
	default:
		r.fault(n, path, "not a mapping", "key: value lines")
		return nil
	}
	var out []entry
	for _, v := range values {
		if v == nil || v.Key == nil || v.Value == nil {
			r.fault(n, path, "a key without a value", "key: value lines")
			continue
		}
		name, ok := scalar(v.Key)
		if !ok {
			r.fault(v.Key, path, "a key that is not plain text", "plain keys; no anchors, aliases or merges")
			continue
		}
		out = append(out, entry{name: name, key: v.Key, value: v.Value})
	}
	return out
}

// items is what is in a list; a fault and nothing if n is something else.
func (r *reader) items(n ast.Node, path string, most int) []ast.Node {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		r.fault(n, path, "not a list", "a list, [] for none")
		return nil
	}
	if len(list.Values) > most {
		r.fault(n, path, fmt.Sprintf("%d items", len(list.Values)), fmt.Sprintf("at most %d", most))
		return nil
	}
	return list.Values
}

// join is the path of a key below path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// unknown notes a key that is not one of those allowed.
func (r *reader) unknown(e entry, path string, allowed []string) {
	r.fault(e.key, join(path, e.name), "unknown key", strings.Join(allowed, ", "))
}
