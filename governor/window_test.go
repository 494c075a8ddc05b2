package governor

import (
	"math/rand/v2"
	"testing"
	"unsafe"
)

// seen is one event of the naive list that the ring is checked against.
type seen struct {
	tick int64
	seq  uint32
	c    int
}

// checkRing drives a ring and a plain list with the same events, each byte pair
// of the script being one step, and compares every window after every step.
func checkRing(t *testing.T, script []byte) {
	spans := []int64{20, 18, 50, 45, 7}
	var r ring
	r.fit(spans)
	var list []seen
	now := int64(1_000_000)
	for i := 0; i+1 < len(script); i += 2 {
		step, arg := script[i], script[i+1]
		switch {
		case step < 200:
			now += int64(step % 16)
		case step < 250:
			now += int64(step)
		default:
			now += 100_000
		}
		r.move(now)
		switch arg % 8 {
		default:
			c := int(arg % channels)
			list = append(list, seen{now, r.add(now, c), c})
		case 5: // an answer to an earlier event counts at that event's tick
			if len(list) > 0 {
				e := list[len(list)-1-int(arg/8)%len(list)]
				c := (e.c + 1) % channels
				if kept := r.mark(e.seq, c); kept != (e.tick > now-50) {
					t.Fatalf("step %d: mark of an event %d ticks old: %v", i, now-e.tick, kept)
				} else if kept {
					list = append(list, seen{e.tick, e.seq, c})
				}
			}
		case 6: // new windows keep the counts
			r.fit(spans)
			r.move(now)
		case 7:
		}
		compare(t, &r, list, spans, now)
		if t.Failed() {
			t.Fatalf("at step %d of %v", i, script)
		}
		for len(list) > 0 && list[0].tick <= now-50 {
			list = list[1:]
		}
	}
}

func compare(t *testing.T, r *ring, list []seen, spans []int64, now int64) {
	for k, span := range spans {
		var want [channels]int
		for _, e := range list {
			if e.tick > now-span && e.tick <= now {
				want[e.c]++
			}
		}
		for c := range want {
			if got := r.count(k, c); got != want[c] {
				t.Errorf("window %d channel %d: %d, the list says %d", span, c, got, want[c])
			}
			limit := want[c] / 2
			if want[c] > limit {
				if got, due := r.frees(k, c, limit), freesNaive(list, span, c, limit, now); got != due {
					t.Errorf("window %d channel %d falls to %d at %d, the list says %d", span, c, limit, got, due)
				}
			}
		}
	}
	if int64(r.size) > 50 {
		t.Errorf("%d slots for a window of 50 ticks", r.size)
	}
}

func freesNaive(list []seen, span int64, c, limit int, now int64) int64 {
	for at := now; ; at++ {
		n := 0
		for _, e := range list {
			if e.c == c && e.tick > at-span {
				n++
			}
		}
		if n <= limit {
			return at
		}
	}
}

func TestRingAgainstNaiveList(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		script := make([]byte, 400)
		for i := range script {
			script[i] = byte(rnd.IntN(256))
		}
		checkRing(t, script)
	}
}

func FuzzRing(f *testing.F) {
	f.Add([]byte{0, 0, 1, 1, 200, 2, 255, 5, 3, 6})
	f.Fuzz(checkRing)
}

func TestRingSlotIsSixBytes(t *testing.T) {
	if size := unsafe.Sizeof(slot{}); size != 6 {
		t.Errorf("a slot takes %d bytes", size)
	}
}

func TestRingManyEventsInOneTick(t *testing.T) {
	var r ring
	r.fit([]int64{10})
	for range 200_000 {
		r.move(5)
		r.add(5, 2)
	}
	if got := r.count(0, 2); got != 200_000 {
		t.Errorf("%d of 200000 events", got)
	}
	if r.move(15); r.count(0, 2) != 0 || r.size != 0 {
		t.Errorf("%d events in %d slots left", r.count(0, 2), r.size)
	}
}
