// Package admissionbench measures what package admission promises, by driving
// its own types.
//
// [Storm] is a whole reconnect storm in virtual time: a server whose processors
// can do so many handshakes a second, and tens of thousands of clients who all
// come back at once, some of whom ignore what they are told or never return.
// The same storm is run against other ways to meet it, so that a bar that is
// reached says something.
//
// [Goodput] is overload that lasts: requests that take seconds of a processor come
// faster than the processors can do them, in virtual time, and their callers go
// away at a deadline. Work that ends after it was for nothing.
package admissionbench
