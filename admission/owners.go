package admission

import (
	"sync"
	"time"
)

// Owners counts the connections of many owners, such as persons or network
// addresses, each as exactly as one [Connections] does. It remembers an owner
// only while a connection of it stands, or for a second after a refusal was told
// of, so it holds no more owners than connections. The zero value has no
// maximum. It is safe for concurrent use.
type Owners[K comparable] struct {
	mu    sync.Mutex
	most  int
	all   map[K]*Connections
	empty map[K]struct{} // owners without a connection that are remembered for what was told
}

// SetMaximum changes how many each owner may have, 0 for any number. Those that
// stand stay.
func (o *Owners[K]) SetMaximum(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.most = n
	for _, c := range o.all {
		c.SetMaximum(n)
	}
}

// Enter takes a place for an owner, which Leave gives back; false if none is
// free.
func (o *Owners[K]) Enter(owner K) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.all[owner]
	if c == nil {
		c = &Connections{}
		c.SetMaximum(o.most)
		if o.all == nil {
			o.all, o.empty = map[K]*Connections{}, map[K]struct{}{}
		}
		o.all[owner] = c
	}
	delete(o.empty, owner)
	return c.Enter()
}

// Leave gives a place of an owner back.
func (o *Owners[K]) Leave(owner K) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.all[owner]
	if c == nil {
		panic("admission: more connections left than entered")
	}
	c.Leave()
	switch {
	case c.Active() > 0:
	case c.told.Load() == 0:
		delete(o.all, owner)
	default:
		o.empty[owner] = struct{}{}
	}
}

// Active is how many places an owner has taken.
func (o *Owners[K]) Active(owner K) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c := o.all[owner]; c != nil {
		return c.Active()
	}
	return 0
}

// Full reports whether an owner would be refused now.
func (o *Owners[K]) Full(owner K) bool {
	active := o.Active(owner)
	most := o.Maximum()
	return most > 0 && active >= most
}

// Maximum is how many each owner may have, 0 for any number.
func (o *Owners[K]) Maximum() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.most
}

// Len is how many owners are remembered.
func (o *Owners[K]) Len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.all)
}

// Refused notes that an owner was refused, as [Connections.Refused] does. An
// owner who has no connection any more is told of as it comes.
func (o *Owners[K]) Refused(owner K, now time.Time) (untold int, tell bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for k := range o.empty {
		if c := o.all[k]; now.UnixNano()-c.told.Load() >= int64(tellEvery) {
			delete(o.empty, k)
			delete(o.all, k)
		}
	}
	if c := o.all[owner]; c != nil {
		return c.Refused(now)
	}
	return 0, true
}
