package policies

import (
	"errors"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

const (
	maxFile   = 1 << 20 // bytes of a file
	maxNested = 64      // open brackets and indentation steps, against a parser that recurses
)

// Document is the one YAML document in a file that people write, bounded in size
// and depth; nil if there is none to read. Empty and second are what is allowed
// where a file is empty, or holds a second document. The file's name is only used
// in the faults.
func Document(data []byte, file, empty, second string) (ast.Node, Faults) {
	switch {
	case len(data) > maxFile:
		return nil, Faults{FaultAt(file, nil, "", "larger than 1 MiB", "a smaller file")}
	case tooDeep(data):
		return nil, Faults{FaultAt(file, nil, "", "nested too deeply", "at most 64 levels")}
	}
	f, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, Faults{notYAML(file, err)}
	}
	if len(f.Docs) == 0 || f.Docs[0].Body == nil {
		return nil, Faults{FaultAt(file, nil, "", "empty", empty)}
	}
	if len(f.Docs) > 1 && f.Docs[1].Body != nil {
		return f.Docs[0].Body, Faults{FaultAt(file, f.Docs[1].Body, "", "a second document", second)}
	}
	return f.Docs[0].Body, nil
}

// FaultAt is what is wrong at a node of a file; a nil node is its beginning.
func FaultAt(file string, n ast.Node, key, problem, allowed string) Fault {
	f := Fault{File: file, Line: 1, Column: 1, Key: key, Problem: problem, Allowed: allowed}
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
	return f
}

func notYAML(file string, err error) Fault {
	f := Fault{File: file, Line: 1, Column: 1, Problem: "not YAML: " + err.Error()}
	var positioned yaml.Error
	if errors.As(err, &positioned) {
		f.Problem = "not YAML: " + positioned.GetMessage()
		if t := positioned.GetToken(); t != nil && t.Position != nil {
			f.Line, f.Column = t.Position.Line, t.Position.Column
		}
	}
	return f
}

// tooDeep reports whether the text opens more levels than any file needs.
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
		indent := len(line) - len(strings.TrimLeft(line, " "))
		if strings.Count(line, "- ")+strings.Count(line, "? ") > maxNested || indent > 16*maxNested {
			return true
		}
	}
	return false
}
