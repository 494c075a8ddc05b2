// Package bus is the server's NATS: a server of its own inside the process, or a
// connection to another. It carries what has no better way: robots that cannot
// be called and so connect out, and the feed that operators follow.
//
// # Subjects
//
// A robot's address is one token of a subject, percent-encoded where it would be
// more: [Token]. Below weir.robots.TOKEN are
//
//	bundles       the server asks, the robot answers: request and reply; a robot
//	              that fails says so in the reply's headers, as services of NATS do
//	rpc           the robot calls, the server answers
//	EVENT         what happened to the robot, for operators and for itself
//
// and weir.decisions.TOKEN.ACTION is what the governor decided. Feed.go holds
// the two forms of messages; each has a "v", which changes when a reader of the
// old form would go wrong.
//
// # Who may what
//
// At the server's own NATS a robot is let in by its address and its key, may
// subscribe to its own bundles and to its own inbox, and publish its own calls
// and its answers. Whether it may stay is asked again whenever anything about it
// changes. Operators read the feed and nothing else. At another NATS its
// permissions do all that.
//
// A reply goes only to the inbox of the robot that called. Otherwise a robot
// could have the server write to others in its stead.
//
// # What an outage costs
//
// Nothing that is kept. The feed follows a log that was written before: it goes
// on behind the last decision that NATS has confirmed, so a reader sees each
// number at least once, and by the numbers what it missed. A bundle that cannot
// be brought is the gateway's to try again. Events about robots are told once, or
// not at all.
//
// # Concurrency
//
// A Bus is safe for concurrent use. No call waits for a robot but Ask, under its
// context. Calls of one robot are carried out one after the other, those of
// different robots at the same time; what waits is bounded, and refused beyond.
package bus
