package main

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// ask sends bytes to a server and gives what it answers until it closes.
func ask(t *testing.T, addr, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	_, _ = io.WriteString(conn, text) // it may be cut short
	answer, _ := io.ReadAll(io.LimitReader(conn, 1<<10))
	return string(answer)
}

// TestTheEdgeSpeaksHTTP1Only without encryption, takes no long header, and cuts
// one that drips.
func TestTheEdgeSpeaksHTTP1Only(t *testing.T) {
	h, err := build(t.Context(), config{addr: "127.0.0.1:0", data: t.TempDir(), domain: "weir.local", devLogin: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = h.Run(ctx) })
	defer wg.Wait()
	defer stop()
	addr := h.listener.Addr().String()
	settings := "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	for name, tt := range map[string][2]string{
		"HTTP/1.1":           {"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200"},
		"HTTP/2":             {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings, "HTTP/1.1 "},
		"upgrade to HTTP/2":  {"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", "HTTP/1.1 200"},
		"a long header":      {"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 32<<10) + "\r\n\r\n", "HTTP/1.1 431"},
		"many header fields": {"GET /healthz HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: b\r\n", 6<<10) + "\r\n", "HTTP/1.1 431"},
	} {
		answer := ask(t, addr, tt[0])
		if !strings.HasPrefix(answer, tt[1]) || name == "HTTP/2" && strings.HasPrefix(answer, "HTTP/1.1 2") {
			t.Errorf("%s: answered %.40q, want %s", name, answer, tt[1])
		}
	}
	if got := h.edge().ReadHeaderTimeout; got <= 0 || got > 5*time.Second {
		t.Errorf("a header may take %v", got)
	}
}
