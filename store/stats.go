package store

import "math/bits"

// Stats counts what a store has done since it was opened.
type Stats struct {
	Commits   uint64 // transactions that were committed
	Batches   uint64 // batches that were committed, each within a transaction
	Conflicts uint64 // batches refused because a condition did not hold
	Failures  uint64 // batches refused because the disk was full or failed
	Writes    uint64 // records put or deleted
	Bytes     uint64 // bytes of keys and values in those batches
	Fsyncs    uint64 // times the disk was told to make data durable
	Size      int64  // bytes of the data file, 0 in memory

	// Groups counts transactions by how many batches each carried: Groups[0] is
	// those of one batch, Groups[i] those of 2^i to 2^(i+1)-1, the last one also
	// all that are larger.
	Groups [16]uint64

	// Failing is why the latest commit failed, wrapping [ErrFull], [ErrBroken] or
	// [ErrUnknown]; nil when it succeeded. A conflict is no failure.
	Failing error
}

// grouped counts a committed transaction of so many batches.
func (s *Stats) grouped(batches int) {
	s.Commits++
	s.Batches += uint64(batches)
	s.Groups[min(bits.Len(uint(batches))-1, len(s.Groups)-1)]++
}
