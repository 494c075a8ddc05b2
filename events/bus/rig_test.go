package bus_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/events/bus"
	"weir/policies"
	"weir/wavelet"

	"github.com/nats-io/nats.go"
)

const (
	echo  = wavelet.Participant("echo@example.com")
	other = wavelet.Participant("other@example.com")
	slow  = wavelet.Participant("slow@example.com")

	adminToken = "the admin token"
	patience   = time.Minute // for what happens in a moment on a machine that is not busy
)

// rig is a bus and the part of a server around it that robots meet: each has
// "key" and its name as its key, and may have two connections.
type rig struct {
	t   *testing.T
	bus *bus.Bus

	mu      sync.Mutex
	keys    map[wavelet.Participant]string
	active  map[wavelet.Participant]int
	refused map[string]int
	arrived []wavelet.Participant
	called  []string
	hold    chan struct{} // calls that say "hold" wait for it
}

func newRig(t *testing.T, o bus.Options) *rig {
	t.Helper()
	r := &rig{
		t: t, active: map[wavelet.Participant]int{}, refused: map[string]int{}, hold: make(chan struct{}),
		keys: map[wavelet.Participant]string{echo: "key echo", other: "key other", slow: "key slow"},
	}
	o.Enter, o.Call = r.enter, r.call
	o.Operator = func(password string) bool { return password == adminToken }
	o.Arrived = func(id wavelet.Participant) { r.note(func() { r.arrived = append(r.arrived, id) }) }
	o.Refused = func(layer, reason string) { r.note(func() { r.refused[layer+" "+reason]++ }) }
	o.Standing = func(id wavelet.Participant) (s bus.Standing) {
		r.note(func() { s.Registered = r.keys[id] != "" })
		return s
	}
	o.Domain = "example.com"
	if o.Access = append(o.Access, nats.Timeout(patience)); o.URL == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Look == 0 {
		o.Look = 20 * time.Millisecond
	}
	b, err := bus.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	r.bus = b
	b.Know(echo, other, slow)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := b.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
		b.Close()
		if r.note(func() {}); len(r.active) != 0 {
			t.Errorf("connections are left: %v", r.active)
		}
	})
	return r
}

func (r *rig) note(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

func (r *rig) enter(id wavelet.Participant, key string) (func() bool, func(), error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if key == "" || r.keys[id] != key {
		return nil, nil, &wavelet.Refusal{Code: "bad_key"}
	}
	if r.active[id] >= 2 {
		return nil, nil, &wavelet.Refusal{Code: "too_many_connections"}
	}
	r.active[id]++
	leave := func() {
		r.note(func() {
			if r.active[id]--; r.active[id] == 0 {
				delete(r.active, id)
			}
		})
	}
	return func() (stays bool) { r.note(func() { stays = r.keys[id] == key }); return stays }, leave, nil
}

func (r *rig) call(ctx context.Context, id wavelet.Participant, body []byte) bus.Reply {
	r.note(func() { r.called = append(r.called, string(id)+" "+string(body)) })
	if string(body) == "hold" {
		select {
		case <-r.hold:
		case <-ctx.Done():
		}
	}
	limits := policies.Limits{Robot: string(id), Limits: []policies.Limit{{Name: "burst"}, {Name: "depth", Wavelet: "a"}}}
	if string(body) == "long" {
		return bus.Reply{Status: 200, Body: strings.Repeat("x", bus.MaxPayload), Limits: limits}
	}
	return bus.Reply{Status: 200, Body: []string{string(body)}, Limits: limits}
}

// options of a client of a robot.
func (r *rig) options(id wavelet.Participant) []nats.Option {
	return []nats.Option{
		nats.UserInfo(string(id), r.keys[id]), nats.CustomInboxPrefix(bus.InboxPrefix(id)), nats.ReconnectWait(20 * time.Millisecond),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), nats.Timeout(patience),
	}
}

// connect is a robot that answers each bundle with answer.
func (r *rig) connect(id wavelet.Participant, answer func(*nats.Msg), more ...nats.Option) *nats.Conn {
	r.t.Helper()
	c, err := nats.Connect("nats://"+r.bus.Addr(), append(r.options(id), more...)...)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(c.Close)
	if answer == nil {
		return c
	}
	if _, err = c.Subscribe(bus.BundlesSubject(id), answer); err == nil {
		err = c.Flush()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// ask asks a robot, and wants an answer.
func (r *rig) ask(id wavelet.Participant, line, want string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	if answer, err := r.bus.Ask(ctx, id, []byte(line)); err != nil || string(answer) != want {
		r.t.Errorf("%s answered %q, %v; want %q", id, answer, err, want)
	}
}

// until waits for something that happens by itself.
func (r *rig) until(what string, f func() bool) {
	r.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		done := false
		r.note(func() { done = f() })
		if done {
			return
		}
		if time.Now().After(end) {
			r.note(func() {
				r.t.Fatalf("never happened: %s; connections %v, refused %v", what, r.active, maps.Clone(r.refused))
			})
		}
	}
}

// answered is a reply to a call.
type answered struct {
	V, Status    int
	Body         json.RawMessage
	RetryAfterMS int64
	Limits       *policies.Limits
}

// rpc makes a call.
func rpc(t *testing.T, c *nats.Conn, id wavelet.Participant, body string) answered {
	t.Helper()
	msg, err := c.Request(bus.CallSubject(id), []byte(body), patience)
	if err != nil {
		t.Fatal(err)
	}
	var a answered
	if err := json.Unmarshal(msg.Data, &a); err != nil || a.V != 1 {
		t.Fatalf("%q: %v", msg.Data, err)
	}
	return a
}

// echoing answers each bundle with its own text.
func echoing(msg *nats.Msg) { _ = msg.Respond(msg.Data) }

// denied is the first error of a connection that is about permissions.
func denied(c *nats.Conn) chan error {
	found := make(chan error, 1)
	c.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		if errors.Is(err, nats.ErrPermissionViolation) {
			select {
			case found <- err:
			default:
			}
		}
	})
	return found
}
