package admission_test

import (
	"sync/atomic"
	"testing"
	"time"

	"weir/admission"
)

// TestManyAddressesForgetNobody has an attacker come from ever more addresses:
// neither his own levels nor anybody else's are forgotten by that.
func TestManyAddressesForgetNobody(t *testing.T) {
	r := admission.NewRules(&admission.Commands{Enabled: true, Total: &admission.Limit{Buckets: []admission.Bucket{{Interval: time.Minute, Rate: 2}}}}, begin)
	accounts := admission.NewAccounts[int](100)
	take := func(who int, now time.Time) bool {
		h := accounts.Enter(who, now)
		defer accounts.Leave(h)
		_, ok := h.Take(r, now, admission.Command{})
		return ok
	}
	now := begin
	for who := range 100 {
		if first, second := take(who, now), take(who, now); !first || !second {
			t.Fatal("refused with tokens left")
		}
	}
	let := 0
	for who := range 100_000 {
		if take(100+who, now) {
			let++
		}
	}
	if let != 2 { // what all of them share
		t.Errorf("%d commands let in from new addresses while the table was full", let)
	}
	for who := range 100 {
		if take(who, now) {
			t.Fatalf("the levels of %d were forgotten", who)
		}
	}
	now = now.Add(time.Minute) // all are full again
	first, second, third := take(200, now), take(200, now), take(200, now)
	if !first || !second || third || !take(50, now) {
		t.Error("a newcomer has an account of his own when one can be forgotten")
	}
	if accounts.Len() != 100 {
		t.Errorf("%d accounts", accounts.Len())
	}
}

func TestWhatIsInUseIsKept(t *testing.T) {
	accounts := admission.NewAccounts[string](1)
	ann := accounts.Enter("ann", begin)
	again := accounts.Enter("ann", begin)
	accounts.Leave(again)
	if ann != again {
		t.Error("two accounts of one user")
	}
	if h := accounts.Enter("bob", begin); h == ann || accounts.Len() != 1 {
		t.Error("an account was forgotten while in use")
	} else {
		accounts.Leave(h)
	}
	accounts.Leave(ann)
	accounts.Leave(accounts.Enter("bob", begin))
	if accounts.Enter("ann", begin) == ann {
		t.Error("bob was given the account shared by strangers though ann had left")
	}
}

// TestExactUnderRaces has many take from one account at once: exactly as many get
// something as there are tokens.
func TestExactUnderRaces(t *testing.T) {
	r := admission.NewRules(&admission.Commands{
		Enabled: true,
		Publish: &admission.Limit{Buckets: []admission.Bucket{{Interval: time.Hour, Rate: 30}}},
		Total:   &admission.Limit{Buckets: []admission.Bucket{{Interval: time.Hour, Rate: 50}}},
	}, begin)
	accounts := admission.NewAccounts[string](10)
	var published, called atomic.Int64
	all(100, func(i int) {
		h := accounts.Enter("ann", begin)
		defer accounts.Leave(h)
		c, n := admission.Command{Op: admission.Publish}, &published
		if i%2 == 0 {
			c, n = admission.Command{Op: admission.RPC}, &called
		}
		if _, ok := h.Take(r, begin, c); ok {
			n.Add(1)
		}
	})
	if published.Load() > 30 || published.Load()+called.Load() != 50 {
		t.Errorf("%d published, %d called", published.Load(), called.Load())
	}
}

// BenchmarkTake is a decision about one operation and the total, the clock not
// counted.
func BenchmarkTake(b *testing.B) {
	r := admission.NewRules(limits(b, "  publish: {buckets: [{interval: 1ms, rate: 1000000}]}\n  total: {buckets: [{interval: 1ms, rate: 1000000}, {interval: 2ms, rate: 1000000}]}"), begin)
	var a admission.Account
	b.ReportAllocs()
	now := begin
	for b.Loop() {
		now = now.Add(50)
		a.Take(r, now, admission.Command{Op: admission.Publish, Wave: "example.com!w+a", Wavelet: "example.com!conv+root"})
	}
}

// BenchmarkRate is what the same costs with x/time/rate, three buckets and no
// taking back.
func BenchmarkRate(b *testing.B) {
	m := newModel([]admission.Bucket{{Interval: time.Millisecond, Rate: 1e6}}, []admission.Bucket{{Interval: time.Millisecond, Rate: 1e6}, {Interval: 2 * time.Millisecond, Rate: 1e6}})
	now := begin
	for b.Loop() {
		now = now.Add(50)
		if m.op[0].AllowN(now, 1) && m.total[0].AllowN(now, 1) {
			m.total[1].AllowN(now, 1)
		}
	}
}
