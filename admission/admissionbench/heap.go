package admissionbench

// heap is a priority queue without boxing: the storms are made of millions of
// events.
type heap[T interface{ Before(T) bool }] []T

func (h *heap[T]) push(v T) {
	s := append(*h, v)
	*h = s
	for i := len(s) - 1; i > 0; {
		up := (i - 1) / 2
		if !s[i].Before(s[up]) {
			break
		}
		s[i], s[up] = s[up], s[i]
		i = up
	}
}

// pop takes the first off; there must be one.
func (h *heap[T]) pop() T {
	s := *h
	first := s[0]
	last := len(s) - 1
	s[0] = s[last]
	var zero T
	s[last] = zero
	s = s[:last]
	*h = s
	for i := 0; ; {
		down := 2*i + 1
		if down >= len(s) {
			break
		}
		if down+1 < len(s) && s[down+1].Before(s[down]) {
			down++
		}
		if !s[down].Before(s[i]) {
			break
		}
		s[i], s[down] = s[down], s[i]
		i = down
	}
	return first
}
