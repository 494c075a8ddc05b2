package web_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"weir/admission/bounds"
	"weir/robots"
)

// TestNoRoomForBodies sends long requests while the room is taken, then lets
// them in.
func TestNoRoomForBodies(t *testing.T) {
	const size = 1 << 20
	room := bounds.NewBodies(bounds.BodiesOptions{Bytes: size, Wait: 50 * time.Millisecond})
	h := plan{bodies: room}.build(t)
	_, key, err := h.directory.Register(t.Context(), robots.Registration{Address: "caller@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	post := func(ctx context.Context, path, token string, n int) (*http.Response, error) {
		body := io.MultiReader(strings.NewReader(`{"title":"a"}`), strings.NewReader(strings.Repeat(" ", n))) // of a length that is not announced
		if path == "/robot/rpc" {
			body = strings.NewReader("[" + strings.Repeat(" ", n) + "]")
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+path, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		req.Header.Set("Weir-User", string(ann))
		resp, err := h.http.Do(req)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		return resp, err
	}
	doors := []struct{ path, token string }{{"/robot/rpc", key}, {"/api/v1/waves", ""}}
	taken := room.Body(t.Context(), nil, size, size, nil)
	if err := taken.Reserve(); err != nil {
		t.Fatal(err)
	}
	for _, d := range doors {
		resp, err := post(t.Context(), d.path, d.token, 200_000)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != "1" {
			t.Errorf("%s: %s, Retry-After %q", d.path, resp.Status, resp.Header.Get("Retry-After"))
		}
		if d.path == "/robot/rpc" {
			if resp, err = post(t.Context(), d.path, d.token, 1000); err != nil || resp.StatusCode != http.StatusOK {
				t.Errorf("%s: a short one: %v, %v", d.path, resp, err)
			}
		}
	}
	if _, _, text := h.rest("", "GET", "/metrics", ""); !strings.Contains(text, `weir_edge_refused_total{layer="memory",reason="full"} 2`) {
		t.Error("the refusals are not counted")
	}
	taken.Release()
	for _, d := range doors {
		if resp, err := post(t.Context(), d.path, d.token, 200_000); err != nil || resp.StatusCode >= 300 {
			t.Errorf("%s: with room: %v, %v", d.path, resp, err)
		}
	}
}

// TestAGoneCallerFreesTheRoom has a caller go away in the middle of a long body.
func TestAGoneCallerFreesTheRoom(t *testing.T) {
	const size = 1 << 20
	room := bounds.NewBodies(bounds.BodiesOptions{Bytes: size, Wait: time.Minute})
	h := plan{bodies: room}.build(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /api/v1/waves HTTP/1.1\r\nHost: localhost\r\nWeir-User: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", ann, size)
	if _, err := conn.Write([]byte(strings.Repeat(" ", size/2))); err != nil {
		t.Fatal(err)
	}
	until(t, "the server has room for the body", func() bool { return room.Held() > 0 })
	conn.Close()
	if err := room.Body(t.Context(), nil, size, size, nil).Reserve(); err != nil {
		t.Errorf("the room is still taken: %v", err)
	}
}
