// Package rpc is the HTTP doors through which robots call on their own: the
// active API, POST /robot/rpc, the data API, and the query of a robot's limits.
//
// A request carries a list of operations and proves whose it is: by the robot's
// key, "Authorization: Bearer wr_…", or by a signature of OAuth 1.0 with that key
// as the secret and the robot's address as the consumer key. The parameters of
// OAuth are taken from the query, from the Authorization field or from a form. A
// signature covers the address that the robot sees and the hash of the body, is
// good for five minutes to either side of its timestamp, and counts once. The
// operations are carried out on the newest state of the wavelets they name, by
// robots/wire, and what they change is submitted to the gateway as one delta for
// each author and wavelet. The response is a list with one entry for each
// operation, in order: {"id", "data"} or {"id", "error"}, where the error has a
// code, a message and, if a limit is the reason, the limit's name and how long to
// wait.
//
// What is wrong with one operation is told in its entry, with status 200, for
// old clients throw away the body of any other response. What is wrong with the
// whole request has a status: 400 if it is no list of operations, 401 without a
// valid key, 403 for a robot that is suspended and asks for more than its limits,
// 413 if it is too long, 429 with Retry-After if the robot calls too often. Every
// response to a known robot says in RateLimit-Policy and RateLimit fields how it
// stands.
//
// A robot that no bundle tells what is written is told by fetching a wavelet: that
// goes through the gateway as a delivery does.
//
// A call that answers a bundle says so with the bundle's token, as parameter
// "bundle" of robot.notify or in the header field Weir-Bundle.
//
// [Data] is the door of programs that write in the name of a person: POST
// /robot/dataapi/rpc, with OAuth 1.0 in three legs. A program gets a request
// token, the person consents to it on a page, in her browser, and the program
// exchanges it for an access token, with which it signs its calls. What it writes
// is hers, and she has to take part; but it goes through the gateway as any
// robot's call does, and all programs of a person are counted together, under an
// address of their own.
//
// What comes by another transport than HTTP goes the same way, by [Handler.Serve].
//
// A Handler keeps no state but the [Nonces] of the last minutes, a bounded number
// for each robot, and is safe for concurrent use.
package rpc
