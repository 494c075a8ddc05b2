package sim

import "time"

// histogram counts durations to 10 ms, and those of a minute and more as one. It
// stays small however many there are. The zero value is empty.
type histogram struct {
	counts []int
	n      int
}

const grain = 10 * time.Millisecond

func (h *histogram) add(d time.Duration) {
	i := int((min(max(d, 0), time.Minute) + grain - 1) / grain)
	for len(h.counts) <= i {
		h.counts = append(h.counts, 0)
	}
	h.counts[i]++
	h.n++
}

func (h *histogram) merge(o *histogram) {
	for len(h.counts) < len(o.counts) {
		h.counts = append(h.counts, 0)
	}
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.n += o.n
}

// p95 is what 95 of 100 do not exceed, rounded up to the grain; 0 if there are
// none.
func (h *histogram) p95() time.Duration {
	left := (h.n*95 + 99) / 100
	for i, n := range h.counts {
		if left -= n; left <= 0 {
			return time.Duration(i) * grain
		}
	}
	return 0
}
