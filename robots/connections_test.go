package robots_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/events"
	"weir/policies"
	"weir/robots"
	"weir/robots/wire"
	"weir/store"
	"weir/wavelet"
)

// few is a directory whose robots may have fifty connections, and its log.
func few(t *testing.T) (*robots.Directory, *bytes.Buffer) {
	t.Helper()
	set, err := policies.Parse([]byte("version: 1\nprofiles:\n  few:\n    max_connections: 50\ndefault: few\n"), "few.yaml")
	if err != nil {
		t.Fatal(err)
	}
	log := new(bytes.Buffer) // the handler's own mutex guards it
	d, err := robots.Open(t.Context(), bucket(t, store.NewMemory()), robots.Options{
		Domain: "example.com", Profiles: func() policies.Set { return set }, Guard: wire.Guard{Allow: wire.Loopback()},
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d, log
}

// TestConnectionsToARobotAreCounted sends a hundred bundles at once to a robot
// that takes its time: fifty connections are made, the other fifty bundles are
// refused before anything is dialled, and all is well when the first are done.
func TestConnectionsToARobotAreCounted(t *testing.T) {
	const most = 50
	d, log := few(t)
	var dialled, inside atomic.Int64
	var crowding atomic.Bool
	release, full := make(chan struct{}), make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/profile") {
			fmt.Fprint(w, `{"name":"Echo"}`)
			return
		}
		if r.Method == http.MethodGet {
			fmt.Fprint(w, `<robot xmlns="http://wave.google.com/extensions/robots/1.0"><version>7</version><capability name="DOCUMENT_CHANGED"/></robot>`)
			return
		}
		if !crowding.Load() {
			return
		}
		if inside.Add(1) == most {
			close(full)
		}
		<-release
		inside.Add(-1)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			dialled.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	finish := sync.OnceFunc(func() { close(release) })
	defer finish() // a server with calls in it does not close
	register(t, d, robots.Registration{Address: echo, Callback: server.URL})
	robot, _, _ := d.InService(echo)
	state := wavelet.NewState(wavelet.Name{Wave: "example.com!w+a", Wavelet: "example.com!conv+root"})
	b := events.Bundle{Seat: wavelet.Seat{Wavelet: state.Name(), Robot: echo}, State: state, Events: []events.Event{{Type: events.WaveletSelfAdded}}}
	// What the robot wants and how it is shown is asked for first, and those
	// connections are ended: one that is just done with would be no place for anybody.
	if _, err := robot.Receive(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	wait := func(what string, done func(robots.Robot) bool) {
		t.Helper()
		for begin := time.Now(); ; runtime.Gosched() {
			if r, err := d.Get(echo); err == nil && done(r) {
				return
			} else if time.Since(begin) > time.Minute {
				t.Fatalf("never: %s; %v", what, err)
			}
		}
	}
	wait("how it is shown is known", func(r robots.Robot) bool { return r.About != nil })
	wait("no connection is left", func(r robots.Robot) bool { server.CloseClientConnections(); return r.Connections == 0 })
	dialled.Store(0)
	crowding.Store(true)
	began := time.Now()
	var all sync.WaitGroup
	refused := make(chan error, 2*most)
	for range 2 * most {
		all.Go(func() {
			if _, err := robot.Receive(context.Background(), b); err != nil {
				refused <- err
			}
		})
	}
	select {
	case <-full:
	case <-time.After(time.Minute):
		t.Fatalf("%d of %d connections are made", inside.Load(), most)
	}
	for range most {
		if err := <-refused; codeOf(t, err) != robots.CodeConnections {
			t.Errorf("refused with %v", err)
		}
	}
	if r, err := d.Get(echo); err != nil || r.Connections != most || dialled.Load() != most || inside.Load() != most {
		t.Errorf("%d connections stand, %d were dialled, %d are at work, %v", r.Connections, dialled.Load(), inside.Load(), err)
	}
	// Fifty are refused, and one is told of in a second.
	if n := strings.Count(log.String(), "level=WARN"); n < 1 || n > 1+int(time.Since(began)/time.Second) || !strings.Contains(log.String(), `msg="too many connections" robot=echo@example.com total=50 maximum=50`) {
		t.Errorf("the log says %d times\n%s", n, log)
	}
	if leave, err := d.Connect(echo); codeOf(t, err) != robots.CodeConnections || leave != nil {
		t.Errorf("the robot's own calls find room: %v", err)
	}
	finish()
	all.Wait()
	if len(refused) > 0 {
		t.Errorf("refused although there was room: %v", <-refused)
	}
	if _, err := robot.Receive(t.Context(), b); err != nil {
		t.Error(err)
	}
	d.Close()
	if _, err := d.Get(echo); err != nil {
		t.Error(err)
	}
	server.CloseClientConnections()
}

// TestAPlaceIsGivenBack counts places of a robot that cannot be reached, that
// moves and that is removed.
func TestAPlaceIsGivenBack(t *testing.T) {
	d, _ := few(t)
	register(t, d, robots.Registration{Address: echo, Callback: "http://127.0.0.1:1"})
	state := wavelet.NewState(wavelet.Name{Wave: "example.com!w+a", Wavelet: "example.com!conv+root"})
	b := events.Bundle{Seat: wavelet.Seat{Wavelet: state.Name(), Robot: echo}, State: state, Events: []events.Event{{Type: events.WaveletSelfAdded}}}
	robot, _, _ := d.InService(echo)
	for range 100 {
		if _, err := robot.Receive(t.Context(), b); err == nil {
			t.Fatal("nobody listens there")
		}
	}
	if r, _ := d.Get(echo); r.Connections != 0 {
		t.Errorf("%d connections to nobody", r.Connections)
	}
	leave, err := d.Connect(echo)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Remove(t.Context(), echo); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Connect(echo); codeOf(t, err) != robots.CodeUnknownRobot {
		t.Errorf("a removed robot connects: %v", err)
	}
	register(t, d, robots.Registration{Address: echo})
	if r, _ := d.Get(echo); r.Connections != 1 {
		t.Errorf("registered again, it has %d connections; one of before stands", r.Connections)
	}
	leave()
	if r, _ := d.Get(echo); r.Connections != 0 {
		t.Errorf("%d connections", r.Connections)
	}
}
