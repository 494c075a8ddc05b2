package policies

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing wrong in a policy file.
type Fault struct {
	File         string
	Line, Column int    // from 1
	Key          string // "profiles.gentle.depth.act", "" for the file as a whole
	Problem      string // what is wrong
	Allowed      string // what is allowed there, "" if it goes without saying
}

// Error is the fault in one line, "file:line:column: key: problem; allowed: …".
func (f Fault) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", f.File, f.Line, f.Column)
	if f.Key != "" {
		b.WriteString(f.Key + ": ")
	}
	b.WriteString(f.Problem)
	if f.Allowed != "" {
		b.WriteString("; allowed: " + f.Allowed)
	}
	return b.String()
}

// Faults is everything wrong in a policy file, in the file's order.
type Faults []Fault

// Error is the faults, one to a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.Error()
	}
	return strings.Join(lines, "\n")
}

// sortFaults puts faults in the file's order.
func sortFaults(f Faults) {
	slices.SortStableFunc(f, func(a, b Fault) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
}
