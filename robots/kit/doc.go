// Package kit is for those who write a robot in Go: what it hears as typed
// values, what it says as operations with names, and manners.
//
//	robot := kit.New("hello", func(ctx context.Context, in *kit.Bundle, out *kit.Reply) error {
//		out.Append("Hello!")
//		return nil
//	}, kit.WaveletSelfAdded)
//	log.Fatal(http.ListenAndServe("127.0.0.1:9002", robot))
//
// # Data model
//
// A [Robot] has one [Handler], which is called once for each [Bundle]: what
// happened in one wavelet since the last one, and the wavelet as it is now. The
// handler writes what it answers into the [Reply]; [NoReply] and an empty Reply
// say nothing. A Robot is an [http.Handler] for the three addresses that a server
// calls, and [Robot.Answer] is the same without HTTP. With its key it also calls
// the server itself: [Robot.Call] sends a Reply of its own making.
//
// What a robot writes goes back to the bundle that it answers. An answer says so
// by being one; a call says so if it is made with the handler's context, or one
// derived from it; [Answering] makes one for work that outlives the handler.
//
// # Limits
//
// Servers put out robots that keep each other going. Every bundle and every
// response of the server says how near its robot is to each limit, and a Robot
// stays below four fifths of them: it calls one request at a time, waits where a
// window of requests is nearly full or the server asked it to, and does not answer
// robots where a chain of answers has become long. What it does not say for that
// reason is a [Held]: an error of Call, or, for an answer, what Options.Held is
// told. Options.Unlimited switches all of it off.
//
// # Concurrency
//
// A Robot is safe for concurrent use, and its handler is called for several
// wavelets at once. A Reply belongs to one goroutine.
package kit
