package robots_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"weir/events"
	"weir/robots"
	"weir/robots/wire"
	"weir/store"
	"weir/wavelet"
)

// TestProxiesAreShown has a robot that knows how one of its proxies is shown, and
// gives its own profile for the other.
func TestProxiesAreShown(t *testing.T) {
	kv := bucket(t, store.NewMemory())
	d := open(t, kv)
	asked := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/_wave/capabilities.xml":
			fmt.Fprint(w, `<w:robot xmlns:w="http://wave.google.com/extensions/robots/1.0"><w:version>1</w:version></w:robot>`)
		case "/_wave/robot/profile":
			name := "Echo"
			if r.URL.Query().Get("name") == "bob" {
				name = "Robert"
			}
			fmt.Fprintf(w, `{"name":%q,"imageUrl":"","profileUrl":""}`, name)
			asked <- r.URL.RawQuery
		}
	}))
	defer server.Close()
	register(t, d, robots.Registration{Address: echo, Callback: server.URL})
	state := wavelet.NewState(wavelet.Name{Wave: "example.com!w+a", Wavelet: "example.com!conv+root"})
	const bob, carl = "echo+bob@example.com", "echo+carl@example.com"
	if err := state.Apply(wavelet.Commit{Wavelet: state.Name(), Version: 1, Delta: wavelet.Delta{Author: echo, Ops: []wavelet.Op{
		wavelet.AddParticipant{Who: echo}, wavelet.AddParticipant{Who: carl}, wavelet.AddParticipant{Who: bob}}}}); err != nil {
		t.Fatal(err)
	}
	robot, _, _ := d.InService(echo)
	b := events.Bundle{Seat: wavelet.Seat{Wavelet: state.Name(), Robot: echo}, State: state, Events: []events.Event{{Type: events.WaveletSelfAdded}}}
	if _, err := robot.Receive(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"", "name=carl", "name=bob"} {
		select {
		case got := <-asked:
			if got != want {
				t.Errorf("asked for %q, want %q", got, want)
			}
		case <-time.After(time.Minute):
			t.Fatalf("never asked for %q", want)
		}
	}
	for begin := time.Now(); d.Shown(bob).Name == "bob"; {
		if _, err := robot.Receive(t.Context(), b); err != nil || time.Since(begin) > time.Minute {
			t.Fatalf("how the proxy is shown is not known: %v", err)
		}
	}
	for _, dir := range []*robots.Directory{d, open(t, kv)} {
		for who, name := range map[wavelet.Participant]string{echo: "Echo", bob: "Robert", carl: "carl", "echo+dora@example.com": "dora"} {
			if got := dir.Shown(who); got != (wire.Profile{Address: who, Name: name}) {
				t.Errorf("%s is shown as %+v", who, got)
			}
		}
	}
}
