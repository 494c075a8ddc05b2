// Package traffic records what the governor was asked, and asks another one the
// same: what would have been decided under other profiles.
//
// # Data model
//
// A [Row] is one call of the governor: a commit that it took note of, a delivery,
// an answer or a request that it decided about, with the instant, and with what
// came of it as far as that tells whether the thing went ahead. A row holds what
// the governor can measure and nothing that people wrote: of an op its kind and
// how much it inserts and deletes. Rows lie in segments, files of a bounded size
// of which the oldest go first. A segment is a list of frames, each sealed with
// its length and a CRC32C; names are written once and then by number, so that a
// row takes some 30 bytes.
//
// A [Recorder] is a governor that writes down what it is asked. A [Replay] puts
// rows to a governor of its own; [Log.Try] does so twice, under the profiles in
// force and under others, and compares.
//
// # What a reader can rely on
//
// Rows come in the order in which the governor took them. They are written a few
// times a second and never synced: a process that is killed loses the last of
// them, a computer that loses power more, and neither leaves anything that cannot
// be read. What is missing is a [Gap] in the rows.
//
// # Concurrency
//
// All methods of a Log and a Recorder may be called from any goroutine. Adding a
// row encodes it into a bounded buffer, allocates nothing and waits for nobody: if
// the disk does not keep up rows are left out, counted, and a Gap says so.
// [Log.Run] writes. Readers read files, at their own speed.
package traffic
