// Package wiretest holds robots as the client libraries of the time made them,
// to hold a server to the robot protocol as it is really spoken.
//
// A [Client] is an HTTP handler that behaves like a robot on Google's Python
// client, dialect 0.21, or on its Java client, dialect 0.22: it declares its
// capabilities in that client's file, fails with status 500 on every bundle that
// the client could not read, and answers with operations in that client's
// spelling, with its ids, its order and its habit of sending nulls or none. What
// the robot does is given as functions, as those libraries had it. [Echoey] is
// the well-known one that keeps a shadow of every blip.
//
// A Client is safe for concurrent use; its functions are called one at a time.
package wiretest
