package web_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// TestWhoIsClosedIsNotReadFrom has a client that sends on and on after its socket
// was closed: the server waits for its goodbye, and once read all that came
// meanwhile, however long that took.
func TestWhoIsClosedIsNotReadFrom(t *testing.T) {
	h := build(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	edge := &http.Server{Handler: h.web, ConnContext: h.web.ConnContext, ConnState: h.web.ConnState}
	served := make(chan error, 1)
	go func() { served <- edge.Serve(h.web.Listen(l)) }()
	defer func() {
		edge.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}()

	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	_ = raw.(*net.TCPConn).SetWriteBuffer(64 << 10)
	_, err = io.WriteString(raw, "GET /ws?ticket="+url.QueryEscape(h.ticket(ann))+" HTTP/1.1\r\nHost: "+l.Addr().String()+
		"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	frame := append([]byte{0x81, 0x80 | 2, 0, 0, 0, 0}, "{}"...) // a text message, masked with zeros
	if _, err := raw.Write(frame); err != nil {
		t.Fatal(err)
	}
	big := append([]byte{0x82, 0x80 | 127, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, make([]byte, 64<<10)...)
	taken := 0
	_ = raw.SetWriteDeadline(time.Now().Add(20 * time.Second))
	for err == nil && taken < 256<<20 {
		var n int
		n, err = raw.Write(big)
		taken += n
	}
	if err == nil {
		t.Errorf("the server has taken %d MiB from a client that it had closed, and takes more", taken>>20)
	}
	t.Logf("%d KiB taken until %v", taken>>10, err)
}
