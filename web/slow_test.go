package web_test

import (
	"context"
	"fmt"
	"iter"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/richtext"
	"weir/web"
)

// A socket that is not read from. How much of what is written to it the kernel
// would take is anybody's guess, so these run over connections that hold
// nothing, and go on when nothing moves any more.

// pipes is a listener whose connections are in memory: a write waits until it
// is read.
type pipes struct {
	fresh  chan net.Conn
	closed chan struct{}
	close  func()
}

func newPipes() *pipes {
	p := &pipes{fresh: make(chan net.Conn), closed: make(chan struct{})}
	p.close = sync.OnceFunc(func() { close(p.closed) })
	return p
}

// Addr is where people come from who need no password.
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

func (p *pipes) Close() error {
	p.close()
	return nil
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.fresh:
		return near{c, p.Addr()}, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.fresh <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: p.dial}}
}

// near is a connection from the server's own machine.
type near struct {
	net.Conn
	from net.Addr
}

func (c near) RemoteAddr() net.Addr { return c.from }

// slow is bob's socket, subscribed to a wavelet, and what he heard.
type slow struct {
	*wire
	h    *house
	name wavelet.Name
	at   string // the wavelet in a frame
	root wavelet.BlipID
	head wavelet.Version // of the wavelet
	last wavelet.Version // heard
	kept int             // bytes of ops heard since nothing was read
}

func newSlow(h *house) *slow {
	h.t.Helper()
	name := h.wave(bob)
	s := h.state(name)
	return &slow{
		wire: h.raw(bob), h: h, name: name, at: fmt.Sprintf(`"wave":%q,"wavelet":%q`, name.Wave, name.Wavelet),
		root: s.Root(), head: s.Version(), last: s.Version(),
	}
}

// page is nearly as much as a queue holds.
var page = strings.Repeat("x", 250<<10)

// write puts pages in and out again. After each change it waits until the
// server has done all it can.
func (s *slow) write(pages int) {
	s.t.Helper()
	for range pages {
		for _, d := range []richtext.Delta{insert(0, page), richtext.Delta{}.Delete(len(page))} {
			c, err := s.h.host.SubmitHuman(s.t.Context(), s.name, wavelet.Delta{
				Author: ann, Base: s.head, Ops: []wavelet.Op{wavelet.EditBlip{Blip: s.root, Delta: d}},
			})
			if err != nil {
				s.t.Fatal(err)
			}
			s.head = c.Version
			synctest.Wait()
		}
	}
}

// subscribe asks for what comes after the last version heard.
func (s *slow) subscribe() {
	s.t.Helper()
	s.say(fmt.Sprintf(`{"id":2,"op":"subscribe",%s,"version":%d}`, s.at, s.last))
	if f := s.hear(); f.ID != 2 || f.Err != nil {
		s.t.Fatalf("subscribe: %+v", f)
	}
	s.kept = 0
	synctest.Wait()
}

// read takes commits, each the next, up to the head; it tells whether a resync
// came before.
func (s *slow) read() (resync bool) {
	s.t.Helper()
	for s.last < s.head {
		f := s.hear()
		if f.Push == client.PushResync && f.Version == s.last {
			return true
		}
		if f.Push != client.PushCommit || f.Version != s.last+1 {
			s.t.Fatalf("after version %d: %s %d", s.last, f.Push, f.Version)
		}
		s.last = f.Version
		s.kept += len(f.Ops)
	}
	return false
}

// resyncs wants so many in the metrics.
func (s *slow) resyncs(n int) {
	s.t.Helper()
	if _, _, text := s.h.rest("", "GET", "/metrics", ""); !strings.Contains(text, fmt.Sprintf("weir_resyncs_total %d\n", n)) {
		s.t.Errorf("the metrics do not show %d resyncs", n)
	}
}

// TestSlowReaderIsToldToResync does not read while a lot happens. It costs the
// server a bounded queue, nobody waits for it, and it finds its way back.
func TestSlowReaderIsToldToResync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(plan{pipes: newPipes()}.build(t))
		s.subscribe()
		s.write(8)
		if !s.read() {
			t.Fatalf("all %d versions came, and no resync", s.head)
		}
		// One page is being written, two fill the queue.
		if s.kept > 3*len(page)+4<<10 {
			t.Errorf("%d bytes were kept for a socket that is not read from", s.kept)
		}
		s.subscribe()
		if s.read() {
			t.Fatal("a second resync, of a reader that reads")
		}
		s.resyncs(1)
	})
}

// TestWhoDoesNotReadIsCutOff in the middle of a message, where no close frame can
// stand: the code is in the metrics, and the client sees the connection end.
func TestWhoDoesNotReadIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(plan{pipes: newPipes()}.build(t))
		s.subscribe()
		s.write(1)
		time.Sleep(11 * time.Second)
		if got := s.closed(); got != -1 {
			t.Errorf("closed with %d", got)
		}
		synctest.Wait()
		s.h.metrics(`weir_edge_refused_total{layer="close",reason="4413"} 1`)
	})
}

// held is a host whose first reading of a log does not end before it may.
type held struct {
	web.Host
	first sync.Once
	end   chan struct{}
}

func (h *held) Read(ctx context.Context, name wavelet.Name, from wavelet.Version) iter.Seq2[wavelet.Commit, error] {
	return func(yield func(wavelet.Commit, error) bool) {
		for c, err := range h.Host.Read(ctx, name, from) {
			if !yield(c, err) {
				return
			}
		}
		h.first.Do(func() { <-h.end })
	}
}

// TestMissedBurstIsReadFromTheLog lets more happen than the hub remembers before
// a subscription looks there for the first time, and then does not read: nothing
// is kept for it, and it need not start over.
func TestMissedBurstIsReadFromTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &held{end: make(chan struct{})}
		s := newSlow(plan{pipes: newPipes(), host: func(h web.Host) web.Host { log.Host = h; return log }}.build(t))
		s.subscribe()
		s.write(4)
		close(log.end)
		s.write(4)
		if s.read() {
			t.Fatalf("a resync at version %d of %d", s.last, s.head)
		}
		s.resyncs(0)
	})
}
