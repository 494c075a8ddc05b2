package richtext

import "math/bits"

// leafIndex finds leaves by position in logarithmic time. It is a binary indexed
// tree (P. M. Fenwick, "A new data structure for cumulative frequency tables",
// 1994) over the lengths of groups of neighbouring leaves: entry g-1 holds the
// sum of the lengths of as many groups as the lowest set bit of g says, up to and
// including group g-1.
type leafIndex []int

// leafGroup is the number of leaves that have one entry together. Keystrokes
// update the tree and rarely search it, so it pays to keep it small.
const leafGroup = 16

// index returns the leafIndex of leaves, in the memory of x if it suffices.
func (x leafIndex) index(leaves []*leaf) leafIndex {
	groups := (len(leaves) + leafGroup - 1) / leafGroup
	x = append(x[:0], make([]int, groups)...)
	for i, l := range leaves {
		x[i/leafGroup] += l.units
	}
	for g := 1; g <= groups; g++ {
		if up := g + g&-g; up <= groups {
			x[up-1] += x[g-1]
		}
	}
	return x
}

// add notes that leaf i has become longer by n units.
func (x leafIndex) add(i, n int) {
	for g := i/leafGroup + 1; g <= len(x); g += g & -g {
		x[g-1] += n
	}
}

// find returns which of leaves, whose index x is, holds the unit at pos, and the
// units before that leaf. Positions at and behind the end belong to the last.
func (x leafIndex) find(leaves []*leaf, pos int) (leaf, start int) {
	group := 0
	for step := 1 << bits.Len(uint(len(x))) >> 1; step > 0; step >>= 1 {
		if next := group + step; next < len(x) && start+x[next-1] <= pos {
			group = next
			start += x[next-1]
		}
	}
	leaf = group * leafGroup
	for leaf+1 < len(leaves) && start+leaves[leaf].units <= pos {
		start += leaves[leaf].units
		leaf++
	}
	return leaf, start
}
