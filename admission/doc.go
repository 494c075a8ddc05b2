// Package admission decides who is let in while the server, or what stands
// behind it, has only so much room.
//
// [Connections] is how many connections one owner, such as a robot, may have at
// once, whichever side opened them. The count is exact: it is never above the
// maximum, and nobody is turned away while there is room, however many knock
// and leave at the same instant. A refusal costs no more than an admission, and
// Refused says which of many refusals is worth a line in the log. [Owners] does
// so for many owners, such as people or addresses, as long as they have any.
//
// An [Account] holds the token buckets of a connection, a user or an address, and
// [Rules] say how much they hold. [Account.Take] spends a token of each bucket a
// command counts in, or none. [Accounts] keeps many, and no more than it may. Of a
// limit over all nodes, one account lends tokens in batches, [Account.Lend], and
// those of the nodes spend them, [Account.Spend].
//
// [Queue] gives everybody a turn who wants to begin a session when more come
// than can be taken. At no time are more sessions pending, begun and not yet
// standing, than the server can begin in a second: that alone keeps it from
// spending itself on handshakes which their clients have given up. A newcomer
// gets the first instant that is free, at a pace of 95 % of the capacity. If it
// is now, in he goes; else he is told when to come and given a signed ticket,
// which he shows then and of which the server remembers nothing but a bit once
// it was used. Who has lost his ticket, or cannot carry one, gets the same turn
// again. Who comes shortly before his turn is parked, at the cost of his
// connection and nothing else, and answered at his turn: so ignoring the advice
// gains nothing, and does no harm. While next to nothing is pending whoever
// knocks comes in, and the earliest of those parked. A [Signal] tells when the
// machine is overloaded; until that is over only next to nothing may be pending.
//
// [Concurrency] bounds the work that is under way at once, by a fixed limit or by
// one that it finds out from how long work takes, beside a deadline.
//
// A [Config] is all that can be set, and [Parse] reads it from YAML. A new
// section has a type, with yaml tags, and a check in a file of its own; a plain
// struct keeps what the text leaves out, what a pointer leads to is made anew.
//
// A [Seal] signs notes that somebody else carries, such as tickets, and [Spent]
// remembers which of them were used.
//
// Everything here is pure: instants are passed in. The packages in this folder
// act: bounds waits, lending asks for tokens, settings keeps a Config, and blocks
// knows who is not let in at all. A Connections is safe for concurrent use without
// a lock; Queue, Account, Accounts, Owners, Concurrency and Spent have one.
package admission
