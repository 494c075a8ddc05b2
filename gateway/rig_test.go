package gateway_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"weir/events"
	"weir/gateway"
	"weir/governor"
	"weir/policies"
	"weir/store"
	"weir/wavelet"
	"weir/wavelet/host"
	"weir/wavelet/richtext"
)

const (
	ann   = wavelet.Participant("ann@example.com")
	bob   = wavelet.Participant("bob@example.com")
	echoA = wavelet.Participant("echo-a@example.com")
	echoB = wavelet.Participant("echo-b@example.com")
	quiet = wavelet.Participant("quiet@example.com")
	spell = wavelet.Participant("spelly@example.com")
)

var (
	main = wavelet.Name{Wave: "example.com!w+main", Wavelet: "example.com!conv+root"}
	none = richtext.Attributes{}
)

// robotFunc is a robot in process.
type robotFunc func(ctx context.Context, b events.Bundle) (events.Answer, error)

func (f robotFunc) Receive(ctx context.Context, b events.Bundle) (events.Answer, error) {
	return f(ctx, b)
}

// roster is who is registered.
type roster struct {
	mu      sync.Mutex
	entries map[wavelet.Participant]entry
}

type entry struct {
	robot   gateway.Robot
	profile policies.Profile
	out     bool
}

func (r *roster) Robot(id wavelet.Participant) (gateway.Robot, policies.Profile, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.entries[id]
	return e.robot, e.profile, ok && !e.out
}

func (r *roster) Registered(id wavelet.Participant) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.entries[id]
	return ok
}

// rig is a host with a gateway over it, and what outlives both.
type rig struct {
	t      *testing.T
	roster *roster
	kv     *mortal
	log    *host.StoreLog
	opts   gateway.Options

	host    *host.Host
	gov     *governor.Governor
	gateway *gateway.Gateway
	between func(gateway.Host) gateway.Host // stands between the two
	joins   func(*host.Host)                // before it runs; nil: nobody
	stop    func()

	mu   sync.Mutex
	feed []gateway.Happening
}

func newRig(t *testing.T) *rig {
	return &rig{
		t: t, roster: &roster{entries: map[wavelet.Participant]entry{}}, kv: &mortal{Memory: store.NewMemory()}, log: host.NewMemoryLog(),
		opts: gateway.Options{Secret: []byte("secret"), Server: "weir@example.com"},
	}
}

// mortal is a store that a process which has died writes nothing to any more.
type mortal struct {
	*store.Memory
	dead atomic.Bool
}

func (m *mortal) Commit(ctx context.Context, b store.Batch) error {
	if m.dead.Load() {
		return nil
	}
	return m.Memory.Commit(ctx, b)
}

// start builds and runs host and gateway; stop ends both.
func (r *rig) start() {
	r.t.Helper()
	r.kv.dead.Store(false)
	r.host = host.New(r.log, host.Options{})
	r.gov = governor.New(governor.Options{})
	o := r.opts
	o.Feed = func(h gateway.Happening) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.feed = append(r.feed, h)
	}
	var between gateway.Host = r.host
	if r.between != nil {
		between = r.between(r.host)
	}
	r.gateway = gateway.New(between, r.roster, r.gov, r.kv, o)
	r.host.Observe(r.gateway)
	r.host.SetGuard(r.gateway)
	if r.joins != nil {
		r.joins(r.host)
	}
	for id := range maps.Keys(r.roster.entries) {
		r.gateway.RobotChanged(id)
	}
	ctx, cancel := context.WithCancel(r.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.gateway.Run(ctx); err != nil {
			r.t.Errorf("the gateway ended with %v", err)
		}
	})
	r.stop = func() {
		cancel()
		wg.Wait()
		if err := r.host.Close(context.Background()); err != nil {
			r.t.Errorf("the host closed with %v", err)
		}
	}
}

// comeBack starts the house three times, and stops it after the first two.
func (r *rig) comeBack() {
	for range 2 {
		r.start()
		pause(20 * time.Second)
		r.stop()
	}
	r.start()
}

// register puts a robot into the roster; before start, or followed by
// RobotChanged.
func (r *rig) register(id wavelet.Participant, profile string, f robotFunc) {
	r.t.Helper()
	p, ok := policies.Builtin().Profile(profile)
	if !ok {
		r.t.Fatalf("no profile %q", profile)
	}
	r.roster.mu.Lock()
	defer r.roster.mu.Unlock()
	r.roster.entries[id] = entry{robot: f, profile: p}
}

