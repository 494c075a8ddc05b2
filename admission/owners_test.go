package admission_test

import (
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/admission"
)

// TestEachOwnerHasExactlyAsManyAsThereMayBe has twice as many knock for each of
// four owners as each has places, with those inside leaving at random.
func TestEachOwnerHasExactlyAsManyAsThereMayBe(t *testing.T) {
	for range 200 {
		var o admission.Owners[int]
		o.SetMaximum(most)
		var in [4]atomic.Int64
		all(len(in)*2*most, func(i int) {
			if o.Enter(i % len(in)) {
				in[i%len(in)].Add(1)
			}
		})
		for owner := range in {
			if in[owner].Load() != most || o.Active(owner) != most || !o.Full(owner) {
				t.Fatalf("owner %d: %d in, %d active", owner, in[owner].Load(), o.Active(owner))
			}
		}
		all(len(in)*most, func(i int) {
			owner := i % len(in)
			rnd := rand.New(rand.NewPCG(3, uint64(i)))
			for range 5 {
				in[owner].Add(-1)
				o.Leave(owner)
				for range rnd.IntN(3) {
					o.Active(owner)
				}
				if !o.Enter(owner) {
					t.Errorf("turned away from a free place")
					return
				}
				if n := in[owner].Add(1); n > most {
					t.Errorf("%d inside", n)
				}
			}
		})
		if t.Failed() {
			return
		}
		all(len(in)*most, func(i int) { o.Leave(i % len(in)) })
		if o.Len() != 0 {
			t.Fatalf("%d owners without a connection are remembered", o.Len())
		}
	}
}

// TestOwnersAreForgotten once they have nothing and no refusal is fresh: one who
// comes, is refused and leaves in a circle is told of once a second all the same.
func TestOwnersAreForgotten(t *testing.T) {
	var o admission.Owners[string]
	o.SetMaximum(1)
	now := time.Unix(1_700_000_000, 0)
	lines, untold := 0, 0
	for range 100 {
		if !o.Enter("ann") || o.Enter("ann") {
			t.Fatal("one place is free, no more and no less")
		}
		n, tell := o.Refused("ann", now)
		if untold += n; tell {
			lines++
		}
		o.Leave("ann")
		now = now.Add(50 * time.Millisecond)
	}
	if lines != 5 || untold != 4*19 || o.Len() != 1 {
		t.Errorf("%d lines in five seconds, %d untold, %d owners", lines, untold, o.Len())
	}
	o.Enter("bob")
	if o.Refused("bob", now.Add(time.Second)); o.Len() != 1 {
		t.Errorf("%d owners are remembered, want bob alone", o.Len())
	}
	if _, tell := o.Refused("eve", now); !tell || o.Len() != 1 {
		t.Error("a refusal of one who has nothing is not told")
	}
	o.SetMaximum(0)
	if o.Full("bob") || !o.Enter("bob") {
		t.Error("turned away without a maximum")
	}
}

func TestConnectionLimitsAreRead(t *testing.T) {
	c, err := admission.Parse([]byte("connections: {per_user: 7, total: 0}\n"), "a.yaml")
	if want := (admission.ConnectionLimits{PerUser: 7, PerAddress: 1000}); err != nil || c.Connections != want {
		t.Errorf("%+v, %v; want %+v", c.Connections, err, want)
	}
	if _, err := admission.Parse([]byte("connections:\n  per_address: -1\n"), "a.yaml"); err == nil || !strings.Contains(err.Error(), "a.yaml:2") ||
		!strings.Contains(err.Error(), "connections.per_address") {
		t.Errorf("less than none is said to be wrong with %v", err)
	}
}
