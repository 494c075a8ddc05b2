package bus_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/events/bus"
	"weir/wavelet"

	"github.com/nats-io/nats.go"
)

// TestARobotConnects asks a robot that has connected, and lets it call.
func TestARobotConnects(t *testing.T) {
	r := newRig(t, bus.Options{})
	if _, err := r.bus.Ask(t.Context(), echo, []byte("early")); !errors.Is(err, bus.ErrAbsent) {
		t.Errorf("asked before it is there: %v", err)
	}
	c := r.connect(echo, echoing)
	r.ask(echo, "one", "one")
	r.until("the robot has arrived", func() bool { return slices.Contains(r.arrived, echo) })
	if a := rpc(t, c, echo, "hello"); a.Status != 200 || string(a.Body) != `["hello"]` || a.Limits == nil || len(a.Limits.Limits) != 1 {
		t.Errorf("answered %+v", a)
	}
	if a := rpc(t, c, echo, "long"); a.Status != 413 || !strings.Contains(string(a.Body), "too_long") {
		t.Errorf("a long answer: %+v", a)
	}
	if _, err := r.bus.Ask(t.Context(), echo, make([]byte, bus.MaxPayload+1)); !errors.Is(err, bus.ErrTooLong) {
		t.Errorf("a long bundle: %v", err)
	}
	// A second process of the robot takes turns with the first if both are of one group.
	c.Close()
	r.until("it is gone", func() bool { return r.active[echo] == 0 })
	if _, err := r.bus.Ask(t.Context(), echo, []byte("late")); !errors.Is(err, bus.ErrAbsent) {
		t.Errorf("asked when it is gone: %v", err)
	}
	answers := make(chan string, 10)
	for i := range 2 {
		c := r.connect(echo, nil)
		if _, err := c.QueueSubscribe(bus.BundlesSubject(echo), "all", func(msg *nats.Msg) { answers <- fmt.Sprint(i); echoing(msg) }); err != nil {
			t.Fatal(err)
		}
		if err := c.Flush(); err != nil || c.LastError() != nil {
			t.Fatal(err, c.LastError())
		}
	}
	for range 5 {
		r.ask(echo, "two", "two")
	}
	if len(answers) != 5 {
		t.Errorf("five bundles were answered %d times", len(answers))
	}
}

// TestARobotThatFails answers with the headers by which services say so, and
// without.
func TestARobotThatFails(t *testing.T) {
	r := newRig(t, bus.Options{})
	long := strings.Repeat("x", 5000)
	replies := map[string]nats.Header{
		"both":  {"Nats-Service-Error": {"no dictionary"}, "Nats-Service-Error-Code": {"500"}},
		"text":  {"Nats-Service-Error": {"no dictionary"}},
		"code":  {"Nats-Service-Error-Code": {"200"}},
		"empty": {"Nats-Service-Error": {""}},
		"long":  {"Nats-Service-Error": {long}, "Nats-Service-Error-Code": {long}},
		"other": {"Nats-Service-Name": {"echo"}},
	}
	r.connect(echo, func(msg *nats.Msg) {
		_ = msg.RespondMsg(&nats.Msg{Subject: msg.Reply, Header: replies[string(msg.Data)], Data: []byte("[]")})
	})
	for name, want := range map[string]*bus.Failure{
		"both": {Code: "500", Text: "no dictionary"}, "text": {Text: "no dictionary"}, "code": {Code: "200"}, "empty": {},
		"long": {Code: long[:20], Text: long[:200]},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		answer, err := r.bus.Ask(ctx, echo, []byte(name))
		cancel()
		if got, ok := errors.AsType[*bus.Failure](err); !ok || answer != nil || *got != *want {
			t.Errorf("%s: %q, %v", name, answer, err)
		}
	}
	r.ask(echo, "other", "[]")
}

// TestWhoIsLetIn connects with what is wrong, and throws out who may not stay.
func TestWhoIsLetIn(t *testing.T) {
	r := newRig(t, bus.Options{})
	url := "nats://" + r.bus.Addr()
	for user, password := range map[string]string{"echo@example.com": "key other", "nobody@example.com": "key", "": "", "weir": "guess", "operator": "guess"} {
		if c, err := nats.Connect(url, nats.UserInfo(user, password), nats.Timeout(patience)); !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("%q came in: %v, %v", user, c, err)
		}
	}
	r.connect(echo, echoing)
	r.connect(echo, nil)
	if _, err := nats.Connect(url, r.options(echo)...); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("a third connection: %v", err)
	}
	r.note(func() {
		if r.refused["bus bad_key"] != 4 || r.refused["bus bad_token"] != 1 || r.refused["bus too_many_connections"] != 1 {
			t.Errorf("refused %v", r.refused)
		}
	})
	closed, why := make(chan struct{}), make(chan string, 1)
	gone := sync.OnceFunc(func() { close(closed) })
	c := r.connect(other, echoing, nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(), nats.DisconnectErrHandler(func(*nats.Conn, error) { gone() }))
	if _, err := c.Subscribe(bus.EventSubject(other, bus.Disconnected), func(msg *nats.Msg) { why <- string(msg.Data) }); err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	r.note(func() { r.keys[other] = "another key" })
	r.bus.RobotChanged(other)
	r.bus.RobotChanged(echo)
	select {
	case <-closed:
	case <-time.After(patience):
		t.Fatal("with a dead key it stays connected")
	}
	told(t, why, `"event":"disconnected","reason":"not_allowed"`)
	r.ask(echo, "still there", "still there")
}

