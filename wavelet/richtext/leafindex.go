package richtext

import "math/bits"

// leafIndex finds leaves by position in logarithmic time. It is a binary indexed
// tree (P. M. Fenwick, "A new data structure for cumulative frequency tables",
// 1994) over the lengths of the leaves: entry i-1 holds the sum of the lengths of
// the lowest-set-bit(i) leaves that end with leaf i-1.
type leafIndex []int

// index returns the leafIndex of leaves, in the memory of x if it suffices.
func (x leafIndex) index(leaves []*leaf) leafIndex {
	x = append(x[:0], make([]int, len(leaves))...)
	for i, l := range leaves {
		x[i] += l.units
		if up := (i + 1) + (i+1)&-(i+1); up <= len(x) {
			x[up-1] += x[i]
		}
	}
	return x
}

// add notes that leaf i has become longer by n units.
func (x leafIndex) add(i, n int) {
	for i++; i <= len(x); i += i & -i {
		x[i-1] += n
	}
}

// find returns the leaf that holds the unit at pos, and the units before that
// leaf. Positions at and behind the end belong to the last leaf.
func (x leafIndex) find(pos int) (leaf, start int) {
	for step := 1 << bits.Len(uint(len(x))) >> 1; step > 0; step >>= 1 {
		if next := leaf + step; next < len(x) && start+x[next-1] <= pos {
			leaf = next
			start += x[next-1]
		}
	}
	return leaf, start
}
