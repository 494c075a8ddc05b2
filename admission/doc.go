// Package admission decides who is let in while the server, or what stands
// behind it, has only so much room.
//
// [Connections] is how many connections one owner, such as a robot, may have at
// once, whichever side opened them. The count is exact: it is never above the
// maximum, and nobody is turned away while there is room, however many knock
// and leave at the same instant. A refusal costs no more than an admission, and
// Refused says which of many refusals is worth a line in the log.
//
// An [Account] holds the token buckets of a connection, a user or an address, and
// [Rules] say how much they hold. [Account.Take] spends a token of each bucket a
// command counts in, or none. [Accounts] keeps many, and no more than it may.
//
// A [Config] is all that can be set, and [Parse] reads it from YAML. A new
// section has a type, with yaml tags, and a check in a file of its own; a plain
// struct keeps what the text leaves out, what a pointer leads to is made anew.
//
// Everything here is pure: instants are passed in. A Connections is safe for
// concurrent use without a lock.
package admission
