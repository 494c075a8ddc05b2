package web_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weir/admission"
	"weir/wavelet"
	"weir/wavelet/client"
)

// bareSocket opens a socket by hand, so that next to nothing is kept on this
// side.
func (h *house) bareSocket(conn net.Conn, who wavelet.Participant) *bufio.Reader {
	h.t.Helper()
	fmt.Fprintf(conn, "GET /ws?ticket=%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", h.ticket(who))
	in := bufio.NewReaderSize(conn, 256)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		h.t.Fatalf("%+v, %v", resp, err)
	}
	if got := resp.Header.Get("Sec-WebSocket-Extensions"); got != "" {
		h.t.Errorf("the socket speaks %s", got)
	}
	return in
}

// closeCode reads frames up to the closing one, and gives its code.
func closeCode(t *testing.T, in io.Reader) int {
	t.Helper()
	for {
		head := make([]byte, 2)
		if _, err := io.ReadFull(in, head); err != nil {
			t.Fatal(err)
		}
		payload := make([]byte, head[1]&0x7f)
		if _, err := io.ReadFull(in, payload); err != nil {
			t.Fatal(err)
		}
		if head[0]&0x0f == 8 {
			return int(binary.BigEndian.Uint16(payload))
		}
	}
}

// TestAMessageIsFinishedInTime: one that was begun and drips on, whole or in
// fragments, is cut after ten seconds, and an idle socket is not.
func TestAMessageIsFinishedInTime(t *testing.T) {
	for name, drip := range map[string]string{
		"a long frame":    "x",
		"empty fragments": "\x00\x80\x00\x00\x00\x00",
	} {
		synctest.Test(t, func(t *testing.T) {
			h := plan{pipes: newPipes(), handshake: time.Hour}.build(t)
			conn, err := h.pipes.dial(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			in := h.bareSocket(conn, ann)
			time.Sleep(20 * time.Second)
			begin := "\x01\xfe\x03\xe8\x00\x00\x00\x00" // a text frame of 1000 bytes, and more to come
			if name == "empty fragments" {
				begin = "\x01\x80\x00\x00\x00\x00"
			}
			began := time.Now()
			_, _ = io.WriteString(conn, begin)
			var dripping sync.WaitGroup
			dripping.Go(func() {
				for err := error(nil); err == nil; time.Sleep(100 * time.Millisecond) {
					_, err = io.WriteString(conn, drip)
				}
			})
			if got := closeCode(t, in); got != client.CloseUnfinished || client.StayAway(got) {
				t.Errorf("%s: closed with %d", name, got)
			}
			if took := time.Since(began); took != 10*time.Second {
				t.Errorf("%s: cut after %v", name, took)
			}
			if got := h.metric(`weir_edge_refused_total{layer="socket",reason="unfinished"}`); got != "1" {
				t.Errorf("%s: %q counted", name, got)
			}
			conn.Close()
			dripping.Wait()
		})
	}
}

// TestABodyArrivesInTime: one that drips is given up after ten seconds.
func TestABodyArrivesInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := plan{pipes: newPipes()}.build(t)
		conn, err := h.pipes.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, _ = io.WriteString(conn, "POST /connect HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{")
		var dripping sync.WaitGroup
		dripping.Go(func() {
			for err := error(nil); err == nil; time.Sleep(time.Second) {
				_, err = io.WriteString(conn, " ")
			}
		})
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != http.StatusBadRequest || time.Since(began) != 10*time.Second {
			t.Fatalf("%+v, %v after %v", resp, err, time.Since(began))
		}
		conn.Close()
		dripping.Wait()
		if got := h.metric(`weir_edge_refused_total{layer="http",reason="slow_body"}`); got != "1" {
			t.Errorf("%q counted", got)
		}
	})
}

// TestWhatAnIdleSocketTakes measures the heap and the stacks of this process
// before and after many sockets are opened that then do nothing. The bound is
// the one that docs/operations.md states.
func TestWhatAnIdleSocketTakes(t *testing.T) {
	const sockets, bound = 400, 64 << 10
	h := plan{admission: &admission.Config{}}.build(t)
	used := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	var conns []net.Conn
	open := func() {
		conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		h.bareSocket(conn, ann)
		hello := `{"id":1,"op":"connect","protocol":1}`
		if _, err := conn.Write(append([]byte{0x81, 0x80 | byte(len(hello)), 0, 0, 0, 0}, hello...)); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	open()
	before := used()
	for range sockets {
		open()
	}
	until(t, "all have connected", func() bool {
		n := 0
		for _, k := range h.connections("limit=1000").Sockets {
			if k.FramesOut > 0 {
				n++
			}
		}
		return n == sockets+1
	})
	each := (used() - before) / sockets
	t.Logf("%d bytes for a socket", each)
	if each > bound {
		t.Errorf("an idle socket takes %d bytes, more than %d", each, bound)
	}
	for _, conn := range conns {
		conn.Close()
	}
}
