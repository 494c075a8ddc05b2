// Package gateway stands between the wavelets and the robots. It tells robots
// what changed, merged and paced; takes what they write, whatever door they come
// by; asks the governor about both; and carries out what the governor decides.
//
// # Data model
//
// A seat is a robot in a wavelet. It has two lanes, one for what people set off
// and one for what robots set off, each with a cursor: the version up to which
// the robot was told. A [Lane] is the seat's pure state machine. It counts what
// waits and says when which bundle is due, and knows no content. The content is
// made when a bundle goes out: the wavelet at the cursor, and an events.Window
// over the commits since. So an idle seat costs a few hundred bytes, and a robot
// that was away for a day costs no more.
//
//	host -- Committed --> Lane -- due --> Window --> governor.Deliver --> Robot.Receive
//	  ^                                                                        |
//	  +--- Submit <-- governor.Answer <-- answer, or [Gateway.Submit] <--------+
//
// A robot that is not called asks: a [Gateway.Read] is a delivery of what was
// written since the one before, under the same rules, and hands out tokens.
//
// A robot that asks for BLIP_SUBMITTED is told when an edit session has ended, in
// a bundle of its own. A [Session] is kept with the cursor until then, for no
// commit says that somebody stopped writing.
//
// Robots write through one function whether they answer a bundle or call on
// their own. It stamps the Cause that the governor gives; no robot can write its
// own. An eviction is an ordinary commit of the server: the removal and the
// notice in one delta; a cut, or a suspension in one wavelet, is a notice alone.
// From the verdict on, and not only from that commit on,
// [Gateway.Check] refuses what the robot writes there.
//
// # What survives what
//
// Delivery is at least once, and what a robot answers is written once, and whole. A
// bundle is named by its seat, lane and cursor, and its answer's deltas by the bundle
// and their index, which the host commits only once. Before the first delta of an
// answer is submitted, all of it is written down; what is not committed when the
// process ends is committed after the next start, and the robot is not asked again.
// Until then it is: if it then answers otherwise, that counts, for nothing of what it
// said first was written. The cursors, with the failures that wait to be told, and the
// governor's counts are written once a second and at the end: a crash loses at most a
// second of them, and what was told in it without an answer is told again. Decisions are
// written at once, to the log that package decisions keeps. What
// the governor is asked goes, if it is wanted, to the record of package traffic,
// whose last moment a crash loses. A verdict is written down before it is carried out, and carried out until it is
// committed; a start that finds a robot banned and still there goes on with it.
//
// # Concurrency
//
// All methods of a Gateway may be called from any goroutine. One mutex guards
// seats and lanes; it is never held over a call that may block. Committed takes
// it, and the governor's, and does a small fixed amount of work per seat of the
// wavelet, so it never holds a wavelet up. A bundle on its way has a goroutine
// of its own, a seat that waits has none; a robot that hangs delays only itself.
// Run starts all goroutines and returns when they have ended.
package gateway
