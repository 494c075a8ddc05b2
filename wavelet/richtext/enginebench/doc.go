// Package enginebench measures the document engine of wavelet/richtext against
// things timed in the same run: a gap buffer, and quill-delta, the library that
// browsers use, in Node.
//
// # What is measured
//
// A [Trace] is a history of plain text, typed by people or by a built-in typist.
// Four figures come of it, each a [weir.Figure] with the bar it must clear:
//
//   - the engine: applying the trace's deltas to a richtext.Doc, as a multiple of
//     applying the same deltas to a gap buffer of UTF-16 units, which checks
//     nothing and knows no attributes;
//   - the pipeline: strict decoding, checking, applying and writing log bytes, as
//     a fraction of the time that quill-delta takes only to compose the same
//     deltas, ready decoded, with the document;
//   - the same on a document of 10,000 attribute runs;
//   - the transformation of one delta against 1,000 that it missed, in
//     milliseconds.
//
// The sides of a ratio take turns, and the figure is the median of the ratios of
// the single turns, so that a machine that is busy with other things slows both.
// Whatever is compared must also agree: the texts at the end are the same, or
// [Run] fails.
//
// # What it needs
//
// Node and npm are optional. quill-delta is installed once, by npm, in the user's
// cache directory; where it cannot be had the rows that need it are not measured
// and say why.
//
// Unlike the package it measures this one reads the clock, files and processes.
package enginebench
