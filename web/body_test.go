package web_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// TestRestOfALongBodyIsNoRequest sends bodies that are longer than is read of
// them, with what looks like another request in the rest. It was answered once:
// the connection did not know that the body had not been read to its end.
func TestRestOfALongBodyIsNoRequest(t *testing.T) {
	h := build(t, nil)
	smuggled := "\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
	body := strings.Repeat("a", 1<<20) + strings.Repeat(smuggled, 30_000)
	for _, path := range []string{"/connect", "/api/v1/waves", "/api/v1/import/deltas", "/healthz", "/nowhere"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		var sending sync.WaitGroup
		sending.Go(func() {
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nWeir-User: %s\r\nContent-Length: %d\r\n\r\n%s",
				path, strings.TrimPrefix(h.url, "http://"), ann, len(body), body)
		})
		answers := bufio.NewReader(conn)
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		} else if resp.Body.Close(); resp.StatusCode < 400 {
			t.Errorf("%s: answered %s", path, resp.Status)
		} else if resp, err = http.ReadResponse(answers, nil); err == nil {
			t.Errorf("%s: what lies in the rest of the body was answered with %s", path, resp.Status)
		}
		conn.Close()
		sending.Wait()
	}
}

// TestWhatNeverBecomesARequestIsCounted sends what the HTTP server itself turns
// away, beside what it does not.
func TestWhatNeverBecomesARequestIsCounted(t *testing.T) {
	h := build(t, nil)
	edge := httptest.NewUnstartedServer(h.web)
	edge.Config.ConnContext, edge.Config.ConnState = h.web.ConnContext, h.web.ConnState
	edge.Config.MaxHeaderBytes = 4 << 10
	edge.Listener = h.web.Listen(edge.Listener)
	edge.Start()
	defer edge.Close()
	for _, text := range []string{
		"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("a", 64<<10) + "\r\n\r\n",
		"no request at all\r\n\r\n",
		"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", edge.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte(text))
		_, _ = io.Copy(io.Discard, conn) // until the server closes
		conn.Close()
	}
	edge.Close()
	if _, _, text := h.rest("", "GET", "/metrics", ""); !strings.Contains(text, `weir_edge_refused_total{layer="http",reason="unreadable"} 2`) {
		t.Error("the metrics do not show two requests that could not be read")
	}
}
