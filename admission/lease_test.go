package admission_test

import (
	"testing"
	"time"

	"weir/admission"
)

// TestALeaseFromNeedToLapse has two nodes and their lender decide one thing after
// the other, of 16 tokens a second: each node has 4 in hand at most.
func TestALeaseFromNeedToLapse(t *testing.T) {
	full := admission.NewRules(&admission.Commands{Enabled: true, Total: &admission.Limit{Buckets: []admission.Bucket{{Interval: time.Second, Rate: 16}}}}, begin)
	share := full.Share(2)
	var lender admission.Account
	var nodes [2]admission.Account
	const (
		spend = iota // and ask, if that is advised
		quiet        // spend without asking
		fall
		trip // ask, and be answered
		away // ask in vain
	)
	type step struct {
		at   time.Duration
		node int
		do   int
		paid bool
		ask  bool // advised, or for a trip: something was wanted
		wait time.Duration
		left int // tokens granted by a trip
	}
	const ms = time.Millisecond
	now := func(s step) time.Time { return begin.Add(s.at) }
	for i, s := range []step{
		{at: 0, do: spend, ask: true},                                // nothing in hand yet
		{at: 10 * ms, do: quiet},                                     // somebody asks already
		{at: 20 * ms, do: trip, ask: true, left: 4},                  //
		{at: 20 * ms, do: quiet, paid: true},                         // 3
		{at: 20 * ms, do: quiet, paid: true},                         // 2
		{at: 20 * ms, do: quiet, paid: true},                         // 1
		{at: 30 * ms, do: spend, paid: true, ask: true},              // the last, and more are asked for
		{at: 40 * ms, do: away},                                      // in vain: 4 of the 8 of its share are spent
		{at: 40 * ms, do: fall, paid: true},                          //
		{at: 40 * ms, do: fall, paid: true},                          //
		{at: 40 * ms, do: fall, paid: true},                          //
		{at: 40 * ms, do: fall, paid: true},                          //
		{at: 40 * ms, do: fall, wait: 125 * ms},                      // 8 a second
		{at: 50 * ms, do: spend, ask: true},                          // the lender is back, and hears of 4
		{at: 50 * ms, do: trip, ask: true, left: 4},                  // 4 of the 8 that it has
		{at: 50 * ms, node: 1, do: spend, ask: true},                 //
		{at: 50 * ms, node: 1, do: trip, ask: true, left: 4},         // the others
		{at: 60 * ms, node: 1, do: quiet, paid: true},                //
		{at: 60 * ms, node: 1, do: quiet, paid: true},                //
		{at: 60 * ms, node: 1, do: quiet, paid: true},                //
		{at: 60 * ms, node: 1, do: spend, paid: true, ask: true},     //
		{at: 60 * ms, node: 1, do: trip, ask: true, left: 0},         // one token comes in 62.5 ms
		{at: 70 * ms, node: 1, do: spend, wait: 290 * ms},            // which is not worth a trip
		{at: 6 * time.Second, node: 0, do: spend, ask: true},         // what was leased at 50 ms has lapsed
		{at: 6 * time.Second, node: 0, do: trip, ask: true, left: 1}, // and is not wanted any more
		{at: 6 * time.Second, node: 0, do: spend, paid: true},
	} {
		a := &nodes[s.node]
		switch s.do {
		case spend, quiet:
			out := a.Spend(share, now(s), admission.Command{}, s.do == spend)
			if out.Paid != s.paid || out.Ask != s.ask || (out.Wait-s.wait).Abs() > ms {
				t.Errorf("step %d: %+v, want %+v", i, out, s)
			}
		case fall:
			wait, ok := a.Fall(share, now(s), admission.Command{})
			if ok != s.paid || (wait-s.wait).Abs() > ms {
				t.Errorf("step %d: %t, wait %v, want %+v", i, ok, wait, s)
			}
		case trip:
			asks := a.Asks(share, now(s))
			leases := lender.Lend(full, now(s), asks)
			if got := len(asks) > 0; got != s.ask || got && leases[0].Tokens != s.left {
				t.Errorf("step %d: %+v, %+v, want %+v", i, asks, leases, s)
			}
			a.Lent(share, now(s), now(s), asks, leases)
		case away:
			a.Lent(share, now(s), now(s), a.Asks(share, now(s)), nil)
		}
	}
}

// TestLeavingIsPaidWithoutALease, and the lender hears of it.
func TestLeavingIsPaidWithoutALease(t *testing.T) {
	full := admission.NewRules(&admission.Commands{Enabled: true, Total: &admission.Limit{Buckets: []admission.Bucket{{Interval: time.Hour, Rate: 8}}}}, begin)
	var a, lender admission.Account
	if out := a.Spend(full, begin, admission.Command{Op: admission.Unsubscribe}, true); !out.Paid || !out.Ask {
		t.Fatalf("%+v", out)
	}
	asks := a.Asks(full, begin)
	if len(asks) != 1 || asks[0].Owed != 1 {
		t.Fatalf("%+v", asks)
	}
	lender.Lend(full, begin, asks)
	if left := lender.Lend(full, begin, []admission.Ask{{Want: 100}, {Bucket: 7, Want: 1}, {Bucket: -1, Want: 1}}); left[0].Tokens != 5 || left[1].Tokens+left[2].Tokens != 0 {
		t.Errorf("%+v, want the 5 that are neither owed nor lent, and nothing of buckets that are not there", left)
	}
}
