package web_test

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// pulse counts edits and lets others wait for more of them: the time in which
// the proxy's delays are measured.
type pulse struct {
	mu      sync.Mutex
	n       int
	waiting map[chan struct{}]int // until which count
}

func newPulse() *pulse { return &pulse{waiting: map[chan struct{}]int{}} }

func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	for c, until := range p.waiting {
		if p.n >= until {
			close(c)
			delete(p.waiting, c)
		}
	}
}

// wait returns after k more beats, or when they do not come: the one who would
// make them may be waiting for this.
func (p *pulse) wait(k int) {
	if k == 0 {
		return
	}
	c := make(chan struct{})
	p.mu.Lock()
	p.waiting[c] = p.n + k
	p.mu.Unlock()
	select {
	case <-c:
	case <-time.After(2 * time.Millisecond):
		p.mu.Lock()
		delete(p.waiting, c)
		p.mu.Unlock()
	}
}

// proxy stands between clients and a server. It holds chunks back for a random
// number of edits and cuts connections after a random number of bytes, with
// whatever is under way in them.
type proxy struct {
	t       *testing.T
	target  string
	pulse   *pulse
	listen  net.Listener
	wg      sync.WaitGroup
	mu      sync.Mutex
	rng     *rand.Rand
	mean    int // bytes between cuts, on average; 0: never
	cuts    int
	closing bool
	conns   map[net.Conn]bool
}

func newProxy(t *testing.T, target string, seed uint64, mean int, p *pulse) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x := &proxy{t: t, target: target, pulse: p, listen: l, mean: mean, rng: rand.New(rand.NewPCG(seed, 99)), conns: map[net.Conn]bool{}}
	x.wg.Go(x.accept)
	t.Cleanup(x.close)
	return x
}

func (x *proxy) url() string { return "http://" + x.listen.Addr().String() }

func (x *proxy) close() {
	x.mu.Lock()
	x.closing = true
	x.listen.Close()
	for c := range x.conns {
		c.Close()
	}
	x.mu.Unlock()
	x.wg.Wait()
}

// lead sends new connections to another server.
func (x *proxy) lead(target string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.target = target
}

// calm lets everything pass from now on.
func (x *proxy) calm() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.mean = 0
}

func (x *proxy) cutsSoFar() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.cuts
}

func (x *proxy) accept() {
	for {
		in, err := x.listen.Accept()
		if err != nil {
			return
		}
		x.mu.Lock()
		target := x.target
		x.mu.Unlock()
		out, err := net.Dial("tcp", target)
		if err != nil {
			in.Close()
			continue
		}
		if !x.adopt(in, out) {
			return
		}
		cut := sync.OnceFunc(func() { x.drop(in, out) })
		x.wg.Go(func() { defer cut(); x.pipe(out, in) })
		x.wg.Go(func() { defer cut(); x.pipe(in, out) })
	}
}

func (x *proxy) adopt(cs ...net.Conn) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range cs {
		if x.closing {
			c.Close()
		}
		x.conns[c] = true
	}
	return !x.closing
}

// drop ends both halves at once; half of the time as a reset, which also
// destroys what has arrived and was not read.
func (x *proxy) drop(cs ...net.Conn) {
	x.mu.Lock()
	defer x.mu.Unlock()
	reset := x.rng.IntN(2) == 0
	for _, c := range cs {
		if reset {
			c.(*net.TCPConn).SetLinger(0)
		}
		c.Close()
		delete(x.conns, c)
	}
}

func (x *proxy) pipe(to io.Writer, from io.Reader) {
	buffer := make([]byte, 4096)
	budget := x.draw()
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			hold, mean := x.hold()
			x.pulse.wait(hold)
			if mean > 0 {
				if budget -= n; budget < 0 {
					x.mu.Lock()
					x.cuts++
					x.mu.Unlock()
					return
				}
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// draw is how many bytes a direction of a new connection may carry.
func (x *proxy) draw() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return int(x.rng.ExpFloat64() * float64(x.mean))
}

// hold is for how many edits the next chunk waits, and whether the weather is
// still bad.
func (x *proxy) hold() (edits, mean int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.mean == 0 || x.rng.IntN(4) > 0 {
		return 0, x.mean
	}
	return 1 + x.rng.IntN(12), x.mean
}

// cutAll ends every connection there is.
func (x *proxy) cutAll() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for c := range x.conns {
		c.Close()
	}
}
