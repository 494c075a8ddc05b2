package client

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

var (
	testName = wavelet.Name{Wave: "example.com!w+abc", Wavelet: "example.com!conv+root"}
	testTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

const (
	ann  wavelet.Participant = "ann@example.com"
	bob  wavelet.Participant = "bob@example.com"
	blip wavelet.BlipID      = "b+root"
)

// server is the least server there is: it transforms past each newer commit,
// one at a time, and answers a number it has seen with the commit of it.
type server struct {
	state *wavelet.State
	log   []wavelet.Commit
	seen  map[string]wavelet.Version
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{state: wavelet.NewState(testName), seen: map[string]wavelet.Version{}}
	s.commit(t, wavelet.Delta{Author: ann, Ops: []wavelet.Op{
		wavelet.AddParticipant{Who: ann}, wavelet.AddParticipant{Who: bob}, wavelet.CreateBlip{Blip: blip},
	}})
	return s
}

func (s *server) commit(t *testing.T, d wavelet.Delta) wavelet.Commit {
	t.Helper()
	c := wavelet.Commit{Wavelet: testName, Version: s.state.Version() + 1, Delta: d, At: testTime}
	if err := s.state.Apply(c); err != nil {
		t.Fatalf("server: commit %d: %v", c.Version, err)
	}
	s.log = append(s.log, c)
	return c
}

// publish answers as the live protocol does.
func (s *server) publish(t *testing.T, who wavelet.Participant, p Publication) (PublishOK, error) {
	t.Helper()
	id := fmt.Sprintf("%s/%d", who, p.Seq)
	if v, ok := s.seen[id]; ok {
		return PublishOK{Version: v, Seq: p.Seq}, nil
	}
	ops, err := wavelet.DecodeOps(p.Ops)
	if err != nil {
		t.Fatalf("server: %v", err)
	}
	d := wavelet.Delta{ID: wavelet.DeltaID(id), Author: who, Base: p.Base, Ops: ops}
	for _, c := range s.log[p.Base:] {
		d = wavelet.Transform(c.Delta, d)
	}
	if len(d.Ops) == 0 {
		return PublishOK{Version: s.state.Version(), Seq: p.Seq, Empty: true}, nil
	}
	if err := s.state.Check(d); err != nil {
		return PublishOK{}, err
	}
	c := s.commit(t, d)
	s.seen[id] = c.Version
	return PublishOK{Version: c.Version, Seq: p.Seq}, nil
}

// peer is a replica with the two directions of its connection as queues, which
// a lost connection empties.
type peer struct {
	t       *testing.T
	who     wavelet.Participant
	server  *server
	replica *Replica
	up      []Publication
	down    []func() (Step, error)
	told    wavelet.Version // commits queued in down or delivered
	lost    []Lost
	resends bool // a broken peer never sends again
}

func newPeer(t *testing.T, s *server, who wavelet.Participant) *peer {
	return &peer{t: t, who: who, server: s, resends: true, told: s.state.Version(), replica: NewReplica(who, s.state.Clone(), 0)}
}

func (p *peer) take(step Step, err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%s: %v", p.who, err)
	}
	if step.Send != nil {
		p.up = append(p.up, *step.Send)
	}
	if step.Lost != nil {
		p.lost = append(p.lost, *step.Lost)
	}
}

func (p *peer) local(ops ...wavelet.Op) {
	p.t.Helper()
	p.take(p.replica.Local(testTime, ops...))
}

// type_ inserts text at a place in the root blip.
func (p *peer) typeAt(at int, text string) {
	p.t.Helper()
	p.local(wavelet.EditBlip{Blip: blip, Delta: insertAt(at, text)})
}

func insertAt(at int, text string) richtext.Delta {
	return richtext.Delta{}.Retain(at, richtext.Attributes{}).Insert(text, richtext.Attributes{})
}

func deleteAt(at, n int) richtext.Delta {
	return richtext.Delta{}.Retain(at, richtext.Attributes{}).Delete(n)
}

