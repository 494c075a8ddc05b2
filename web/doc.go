// Package web is the HTTP edge: everything that people, operators and
// monitoring reach over the network. The robots' doors, which other packages
// serve, stand behind it too.
//
// # What is here
//
// POST /connect lets a person in and gives a ticket; GET /ws spends it on a
// socket that speaks the live protocol (docs/protocol.md). /api/v1 is the REST
// API, with its description at /api/v1/openapi.json. /healthz, /readyz and
// /metrics are for monitoring. routes.go lists them all.
//
// # Who is let in, and how often
//
// What package admission decides is done here, in about this order: who is
// blocked is not heard (block.go), a connection needs a place (gate.go), a body
// has its time and its room (times.go, bodies.go), a session waits for its turn
// (waiting.go; newcomers.go for robots), a command costs tokens and so does a
// mistake (limits.go; requests.go for the REST API), and work takes a place of
// bounds.Work. Whatever is turned away is counted by layer and reason
// (refusals.go).
//
// # Who may do what
//
// An Authenticator says who asks. Persons prove themselves with a signed login
// token, or by name alone on the server's own machine where that is switched
// on; operators with the admin token; robots with their keys, and only for their
// own limits. Whether a person may read a wavelet is asked here for each
// request, by participation; whether a change is allowed is asked by the host at
// the head. A person who is removed from a wavelet loses the subscription with
// that very commit. A share link lets people read, or join, who do not take part
// yet; a socket ends with its login, and a subscription with its link, unless
// they are renewed.
//
// # How commits reach sockets
//
// The hub observes the host and keeps the recent commits of each open wavelet,
// encoded once. Each subscription takes from there at its own speed, so neither
// the host nor another socket ever waits for a slow one, and what a slow one
// costs is its queue of 256 KiB. One that falls behind what the hub remembers
// because its socket had no room is told to resync; one that only missed a burst
// is sent the rest from the log, as it takes it. Commits of a wavelet reach a
// socket in version order and without a gap; the reply to a publish and the push
// of its commit come in either order.
//
// Who has a wavelet open, and their cursors, are told to those who ask, once in
// an interval and from the state of that moment: of presence nothing is kept for
// a slow reader.
//
// The stream of decisions (GET /api/v1/decisions/stream) works the same way: each
// reader takes from the log at its own speed. One that takes nothing for ten
// seconds is let go, and resumes by the number it saw last.
//
// # Concurrency
//
// A Server is safe for concurrent use. Each socket has a reader, which handles
// one frame after the other, a writer, which alone writes and closes, and one
// goroutine per subscription. Close waits for all of them.
package web
