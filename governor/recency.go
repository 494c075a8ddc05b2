package governor

import "iter"

// recency is records in the order in which each was last put at its end.
type recency[T any] struct {
	ends rank[T] // before the oldest and behind the newest
}

// rank is the place of a record in a recency, and part of the record itself: to
// move one on takes neither a search nor memory. The zero rank is in none.
type rank[T any] struct {
	of          *T
	newer, past *rank[T]
}

func newRecency[T any]() *recency[T] {
	l := &recency[T]{}
	l.ends.newer, l.ends.past = &l.ends, &l.ends
	return l
}

// put makes the record at r the newest. It leaves the recency that it was in.
func (l *recency[T]) put(r *rank[T]) {
	r.leave()
	r.past, r.newer = l.ends.past, &l.ends
	r.past.newer, r.newer.past = r, r
}

// leave takes the record out of the recency that it is in, if it is in one.
func (r *rank[T]) leave() {
	if r.newer != nil {
		r.newer.past, r.past.newer = r.past, r.newer
		r.newer, r.past = nil, nil
	}
}

// oldest is the record that was put longest ago, nil if there is none.
func (l *recency[T]) oldest() *T { return l.ends.newer.of }

// all yields the records, the oldest first.
func (l *recency[T]) all() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for r := l.ends.newer; r != &l.ends && yield(r.of); r = r.newer {
		}
	}
}
