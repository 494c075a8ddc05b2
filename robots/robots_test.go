package robots_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/events"
	"weir/policies"
	"weir/robots"
	"weir/robots/wire"
	"weir/store"
	"weir/wavelet"
)

const echo = wavelet.Participant("echo@example.com")

// open makes a directory over a store.
func open(t testing.TB, kv robots.KV) *robots.Directory {
	t.Helper()
	set := policies.Builtin()
	d, err := robots.Open(t.Context(), kv, robots.Options{
		Domain: "example.com", Profiles: func() policies.Set { return set }, Guard: wire.Guard{Allow: wire.Loopback()}, RPCServerURL: "http://127.0.0.1:1/robot/rpc",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func bucket(t testing.TB, s store.Store) *robots.Bucket {
	t.Helper()
	b, err := robots.NewBucket(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func register(t testing.TB, d *robots.Directory, r robots.Registration) (robots.Robot, string) {
	t.Helper()
	robot, key, err := d.Register(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return robot, key
}

// codeOf is the code of a refusal, "" for no error.
func codeOf(t testing.TB, err error) wavelet.Code {
	t.Helper()
	if err == nil {
		return ""
	}
	r, ok := errors.AsType[*wavelet.Refusal](err)
	if !ok {
		t.Fatalf("%v is no refusal", err)
	}
	if r.Field == "" || r.Reason == "" || r.Remedy == "" {
		t.Errorf("refusal %+v lacks field, reason or remedy", r)
	}
	return r.Code
}

func TestRegistrationIsChecked(t *testing.T) {
	d := open(t, bucket(t, store.NewMemory()))
	register(t, d, robots.Registration{Address: "taken@example.com"})
	tests := []struct {
		address           wavelet.Participant
		callback, profile string
		want              wavelet.Code
	}{
		{"echo", "", "", robots.CodeAddress},
		{"", "", "", robots.CodeAddress},
		{"e cho@example.com", "", "", robots.CodeAddress},
		{"echo+bob@example.com", "", "", robots.CodeAddress},
		{"echo#2@example.com", "", "", robots.CodeAddress},
		{"echo@elsewhere.org", "", "", robots.CodeDomain},
		{"taken@example.com", "", "", robots.CodeTaken},
		{"echo@example.com", "", "generous", robots.CodeProfile},
		{"echo@example.com", "robots.example.com/echo", "", robots.CodeCallback},
		{"echo@example.com", "ftp://robots.example.com", "", robots.CodeCallback},
		{"echo@example.com", "http://", "", robots.CodeCallback},
		{"echo@example.com", "http://ann:secret@robots.example.com", "", robots.CodeCallback},
		{"echo@example.com", "http://robots.example.com?a=b", "", robots.CodeCallback},
		{"echo@example.com", "http://robots.example.com?", "", robots.CodeCallback},
		{"echo@example.com", "http://robots.example.com#x", "", robots.CodeCallback},
		{"echo@example.com", "http://10.0.0.1/", "", robots.CodeCallback},
		{"echo@example.com", "http://[fe80::1]/", "", robots.CodeCallback},
		{"echo@example.com", "http://robots.example.com:99999999/", "", robots.CodeCallback},
		{"echo@example.com", "http://robots.example.com/" + strings.Repeat("x", 3000), "", robots.CodeCallback},
		{"echo@example.com", "https://robots.example.com:8443/echo/", "strict", ""},
	}
	for _, tt := range tests {
		_, key, err := d.Register(t.Context(), robots.Registration{Address: tt.address, Callback: tt.callback, Profile: tt.profile})
		if got := codeOf(t, err); got != tt.want {
			t.Errorf("%s %s %s: %q (%v), want %q", tt.address, tt.callback, tt.profile, got, err, tt.want)
		}
		if (key == "") != (err != nil) {
			t.Errorf("key %q with error %v", key, err)
		}
	}
	if r, err := d.Get(echo); err != nil || r.Callback != "https://robots.example.com:8443/echo" || r.Profile != "strict" {
		t.Errorf("the robot is %+v, %v", r, err)
	}
}

// TestLifeOfARobot goes through everything an operator can do, over a file that
// is closed and opened again.
func TestLifeOfARobot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.db")
	file, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, bucket(t, file))
	var changes []wavelet.Participant
	d.OnChange(func(id wavelet.Participant) { changes = append(changes, id) })
	robot, first := register(t, d, robots.Registration{Address: echo, Callback: "http://127.0.0.1:9/"})
	if !strings.HasPrefix(first, "wr_") || len(first) < 40 {
		t.Errorf("the key is %q", first)
	}
	if got, err := d.Authenticate(first); err != nil || got.Address != echo {
		t.Errorf("the key opens %+v, %v", got, err)
	}
	if _, err := d.SetProfile(t.Context(), echo, "strict"); err != nil {
		t.Error(err)
	}
	_, second, err := d.RotateKey(t.Context(), echo)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Authenticate(first); codeOf(t, err) != robots.CodeBadKey {
		t.Errorf("the old key opens: %v", err)
	}
	if _, err := d.Suspend(t.Context(), echo); err != nil {
		t.Error(err)
	}
	if _, p, ok := d.InService(echo); ok || p.Name == "" || !d.Registered(echo) || !d.Registered("echo+bob@example.com") {
		t.Error("a suspended robot is in service, or not registered")
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}

	if file, err = store.Open(path, store.Options{}); err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	d = open(t, bucket(t, file))
	want := robot
	want.Profile, want.Suspended = "strict", true
	if diff := cmp.Diff([]robots.Robot{want}, d.List()); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
	if got, err := d.Authenticate(second); err != nil || !got.Suspended {
		t.Errorf("after a restart the key opens %+v, %v", got, err)
	}
	if _, err := d.Resume(t.Context(), echo); err != nil {
		t.Error(err)
	}
	if _, p, ok := d.InService(echo); !ok || p.Name != "strict" {
		t.Errorf("in service %t under %q", ok, p.Name)
	}
	if err := d.Remove(t.Context(), echo); err != nil {
		t.Error(err)
	}
	if _, err := d.Authenticate(second); codeOf(t, err) != robots.CodeBadKey || d.Registered(echo) || len(d.List()) != 0 {
		t.Errorf("a removed robot is still there: %v", err)
	}
	for name, err := range map[string]error{"remove": d.Remove(t.Context(), echo), "suspend": second3(d.Suspend(t.Context(), echo)), "get": second3(d.Get(echo))} {
		if codeOf(t, err) != robots.CodeUnknownRobot {
			t.Errorf("%s of a removed robot: %v", name, err)
		}
	}
	if _, third := register(t, d, robots.Registration{Address: echo}); third == second {
		t.Error("a robot that is registered again has its old key")
	}
	if diff := cmp.Diff([]wavelet.Participant{echo, echo, echo, echo}, changes); diff != "" {
		t.Errorf("registered, its key, its profile, its suspension were told as (-want +got):\n%s", diff)
	}
}

func second3(_ robots.Robot, err error) error { return err }

// TestKeysAreNotKept looks for a key in the bytes that are stored.
func TestKeysAreNotKept(t *testing.T) {
	s := store.NewMemory()
	d := open(t, bucket(t, s))
	_, key := register(t, d, robots.Registration{Address: echo})
	for r, err := range s.Scan("robot", nil, nil) {
		if err != nil || strings.Contains(string(r.Value), key[3:]) {
			t.Errorf("stored: %s, %v", r.Value, err)
		}
	}
	for _, bad := range []string{"", "wr_", key + "x", key[:len(key)-1], strings.ToUpper(key), "wr_" + strings.Repeat("A", 43)} {
		if _, err := d.Authenticate(bad); codeOf(t, err) != robots.CodeBadKey {
			t.Errorf("%q opens", bad)
		}
	}
}

// TestTwoNodesShareARegistry changes one robot from two directories at once and
// has one learn of the other's changes.
func TestTwoNodesShareARegistry(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	kv := bucket(t, store.NewMemory())
	one, two := open(t, kv), open(t, kv)
	_, key := register(t, one, robots.Registration{Address: echo}) // before the other one runs
	heard := make(chan bool, 1)
	two.OnChange(func(wavelet.Participant) {
		select {
		case heard <- true:
		default:
		}
	})
	var running, changing sync.WaitGroup
	running.Go(func() {
		if err := two.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	until := func(what string, holds func() bool) {
		t.Helper()
		for !holds() {
			select {
			case <-heard:
			case <-time.After(time.Minute):
				t.Fatal(what)
			}
		}
	}
	until("the other node does not know the key", func() bool { _, err := two.Authenticate(key); return err == nil })
	if _, _, err := two.Register(ctx, robots.Registration{Address: echo}); codeOf(t, err) != robots.CodeTaken {
		t.Errorf("an address of the other node: %v", err)
	}
	for _, d := range []*robots.Directory{one, two} {
		changing.Go(func() {
			for i := range 50 {
				if _, err := d.SetProfile(ctx, echo, []string{"strict", "default"}[i%2]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	changing.Wait()
	if _, err := one.Suspend(ctx, echo); err != nil {
		t.Error(err)
	}
	until("the other node does not know that the robot is suspended", func() bool { r, _ := two.Get(echo); return r.Suspended && r.Profile == "default" })
	if err := one.Remove(ctx, echo); err != nil {
		t.Error(err)
	}
	until("the other node does not know that the robot is gone", func() bool { return !two.Registered(echo) })
	stop()
	running.Wait()
}

// TestBucketComparesAndSets is the contract of a KV.
func TestBucketComparesAndSets(t *testing.T) {
	ctx := t.Context()
	kv := bucket(t, store.NewMemory())
	if _, err := kv.Get(ctx, "a"); !errors.Is(err, robots.ErrNotFound) {
		t.Errorf("get of nothing: %v", err)
	}
	if _, err := kv.Put(ctx, "a", []byte("1"), 7); !errors.Is(err, robots.ErrConflict) {
		t.Errorf("change of nothing: %v", err)
	}
	one, err := kv.Put(ctx, "a", []byte("1"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Put(ctx, "a", []byte("2"), 0); !errors.Is(err, robots.ErrConflict) {
		t.Errorf("second creation: %v", err)
	}
	two, err := kv.Put(ctx, "a", []byte("2"), one)
	if err != nil || two <= one {
		t.Errorf("revision %d after %d, %v", two, one, err)
	}
	if _, err := kv.Put(ctx, "a", []byte("3"), one); !errors.Is(err, robots.ErrConflict) {
		t.Errorf("change of an old revision: %v", err)
	}
	three, err := kv.Put(ctx, "a", nil, two)
	if err != nil || three <= two {
		t.Errorf("removal: revision %d, %v", three, err)
	}
	if four, err := kv.Put(ctx, "a", []byte("4"), 0); err != nil || four <= three {
		t.Errorf("creation after a removal: revision %d, %v", four, err)
	}
	var winners int
	var mu sync.Mutex
	var racers sync.WaitGroup
	e, err := kv.Get(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		racers.Go(func() {
			if _, err := kv.Put(ctx, "a", fmt.Append(nil, i), e.Revision); err == nil {
				mu.Lock()
				winners++
				mu.Unlock()
			} else if !errors.Is(err, robots.ErrConflict) {
				t.Error(err)
			}
		})
	}
	if racers.Wait(); winners != 1 {
		t.Errorf("%d of 20 changed the same revision", winners)
	}
}

// TestCapabilitiesAndErrorsAreKept delivers to a robot that fails, then answers,
// then moves.
func TestCapabilitiesAndErrorsAreKept(t *testing.T) {
	kv := bucket(t, store.NewMemory())
	d := open(t, kv)
	up := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !up:
			http.Error(w, "asleep", http.StatusServiceUnavailable)
		case r.Method == http.MethodGet:
			fmt.Fprint(w, `<robot xmlns="http://wave.google.com/extensions/robots/1.0"><version>7</version><capability name="DOCUMENT_CHANGED"/></robot>`)
		default:
			fmt.Fprint(w, "[]")
		}
	}))
	defer server.Close()
	register(t, d, robots.Registration{Address: echo, Callback: server.URL})
	state := wavelet.NewState(wavelet.Name{Wave: "example.com!w+a", Wavelet: "example.com!conv+root"})
	bundle := events.Bundle{Seat: wavelet.Seat{Wavelet: state.Name(), Robot: echo}, State: state, Events: []events.Event{{Type: events.WaveletSelfAdded}}}
	robot, _, ok := d.InService(echo)
	if !ok {
		t.Fatal("the robot is not in service")
	}
	if _, err := robot.Receive(t.Context(), bundle); err == nil {
		t.Error("a robot that fails takes a bundle")
	}
	if r, _ := d.Get(echo); !strings.Contains(r.LastError, "503") || r.LastErrorAt.IsZero() || r.Capabilities != nil {
		t.Errorf("the robot is %+v", r)
	}
	up = true
	if _, err := robot.Receive(t.Context(), bundle); err != nil {
		t.Error(err)
	}
	if r, _ := d.Get(echo); r.LastError != "" || r.Capabilities == nil || r.Capabilities.Hash != "7" {
		t.Errorf("the robot is %+v", r)
	}
	if r, err := open(t, kv).Get(echo); err != nil || r.Capabilities == nil {
		t.Errorf("after a restart the robot is %+v, %v", r, err)
	}
	if same, _, _ := d.InService(echo); same != robot {
		t.Error("the transport was made anew, though nothing has changed")
	}
	if r, err := d.SetCallback(t.Context(), echo, server.URL+"/moved"); err != nil || r.Capabilities != nil {
		t.Errorf("moved, the robot is %+v, %v", r, err)
	}
	if _, err := robot.Receive(t.Context(), bundle); !errors.Is(err, wire.ErrClosed) {
		t.Errorf("the old place takes a bundle: %v", err)
	}
	if moved, _, ok := d.InService(echo); !ok || moved == robot {
		t.Error("the robot has not moved")
	}
}

// TestProfilesAreKept shows a robot as it said, after a restart too, until it
// moves.
func TestProfilesAreKept(t *testing.T) {
	kv := bucket(t, store.NewMemory())
	d := open(t, kv)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/_wave/robot/profile":
			fmt.Fprint(w, `{"name":"Echo","imageUrl":"https://example.com/e.png","profileUrl":""}`)
		case "/_wave/capabilities.xml":
			fmt.Fprint(w, `<robot xmlns="http://wave.google.com/extensions/robots/1.0"><version>7</version></robot>`)
		}
	}))
	defer server.Close()
	register(t, d, robots.Registration{Address: echo, Callback: server.URL})
	plain := wire.Profile{Address: echo, Name: "echo"}
	if got := d.Shown(echo); got != plain {
		t.Errorf("before it said anything it is shown as %+v", got)
	}
	robot, _, _ := d.InService(echo)
	state := wavelet.NewState(wavelet.Name{Wave: "example.com!w+a", Wavelet: "example.com!conv+root"})
	b := events.Bundle{Seat: wavelet.Seat{Wavelet: state.Name(), Robot: echo}, State: state, Events: []events.Event{{Type: events.WaveletSelfAdded}}}
	if _, err := robot.Receive(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	want := wire.Profile{Address: echo, Name: "Echo", ImageURL: "https://example.com/e.png"}
	for until := time.Now().Add(time.Minute); d.Shown(echo) != want; {
		if time.Now().After(until) {
			t.Fatalf("it is shown as %+v", d.Shown(echo))
		}
		runtime.Gosched()
	}
	if got := open(t, kv).Shown(echo); got != want {
		t.Errorf("after a restart it is shown as %+v", got)
	}
	if got := d.Shown("echo+bob@example.com"); got.Name != "bob" {
		t.Errorf("its proxy is shown as %+v", got)
	}
	if _, err := d.SetCallback(t.Context(), echo, ""); err != nil || d.Shown(echo) != plain {
		t.Errorf("moved, it is shown as %+v, %v", d.Shown(echo), err)
	}
}

// TestARobotThatOnlyCallsIsSilent delivers to a robot without a callback.
func TestARobotThatOnlyCallsIsSilent(t *testing.T) {
	d := open(t, bucket(t, store.NewMemory()))
	register(t, d, robots.Registration{Address: echo})
	robot, _, ok := d.InService(echo)
	if !ok {
		t.Fatal("the robot is not in service")
	}
	if a, err := robot.Receive(t.Context(), events.Bundle{}); err != nil || len(a.Deltas)+len(a.Failures) != 0 {
		t.Errorf("answer %+v, %v", a, err)
	}
}

// TestManyRegisterAtOnce registers from many goroutines, some of them the same
// address.
func TestManyRegisterAtOnce(t *testing.T) {
	d := open(t, bucket(t, store.NewMemory()))
	var all sync.WaitGroup
	keys := make([]string, 100)
	for i := range keys {
		all.Go(func() {
			_, key, err := d.Register(t.Context(), robots.Registration{Address: wavelet.Participant(fmt.Sprintf("robot-%d@example.com", i%60))})
			if err != nil && codeOf(t, err) != robots.CodeTaken {
				t.Error(err)
			}
			keys[i] = key
		})
	}
	all.Wait()
	keys = slices.DeleteFunc(keys, func(k string) bool { return k == "" })
	if len(keys) != 60 || len(d.List()) != 60 {
		t.Errorf("%d keys for %d robots, want 60", len(keys), len(d.List()))
	}
	for _, key := range keys {
		if _, err := d.Authenticate(key); err != nil {
			t.Error(err)
		}
	}
}
