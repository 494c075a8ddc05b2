// Package sim runs scenarios in virtual time: it drives the very gateway.Lane
// and governor.Governor of the server with people and robots of known habits,
// and measures what came of it. An hour takes well under a second.
//
// A [Scenario] is a file that says who is there, how they behave, what is really
// going on (a loop, or honest work) and what is expected. [Read] reads one
// strictly; [Scenario.At] makes everybody in it faster or slower; [Run] plays it
// and returns a [Result]. A run is a function of the scenario and the seed: each
// source of chance has a generator of its own, so a robot more changes nothing
// about the others.
//
// # What is the server's, and what is not
//
//	person, robot -> commit -> Detector.Commit, Lane.Add -> Lane.Next
//	   ^                                                        |
//	   +-- Detector.Answer <-- robot's habits <-- Detector.Deliver
//
// The state machine that merges and paces, the decisions, the labels and the
// order in which they are asked are the server's own code, called in the order in
// which package gateway calls it. The wavelets have no text, since none of the
// decisions depends on it: a window is empty only if it holds no delta of its
// lane. The network, the disk and the clock are a heap of events, and no answer
// comes too late: a profile's delivery.timeout is not played.
//
// What really happens is kept apart from what the governor believes: each delta
// knows which one it truly answers, also when the robot hides that. The measures
// are taken from there.
//
// What is common to virtual time and to a real server is exported for package
// live, which plays the same scenarios over HTTP: the habits of everybody
// ([Person], [Habits]) and the measures ([Tally]).
//
// # Detectors
//
// A [Detector] takes the governor's place. Beside the governor itself there are
// the guards that are known from elsewhere, for comparison; see [Detectors].
// [Scenario.Variants] is every way in which a scenario is run to judge one, and a
// [Score] sums up what came of it, beside the bar.
//
// The package starts no goroutine, reads no clock and no files. Runs share
// nothing, so they may go on side by side.
package sim