// TestARobotSeesNoOthers has a robot try what is another's.
func TestARobotSeesNoOthers(t *testing.T) {
	r := newRig(t, bus.Options{})
	victim := r.connect(other, echoing)
	heard := make(chan string, 10)
	if _, err := victim.Subscribe(bus.InboxPrefix(other)+".x", func(msg *nats.Msg) { heard <- string(msg.Data) }); err != nil {
		t.Fatal(err)
	}
	thief := r.connect(echo, echoing)
	wrong := denied(thief)
	for _, subject := range []string{
		">", "weir.>", "weir.robots.>", "weir.robots.*.bundles", "*.*.*.bundles", bus.BundlesSubject(other), bus.CallSubject(other), bus.CallSubject(echo),
		"_INBOX.>", "_INBOX.*.>", bus.InboxPrefix(other) + ".>", "_INBOX.weir.>", "weir.decisions.>", "$SYS.>", bus.EventSubject(other, bus.Disconnected),
	} {
		for _, group := range []string{"", "group"} {
			s, err := thief.QueueSubscribe(subject, group, func(msg *nats.Msg) { t.Errorf("heard %q at %s", msg.Data, msg.Subject) }) // "": no group
			if err == nil {
				err = thief.Flush()
			}
			if err != nil {
				t.Fatal(err)
			}
			select {
			case <-wrong:
			case <-time.After(patience):
				t.Errorf("may subscribe to %s", subject)
			}
			_ = s.Unsubscribe()
		}
	}
	for _, subject := range []string{bus.CallSubject(other), bus.BundlesSubject(other), bus.BundlesSubject(echo), bus.InboxPrefix(other) + ".x", "_INBOX.weir.x", bus.EventSubject(echo, "evict"), "weir.decisions.x.evict"} {
		if err := thief.Publish(subject, []byte("stolen")); err == nil {
			_ = thief.Flush()
		}
		select {
		case <-wrong:
		case <-time.After(patience):
			t.Errorf("may publish to %s", subject)
		}
	}
	// The server does not write to others in its stead.
	for _, reply := range []string{bus.InboxPrefix(other) + ".x", bus.BundlesSubject(other), "_INBOX.weir.x", bus.InboxPrefix(echo)} {
		if err := thief.PublishRequest(bus.CallSubject(echo), reply, []byte("in your name")); err != nil {
			t.Fatal(err)
		}
	}
	r.until("the replies to others are refused", func() bool { return r.refused["bus bad_reply"] == 4 })
	r.ask(other, "mine", "mine")
	if rpc(t, thief, echo, "own"); len(heard) > 0 {
		t.Errorf("the other heard %q", <-heard)
	}
	r.note(func() {
		if len(r.called) != 1 {
			t.Errorf("calls were made: %q", r.called)
		}
	})
	if _, err := net.Dial("tcp", r.bus.Addr()); err != nil { // one that says nothing
		t.Error(err)
	}
}

// TestAFloodIsStopped floods the server with calls, with what is not allowed, and
// with long messages; a robot that behaves notices nothing.
func TestAFloodIsStopped(t *testing.T) {
	r := newRig(t, bus.Options{Messages: 50, Bytes: 100 << 10})
	good := r.connect(other, echoing)
	for name, flood := range map[wavelet.Participant]struct {
		subject string
		message []byte
		times   int // at once: too many, or too long, however long it takes
	}{
		echo: {bus.CallSubject(echo), []byte("again"), 500},
		slow: {"not.allowed", make([]byte, 100_000), 20},
	} {
		closed, refused := make(chan struct{}), 0
		gone := sync.OnceFunc(func() { close(closed) })
		r.note(func() { refused = r.refused["bus flood"] })
		c := r.connect(name, echoing, nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(), nats.DisconnectErrHandler(func(*nats.Conn, error) { gone() }))
		why := make(chan string, 1)
		if _, err := c.Subscribe(bus.EventSubject(name, bus.Disconnected), func(msg *nats.Msg) { why <- string(msg.Data) }); err != nil {
			t.Fatal(err)
		}
		end := time.After(patience)
		for over := false; !over; {
			select {
			case <-closed:
				over = true
			case <-end:
				t.Fatalf("%s floods on", name)
			default:
				for range flood.times {
					_ = c.Publish(flood.subject, flood.message)
				}
				_ = c.FlushTimeout(100 * time.Millisecond)
			}
		}
		if name == echo {
			told(t, why, `"reason":"flood"`)
		}
		r.until("it is not let in again at once", func() bool { return r.refused["bus flood"] >= refused+2 })
		r.ask(other, "hello", "hello")
	}
	if a := rpc(t, good, other, "hello"); a.Status != 200 {
		t.Errorf("answered %+v", a)
	}
}

