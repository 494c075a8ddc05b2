package policies

import _ "embed"

//go:embed builtin.yaml
var builtinFile []byte

// Builtin is the set of the eight built-in profiles: default, interactive,
// wave-140, stream, batch, agent-discussion, strict and unlimited.
func Builtin() Set {
	set, err := read(Set{}, builtinFile, "builtin.yaml")
	if err != nil {
		panic("policies: the built-in profiles are broken: " + err.Error())
	}
	return set
}

// Parse reads a policy file and returns the built-in profiles with the file's
// beside or in place of them. The error is of type Faults and lists every fault
// of the file. The name of the file is only used in it.
//
// A file is YAML: "version: 1"; "default", the profile of robots registered
// without one; "profiles", by name; "robots", changes of single limits by
// address, whatever the robot's profile. A profile starts from the one that
// "extends" names, else from the built-in one of its own name, else from
// "default".
func Parse(data []byte, file string) (Set, error) { return read(Builtin(), data, file) }
