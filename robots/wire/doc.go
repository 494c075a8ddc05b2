// Package wire speaks the Wave robot protocol: what a robot is sent and what it
// sends back, in the two dialects that robots of that time speak and in plain
// HTTP.
//
// # Data model
//
// A robot declares in its capabilities.xml which events it wants, with which
// blips around them, and in which [events.Dialect]; [Capabilities] is that
// declaration. [Encode] writes an [events.Bundle] as the JSON that such a robot
// reads, leaving out what it did not ask for. [Decode] reads the operations of
// an answer, in every spelling that the clients use, and [Call.Apply] carries
// them out on a private copy of the wavelet: each operation sees what the ones
// before it did, a bad one fails alone, and what comes out is one atomic delta
// per author and wavelet against the version that was read, with a result for
// each operation.
//
// Method.go holds every name an operation goes by. What operations look up and
// keep beside the wavelets that they change comes with the call, as its
// [Surroundings]: searches, profiles, read marks and attachments. Whatever they
// find there, an operation gives out only what its author takes part in.
//
// # Offsets
//
// Robots see a blip as text that starts with a newline, where each line's
// newline stands before it; a document has each line's newline behind it. A
// position w of the robot's text is the position w-1 of the document, and the
// newline at 0 is the document's last character. All offsets count UTF-16
// units. Position.go holds the whole mapping, annotation.go and element.go the
// names of what is on and in the text.
//
// # Transport
//
// [Passive] is a robot that is reached over HTTP: it fetches the capabilities,
// posts bundles and returns answers. [NewClient] makes the HTTP client for a
// robot, which connects only to addresses that its [Guard] permits and while
// [Admit] has a place, follows no redirect, and gives up after its [Timeouts].
//
// [Outbound] is a robot that is not called but connects to this server, over
// whatever brings its bundles there; it says by robot.notify what it wants.
//
// A Passive and an Outbound are safe for concurrent use. Everything else is a pure function of
// its arguments, except that ids of new blips are random.
package wire
