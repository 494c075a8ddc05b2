// Package events turns commits into what a robot is told about them. It is
// pure: no clock, no files, no network.
//
// # Data model
//
// A robot hears of a wavelet in two lanes, of what people set off and of what
// robots set off ([LaneOf]). In each lane it was last told about some version,
// the lane's cursor. A [Window] starts from the wavelet's state at the cursor
// and takes every commit after it, whatever its lane, for later text sits on
// earlier text. What each blip has gone through is folded into one delta as the
// commits arrive. [Window.Events] then tells the net change: one event per blip
// however many keystrokes there were, and none for what was undone within the
// window. An event is told in a lane only if one of that lane's authors touched
// what it is about, and it names authors of that lane alone, so that a robot
// that answers people is not baited by a robot's edit, nor the other way round.
// What the robot did itself, under any of its aliases, it is not told.
//
// A [Bundle] is what goes out: the events, and the state they led to. [BundleID]
// names it by seat, lane and cursor, so that the same window delivered again,
// even grown, is known to be the same.
//
// [Blips] chooses the blips that travel with the events, as the contexts in a
// robot's capabilities ask and as its [Dialect] of the protocol understands them.
//
// # Concurrency
//
// A Window belongs to one goroutine. Everything else here is a pure function of
// values that nobody changes.
package events
