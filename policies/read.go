package policies

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
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
		sortFaults(r.faults)
		return Set{}, r.faults
	}
	return set, nil
}

// fault notes what is wrong at n.
func (r *reader) fault(n ast.Node, key, problem, allowed string) {
	r.faults = append(r.faults, FaultAt(r.file, n, key, problem, allowed))
}

// document is the one mapping that a policy file is.
func (r *reader) document(data []byte) []entry {
	n, faults := Document(data, r.file, "a mapping that starts with version: 1", "one document in a file")
	r.faults = append(r.faults, faults...)
	if n == nil {
		return nil
	}
	return r.entries(n, "")
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
