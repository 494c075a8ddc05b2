package policies

import (
	"maps"
	"slices"

	"github.com/goccy/go-yaml/ast"
)

// Set is the profiles that are in force: the built-in ones, a file's, the name
// of the default, and a file's changes for single robots. The zero Set knows no
// profile; Builtin is where to start.
type Set struct {
	profiles map[string]Profile
	fallback string
	robots   map[string]ast.Node // changes by address; read without a fault once
}

// Profile is the profile with this name, false if there is none. The empty name
// stands for the default.
func (s Set) Profile(name string) (Profile, bool) {
	if name == "" {
		name = s.fallback
	}
	p, ok := s.profiles[name]
	return p, ok
}

// Default is the name of the profile for robots registered without one.
func (s Set) Default() string { return s.fallback }

// Names lists the profiles in alphabetical order.
func (s Set) Names() []string { return slices.Sorted(maps.Keys(s.profiles)) }

// For is the profile of the robot at address id that is registered under the
// profile called name: that profile, with what the file changes for this robot.
// False if there is no such profile.
func (s Set) For(id, name string) (Profile, bool) {
	p, ok := s.Profile(name)
	if !ok {
		return Profile{}, false
	}
	if n := s.robots[id]; n != nil {
		r := &reader{}
		r.apply(&p, r.entries(n, ""), "", "", true)
	}
	return p, true
}
