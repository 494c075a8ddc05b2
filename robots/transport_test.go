package robots_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"weir/admission/blocks"
	"weir/events"
	"weir/policies"
	"weir/robots"
	"weir/robots/wire"
	"weir/store"
	"weir/wavelet"
)

// TestRobotsThatConnect goes through the life of a robot that connects to the
// server: how it is registered, let in, asked, and no longer let in.
func TestRobotsThatConnect(t *testing.T) {
	blocked := map[wavelet.Participant]bool{}
	var asked []wavelet.Participant
	memory := store.NewMemory()
	d, err := robots.Open(t.Context(), bucket(t, memory), robots.Options{
		Domain: "example.com", Profiles: func() policies.Set { return policies.Builtin() },
		Blocked: func(id wavelet.Participant) (blocks.Block, bool) { return blocks.Block{}, blocked[id] },
		Ask: func(_ context.Context, id wavelet.Participant, line []byte) ([]byte, error) {
			asked = append(asked, id)
			return []byte(`[{"method":"robot.notify","id":"1","params":{"capabilities":["DOCUMENT_CHANGED"]}}]`), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for reg, want := range map[robots.Registration]wavelet.Code{
		{Address: echo, Transport: "pigeon"}:                                       robots.CodeTransport,
		{Address: echo, Transport: "nats", Callback: "https://robots.example.com"}: robots.CodeTransport,
	} {
		if _, _, err := d.Register(t.Context(), reg); codeOf(t, err) != want {
			t.Errorf("%+v: %v", reg, err)
		}
	}
	robot, key := register(t, d, robots.Registration{Address: echo, Transport: robots.TransportNATS})
	_, silent := register(t, d, robots.Registration{Address: "silent@example.com"})
	if robot.Transport != "nats" {
		t.Errorf("registered as %+v", robot)
	}
	for _, tt := range []struct {
		id   wavelet.Participant
		key  string
		want wavelet.Code
	}{
		{echo, silent, robots.CodeBadKey},
		{echo, "wr_", robots.CodeBadKey},
		{"silent@example.com", key, robots.CodeBadKey},
		{"silent@example.com", silent, robots.CodeTransport},
	} {
		if _, _, err := d.Enter(tt.id, tt.key); codeOf(t, err) != tt.want {
			t.Errorf("%s enters: %v, want %s", tt.id, err, tt.want)
		}
	}
	stays, leave, err := d.Enter(echo, key)
	if active, _ := d.Connections(echo); err != nil || !stays() || active != 1 {
		t.Fatalf("entered: %v; %d connections", err, active)
	}

	state := wavelet.NewState(wavelet.Name{Wave: "example.com!w+a", Wavelet: "example.com!conv+root"})
	b := events.Bundle{Seat: wavelet.Seat{Wavelet: state.Name(), Robot: echo}, State: state, Events: []events.Event{{Type: events.WaveletSelfAdded}}}
	to, _, _ := d.InService(echo)
	if _, err := to.Receive(t.Context(), b); err != nil || len(asked) != 1 || asked[0] != echo {
		t.Errorf("asked %v: %v", asked, err)
	}
	if r, _ := d.Get(echo); r.Capabilities == nil || r.Capabilities.Wants[0].Event != events.DocumentChanged {
		t.Errorf("its capabilities are %+v", r.Capabilities)
	}
	if d.Announce("silent@example.com", wire.Unannounced()); true {
		if r, _ := d.Get("silent@example.com"); r.Capabilities != nil {
			t.Errorf("one that is called over HTTP announced %+v", r.Capabilities)
		}
	}

	changes := 0
	d.OnChange(func(wavelet.Participant) { changes++ })
	blocked[echo] = true
	if stays() {
		t.Error("a blocked robot stays")
	}
	blocked[echo] = false
	if _, err := d.Suspend(t.Context(), echo); err != nil || !stays() {
		t.Errorf("a suspended robot does not stay, %v", err)
	}
	if _, out, err := d.Enter(echo, key); err != nil {
		t.Errorf("a suspended robot is not let in: %v", err)
	} else {
		out()
	}
	if _, _, ok := d.InService(echo); ok {
		t.Error("a suspended robot is in service")
	}
	if _, err := d.Resume(t.Context(), echo); err != nil || !stays() {
		t.Errorf("a resumed robot does not stay, %v", err)
	}
	if _, _, err := d.RotateKey(t.Context(), echo); err != nil || stays() || changes != 3 {
		t.Errorf("with the old key it stays; %d changes, %v", changes, err)
	}
	leave()
	if active, _ := d.Connections(echo); active != 0 {
		t.Errorf("%d connections", active)
	}

	without := open(t, bucket(t, memory)) // the same robots, and no bus
	to, _, ok := without.InService(echo)
	if _, err := to.Receive(t.Context(), events.Bundle{Seat: b.Seat, State: state, Events: []events.Event{{Type: events.DocumentChanged}}}); !ok || !errors.Is(err, wire.ErrUnreachable) || !strings.Contains(err.Error(), "--nats-listen") {
		t.Errorf("without a bus: %v", err)
	}
	if _, _, err := without.Register(t.Context(), robots.Registration{Address: "b@example.com", Transport: "nats"}); codeOf(t, err) != robots.CodeTransport {
		t.Errorf("registered without a bus: %v", err)
	}
}
