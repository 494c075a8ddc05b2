package wire

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"weir/wavelet"
)

// nameServer answers every question for an A record with an address that may
// change, and every other question with nothing, for as long as the test runs. It
// is asked for all names.
func nameServer(t *testing.T) *atomic.Pointer[netip.Addr] {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	answer := new(atomic.Pointer[netip.Addr])
	done := make(chan bool)
	go func() {
		defer close(done)
		buffer := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(reply(buffer[:n], *answer.Load()), from)
		}
	}()
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		conn.Close()
		<-done
	})
	return answer
}

// reply answers a question as RFC 1035 has it.
func reply(question []byte, with netip.Addr) []byte {
	end := 12
	for question[end] != 0 {
		end += int(question[end]) + 1
	}
	kind := binary.BigEndian.Uint16(question[end+1:])
	r := append([]byte{}, question[:end+5]...)
	r[2], r[3] = 0x81, 0x80               // an answer, by a server that looks further
	copy(r[6:], []byte{0, 0, 0, 0, 0, 0}) // no records
	if kind == 1 && with.Is4() {
		r[7] = 1
		r = append(r, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		r = append(r, with.AsSlice()...)
	}
	return r
}

// TestANameThatChangesItsMindGainsNothing points a robot's name at a public
// address while it is registered, and at this machine when it is called.
func TestANameThatChangesItsMindGainsNothing(t *testing.T) {
	answer := nameServer(t)
	var posts atomic.Int64
	server := httptest.NewServer(answering(200, "[]", &posts))
	defer server.Close()
	port := server.URL[strings.LastIndexByte(server.URL, ':'):]
	b := changed(newWavelet(t).blip("b+root", "", plain("a\n")).state, "b+root")
	for _, tt := range []struct {
		to    string
		guard Guard
		ok    bool
	}{
		{"127.0.0.1", Guard{}, false},
		{"169.254.169.254", Guard{}, false},
		{"10.0.0.1", Guard{Allow: Loopback()}, false},
		{"127.0.0.1", Guard{Allow: Loopback()}, true},
	} {
		public, to := netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr(tt.to)
		answer.Store(&public)
		addrs, err := net.DefaultResolver.LookupNetIP(t.Context(), "ip4", "robots.example.com")
		if err != nil || len(addrs) != 1 || tt.guard.Check(addrs[0]) != nil {
			t.Fatalf("looked up, the name is at %v, %v", addrs, err)
		}
		answer.Store(&to)
		posts.Store(0)
		p := NewPassive(spell, "http://robots.example.com"+port, NewClient(tt.guard, Timeouts{}, nil), PassiveOptions{})
		_, err = p.Receive(t.Context(), b)
		if (err == nil) != tt.ok || err != nil && !errors.Is(err, ErrForbiddenAddress) || (posts.Load() > 0) != tt.ok {
			t.Errorf("at %s: %v, %d posts", tt.to, err, posts.Load())
		}
		p.Close()
	}
}

// TestRedirectsAreNotFollowed sends the client elsewhere, from either request.
func TestRedirectsAreNotFollowed(t *testing.T) {
	var elsewhere atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer target.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, from := range []string{http.MethodGet, http.MethodPost} {
			ok := answering(200, "[]", new(atomic.Int64))
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == from {
					http.Redirect(w, r, target.URL, status)
					return
				}
				ok.ServeHTTP(w, r)
			}))
			p := NewPassive(spell, server.URL, NewClient(Guard{Allow: Loopback()}, Timeouts{}, nil), PassiveOptions{})
			b := changed(newWavelet(t).blip("b+root", "", plain("a\n")).state, "b+root")
			if _, err := p.Receive(t.Context(), b); !errors.Is(err, ErrStatus) || elsewhere.Load() != 0 {
				t.Errorf("%d after %s: error is %v, %d requests elsewhere", status, from, err, elsewhere.Load())
			}
			p.Close()
			server.Close()
		}
	}
}

// FuzzAnswer has a robot answer whatever comes to mind: the bundle is delivered,
// or the delivery fails and is worth another attempt; what was wrong is told.
func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(`[{"method":"wavelet.setTitle","id":"1","params":{"waveletTitle":"x"}}]`))
	f.Add(200, []byte(`[{"method":"robot.notify","params":{"capabilitiesHash":`))
	f.Add(204, []byte(nil))
	f.Add(302, []byte("\x00"))
	w := newWavelet(f).blip("b+root", "", plain("a\n"))
	b := changed(w.state, "b+root")
	var body []byte
	var status int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}))
	f.Cleanup(server.Close)
	caps := Capabilities{Wants: []Want{{Event: "DOCUMENT_CHANGED"}}}
	p := NewPassive(spell, server.URL, NewClient(Guard{Allow: Loopback()}, Timeouts{}, nil), PassiveOptions{Capabilities: caps, Known: true})
	f.Cleanup(p.Close)
	f.Fuzz(func(t *testing.T, code int, answer []byte) {
		status, body = 200+(code%400+400)%400, answer
		a, err := p.Receive(t.Context(), b)
		switch {
		case err != nil && !errors.Is(err, ErrStatus) && !errors.Is(err, ErrUnreachable):
			t.Errorf("status %d, %q: error is %v", status, body, err)
		case err == nil && status != 200:
			t.Errorf("status %d is no failure", status)
		}
		for _, failure := range a.Failures {
			if failure.Code < 400 || failure.Message == "" {
				t.Errorf("failure %+v says nothing", failure)
			}
		}
		for _, d := range a.Deltas {
			if err := w.state.Check(wavelet.Delta{Author: d.Author, Base: d.Base, Ops: d.Ops}); err != nil && d.Wavelet == w.state.Name() {
				t.Errorf("%q comes to a delta that is none: %v", body, err)
			}
		}
	})
}
