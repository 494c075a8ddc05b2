package rpc_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"weir/robots/oauth"
)

// TestRefusedBeforeTheBody sends the heads of requests, and never their bodies:
// what they say of their signer is answered all the same.
func TestRefusedBeforeTheBody(t *testing.T) {
	h := build(t)
	key := h.register(echo, "", "unlimited")
	own := oauth.Credentials{Key: string(echo), Secret: key}
	nobody := oauth.Credentials{Key: "nobody@example.com", Secret: key}
	at, err := url.Parse(h.url)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		signed string
		header bool
		bearer string
		want   string // the reason
	}{
		{name: "unknown key in the query", signed: sign(t, h.url, ask, nobody, time.Now()), want: "bad_key"},
		{name: "unknown key in the header", signed: sign(t, h.url, ask, nobody, time.Now()), header: true, want: "bad_key"},
		{name: "stale", signed: sign(t, h.url, ask, own, time.Now().Add(-time.Hour)), want: "bad_signature"},
		{name: "bearer", signed: h.url + "/robot/rpc", bearer: "Bearer wrong", want: "bad_key"},
	} {
		target, auth := tt.signed, tt.bearer
		if tt.header {
			target, auth = asHeader(t, tt.signed)
		}
		// A flood of them, none of which ever sends a byte of its body.
		for range 20 {
			conn, err := net.Dial("tcp", at.Host)
			if err != nil {
				t.Fatal(err)
			}
			if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n", strings.TrimPrefix(target, h.url), at.Host)
			if auth != "" {
				fmt.Fprintf(conn, "Authorization: %s\r\n", auth)
			}
			fmt.Fprint(conn, "\r\n")
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			body := make([]byte, 4096)
			n, _ := resp.Body.Read(body)
			if resp.StatusCode != http.StatusUnauthorized || !strings.Contains(string(body[:n]), tt.want) || !resp.Close {
				t.Fatalf("%s: %s, close %v: %s", tt.name, resp.Status, resp.Close, body[:n])
			}
			conn.Close()
		}
	}
}
