package governor_test

import (
	"fmt"
	"testing"

	"weir/governor"
	"weir/wavelet"
)

// TestForgottenCause has two robots answer each other as often as a cause may
// have them do, and again when it has been forgotten: then they may do so from
// the beginning.
func TestForgottenCause(t *testing.T) {
	d := newDesk(t)
	per := profile("default").Amplification.PerCause
	exchange := func(from float64) {
		t.Helper()
		for n := range per {
			at, me, other := from+float64(n), "a", "b"
			if n%2 == 1 {
				me, other = other, me
			}
			b := bundle(me, fmt.Sprint("from ", from, " turn ", n), named(other), 2, at)
			d.deliver(b)
			if v := d.answer(at+0.2, me, governor.Reply, b); v.Refuse != nil {
				t.Fatalf("answer %d from %v s on: %+v", n+1, from, v.Refuse)
			}
		}
	}
	exchange(0)
	d.g.Commit(after(300), wavelet.Commit{Wavelet: home, Delta: wavelet.Delta{Author: ann, Cause: wavelet.Cause{ID: "c2", Kind: wavelet.Human}}})
	exchange(301)
	for n := range 10 { // and no further
		b := bundle("a", fmt.Sprint("beyond ", n), named("b"), 2, 301+float64(per+n))
		d.deliver(b)
		if v := d.answer(b.Sent.Sub(zero).Seconds()+0.2, "a", governor.Reply, b); v.Refuse != nil {
			return
		}
	}
	t.Error("the cause sets off answers without end")
}
