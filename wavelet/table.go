package wavelet

import (
	"maps"
	"slices"
)

// owner identifies the state that may write to something in place. It has a
// size so that every one has its own address.
type owner struct{ _ byte }

// table keeps values in the order of their arrival and finds them by id.
// Copies of a table share their memory until one of them is written to: a write
// names the writer, and what belongs to somebody else is copied first.
type table[K comparable, V any] struct {
	items      []*V
	index      map[K]int
	itemsOwner *owner
	indexOwner *owner
}

// get returns the value with the id, nil if there is none.
func (t *table[K, V]) get(id K) *V {
	if i, ok := t.index[id]; ok {
		return t.items[i]
	}
	return nil
}

// put stores v under the id, in the place of what was there.
func (t *table[K, V]) put(o *owner, id K, v *V) {
	if t.itemsOwner != o {
		t.items, t.itemsOwner = slices.Clone(t.items), o
	}
	if i, ok := t.index[id]; ok {
		t.items[i] = v
		return
	}
	if t.indexOwner != o {
		t.index, t.indexOwner = maps.Clone(t.index), o
	}
	if t.index == nil {
		t.index = make(map[K]int)
	}
	t.index[id] = len(t.items)
	t.items = append(t.items, v)
}
