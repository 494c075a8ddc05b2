// Package policies says how much a robot may do: profiles of limits, read from
// YAML files or built in, and the view of its limits that a robot is shown.
//
// A Profile is a plain value with one section per rule. A Set holds the eight
// built-in profiles, those that a file adds or extends, the name of the default
// and what the file changes for single robots. Parse reads a file strictly: an
// unknown key, a wrong type or a value out of range is refused with file, line
// and column, the key, and what is allowed; all the faults of a file are
// reported together.
//
// The package is pure: it reads no clock and no files. Profiles and Sets are
// immutable once built and safe to share between goroutines.
package policies