// create makes the wavelet with ann, bob and the robots.
func (r *rig) create(robots ...wavelet.Participant) {
	r.t.Helper()
	if _, err := r.host.Create(r.t.Context(), main, ann, append([]wavelet.Participant{bob}, robots...)...); err != nil {
		r.t.Fatal(err)
	}
}

// types has somebody insert text at the start of the root blip.
func (r *rig) types(who wavelet.Participant, text string) wavelet.Commit {
	r.t.Helper()
	head := r.state()
	c, err := r.host.SubmitHuman(r.t.Context(), main, wavelet.Delta{
		Author: who, Base: head.Version(),
		Ops: []wavelet.Op{wavelet.EditBlip{Blip: head.Root(), Delta: richtext.Delta(nil).Insert(text, none)}},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// does has somebody do something.
func (r *rig) does(who wavelet.Participant, ops ...wavelet.Op) error {
	_, err := r.host.SubmitHuman(r.t.Context(), main, wavelet.Delta{Author: who, Base: r.state().Version(), Ops: ops})
	return err
}

// byRobot has a robot do something, as an answer to nothing.
func (r *rig) byRobot(who wavelet.Participant, ops ...wavelet.Op) {
	r.t.Helper()
	_, err := r.host.Submit(r.t.Context(), main, wavelet.Delta{
		Author: who, Base: r.state().Version(), Ops: ops, Cause: wavelet.Cause{Kind: wavelet.Robot},
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) state() *wavelet.State {
	r.t.Helper()
	s, err := r.host.Snapshot(r.t.Context(), main, gateway.Head)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// happened is the happenings of a kind so far.
func (r *rig) happened(kind gateway.HappeningKind) []gateway.Happening {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []gateway.Happening
	for _, h := range r.feed {
		if h.Kind == kind {
			list = append(list, h)
		}
	}
	return list
}

// stats is the gateway's figures about a robot.
func (r *rig) stats(id wavelet.Participant) gateway.RobotStats {
	for _, s := range r.gateway.Stats().Robots {
		if s.Robot == id {
			return s
		}
	}
	return gateway.RobotStats{}
}

// inBubble runs f with a rig in a bubble of virtual time.
func inBubble(t *testing.T, f func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newRig(t)) })
}

// pause lets d pass, and then everything come to rest.
func pause(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// recorder is a robot that keeps what it is sent.
type recorder struct {
	mu      sync.Mutex
	bundles []events.Bundle
	at      []time.Time
	reply   func(ctx context.Context, b events.Bundle) (events.Answer, error) // nil: nothing
}

func (r *recorder) receive(ctx context.Context, b events.Bundle) (events.Answer, error) {
	r.mu.Lock()
	r.bundles = append(r.bundles, b)
	r.at = append(r.at, time.Now())
	reply := r.reply
	r.mu.Unlock()
	if reply == nil {
		return events.Answer{}, nil
	}
	return reply(ctx, b)
}

// all is the bundles so far.
func (r *recorder) all() []events.Bundle {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.bundles)
}

// times is when they came.
func (r *recorder) times() []time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.at)
}

// got is the types of the events in each bundle, with the lane, as
// "human: A, B".
func (r *recorder) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []string
	for _, b := range r.bundles {
		var types []string
		for _, e := range b.Events {
			types = append(types, string(e.Type))
		}
		list = append(list, b.Lane.String()+": "+strings.Join(types, ", "))
	}
	return list
}

// appends is an answer that writes a line at the end of the root blip.
func appends(b events.Bundle, line string) events.Answer {
	root, _ := b.State.Blip(b.State.Root())
	d := richtext.Delta(nil).Retain(root.Doc.Len()-1, none).Insert("\n"+line, none)
	return events.Answer{Deltas: []events.AnswerDelta{{
		Wavelet: b.Seat.Wavelet, Author: b.Seat.Robot, Base: b.Version, Ops: []wavelet.Op{wavelet.EditBlip{Blip: root.ID, Delta: d}},
	}}}
}

// echo answers everything, after a while.
func echo(after time.Duration) robotFunc {
	n := 0
	return func(ctx context.Context, b events.Bundle) (events.Answer, error) {
		select {
		case <-time.After(after):
		case <-ctx.Done():
			return events.Answer{}, context.Cause(ctx)
		}
		n++
		return appends(b, fmt.Sprintf("echo %d", n)), nil
	}
}
