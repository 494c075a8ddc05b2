package web

import (
	"cmp"
	"maps"
	"slices"
	"sync"
)

// refusal is what turned a request, a frame or a connection away: the layer
// that did it, and its reason in a word. Both come from small fixed sets, so
// that counting them takes bounded room.
type refusal struct{ layer, reason string }

// refusals counts every refusal of the edge by layer and reason, so that none
// is without one in the metrics. The zero value is ready, and safe for
// concurrent use.
type refusals struct {
	mu sync.Mutex
	n  map[refusal]uint64
}

// add counts one.
func (r *refusals) add(layer, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n == nil {
		r.n = map[refusal]uint64{}
	}
	r.n[refusal{layer, reason}]++
}

// each calls f with every layer and reason that refused, in order.
func (r *refusals) each(f func(layer, reason string, n uint64)) {
	r.mu.Lock()
	counts := maps.Clone(r.n)
	r.mu.Unlock()
	for _, k := range slices.SortedFunc(maps.Keys(counts), func(a, b refusal) int {
		return cmp.Or(cmp.Compare(a.layer, b.layer), cmp.Compare(a.reason, b.reason))
	}) {
		f(k.layer, k.reason, counts[k])
	}
}
