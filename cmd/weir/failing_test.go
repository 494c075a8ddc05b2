package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"weir/events/bus"
	"weir/gateway"
	"weir/robots/kit"
	"weir/wavelet"
)

// patiently has robots given ten minutes to answer.
func patiently(t *testing.T) func(*config) {
	file := filepath.Join(t.TempDir(), "policies.yaml")
	text := "version: 1\ndefault: patient\nprofiles:\n  patient: {extends: default, about: With time., delivery: {timeout: 10m}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(c *config) { c.policies, c.timeScale = file, 1 }
}

// TestABundleThatFailsIsSentAgain has robots fail their first bundle by each door. It
// comes again when the lane has backed off, long before the server would miss the
// answer; the failure is shown, and counted alike.
func TestABundleThatFailsIsSentAgain(t *testing.T) {
	h := running(t, overNATS, patiently(t))
	const overHTTPID, overNATSID, rawID = "http@weir.local", "nats@weir.local", "raw@weir.local"
	all := []wavelet.Participant{overHTTPID, overNATSID, rawID}
	again := make(chan wavelet.Participant, len(all))
	// try is what becomes of a bundle of a robot.
	tries := map[wavelet.Participant]*atomic.Int32{}
	try := func(id wavelet.Participant) error {
		switch tries[id].Add(1) {
		case 1:
			return errors.New("the dictionary is gone " + strings.Repeat("x", 5000))
		case 2:
			if r, err := h.robots.Get(id); err != nil || !strings.Contains(r.LastError, "the dictionary is gone") || !strings.Contains(r.LastError, "500") ||
				!strings.Contains(r.LastError, "robot answered with an error") || len(r.LastError) > 500 {
				t.Errorf("%s: its last error is %q, %v", id, r.LastError, err)
			}
			again <- id
		}
		return nil
	}
	for _, id := range all {
		tries[id] = &atomic.Int32{}
	}
	for id, door := range map[string]door{overHTTPID: overHTTP, overNATSID: outbound} {
		door(t, h, id, func(key string) *kit.Robot {
			return kit.NewWith(kit.Options{Key: key}, id, func(context.Context, *kit.Bundle, *kit.Reply) error { return try(wavelet.Participant(id)) })
		})
	}
	c := natsRobot(t, h, rawID)
	if _, err := c.Subscribe(bus.BundlesSubject(rawID), func(msg *nats.Msg) {
		reply := nats.NewMsg(msg.Reply)
		if err := try(rawID); err != nil {
			reply.Header.Set("Nats-Service-Error", err.Error())
			reply.Header.Set("Nats-Service-Error-Code", "500")
		}
		_ = msg.RespondMsg(reply)
	}); err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	name := wavelet.NewName("weir.local")
	if _, err := h.host.Create(t.Context(), name, "ann@weir.local", all...); err != nil {
		t.Fatal(err)
	}
	for range all {
		select {
		case <-again:
		case <-time.After(time.Minute):
			t.Fatal("a bundle that failed does not come again")
		}
	}
	counted := func() (list []gateway.RobotStats) {
		for _, s := range h.gateway.Stats().Robots {
			if s.HumanBundles == 1 {
				list = append(list, s)
			}
		}
		return list
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); len(counted()) < len(all); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("delivered: %+v", h.gateway.Stats().Robots)
		}
	}
	for _, s := range counted() {
		if s.Failures != 1 || s.Retries != 1 {
			t.Errorf("%s: %d failures, %d retries", s.Robot, s.Failures, s.Retries)
		}
	}
}
