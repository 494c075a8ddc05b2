package richtext

import "math"

// Limits bounds what a decoder accepts. A zero field sets no bound of its own,
// so the zero Limits suits documents and deltas that come from our own storage;
// whatever comes from outside is held to [DefaultLimits].
type Limits struct {
	Bytes      int // of the whole JSON text
	Ops        int // per delta
	Text       int // bytes of UTF-8 per inserted text
	Attributes int // keys per op
	Key        int // bytes of UTF-8 per attribute or embed key
	Value      int // bytes of canonical JSON per attribute or embed value
	Depth      int // arrays and objects around each other in one value; never more than 64
}

// DefaultLimits returns the limits of [Decode]: 1 MiB of JSON, 10,000 ops,
// 256 KiB of text in an insert, 64 attributes on an op, keys of 128 bytes,
// values of 8 KiB nested 8 deep.
func DefaultLimits() Limits {
	return Limits{
		Bytes:      1 << 20,
		Ops:        10_000,
		Text:       256 << 10,
		Attributes: 64,
		Key:        128,
		Value:      8 << 10,
		Depth:      8,
	}
}

// MaxDocument is the greatest length of a document, in UTF-16 units.
const MaxDocument = 10_000_000

// maxLength is the greatest length of an op, and of all ops of a decoded delta
// together.
const maxLength = math.MaxInt32

// maxDepth bounds the recursion of the decoder whatever the limits say.
const maxDepth = 64

func (l Limits) depth() int {
	if l.Depth == 0 {
		return maxDepth
	}
	return min(l.Depth, maxDepth)
}

// over reports whether n exceeds a limit that is set.
func over(n, limit int) bool { return limit > 0 && n > limit }
