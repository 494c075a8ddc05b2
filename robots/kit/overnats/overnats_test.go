package overnats_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"weir/events/bus"
	"weir/policies"
	"weir/robots/kit"
	"weir/robots/kit/overnats"
	"weir/wavelet"
)

const (
	address  = "kit@example.com"
	patience = time.Minute // for what happens in a moment
)

// open is a server's NATS that takes one robot, by its key, and gives each of its
// calls to answer.
func open(t *testing.T, stays func() bool, answer func(body string) bus.Reply) *bus.Bus {
	t.Helper()
	b, err := bus.Open(bus.Options{
		Listen: "127.0.0.1:0", Domain: "example.com", Look: 20 * time.Millisecond,
		Enter: func(id wavelet.Participant, key string) (func() bool, func(), error) {
			if id != address || key != "sesame" || !stays() {
				return nil, nil, &wavelet.Refusal{Code: "bad_key"}
			}
			return stays, func() {}, nil
		},
		Operator: func(string) bool { return false },
		Call:     func(_ context.Context, _ wavelet.Participant, body []byte) bus.Reply { return answer(string(body)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Know(address)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := b.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); wg.Wait(); b.Close() })
	return b
}

func always() bool { return true }

// results answers every operation, and says that the window of requests is full.
func results(body string) bus.Reply {
	var ops []kit.Operation
	_ = json.Unmarshal([]byte(body), &ops) // then there are none
	list := []map[string]any{}
	for _, op := range ops {
		list = append(list, map[string]any{"id": op.ID, "data": map[string]any{"newBlipId": "b+" + op.ID}})
	}
	now := time.Now()
	l := policies.Limits{Robot: address, At: now}
	if !strings.Contains(body, "robot.notify") || strings.Contains(body, "appendBlip") {
		l.Limits = []policies.Limit{{Name: "sustained2m", Max: 216, Used: 200, Remaining: 16, ResetsAt: now.Add(time.Hour)}}
	}
	return bus.Reply{Status: http.StatusOK, Body: list, Limits: l}
}

// TestARobotOverNATS has a robot hear a bundle, call while it answers, and call
// again where the server has said that it is near its limit.
func TestARobotOverNATS(t *testing.T) {
	calls := make(chan string, 10)
	b := open(t, always, func(body string) bus.Reply { calls <- body; return results(body) })
	var r *kit.Robot
	r = kit.New("kit", func(ctx context.Context, in *kit.Bundle, out *kit.Reply) error {
		said := kit.NewReply("example.com!w+1", "example.com!conv+root")
		said.Append("by a call")
		if got, err := r.Call(ctx, said); err != nil || len(got) != 1 || got[0].NewBlip() != "b+op1" {
			t.Errorf("call: %+v, %v", got, err)
		}
		soon, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if _, err := r.Call(soon, said); !errors.As(err, new(*kit.Held)) {
			t.Errorf("a call with a full window: %v", err)
		}
		out.Append("in the answer")
		return nil
	}, kit.DocumentChanged)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- overnats.Serve(ctx, "nats://"+b.Addr(), address, "sesame", r, nats.Timeout(patience))
	}() // awaited below
	wait := func() string {
		t.Helper()
		select {
		case body := <-calls:
			return body
		case err := <-served:
			t.Fatalf("served: %v", err)
		case <-time.After(patience):
			t.Fatal("no call comes")
		}
		return ""
	}
	if hello := wait(); !strings.Contains(hello, `"capabilities":[{"context":"ALL","name":"DOCUMENT_CHANGED"}]`) {
		t.Errorf("it began with %s", hello)
	}
	asking, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	answer, err := b.Ask(asking, address, []byte(`{"bundle":{"id":"b1","token":"token1","lane":"human"},"wavelet":{"waveId":"example.com!w+1","waveletId":"example.com!conv+root"}}`))
	if err != nil || !strings.Contains(string(answer), "in the answer") {
		t.Errorf("answer %s, %v", answer, err)
	}
	if body := wait(); !strings.Contains(body, `"bundle":"token1"`) || !strings.Contains(body, "by a call") {
		t.Errorf("called with %s", body)
	}
	stop()
	if err := <-served; err != nil || len(calls) > 0 {
		t.Errorf("served: %v, %d calls more", err, len(calls))
	}
}

// TestABundleThatFails has a robot fail, panic and say too much at once, and the server told so.
func TestABundleThatFails(t *testing.T) {
	b := open(t, always, results)
	wrong := errors.New("no dictionary " + strings.Repeat("x", bus.MaxPayload))
	r := kit.New("kit", func(_ context.Context, in *kit.Bundle, out *kit.Reply) error {
		switch in.Label.ID {
		case "panic":
			panic("no dictionary at all")
		case "long":
			out.Append(strings.Repeat("no dictionary ", bus.MaxPayload/10))
			return nil
		}
		return wrong
	})
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- overnats.Serve(ctx, "nats://"+b.Addr(), address, "sesame", r, nats.Timeout(patience))
	}() // awaited below
	asking, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for bundle, want := range map[string]bus.Failure{
		`none`: {Code: "400", Text: "not a bundle"}, `{}`: {Code: "500", Text: "no dictionary "},
		`{"bundle":{"id":"panic"}}`: {Code: "500", Text: "panicked: no dictionary at all"}, `{"bundle":{"id":"long"}}`: {Code: "500", Text: "say less at once"},
	} {
		answer, err := b.Ask(asking, address, []byte(bundle))
		for errors.Is(err, bus.ErrAbsent) { // it is about to connect
			answer, err = b.Ask(asking, address, []byte(bundle))
		}
		if f, ok := errors.AsType[*bus.Failure](err); !ok || f.Code != want.Code || !strings.Contains(f.Text, want.Text) {
			t.Errorf("%s: answered %q, %v", bundle, answer, err)
		}
	}
	stop()
	if err := <-served; err != nil {
		t.Errorf("served: %v", err)
	}
}

// TestWhoIsNotLetIn has the server refuse a robot, at first and later.
func TestWhoIsNotLetIn(t *testing.T) {
	var mu sync.Mutex
	in := true
	b := open(t, func() bool { mu.Lock(); defer mu.Unlock(); return in }, results)
	url := "nats://" + b.Addr()
	if err := overnats.Serve(t.Context(), url, address, "guess", kit.New("kit", nil), nats.Timeout(patience)); !errors.Is(err, overnats.ErrRefused) {
		t.Errorf("with a wrong key: %v", err)
	}
	connected := make(chan struct{})
	served := make(chan error, 1)
	go func() {
		served <- overnats.Serve(t.Context(), url, address, "sesame", kit.New("kit", nil), nats.Timeout(patience), nats.ReconnectWait(10*time.Millisecond),
			nats.ConnectHandler(func(*nats.Conn) { close(connected) }))
	}() // awaited below
	select {
	case <-connected:
	case err := <-served:
		t.Fatalf("served: %v", err)
	}
	mu.Lock()
	in = false
	mu.Unlock()
	b.RobotChanged(address)
	select {
	case err := <-served:
		if err == nil {
			t.Error("thrown out without an error")
		}
	case <-time.After(patience):
		t.Error("thrown out, and still serving")
	}
}

// TestTokensAreTheServers compares with those of the server.
func TestTokensAreTheServers(t *testing.T) {
	for _, a := range []string{"echo@weir.local", "a b*c>d%e@x", "zoë@example.com"} {
		if got, want := overnats.Token(a), bus.Token(wavelet.Participant(a)); got != want {
			t.Errorf("%q is %s, the server has %s", a, got, want)
		}
	}
}
