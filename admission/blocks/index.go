package blocks

import (
	"net/netip"
	"slices"
	"time"
)

// index finds blocks. It is immutable.
type index struct {
	all      map[string]Block
	networks map[netip.Prefix]Block
	bits     []int // the lengths that prefixes have, without repetition
}

func newIndex(all map[string]Block) *index {
	x := &index{all: all, networks: map[netip.Prefix]Block{}}
	for _, b := range all {
		p, ok := b.Network()
		if !ok {
			continue
		}
		x.networks[p] = b
		if !slices.Contains(x.bits, p.Bits()) {
			x.bits = append(x.bits, p.Bits())
		}
	}
	return x
}

// find looks an address up under each length that there is.
func (x *index) find(a netip.Addr, now time.Time) (Block, bool) {
	for _, bits := range x.bits {
		if p, err := a.Prefix(bits); err == nil {
			if b, ok := x.networks[p]; ok && b.holds(now) {
				return b, true
			}
		}
	}
	return Block{}, false
}
