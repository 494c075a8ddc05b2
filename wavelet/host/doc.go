// Package host keeps wavelets: it is where deltas become commits, in one order,
// durably, and where everybody who follows a wavelet hears of them.
//
// # One writer
//
// An open wavelet belongs to one goroutine, its only writer. Submissions wait
// in its bounded mailbox; the writer takes what is there and puts one after the
// other through the same steps: a delta id seen before is answered with its
// first commit; the base is checked; the delta is transformed past every newer
// commit, one by one; a title is resolved; the Guard and the State judge it; it
// is applied to the working state. Then all that was taken is appended to the
// Log in one call, and only once that is durable are observers and submitters
// told, in the order of the versions. If the append fails the
// working state is as before, nobody has seen anything, and the submitters get
// the reason. So nothing is visible that a crash could take back.
//
// # What is kept where
//
// The Log holds every commit for ever, and a snapshot of the state now and
// then. An open wavelet holds its newest state, the newest commits (1,000 or
// 1 MiB) and a checkpoint of the state every 64 versions of these, which share
// their memory. Opening reads the newest snapshot and the commits behind it,
// never the whole history. A wavelet that nobody uses is written to a snapshot
// and closed. What cannot be read whole and undamaged is not opened, and not
// written to.
//
// # Stored form
//
// Commits and states are stored in a compact form of this package's own, each
// starting with a format number; the store adds checksums. Every log record
// carries a running 64-bit hash of the wavelet's log up to it, snapshots carry
// it too, and every read recomputes it, so that a missing or misplaced record
// is found even where each one by itself is sound.
//
// # Concurrency
//
// All methods of Host and StoreLog may be called from any number of goroutines.
// For one wavelet, observers are called by one goroutine at a time, in version
// order and without gaps, and must not block.
package host
