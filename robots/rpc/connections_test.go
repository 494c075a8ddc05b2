package rpc_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// TestConnectionsOfARobotAreCounted opens a hundred calls of a robot that may
// have fifty, and ends them only when all are answered or let in.
func TestConnectionsOfARobotAreCounted(t *testing.T) {
	h := build(t)
	key := h.register(echo, "", "few")
	finish := make(chan struct{})
	outcomes := make(chan *http.Response, 100)
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			body, write := io.Pipe()
			all.Go(func() {
				<-finish
				_, _ = io.Copy(write, strings.NewReader(ask)) // nobody reads what was refused
				_ = write.Close()
			})
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+"/robot/rpc", body)
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Authorization", "Bearer "+key)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close()
			outcomes <- resp
		})
	}
	for range 50 {
		if resp := <-outcomes; resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "1" {
			t.Errorf("refused with %s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
		}
	}
	for {
		if r, err := h.directory.Get(echo); err != nil || r.Connections >= 50 {
			if r.Connections != 50 {
				t.Errorf("%d calls are under way, %v", r.Connections, err)
			}
			break
		}
	}
	if _, err := h.directory.Connect(echo); err == nil {
		t.Error("a bundle finds room beside the calls")
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+"/api/v1/robots/echo@example.com/limits", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Admin", "yes")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || !strings.Contains(string(shown), `{"name":"maxConnections","max":50,"window":"0s","used":50,"remaining":0}`) {
		t.Errorf("what is shown is not what is enforced: %s, %v", shown, err)
	}
	close(finish)
	all.Wait()
	close(outcomes)
	for resp := range outcomes {
		if resp.StatusCode != http.StatusOK {
			t.Errorf("let in, and answered with %s", resp.Status)
		}
	}
	if r, err := h.directory.Get(echo); err != nil || r.Connections != 0 {
		t.Errorf("%d connections stand in the end, %v", r.Connections, err)
	}
}
