package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"weir/events/bus"
	"weir/policies"
	"weir/robots"
	"weir/wavelet"
)

// TestASuspendedRobotIsToldWhy has a robot call too often over NATS until it is
// suspended. It is told by every door that it is, and by which limit; anything else
// is refused.
func TestASuspendedRobotIsToldWhy(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policies.yaml")
	text := "version: 1\ndefault: tiny\nprofiles:\n  tiny: {extends: default, about: For tests., burst: {interval: 0s, waiting: 0}, sustained: [{window: 10s, max: 3}]}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	h := running(t, overNATS, func(c *config) { c.policies = file })
	const id = wavelet.Participant("busy@weir.local")
	_, key, err := h.robots.Register(t.Context(), robots.Registration{Address: id, Transport: robots.TransportNATS})
	if err != nil {
		t.Fatal(err)
	}
	c, err := nats.Connect("nats://"+h.bus.Addr(), nats.UserInfo(string(id), key), nats.CustomInboxPrefix(bus.InboxPrefix(id)), nats.Timeout(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// call is what becomes of a call over NATS.
	call := func(method string) (status int, body string) {
		t.Helper()
		msg, err := c.Request(bus.CallSubject(id), []byte(`[{"method":"`+method+`","id":"1","params":{}}]`), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		var r struct {
			Status int
			Body   json.RawMessage
		}
		if err := json.Unmarshal(msg.Data, &r); err != nil {
			t.Fatal(err)
		}
		return r.Status, string(r.Body)
	}
	tick := time.NewTicker(20 * time.Millisecond) // more would be a flood
	defer tick.Stop()
	for end := time.Now().Add(5 * time.Minute); ; <-tick.C {
		status, body := call("robot.search")
		if status == http.StatusForbidden && strings.Contains(body, `"reason":"suspended"`) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("it is not suspended: %d %s", status, body)
		}
	}
	told := func(door string, l policies.Limits, err error) {
		t.Helper()
		if err != nil || l.Status != "suspended" || len(l.Decisions) == 0 || l.Decisions[0].Action != "suspend" || l.Decisions[0].Rule != "sustained10s" || l.Decisions[0].Reason == "" {
			t.Errorf("%s: told %+v, %v", door, l, err)
		}
	}
	var list []struct{ Data policies.Limits }
	status, body := call("robot.getLimits")
	if err := json.Unmarshal([]byte(body), &list); err != nil || status != http.StatusOK || len(list) != 1 {
		t.Fatalf("over NATS: %d %s, %v", status, body, err)
	}
	told("NATS", list[0].Data, nil)
	// ask asks over HTTP.
	ask := func(method, path, body string) (int, []byte) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, h.url()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json, text/event-stream")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, raw
	}
	var l policies.Limits
	_, raw := ask(http.MethodGet, "/api/v1/robots/"+string(id)+"/limits", "")
	err = json.Unmarshal(raw, &l)
	told("GET limits", l, err)
	list = nil
	if _, raw = ask(http.MethodPost, "/robot/rpc", `[{"method":"robot.getLimits","id":"1"}]`); json.Unmarshal(raw, &list) != nil || len(list) != 1 {
		t.Fatalf("POST /robot/rpc: %s", raw)
	}
	told("POST /robot/rpc", list[0].Data, nil)
	if status, raw = ask(http.MethodPost, "/robot/rpc", `[{"method":"robot.search","id":"1"}]`); status != http.StatusForbidden {
		t.Errorf("it searches: %d %s", status, raw)
	}
	type used struct {
		Result struct {
			IsError           bool
			StructuredContent struct{ Details policies.Limits }
		}
	}
	tool := func(name string) (r used) {
		t.Helper()
		_, raw := ask(http.MethodPost, "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"`+name+`","arguments":{}}}`)
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Errorf("%s: %s", name, raw)
		}
		return r
	}
	told("my_limits", tool("my_limits").Result.StructuredContent.Details, nil)
	if !tool("list_wavelets").Result.IsError {
		t.Error("it lists wavelets")
	}
}
