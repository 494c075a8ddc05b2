package rpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"weir/gateway"
	"weir/robots/rpc"
	"weir/wavelet"
)

// TestServeIsTheSameWithoutHTTP makes calls by another transport: they are
// carried out, refused and counted like those of POST /robot/rpc.
func TestServeIsTheSameWithoutHTTP(t *testing.T) {
	h := build(t)
	key := h.register(echo, "", "unlimited")
	h.register(other, "", "tiny")
	name := h.wave(echo, other)
	counted := map[string]int{}
	door := rpc.New(h.directory, h.gateway, rpc.Options{Refused: func(layer, reason string) { counted[layer+" "+reason]++ }})
	serve := func(id wavelet.Participant, body string) (rpc.Reply, string) {
		t.Helper()
		r := door.Serve(t.Context(), rpc.Call{Robot: id, Via: gateway.ViaNATS, Body: []byte(body)})
		raw, err := json.Marshal(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r, string(raw)
	}
	write := `[{"method":"wavelet.appendBlip","id":"1","params":{` + ids(name) + `,"blipData":{"content":"once"}}}]`
	r, raw := serve(echo, write)
	if r.Status != http.StatusOK || !strings.Contains(raw, `"newBlipId"`) || r.Limits.Robot != string(echo) {
		t.Errorf("status %d, limits of %q: %s", r.Status, r.Limits.Robot, raw)
	}
	if _, raw := serve(echo, ask); !strings.HasPrefix(raw, `[{"id":"op7","data":{}},{"id":"op1"`) {
		t.Errorf("limits: %s", raw)
	}
	if resp, byHTTP := h.post(key, "hello"); true {
		r, raw := serve(echo, "hello")
		if r.Status != resp.StatusCode || raw != strings.TrimSpace(string(byHTTP)) {
			t.Errorf("no list: %d %s, by HTTP %d %s", r.Status, raw, resp.StatusCode, byHTTP)
		}
	}
	for range 50 {
		if r, raw = serve(other, write); r.Status != http.StatusOK {
			break
		}
	}
	if r.Status != http.StatusTooManyRequests || r.RetryAfter <= 0 || !strings.Contains(raw, `"limit"`) {
		t.Errorf("called too often: %d, wait %s: %s", r.Status, r.RetryAfter, raw)
	}
	if r, raw = serve("nobody@example.com", ask); r.Status != http.StatusUnauthorized || !strings.Contains(raw, "bad_key") {
		t.Errorf("nobody: %d %s", r.Status, raw)
	}
	if _, err := h.directory.Suspend(t.Context(), echo); err != nil {
		t.Fatal(err)
	}
	if r, raw = serve(echo, write); r.Status != http.StatusForbidden || !strings.Contains(raw, "suspended") {
		t.Errorf("suspended: %d %s", r.Status, raw)
	}
	if counted["robots suspended"] != 1 || counted["robots bad_key"] != 1 || counted["robots bad_request"] != 1 || counted["robots rate_limited"] != 1 {
		t.Errorf("counted %v", counted)
	}
}

// TestLookIsAdmittedLikeACall has a robot look at something: that is counted,
// and refused, as if it had operations.
func TestLookIsAdmittedLikeACall(t *testing.T) {
	h := build(t)
	h.register(echo, "", "tiny")
	door := rpc.New(h.directory, h.gateway, rpc.Options{})
	looked := 0
	look := func(id wavelet.Participant) rpc.Reply {
		return door.Look(t.Context(), rpc.Call{Robot: id, Via: gateway.ViaMCP}, func(context.Context) { looked++ })
	}
	r := look(echo)
	if r.Status != http.StatusOK || r.Err != nil || looked != 1 || r.Limits.Robot != string(echo) {
		t.Errorf("%+v, looked %d times", r, looked)
	}
	n := 1
	for ; n < 50 && r.Err == nil; n++ {
		r = look(echo)
	}
	if refused, ok := errors.AsType[*wavelet.Refusal](r.Err); !ok || refused.Limit == "" || r.RetryAfter <= 0 || looked != n-1 {
		t.Errorf("too often: %+v, looked %d times of %d", r, looked, n)
	}
	if r := look("nobody@example.com"); r.Status != http.StatusUnauthorized || r.Err == nil {
		t.Errorf("nobody: %+v", r)
	}
	if _, err := h.directory.Suspend(t.Context(), echo); err != nil {
		t.Fatal(err)
	}
	if r := look(echo); r.Status != http.StatusForbidden || looked != n-1 {
		t.Errorf("suspended: %+v", r)
	}
	for queries := 0; ; queries++ { // it may come as far as its limits, and as often as it may ask for them
		r := door.Look(t.Context(), rpc.Call{Robot: echo, Via: gateway.ViaMCP, Opening: true}, func(context.Context) { looked++ })
		if r.Limits.Status != "suspended" {
			t.Errorf("an opening of one that is suspended: %+v", r)
		}
		if r.Err != nil || queries > 100 {
			if refused, ok := errors.AsType[*wavelet.Refusal](r.Err); !ok || refused.Limit != "limitsQuery" || looked != n-1+queries {
				t.Errorf("opened %d times: %+v", queries, r)
			}
			break
		}
	}
}