// listen queues what the server has committed since.
func (p *peer) listen() {
	for _, c := range p.server.log[p.told:] {
		var seq uint64
		if who, digits, ok := strings.Cut(string(c.Delta.ID), "/"); ok && who == string(p.who) {
			fmt.Sscan(digits, &seq)
		}
		p.down = append(p.down, func() (Step, error) { return p.replica.Remote(c, seq) })
	}
	p.told = p.server.state.Version()
}

// sendOne lets one publication reach the server; its answer queues up.
func (p *peer) sendOne() {
	p.t.Helper()
	if len(p.up) == 0 {
		return
	}
	pub := p.up[0]
	p.up = p.up[1:]
	ok, err := p.server.publish(p.t, p.who, pub)
	if err != nil {
		p.down = append(p.down, func() (Step, error) { return p.replica.Refused(pub.Seq, err) })
		return
	}
	p.down = append(p.down, func() (Step, error) { return p.replica.Acked(ok) })
}

func (p *peer) hearOne() {
	p.t.Helper()
	if len(p.down) == 0 {
		return
	}
	hear := p.down[0]
	p.down = p.down[1:]
	p.take(hear())
}

// drop loses the connection and everything under way, and opens another.
func (p *peer) drop() {
	p.up, p.down, p.told = nil, nil, p.replica.Version()
	if f := p.replica.InFlight(); f != nil && p.resends {
		p.up = append(p.up, *f)
	}
}

// settle runs everything to the end, in turns.
func settle(t *testing.T, peers ...*peer) {
	t.Helper()
	for range 10_000 {
		busy := false
		for _, p := range peers {
			p.listen()
			busy = busy || len(p.up)+len(p.down) > 0
			p.sendOne()
			p.hearOne()
		}
		if !busy {
			return
		}
	}
	t.Fatal("the peers do not come to rest")
}

// agree reports how the peers differ from the server, "" if they do not.
func agree(s *server, peers ...*peer) string {
	for _, p := range peers {
		if st := p.replica.Status(); st != Synchronized {
			return fmt.Sprintf("%s is %s", p.who, st)
		}
		if got, want := p.replica.State().Text(), s.state.Text(); got != want {
			return fmt.Sprintf("%s has %q, the server %q", p.who, got, want)
		}
		if got, want := p.replica.Version(), s.state.Version(); got != want {
			return fmt.Sprintf("%s is at %d, the server at %d", p.who, got, want)
		}
	}
	return ""
}

func TestStatusFollowsTheFlight(t *testing.T) {
	s := newServer(t)
	p := newPeer(t, s, ann)
	want := func(st Status) {
		t.Helper()
		if got := p.replica.Status(); got != st {
			t.Fatalf("status %s, want %s", got, st)
		}
	}
	want(Synchronized)
	p.typeAt(0, "a")
	want(AwaitingAck)
	p.typeAt(1, "b")
	p.typeAt(2, "c")
	want(AwaitingWithBuffer)
	if len(p.up) != 1 {
		t.Fatalf("%d deltas sent, want one in flight", len(p.up))
	}
	p.sendOne()
	p.listen()
	p.hearOne() // the reply, which comes before the commit here
	want(AwaitingWithBuffer)
	p.hearOne()
	want(AwaitingAck)
	if got := string(p.up[0].Ops); got != `[{"edit":{"blip":"b+root","ops":[{"retain":1},{"insert":"bc"}]}}]` {
		t.Fatalf("the buffer went out as %s", got)
	}
	settle(t, p)
	want(Synchronized)
	if diff := agree(s, p); diff != "" {
		t.Fatal(diff)
	}
}

func TestResubmissionIsByteForByte(t *testing.T) {
	s := newServer(t)
	a, b := newPeer(t, s, ann), newPeer(t, s, bob)
	a.typeAt(0, "mine")
	first := *a.replica.InFlight()
	b.typeAt(0, "theirs")
	settle(t, b)
	a.listen()
	a.hearOne()
	a.drop()
	again := a.up[0]
	if again.Seq != first.Seq || again.Base != first.Base || string(again.Ops) != string(first.Ops) {
		t.Fatalf("sent again as %+v, first as %+v", again, first)
	}
	// The first sending arrives after all, and the second one too.
	a.up = append(a.up, again)
	settle(t, a, b)
	if diff := agree(s, a, b); diff != "" {
		t.Fatal(diff)
	}
	if got := s.state.Text(); strings.Count(got, "mine") != 1 || strings.Count(got, "theirs") != 1 {
		t.Fatalf("text %q: want both, once", got)
	}
}

