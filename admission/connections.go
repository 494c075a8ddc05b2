package admission

import (
	"sync/atomic"
	"time"
)

// Connections counts the connections of one owner. The zero value has no
// maximum.
type Connections struct {
	active atomic.Int64
	most   atomic.Int64 // 0: no maximum
	quiet  atomic.Int64 // refusals nobody was told of
	told   atomic.Int64 // when somebody was told last, in Unix nanoseconds; 0: never
}

// SetMaximum changes how many there may be, 0 for any number. Those that stand
// stay.
func (c *Connections) SetMaximum(n int) {
	if c.most.Load() != int64(n) {
		c.most.Store(int64(n))
	}
}

// Enter takes a place, which Leave gives back; false if none is free.
func (c *Connections) Enter() bool {
	for {
		n := c.active.Load()
		if most := c.most.Load(); most > 0 && n >= most {
			return false
		}
		if c.active.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Leave gives a place back.
func (c *Connections) Leave() {
	if c.active.Add(-1) < 0 {
		panic("admission: more connections left than entered")
	}
}

// Active is how many places are taken.
func (c *Connections) Active() int { return int(c.active.Load()) }

// Maximum is how many there may be, 0 for any number.
func (c *Connections) Maximum() int { return int(c.most.Load()) }

// tellEvery is the least time between two refusals that are told of.
const tellEvery = time.Second

// Refused notes a refusal. Tell reports whether to tell of it, which is so once
// a second; untold is then how many since the last time were not.
func (c *Connections) Refused(now time.Time) (untold int, tell bool) {
	last, at := c.told.Load(), now.UnixNano()
	if last != 0 && at-last < int64(tellEvery) || !c.told.CompareAndSwap(last, at) {
		c.quiet.Add(1)
		return 0, false
	}
	return int(c.quiet.Swap(0)), true
}
