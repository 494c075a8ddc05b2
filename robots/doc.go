// Package robots knows who is registered: the robots of this server, the keys
// under which they call, where they are reached and under which profile they
// are held.
//
// # Data model
//
// A [Robot] is a record under its address. The [Directory] keeps all records in
// a [KV], which it changes by compare-and-set, and a copy of them in memory,
// from which it answers. A key is shown once, when it is made; what is kept is
// its SHA-256, by which a caller is known, and the key itself in a vault, for
// the signatures of OAuth cannot be made or checked without. What a robot declares about itself, its capabilities, is learned
// by its transport and kept with the record, so that a restart asks no robot.
//
// A change counts once the KV has it. The gateway hears of it through OnChange;
// another node that shares the KV learns of it while its Directory runs.
//
// Refusals are *wavelet.Refusal values that name the field and the remedy.
//
// # Concurrency
//
// A Directory is safe for concurrent use. One mutex guards the copy; it is held
// neither over a call of the KV nor over a function that was passed in.
package robots
