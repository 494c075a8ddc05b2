package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"weir/events/bus"
	"weir/robots"
	"weir/wavelet"
)

// overNATS has a server start a NATS server of its own.
func overNATS(c *config) { c.nats.listen = "127.0.0.1:0" }

// natsRobot registers a robot and connects as it.
func natsRobot(t *testing.T, h *house, id wavelet.Participant, more ...nats.Option) *nats.Conn {
	t.Helper()
	_, key, err := h.robots.Register(t.Context(), robots.Registration{Address: id, Transport: robots.TransportNATS})
	if err != nil {
		t.Fatal(err)
	}
	c, err := nats.Connect("nats://"+h.bus.Addr(), append([]nats.Option{
		nats.UserInfo(string(id), key), nats.CustomInboxPrefix(bus.InboxPrefix(id)), nats.Timeout(time.Minute),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
	}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// post has ann write a blip, and returns the status.
func post(t *testing.T, h *house, name wavelet.Name, text string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url()+"/api/v1/waves/"+name.Wave+"/"+name.Wavelet+"/blips", strings.NewReader(`{"text":"`+text+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Weir-User", "ann@weir.local")
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// appendTo is an operation that appends a blip.
func appendTo(name wavelet.Name, text string) string {
	return fmt.Sprintf(`[{"method":"wavelet.appendBlip","id":"1","params":{"waveId":%q,"waveletId":%q,"blipData":{"content":%q}}}]`, name.Wave, name.Wavelet, text)
}

// TestEchoesOverNATSAreEvicted has two robots echo each other over NATS, until
// the server puts one of them out and tells operators; then another is suspended,
// and when it gets a new key it has to go.
func TestEchoesOverNATSAreEvicted(t *testing.T) {
	h := running(t, overNATS)
	const a, b = wavelet.Participant("echo-a@weir.local"), wavelet.Participant("echo-b@weir.local")
	operator, err := nats.Connect("nats://"+h.bus.Addr(), nats.UserInfo("operator", h.adminToken), nats.Timeout(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	defer operator.Close()
	evictions, suspensions := make(chan *nats.Msg, 10), make(chan *nats.Msg, 10)
	if _, err := operator.ChanSubscribe("weir.decisions.*.evict", evictions); err != nil {
		t.Fatal(err)
	}
	if _, err := operator.ChanSubscribe("weir.robots.*.suspended", suspensions); err != nil {
		t.Fatal(err)
	}
	if err := operator.Flush(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{}, 2)
	name := wavelet.NewName("weir.local")
	for _, id := range []wavelet.Participant{a, b} {
		c := natsRobot(t, h, id, nats.NoReconnect(), nats.ClosedHandler(func(*nats.Conn) { gone <- struct{}{} }))
		_, err := c.Subscribe(bus.BundlesSubject(id), func(msg *nats.Msg) {
			answer := appendTo(name, "I am "+string(id)+" "+time.Now().String())
			if !strings.Contains(string(msg.Data), "WAVELET_BLIP_CREATED") {
				answer = "[]"
			}
			_ = msg.Respond([]byte(answer))
		})
		if err != nil {
			t.Fatal(err)
		}
		reply, err := c.Request(bus.CallSubject(id), []byte(`[{"method":"robot.notify","id":"1","params":{"capabilities":["WAVELET_BLIP_CREATED"]}}]`), time.Minute)
		if err != nil || !strings.Contains(string(reply.Data), `{"v":1,"status":200,"body":[{"id":"1","data":{}}],"limits":{`) {
			t.Fatalf("announced: %v, %+v", err, reply)
		}
	}
	if _, err := h.host.Create(t.Context(), name, "ann@weir.local", a, b); err != nil {
		t.Fatal(err)
	}
	if got := post(t, h, name, "hm"); got >= 300 {
		t.Fatalf("ann writes: status %d", got)
	}
	select {
	case msg := <-evictions:
		var d bus.DecisionMessage
		if err := json.Unmarshal(msg.Data, &d); err != nil || d.V != 1 || d.Server != "weir.local" || d.Rule != "depth" || d.Number == 0 || d.Robot != a && d.Robot != b {
			t.Errorf("decided %s, %v", msg.Data, err)
		}
	case <-time.After(time.Minute):
		t.Fatal("nobody is evicted")
	}
	if _, err := h.robots.Suspend(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.robots.RotateKey(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	for what, happened := range map[string]func() bool{
		"disconnected": func() bool { return len(gone) > 0 }, "told of": func() bool { return len(suspensions) > 0 },
	} {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for end := time.Now().Add(time.Minute); !happened(); <-tick.C {
			if time.Now().After(end) {
				t.Fatalf("the robot is not %s", what)
			}
		}
	}
}

// TestHowAnotherNATSIsNamed checks that what cannot be meant is refused at the
// start, and that nothing secret is shown.
func TestHowAnotherNATSIsNamed(t *testing.T) {
	for _, c := range []struct{ url, shown, wrong string }{
		{"nats://127.0.0.1:4222", "nats://127.0.0.1:4222", ""},
		{"127.0.0.1:4222", "nats://127.0.0.1:4222", ""},
		{"weir:secret@a:4222", "nats://weir:xxxxx@a:4222", ""},
		{"nats://weir:secret@a:4222, nats://weir:secret@b:4222", "nats://weir:xxxxx@a:4222,nats://weir:xxxxx@b:4222", ""},
		{"tls://secret@a:4222", "tls://xxxxx@a:4222", ""},
		{"nats://weir:sec ret@a:4222", "", "that is no URL"},
		{"nats://", "", "that is no URL"},
		{"http://weir:secret@a:4222", "", "http:// is not how NATS is reached"},
	} {
		got, err := natsFlags{NATS: c.url}.config()
		if c.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), c.wrong) || strings.Contains(err.Error(), "sec") {
				t.Errorf("%s: %v", c.url, err)
			}
			continue
		}
		if err != nil || got.shown("") != c.shown {
			t.Errorf("%s is shown as %s, %v", c.url, got.shown(""), err)
		}
	}
	for want, own := range map[string]natsConfig{"nats://127.0.0.1:1": {listen: "127.0.0.1:0"}, "tls://127.0.0.1:1": {listen: "127.0.0.1:0", tls: &tls.Config{}}} {
		if got := own.shown("127.0.0.1:1"); got != want {
			t.Errorf("the server's own is shown as %s, want %s", got, want)
		}
	}
	empty := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (natsFlags{NATS: "nats://a", NATSTokenFile: empty}).config(); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("an empty token file: %v", err)
	}
}