// TestSlowAndDeadRobotsHarmNobody asks robots that do not answer, and that are
// killed over it, while others are asked and call.
func TestSlowAndDeadRobotsHarmNobody(t *testing.T) {
	r := newRig(t, bus.Options{})
	var asked atomic.Int32
	r.connect(slow, func(*nats.Msg) { asked.Add(1) })
	killed := r.connect(echo, func(*nats.Msg) { asked.Add(1) })
	good := r.connect(other, echoing)
	ctx, cancel := context.WithCancel(t.Context())
	over := map[wavelet.Participant]chan error{slow: make(chan error, 1), echo: make(chan error, 1)}
	for id, over := range over {
		go func() { _, err := r.bus.Ask(ctx, id, []byte("hello")); over <- err }()
	}
	r.until("both are asked", func() bool { return asked.Load() == 2 })
	for range 20 {
		r.ask(other, "hello", "hello")
	}
	killed.Close()
	r.until("its place is free", func() bool { return r.active[echo] == 0 })
	if err := <-over[echo]; !errors.Is(err, bus.ErrAbsent) {
		t.Errorf("asked one that was killed: %v", err)
	}
	cancel()
	if err := <-over[slow]; !errors.Is(err, context.Canceled) {
		t.Errorf("asked in vain: %v", err)
	}
	// Calls of one robot wait for each other, up to a number; not for another's.
	c := r.connect(echo, nil)
	statuses := make(chan int, 60)
	hold := func() { statuses <- rpc(t, c, echo, "hold").Status }
	go hold() // this one is carried out, and so does not wait
	r.until("the first call is carried out", func() bool { return len(r.called) == 1 })
	for range 49 {
		go hold()
	}
	for range 50 - 33 {
		if status := <-statuses; status != 503 {
			t.Errorf("one too many: status %d", status)
		}
	}
	if a := rpc(t, good, other, "hello"); a.Status != 200 {
		t.Errorf("another's call: %+v", a)
	}
	close(r.hold)
	for range 33 {
		if status := <-statuses; status != 200 {
			t.Errorf("a call that waited: status %d", status)
		}
	}
}

// TestTokens writes addresses as subject tokens.
func TestTokens(t *testing.T) {
	for robot, want := range map[wavelet.Participant]string{
		"echo@weir.local": "echo@weir%2Elocal", "a%b.c@x": "a%25b%2Ec@x", "*@>": "%2A@%3E", "a b@é": "a%20b@%C3%A9", "a+b_c-d@x": "a+b_c-d@x",
	} {
		if got := bus.Token(robot); got != want {
			t.Errorf("%s is %s, want %s", robot, got, want)
		}
	}
}

// told waits for a message that holds a text.
func told(t *testing.T, from <-chan string, want string) {
	t.Helper()
	select {
	case got := <-from:
		if !strings.Contains(got, want) {
			t.Errorf("told %s, want %s", got, want)
		}
	case <-time.After(patience):
		t.Errorf("never told %s", want)
	}
}

// TestABlockedNetwork has nobody let in from an address, nor stay: no robot and no
// operator.
func TestABlockedNetwork(t *testing.T) {
	var barred atomic.Bool
	r := newRig(t, bus.Options{Barred: func(from netip.Addr) bool { return barred.Load() && from == netip.MustParseAddr("127.0.0.1") }})
	ended := make(chan error, 2)
	gone := nats.ClosedHandler(func(c *nats.Conn) { ended <- c.LastError() })
	r.connect(echo, echoing, nats.NoReconnect(), gone)
	url := "nats://" + r.bus.Addr()
	if _, err := nats.Connect(url, nats.UserInfo("operator", adminToken), nats.NoReconnect(), nats.Timeout(patience), gone); err != nil {
		t.Fatal(err)
	}
	r.ask(echo, "one", "one")
	barred.Store(true)
	r.bus.NetworkBarred()
	for range 2 {
		select {
		case <-ended:
		case <-time.After(patience):
			t.Fatal("connections from there stay")
		}
	}
	if _, err := nats.Connect(url, r.options(echo)...); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("a robot from there: %v", err)
	}
	if _, err := nats.Connect(url, nats.UserInfo("operator", adminToken), nats.Timeout(patience)); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("an operator from there: %v", err)
	}
	r.until("it is counted", func() bool { return r.refused["bus blocked"] == 2 })
	barred.Store(false)
	r.connect(echo, echoing)
	r.ask(echo, "two", "two")
}
