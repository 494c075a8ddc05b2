package gateway

import (
	"slices"

	"weir/governor"
	"weir/wavelet"
)

// maxParts is how many robots' parts of a bundle are told apart: as many as its
// token has room for.
const maxParts = 16

// AddPart takes a delta of a robot-lane bundle into the bundle's parts: of each
// robot the delta that tells most, of these the latest. If robots are too many, those with the fewest exact links are left
// out.
func AddPart(parts []governor.Part, c wavelet.Commit) []governor.Part {
	p := governor.Part{Author: c.Delta.Author, Cause: c.Delta.Cause}
	i := slices.IndexFunc(parts, func(x governor.Part) bool { return x.Author == p.Author || isRobot(x.Author, p.Author.Robot()) })
	if i < 0 && len(parts) < maxParts {
		return append(parts, p)
	}
	if i < 0 {
		for j := range parts {
			if i < 0 || parts[j].Cause.Exact < parts[i].Cause.Exact {
				i = j
			}
		}
		if parts[i].Cause.Exact >= p.Cause.Exact {
			return parts
		}
	} else if parts[i].Tells(p) {
		return parts
	}
	parts[i] = p
	return parts
}
