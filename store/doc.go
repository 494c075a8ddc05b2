// Package store keeps records: bytes in, bytes out. It knows nothing of what
// the bytes mean.
//
// # Data model
//
// A record is a key and a value in a named bucket. Keys are ordered bytewise,
// so a caller composes them most significant part first ([Key]); buckets come
// into being with their first record. Records change only by a [Batch], a list
// of writes of which all happen or none, each with an optional condition on
// what the record holds before ([Expect]).
//
// There are two stores. A [File] is one bbolt file on disk. A [Memory] keeps
// the same promises, except that it forgets everything when the process ends;
// it serves tests and servers that want no disk. Package storetest holds both
// to the same rules.
//
// # Group commit
//
// A durable commit costs two trips to the disk however much it carries, so a
// File lets commits share them. One goroutine is the only writer: it takes
// what is queued, commits it in one transaction, answers each caller, and
// looks again. There is no timer: a lone writer never waits for company, and
// while one group is on its way to the disk the next one gathers. The group
// sizes are in [Stats].
//
// Within a group, batches are judged in the order in which they were queued,
// each against the outcome of those before it. A batch whose condition does not
// hold fails alone with [ErrConflict] and the others go on without it.
//
// # What a caller can rely on
//
//   - When Commit returns nil the batch is on disk and every read sees it.
//   - When it returns an error the batch changed nothing and never will, with
//     one exception: [ErrUnknown] means that the outcome could not be learned.
//   - Reads never wait for the disk writes of a commit, nor hold one up.
//   - A killed process, or a lost power supply, costs no batch that was
//     acknowledged, and the file opens again without repair.
//   - Each value carries a CRC32C over bucket, key and value that is checked
//     whenever it is read. Damage is an [ErrCorrupt] that names the record,
//     never wrong bytes.
//   - A full disk fails commits with [ErrFull]; reads go on, and commits succeed
//     again as soon as there is space, without a restart.
//   - An error of the disk itself stops all further commits with [ErrBroken],
//     since nothing can be said about what reached the disk; reads go on.
//
// All methods of both stores may be called from any number of goroutines.
package store
