package governor

import (
	"iter"
	"time"
)

// tick is the grain of all windows.
const tick = 100 * time.Millisecond

// channels is how many things one ring counts side by side.
const channels = 4

// ring counts events over sliding windows, exactly to the tick. It holds one
// slot for each tick in which something happened, and for each window a tail:
// the place where the window begins, with the running sum of everything before
// it. What lies in a window is the sum of all less the sum at its tail, so a
// reading costs a subtraction, and an event costs the slots that leave.
//
// A slot keeps the distance to the one before it, not its tick, and counts to
// 255, which a second slot for the tick goes on from: 6 bytes. Slots that have
// left the longest window are dropped, so up to 2,550 events a second the ring
// never has more of them than that window has ticks.
type ring struct {
	buf   []slot
	head  int              // index in buf of the oldest slot
	size  int              // slots in use
	first uint32           // sequence number of the oldest slot
	last  int64            // tick of the newest slot
	sum   [channels]uint32 // of all events ever, modulo 2^32
	tails []tail
}

type slot struct {
	gap uint16 // ticks since the slot before, 0 for the oldest
	n   [channels]uint8
}

// full is as far as a slot counts.
const full = 1<<8 - 1

// tail is where a window of span ticks begins.
type tail struct {
	span int64
	next uint32           // sequence number of the oldest slot inside; the next to come if none is
	at   int64            // its tick, if there is one
	sum  [channels]uint32 // of all events before it
}

// fit gives the ring the windows in spans, in ticks, and keeps what it has
// counted. What was dropped before, because no window was so long, is gone.
func (r *ring) fit(spans []int64) {
	var inside [channels]uint32
	at := r.last
	for i := range r.size {
		s := r.slot(r.first + uint32(i))
		for c, n := range s.n {
			inside[c] += uint32(n)
		}
		if i > 0 {
			at -= int64(s.gap)
		}
	}
	start := tail{next: r.first, at: at}
	for c := range start.sum {
		start.sum[c] = r.sum[c] - inside[c]
	}
	r.tails = make([]tail, len(spans))
	for k, span := range spans {
		r.tails[k] = start
		r.tails[k].span = span
	}
}

// slot is the one with this sequence number, which must be in the ring.
func (r *ring) slot(seq uint32) *slot {
	i := r.head + int(seq-r.first)
	if i >= len(r.buf) {
		i -= len(r.buf)
	}
	return &r.buf[i]
}

// move brings the windows to tick t: they hold the ticks after t-span up to t.
func (r *ring) move(t int64) {
	end := r.first + uint32(r.size)
	oldest := end
	for k := range r.tails {
		w := &r.tails[k]
		for w.next != end && w.at <= t-w.span {
			s := r.slot(w.next)
			for c := range w.sum {
				w.sum[c] += uint32(s.n[c])
			}
			if w.next++; w.next != end {
				w.at += int64(r.slot(w.next).gap)
			}
		}
		if end-w.next > end-oldest {
			oldest = w.next
		}
	}
	for r.first != oldest {
		r.first++
		r.size--
		if r.head++; r.head == len(r.buf) {
			r.head = 0
		}
	}
}

// add counts an event at tick t, to which the ring has been moved, and returns
// the sequence number of its slot for mark.
func (r *ring) add(t int64, c int) uint32 {
	seq := r.first + uint32(r.size) - 1
	if r.size == 0 || r.last != t || r.slot(seq).n[c] == full {
		seq = r.push(t)
	}
	r.slot(seq).n[c]++
	r.sum[c]++
	return seq
}

// push appends an empty slot for tick t.
func (r *ring) push(t int64) uint32 {
	if r.size == len(r.buf) {
		r.grow()
	}
	seq := r.first + uint32(r.size)
	gap := uint16(0)
	if r.size > 0 {
		gap = uint16(t - r.last)
	}
	r.size++
	*r.slot(seq) = slot{gap: gap}
	r.last = t
	for k := range r.tails {
		if w := &r.tails[k]; w.next == seq {
			w.at = t
		}
	}
	return seq
}

// grow makes room for an eighth more slots, up to one for each tick of the
// longest window.
func (r *ring) grow() {
	room := len(r.buf) + max(8, len(r.buf)/8)
	longest := int64(0)
	for _, w := range r.tails {
		longest = max(longest, w.span)
	}
	if int64(len(r.buf)) < longest && int64(room) > longest {
		room = int(longest)
	}
	buf := make([]slot, room)
	n := copy(buf, r.buf[r.head:])
	copy(buf[n:], r.buf[:r.head])
	r.buf, r.head = buf, 0
}

// mark counts in channel c something that belongs to the slot of an earlier
// event, such as the answer to a bundle. It reports whether the slot was still
// there.
func (r *ring) mark(seq uint32, c int) bool {
	if seq-r.first >= uint32(r.size) || r.slot(seq).n[c] == full {
		return false
	}
	r.slot(seq).n[c]++
	r.sum[c]++
	for k := range r.tails {
		if w := &r.tails[k]; seq-r.first < w.next-r.first {
			w.sum[c]++
		}
	}
	return true
}

// from yields the slots of window k, each with its tick, from the oldest.
func (r *ring) from(k int) iter.Seq2[int64, [channels]uint8] {
	return func(yield func(int64, [channels]uint8) bool) {
		w := &r.tails[k]
		at := w.at
		for seq, end := w.next, r.first+uint32(r.size); seq != end; seq++ {
			if seq != w.next {
				at += int64(r.slot(seq).gap)
			}
			if !yield(at, r.slot(seq).n) {
				return
			}
		}
	}
}

// count is how much of channel c lies in window k.
func (r *ring) count(k, c int) int { return int(r.sum[c] - r.tails[k].sum[c]) }

// frees is the tick at which window k will hold at most limit events of channel
// c, if none come.
func (r *ring) frees(k, c, limit int) int64 {
	left := r.count(k, c)
	for at, n := range r.from(k) {
		if left -= int(n[c]); left <= limit {
			return at + r.tails[k].span
		}
	}
	return r.tails[k].at + r.tails[k].span
}
