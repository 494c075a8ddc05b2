// Package richtext is the document algebra of weir: deltas over rich text, their
// operational transformation, and an engine that keeps a document fast to edit.
//
// # Data model
//
// A document is a sequence of text and embeds. Everything is measured in UTF-16
// units, the unit of browsers and of robots written in Java: an ASCII letter is
// one unit, an emoji usually two, an embed always one. A stored document ends in
// a newline, which closes its last line and can be neither deleted nor passed.
//
// A [Delta] is a list of [Op], each of which inserts text, inserts an embed,
// retains, or deletes. A delta of inserts alone is a document; any other delta
// is a change to one. Text and embeds carry [Attributes], a flat map from key to
// JSON value; on a retain they change the attributes of what is retained, and
// the value null removes a key. Values are kept in canonical JSON (sorted keys,
// no spaces, shortest numbers), so that equal values are equal bytes.
//
// The semantics of [Compose], [Transform], [TransformPosition], [Invert] and
// [Slice] are those of the Quill editor's delta format, version 5.1, including
// the places where it is peculiar; browsers run the same algebra, and the two
// sides agree only if both are peculiar in the same way. [Effective] has no
// counterpart there: it reduces a delta to what it really changes in a given
// document, and is empty exactly if it changes nothing.
//
// # Trust
//
// [Decode] is strict. It refuses whatever a lenient JSON reader would bend into
// shape: unknown, repeated or oddly cased keys, lengths that are not plain
// positive integers, halves of surrogate pairs, reserved keys, and anything over
// its [Limits]. [Check] then holds a delta against a document: lengths, pairs
// and the final newline. [Doc.Apply] checks before it touches anything. Every
// refusal is an [*Error] that names the op and says what was wrong.
//
// The algebra itself is total. Given deltas that Check would refuse it neither
// panics nor loses length: a cut inside a surrogate pair yields two lone halves
// (three bytes each, in the manner of WTF-8) that join again when they meet.
// Deltas that pass Check never produce such halves.
//
// # Concurrency
//
// Deltas, ops, attributes and embeds are values that never change once built and
// may be shared freely; only the builder methods, which work like append, need
// care. A [Doc] has one writer. [Doc.Clone] costs the same however long the
// document is, and after it either side may be edited while others read the
// other one. A Doc that nobody edits may be read by any number of goroutines.
package richtext