func TestEditOfADeletedBlipComesToNothing(t *testing.T) {
	s := newServer(t)
	a, b := newPeer(t, s, ann), newPeer(t, s, bob)
	b.local(wavelet.DeleteBlip{Blip: blip})
	settle(t, b)
	a.typeAt(0, "too late")
	a.local(wavelet.CreateBlip{Blip: "b+two", Content: richtext.Delta{}.Insert("second\n", richtext.Attributes{})})
	settle(t, a, b)
	if diff := agree(s, a, b); diff != "" {
		t.Fatal(diff)
	}
	if got := s.state.Text(); got != "second\n" {
		t.Fatalf("text %q, want the second blip alone", got)
	}
}

func TestRefusalIsUndoneAndGivenBack(t *testing.T) {
	s := newServer(t)
	a := newPeer(t, s, ann)
	a.local(wavelet.CreateBlip{Blip: "b+note", Content: richtext.Delta{}.Insert("kept\n", richtext.Attributes{})})
	settle(t, a)
	a.typeAt(0, "refused")
	a.typeAt(7, " and what builds on it")
	a.local(wavelet.EditBlip{Blip: "b+note", Delta: insertAt(4, " too")})
	seq := a.replica.InFlight().Seq
	a.up = nil
	no := errors.New("no")
	a.take(a.replica.Refused(seq, no))
	settle(t, a)
	if diff := agree(s, a); diff != "" {
		t.Fatal(diff)
	}
	if got := s.state.Text(); got != "\nkept too\n" {
		t.Fatalf("text %q: want the independent edit and no other", got)
	}
	if len(a.lost) != 1 || a.lost[0].Text != "refused\n and what builds on it" || !errors.Is(a.lost[0].Reason, no) {
		t.Fatalf("lost %+v: want a copy of both edits", a.lost)
	}
}

func TestRestartKeepsWhatStillFits(t *testing.T) {
	tests := []struct {
		name      string
		others    wavelet.Op // committed while the connection was away
		committed bool       // whether the delta in flight had arrived
		text      string
		lost      string
	}{
		{"nothing else happened to the blip", wavelet.CreateBlip{Blip: "b+x"}, false, "one two\n\n", ""},
		{"the flight had been committed", wavelet.CreateBlip{Blip: "b+x"}, true, "one two\n\n", ""},
		{"the blip was changed", wavelet.EditBlip{Blip: blip, Delta: insertAt(0, "other ")}, false, "other \n", "one\n two"},
		{"the blip was deleted", wavelet.DeleteBlip{Blip: blip}, false, "", "one\n two"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			a := newPeer(t, s, ann)
			a.typeAt(0, "one")
			a.typeAt(3, " two")
			var acked wavelet.Version
			if test.committed {
				a.sendOne()
				acked = s.state.Version()
			}
			s.commit(t, wavelet.Delta{ID: "x", Author: bob, Ops: []wavelet.Op{test.others}})
			a.up, a.down, a.told = nil, nil, s.state.Version()
			a.take(a.replica.Restart(s.state.Clone(), acked, errors.New("gap")))
			settle(t, a)
			if diff := agree(s, a); diff != "" {
				t.Fatal(diff)
			}
			if got := s.state.Text(); got != test.text {
				t.Errorf("text %q, want %q", got, test.text)
			}
			var lost strings.Builder
			for _, l := range a.lost {
				lost.WriteString(l.Text)
			}
			if lost.String() != test.lost {
				t.Errorf("lost %q, want %q", lost.String(), test.lost)
			}
		})
	}
}

