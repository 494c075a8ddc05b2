// Package live plays scenarios against a real server: its clock, its disk and
// its sockets. Robots come by any door. They are made with robots/kit and answer
// bundles, over HTTP or NATS; or nobody calls them, and they read and write by the
// active API, or by the tools that the server has for language models. People are
// clients of the live protocol, and what comes from elsewhere comes by the import
// door. Everybody has the habits that package sim gives them, and what came of it
// goes through the same [sim.Tally], so a scenario must get the same verdict here
// as in virtual time.
//
//	keyboard, robot, import --HTTP--> server -- bundles --HTTP--> robot
//	                                    |
//	          ledger <-- commits -------+---- happenings --> tally
//
// # What is known apart from the server
//
// Each robot knows which deltas were in a bundle that it answers, and so what its
// answer truly goes back to, whatever it says about that. It numbers its lines,
// and the ledger, which is told of every commit, finds the numbers again. Each
// author writes line after line into a few blips of its own, so that a bundle's
// events tell which deltas are in it, and the wavelets stay small.
//
// # Askers
//
// A robot that is not called reads its wavelets in turn, one every [ReadEvery], and
// what people and what robots wrote since are to it the two bundles that the server
// takes a reading for. It answers the one and then the other, and says which it
// answers. What it is told is held back it leaves for a later reading.
//
// # Time
//
// Everybody's clock, and the gateway's, runs scale times as fast as the real one.
// What HTTP and the disk take does not shrink with it: a millisecond is a tenth
// of a second at a scale of 100.
//
// # Concurrency
//
// A run has a goroutine for each person, for each asker, for each robot that writes
// unasked, for each seat elsewhere, and those of the HTTP server. One mutex guards
// what they share; it is never held over a call of the server. Run ends them all.
package live
