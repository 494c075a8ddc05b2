// Package wavelet says what a wavelet is: the document that people and robots
// share, the operations that change it, and the labels that tell what caused
// each change. It is pure: no clock, no files, no network.
//
// A wavelet is a conversation. Its State holds blips (messages, each a
// richtext document) in threads, participants with roles, tags and data
// documents. A Delta is an atomic list of Ops by one author against one
// version; a Commit is a Delta that has been given its place in the history.
// Versions count deltas: the wavelet that nobody has written to is at version
// 0, and applying the commit of version n to the state at n-1 gives the state
// at n.
//
// Transform moves a delta past another one that was committed first, one delta
// at a time (composing the history first is not equivalent). Apply gives the
// next state or a typed Refusal that names the op and the reason, and then
// nothing has changed.
//
// Cause is the lineage that the governor follows. It travels beside the
// document, never in it, and only the server's own doors write it.
//
// Values of this package are safe to share between goroutines once built; a
// State is owned by one goroutine, its Clone is a cheap snapshot for others.
package wavelet