func TestRemoteFindsGapsAndDivergence(t *testing.T) {
	s := newServer(t)
	p := newPeer(t, s, ann)
	later := wavelet.Commit{Wavelet: testName, Version: 3, Delta: wavelet.Delta{Author: bob}, At: testTime}
	if _, err := p.replica.Remote(later, 0); !errors.Is(err, ErrGap) {
		t.Errorf("commit 3 after 1: %v, want ErrGap", err)
	}
	p.typeAt(0, "abc")
	other := wavelet.Commit{Wavelet: testName, Version: 2, At: testTime, Delta: wavelet.Delta{
		Author: ann, Ops: []wavelet.Op{wavelet.EditBlip{Blip: blip, Delta: insertAt(0, "abd")}},
	}}
	if _, err := p.replica.Remote(other, 1); !errors.Is(err, ErrDiverged) {
		t.Errorf("own delta with other ops: %v, want ErrDiverged", err)
	}
}

func TestLocalRefusesWhatDoesNotFit(t *testing.T) {
	p := newPeer(t, newServer(t), ann)
	before := p.replica.State().Text()
	var refusal *wavelet.Refusal
	_, err := p.replica.Local(testTime, wavelet.EditBlip{Blip: blip, Delta: deleteAt(0, 5)})
	if !errors.As(err, &refusal) {
		t.Errorf("delete past the end: %v, want a refusal", err)
	}
	if _, err := p.replica.Local(testTime, wavelet.SetTitle{Title: "x"}); !errors.Is(err, ErrTitle) {
		t.Errorf("title: %v, want ErrTitle", err)
	}
	if p.replica.Status() != Synchronized || p.replica.State().Text() != before {
		t.Error("a refused edit changed the replica")
	}
	p.typeAt(0, "first, so that the rest waits")
	for range 4 {
		if _, err = p.replica.Local(testTime, wavelet.EditBlip{Blip: blip, Delta: insertAt(0, strings.Repeat("x", 40<<10))}); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrFull) {
		t.Errorf("160 KiB behind a delta in flight: %v, want ErrFull", err)
	}
}

// scramble runs two peers through random edits, delays and lost connections and
// tells how they differ from the server afterwards.
func scramble(t *testing.T, seed uint64, resends bool) string {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 7))
	s := newServer(t)
	peers := []*peer{newPeer(t, s, ann), newPeer(t, s, bob)}
	for range 300 {
		p := peers[rng.IntN(2)]
		p.resends = resends
		switch rng.IntN(8) {
		case 0, 1, 2:
			b, _ := p.replica.State().Blip(blip)
			if n := b.Doc.Len() - 1; n > 4 && rng.IntN(3) == 0 {
				p.local(wavelet.EditBlip{Blip: blip, Delta: deleteAt(rng.IntN(n-2), 2)})
			} else {
				p.typeAt(rng.IntN(n+1), string(rune('a'+rng.IntN(26))))
			}
		case 3, 4:
			p.sendOne()
		case 5, 6:
			p.listen()
			p.hearOne()
		default:
			if rng.IntN(3) == 0 {
				p.drop()
			}
		}
		checkShadow(t, p)
	}
	for _, p := range peers {
		p.drop()
	}
	settle(t, peers...)
	return agree(s, peers...)
}

// checkShadow holds the replica to its promise: the shadow is the confirmed
// state with the flight and the buffer applied.
func checkShadow(t *testing.T, p *peer) {
	t.Helper()
	want := p.replica.confirmed.Clone()
	if f := p.replica.flight; f != nil {
		for _, ops := range [][]wavelet.Op{f.ops, p.replica.buffer} {
			if err := apply(want, wavelet.Delta{Author: p.who, Ops: ops}, testTime); err != nil {
				t.Fatalf("%s: pending on confirmed: %v", p.who, err)
			}
		}
	}
	if got := p.replica.State().Text(); got != want.Text() {
		t.Fatalf("%s: shadow %q, confirmed with what is pending %q", p.who, got, want.Text())
	}
}

func TestReplicasConverge(t *testing.T) {
	for seed := range uint64(200) {
		if diff := scramble(t, seed, true); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
}

// TestAForgetfulReplicaIsFound shows that the check above can fail: a peer that
// does not send again after a lost connection is found out.
func TestAForgetfulReplicaIsFound(t *testing.T) {
	for seed := range uint64(20) {
		if scramble(t, seed, false) != "" {
			return
		}
	}
	t.Fatal("20 runs without resubmission, and none was noticed")
}
