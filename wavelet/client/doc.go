// Package client is the Go client of weir's live protocol, and the types of the
// frames that both ends exchange.
//
// A Client keeps one connection for one person and carries any number of
// wavelets over it. A Wavelet is a document opened on it: local edits show at
// once, go to the server one delta at a time, and are merged with what others
// write. Connections may be lost at any moment; nothing that was accepted by
// Edit or Publish is lost or applied twice, because a delta is sent again with
// the bytes, the base version and the sequence number it was sent with first,
// and the server answers a sequence number it has seen with the commit that it
// made of it.
//
// Two layers do this:
//
//   - Replica is the state machine of one wavelet (Synchronized, AwaitingAck,
//     AwaitingWithBuffer). It is pure: commits, acknowledgements and local ops
//     go in, what to send and what changed come out. It holds the server's state
//     as last heard, the delta in flight, the buffer behind it, and the shadow:
//     the state with both of them applied, which is what the user sees.
//   - Client and Wavelet are the thin runner: tickets, sockets, requests that
//     wait for their reply, waits between attempts.
//
// Who else has a wavelet open, and where, comes with Wavelet.Watch; a crowd keeps
// it, with cursors that move by the same commits as the text.
//
// What cannot be kept is never dropped silently. Edits that the server refuses,
// or that cannot be carried over a gap in the history, come back as Lost.
//
// A Replica belongs to one goroutine. A Client and its Wavelets are safe for
// concurrent use: one mutex guards them, and no network call is made under it.
package client
