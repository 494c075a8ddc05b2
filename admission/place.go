package admission

import (
	"container/heap"
	"time"
)

// Place is a knock that waits to be answered. Only its Queue looks inside.
type Place struct {
	knock    Knock
	turn     Turn
	at       time.Time // when it is tried next: the turn's instant or, if that found no room, a little later
	patience time.Time // when it must be answered
	grant    *Grant    // set when it was let in before its time
	index    int       // in the lot; -1: no longer there
}

// lot is where knocks are parked, a heap with the earliest turn on top.
type lot []*Place

func (l lot) Len() int           { return len(l) }
func (l lot) Less(i, j int) bool { return l[i].turn.At.Before(l[j].turn.At) }
func (l lot) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].index, l[j].index = i, j
}

// Push and Pop are for package heap.
func (l *lot) Push(p any) {
	place := p.(*Place)
	place.index = len(*l)
	*l = append(*l, place)
}

func (l *lot) Pop() any {
	old := *l
	p := old[len(old)-1]
	old[len(old)-1] = nil
	*l = old[:len(old)-1]
	p.index = -1
	return p
}

func (l *lot) add(p *Place) { heap.Push(l, p) }

func (l *lot) remove(p *Place) {
	if p.index >= 0 {
		heap.Remove(l, p.index)
	}
}

func (l *lot) first() *Place { return heap.Pop(l).(*Place) }
