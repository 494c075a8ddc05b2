//go:build race

package host

// raceEnabled tells that the race detector makes everything ten times slower.
const raceEnabled = true
