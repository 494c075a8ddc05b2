package bus_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"weir/events/bus"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// another starts a NATS server that is not the bus's own.
func another(t *testing.T, o *server.Options) *server.Server {
	t.Helper()
	o.Host, o.NoSigs, o.NoLog, o.AuthTimeout = "127.0.0.1", true, true, patience.Seconds()
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(s.Shutdown)
	if !s.ReadyForConnections(patience) {
		t.Fatal("NATS does not start")
	}
	return s
}

// TestAnotherServersLimits asks and calls over servers that let less through than
// the server's own, and more.
func TestAnotherServersLimits(t *testing.T) {
	for most, wants := range map[int32]struct{ short, long int }{64 << 10: {1000, 64<<10 + 1}, 4 << 20: {3 << 20, 4<<20 + 1}} {
		s := another(t, &server.Options{Port: server.RANDOM_PORT, MaxPayload: most})
		r := newRig(t, bus.Options{URL: s.ClientURL()})
		c, err := nats.Connect(s.ClientURL(), nats.CustomInboxPrefix(bus.InboxPrefix(echo)), nats.Timeout(patience))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err = c.Subscribe(bus.BundlesSubject(echo), echoing); err == nil {
			err = c.Flush()
		}
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Repeat("x", wants.short)
		r.ask(echo, text, text)
		_, err = r.bus.Ask(t.Context(), echo, make([]byte, wants.long))
		if !errors.Is(err, bus.ErrTooLong) || !strings.Contains(err.Error(), fmt.Sprintf("%d bytes, and a message there at most %d", wants.long, most)) {
			t.Errorf("a bundle of %d bytes: %v", wants.long, err)
		}
		if a := rpc(t, c, echo, "long"); a.Status != 413 || !strings.Contains(string(a.Body), fmt.Sprintf("longer than %d bytes", min(most, bus.MaxPayload))) {
			t.Errorf("a long reply: %+v", a)
		}
		if most > bus.MaxPayload {
			if a := rpc(t, c, echo, strings.Repeat("x", bus.MaxPayload+1)); a.Status != 413 || !strings.Contains(string(a.Body), "too_large") {
				t.Errorf("a long call: %+v", a)
			}
		}
	}
}

// TestTheDocumentedAccounts starts another NATS server with the permissions of
// docs/operations.md: they are enough for everybody, and for nothing else.
func TestTheDocumentedAccounts(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```\n(accounts .*?)```").FindSubmatch(text)
	if block == nil {
		t.Fatal("docs/operations.md has lost the accounts")
	}
	config := filepath.Join(t.TempDir(), "nats.conf")
	accounts := strings.ReplaceAll(strings.ReplaceAll(string(block[1]), "password: ...", `password: "secret"`), "hello@weir", "echo@example")
	accounts = strings.ReplaceAll(strings.ReplaceAll(accounts, "%2Elocal", "%2Ecom"), "example.local", "example.com")
	if err := os.WriteFile(config, []byte(accounts), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := server.ProcessConfigFile(config)
	if err != nil {
		t.Fatal(err)
	}
	o.Port = server.RANDOM_PORT
	s := another(t, o)
	log := newDecided()
	r := newRig(t, bus.Options{URL: s.ClientURL(), Access: []nats.Option{nats.UserInfo("weir", "secret")}, Decisions: log, Reconnect: 20 * time.Millisecond})
	login := func(user string) *nats.Conn {
		t.Helper()
		c, err := nats.Connect(s.ClientURL(), nats.UserInfo(user, "secret"), nats.CustomInboxPrefix(bus.InboxPrefix(echo)), nats.Timeout(patience))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	operator, robot := login("operator"), login(string(echo))
	heard := make(chan *nats.Msg, 10)
	for _, subject := range []string{"weir.decisions.>", "weir.robots.>"} {
		if _, err := operator.ChanSubscribe(subject, heard); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := robot.Subscribe(bus.BundlesSubject(echo), echoing); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*nats.Conn{operator, robot} {
		if err := c.Flush(); err != nil || c.LastError() != nil {
			t.Fatal(err, c.LastError())
		}
	}
	r.ask(echo, "hello", "hello")
	if a := rpc(t, robot, echo, "hello"); a.Status != 200 {
		t.Errorf("answered %+v", a)
	}
	log.add(1, eviction())
	select {
	case msg := <-heard:
		if msg.Subject != bus.DecisionSubject(echo, "evict") {
			t.Errorf("the operator hears %s at %s", msg.Data, msg.Subject)
		}
	case <-time.After(patience):
		t.Error("the operator hears nothing")
	}
	wrong := denied(robot)
	if err := robot.Publish(bus.CallSubject(other), []byte("as another")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-wrong:
	case <-time.After(patience):
		t.Error("a robot may call as another")
	}
}

// said is a log that tells of each line.
type said chan string

func (s said) Write(line []byte) (int, error) {
	select {
	case s <- string(line):
	default:
	}
	return len(line), nil
}

// TestWhyAnotherServerCannotBeReachedIsSaid has a server log in with a wrong
// password, from the beginning on: its operator has to be told.
func TestWhyAnotherServerCannotBeReachedIsSaid(t *testing.T) {
	s := another(t, &server.Options{Port: server.RANDOM_PORT, Username: "weir", Password: "secret"})
	lines := make(said, 100)
	newRig(t, bus.Options{
		URL: s.ClientURL(), Access: []nats.Option{nats.UserInfo("weir", "wrong")}, Reconnect: 10 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(lines, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	select {
	case line := <-lines:
		if !strings.Contains(line, "cannot be reached") || !strings.Contains(line, "Authorization Violation") {
			t.Errorf("said %q", line)
		}
	case <-time.After(patience):
		t.Error("nothing is said")
	}
}
