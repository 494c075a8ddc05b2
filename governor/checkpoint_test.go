package governor_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/governor"
	"weir/wavelet"
)

// traffic is a random but repeatable stream of calls on a governor: robots under
// several profiles, in several wavelets, that hear, answer, call and are let in
// again, and people who write. Every answer of the governor goes into log.
type traffic struct {
	g     *governor.Governor
	rnd   *rand.Rand
	now   time.Time
	names []wavelet.Name
	bots  []wavelet.Participant
	open  []governor.Delivery
	n     int
	log   []any
}

func newTraffic(seed uint64) *traffic {
	tr := &traffic{rnd: rand.New(rand.NewPCG(seed, 3)), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		names: []wavelet.Name{home, left, right}}
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		tr.bots = append(tr.bots, named(id))
	}
	tr.g = tr.fresh()
	return tr
}

// fresh is a governor that knows the robots' profiles and nothing else.
func (tr *traffic) fresh() *governor.Governor {
	g := governor.New(governor.Options{Default: profile("default")})
	for i, name := range []string{"default", "interactive", "wave-140", "agent-discussion", "strict"} {
		g.SetProfile(tr.bots[i], profile(name))
	}
	return g
}

func (tr *traffic) cause(who wavelet.Participant) wavelet.Cause {
	if len(tr.open) == 0 || tr.rnd.IntN(4) == 0 {
		return wavelet.Cause{ID: string(rune('A' + tr.rnd.IntN(20))), Kind: wavelet.Human}
	}
	d := tr.open[tr.rnd.IntN(len(tr.open))]
	return wavelet.Cause{ID: d.Cause.ID, Depth: d.Cause.Depth + 1, Exact: d.Cause.Exact + 1, Parent: d.Author, Kind: wavelet.Robot, Bundle: d.Bundle}
}

// step makes one random call.
func (tr *traffic) step() {
	r := tr.rnd
	tr.now = tr.now.Add(time.Duration(r.IntN(700)) * time.Millisecond)
	if r.IntN(500) == 0 {
		tr.now = tr.now.Add(time.Duration(r.IntN(20)) * time.Minute)
	}
	seat := wavelet.Seat{Wavelet: tr.names[r.IntN(3)], Robot: tr.bots[r.IntN(5)]}
	switch k := r.IntN(100); {
	case k < 8:
		id := wavelet.DeltaID(string(rune('A' + r.IntN(20))))
		c := wavelet.Commit{Wavelet: seat.Wavelet, Delta: wavelet.Delta{ID: id, Author: ann, Cause: wavelet.Cause{ID: string(id), Kind: wavelet.Human}}}
		if r.IntN(4) == 0 {
			c.Delta.Ops = []wavelet.Op{wavelet.AddParticipant{Who: seat.Robot}}
		}
		tr.log = append(tr.log, tr.g.Commit(tr.now, c))
	case k < 45:
		tr.n++
		d := governor.Delivery{Seat: seat, Bundle: string(rune('a'+tr.n%26)) + time.Duration(tr.n).String(), Author: ann, Cause: tr.cause(ann), Sent: tr.now}
		if d.Cause.Kind == wavelet.Robot {
			d.RobotLane, d.Author = true, tr.bots[r.IntN(5)]
			if r.IntN(2) == 0 {
				d.Parts = []governor.Part{{Author: d.Author, Cause: d.Cause}, {Author: tr.bots[r.IntN(5)], Cause: wavelet.Cause{ID: d.Cause.ID, Depth: 1, Exact: 1, Kind: wavelet.Robot}}}
			}
		}
		v := tr.g.Deliver(tr.now, d)
		tr.log = append(tr.log, v)
		if v.Refuse == nil && v.Delay == 0 {
			tr.open = append(tr.open, d)
			if len(tr.open) > 12 {
				tr.open = tr.open[1:]
			}
		}
	case k < 85 && len(tr.open) > 0:
		tr.answer(tr.open[r.IntN(len(tr.open))])
	case k < 97:
		tr.log = append(tr.log, tr.g.Call(tr.now, seat.Robot, r.IntN(10) == 0))
	case k < 98:
		d, err := tr.g.Readmit(tr.now, seat, ann, r.IntN(2) == 0)
		tr.log = append(tr.log, d, err)
		tr.g.Resume(tr.now, seat.Robot)
	default:
		tr.log = append(tr.log, tr.g.Limits(tr.now, seat.Robot), tr.g.Reading(tr.now, seat))
	}
}

func (tr *traffic) answer(d governor.Delivery) {
	r := tr.rnd
	tr.n++
	a := governor.Answer{Robot: d.Seat.Robot, Wavelet: d.Seat.Wavelet, Delta: wavelet.DeltaID(time.Duration(tr.n).String()), Named: d, Door: governor.Door(r.IntN(2))}
	switch r.IntN(10) {
	case 0:
		a.Named = governor.Delivery{}
	case 1:
		a.Forged = true
	case 2:
		a.Wavelet = tr.names[r.IntN(3)]
	}
	v := tr.g.Answer(tr.now, a)
	tr.log = append(tr.log, v)
	if v.Refuse == nil && r.IntN(20) > 0 {
		tr.log = append(tr.log, tr.g.Commit(tr.now, wavelet.Commit{Wavelet: a.Wavelet, Delta: wavelet.Delta{ID: a.Delta, Author: a.Robot, Cause: v.Cause}}))
	}
}

// TestRestartChangesNothing compares a governor with one that is restarted from
// its checkpoint all the time.
func TestRestartChangesNothing(t *testing.T) {
	acts := 0
	for seed := range uint64(4) {
		one, two := newTraffic(seed), newTraffic(seed)
		for i := range 4000 {
			if i%61 == 0 {
				saved := two.g.Checkpoint()
				two.g = two.fresh()
				if err := two.g.Restore(saved); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(saved, two.g.Checkpoint()) {
					t.Fatal("a restored governor's checkpoint differs")
				}
			}
			one.log, two.log = one.log[:0], two.log[:0]
			one.step()
			two.step()
			for _, x := range one.log {
				if v, ok := x.(governor.Verdict); ok {
					acts += len(v.Acts)
				}
			}
			if !reflect.DeepEqual(one.log, two.log) {
				t.Fatalf("seed %d step %d: %s", seed, i, cmp.Diff(one.log, two.log))
			}
		}
	}
	if acts < 20 {
		t.Errorf("only %d acts: the traffic shows little", acts)
	}
}

func TestRestoreRefusesOtherForms(t *testing.T) {
	tr := newTraffic(1)
	for range 500 {
		tr.step()
	}
	saved := tr.g.Checkpoint()
	for name, data := range map[string][]byte{
		"empty": nil, "another form": append([]byte{9}, saved[1:]...), "cut": saved[:len(saved)/2], "longer": append(bytes.Clone(saved), 0),
	} {
		if err := tr.g.Restore(data); !errors.Is(err, governor.ErrCheckpoint) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !bytes.Equal(saved, tr.g.Checkpoint()) {
		t.Error("a refused checkpoint changed something")
	}
}

func FuzzRestore(f *testing.F) {
	tr := newTraffic(2)
	for range 300 {
		tr.step()
	}
	f.Add(tr.g.Checkpoint())
	f.Add([]byte{1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		tr := newTraffic(1)
		if tr.g.Restore(data) == nil {
			for range 50 {
				tr.step()
			}
		}
	})
}
