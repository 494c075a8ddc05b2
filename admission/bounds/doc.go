// Package bounds acts on what package admission decides: it has the clock, and
// it waits. Everything in it bounds what work under way may take of the server,
// and is shared by all doors.
//
// [Bodies] is the memory that large message bodies may take together, whoever
// sends them: requests that come in, and robots' answers that are fetched. A
// body up to [Free] bytes is read at once, for how many of those there are is
// bounded by the caps on connections. A longer one takes its weight before the
// rest of it is read, and keeps it until what it says has been done.
//
// [Work] is the places for work under way, of which admission.Concurrency knows
// how many there are. A place is held while there is work to do: not while a
// request is read or an answer is sent, for that takes as long as the other side
// pleases. [Work.Handler] is the same around a whole handler, for those that
// work while they answer.
//
// Everything here is safe for concurrent use.
package bounds
