package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"

	"weir/wavelet"
)

// link is one connection. The client's mutex guards everything but conn.
type link struct {
	conn      *websocket.Conn
	ctx       context.Context // ends with serve
	connected bool
	done      chan struct{} // closed when serve returns
	wake      chan struct{} // out has something
	out       [][]byte
	last      uint64                         // id of the last request
	calls     map[uint64]func(*Frame, error) // what to do with a reply; called with the mutex held
	silence   time.Duration                  // how long the server may be silent
	fail      error                          // why the read loop should end
}

func newLink(conn *websocket.Conn) *link {
	return &link{
		conn: conn, done: make(chan struct{}), wake: make(chan struct{}, 1),
		calls: map[uint64]func(*Frame, error){}, silence: 30 * time.Second,
	}
}

// serve says hello and handles what comes until the connection ends.
func (l *link) serve(ctx context.Context, c *Client) error {
	ctx, cancel := context.WithCancelCause(ctx)
	l.ctx = ctx
	var wg sync.WaitGroup
	wg.Go(func() { cancel(l.write(ctx, c)) })
	c.mu.Lock()
	c.hello(l)
	c.mu.Unlock()
	err := l.read(ctx, c)
	cancel(err)
	l.conn.CloseNow()
	wg.Wait()
	close(l.done)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link == l {
		c.link = nil
	}
	for _, w := range c.open {
		w.subscribed, w.again = false, 0
	}
	for _, f := range l.calls {
		f(nil, ErrLost)
	}
	l.calls = nil
	return err
}

// request queues a frame; f hears of the reply, or of the end of the link. The
// caller holds the mutex.
func (l *link) request(r Request, f func(*Frame, error)) {
	if l.calls == nil {
		f(nil, ErrLost)
		return
	}
	l.last++
	r.ID = l.last
	frame, err := json.Marshal(r)
	if err != nil {
		f(nil, fmt.Errorf("encode %s: %w", r.Op, err))
		return
	}
	l.calls[r.ID] = f
	l.out = append(l.out, frame)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// write sends what is queued, one frame a message.
func (l *link) write(ctx context.Context, c *Client) error {
	for {
		select {
		case <-l.wake:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		c.mu.Lock()
		out := l.out
		l.out = nil
		c.mu.Unlock()
		for _, frame := range out {
			if err := l.send(ctx, frame); err != nil {
				return err
			}
		}
	}
}

func (l *link) send(ctx context.Context, frame []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return l.conn.Write(ctx, websocket.MessageText, frame)
}

// read hands frames to the client until the connection fails.
func (l *link) read(ctx context.Context, c *Client) error {
	for {
		message, err := l.receive(ctx, l.silence)
		if err != nil {
			return closeError(err)
		}
		for line := range bytes.SplitSeq(message, []byte{'\n'}) {
			if len(line) == 0 {
				continue
			}
			f := new(Frame)
			if err := json.Unmarshal(line, f); err != nil {
				return badFrame(err)
			}
			if err := c.received(l, f); err != nil {
				return err
			}
		}
	}
}

func (l *link) receive(ctx context.Context, silence time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	_, message, err := l.conn.Read(ctx)
	return message, err
}

// closeError makes a close frame's advice plain.
func closeError(err error) error {
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		return &denied{err: err, fatal: StayAway(int(closed.Code)), advice: closeAdvice(closed.Reason)}
	}
	return err
}

// errFrame means that the server sent what the protocol does not have: the
// connection ends, and coming back does not count as a fresh start.
var errFrame = errors.New("the server sent a frame that cannot be understood")

func badFrame(err error) error { return fmt.Errorf("%w: %w", errFrame, err) }

// received handles one frame.
func (c *Client) received(l *link, f *Frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.Push == "" {
		if call, ok := l.calls[f.ID]; ok {
			delete(l.calls, f.ID)
			if f.Err != nil {
				call(nil, f.Err)
			} else {
				call(f, nil)
			}
		}
		return l.fail
	}
	w, ok := c.open[wavelet.Name{Wave: f.Wave, Wavelet: f.Wavelet}]
	if !ok || !w.subscribed {
		return nil
	}
	switch f.Push {
	case PushCommit:
		w.commit(f)
	case PushPresence:
		w.people(f)
	case PushResync:
		w.subscribed = false
		w.subscribe(l, true)
	case PushUnsubscribed:
		w.subscribed = false
		w.end(f.Err)
	}
	return l.fail
}

// hello sends the connect frame with a resume point for every open wavelet.
func (c *Client) hello(l *link) {
	r := Request{Op: OpConnect, Protocol: ProtocolVersion, Client: c.id}
	for name, w := range c.open {
		if w.replica != nil {
			r.Resume = append(r.Resume, w.point(name))
		}
	}
	l.request(r, func(f *Frame, err error) {
		if err := c.welcome(l, f, err); err != nil {
			l.fail = err
		}
	})
}

// welcome takes the answer to hello.
func (c *Client) welcome(l *link, f *Frame, err error) error {
	var refusal *Error
	if errors.As(err, &refusal) {
		return &denied{err: err, fatal: !refusal.Temporary, advice: time.Duration(refusal.RetryAfterMS) * time.Millisecond}
	}
	if err != nil {
		return err
	}
	var ok ConnectOK
	if err := json.Unmarshal(f.OK, &ok); err != nil {
		return badFrame(fmt.Errorf("connect: %w", err))
	}
	l.connected = true
	c.session = ok.Session
	l.silence = 2*time.Duration(ok.PingMS)*time.Millisecond + 10*time.Second
	if c.stats.Connects == 0 {
		close(c.first)
	}
	c.stats.Connects++
	c.link = l
	if c.o.Renew != nil && !ok.Expires.IsZero() {
		ahead := time.Since(ok.Time)
		c.wg.Go(func() { c.renewLogin(l, ok.Expires, ahead) })
	}
	for _, r := range ok.Resumed {
		w, there := c.open[wavelet.Name{Wave: r.Wave, Wavelet: r.Wavelet}]
		if !there {
			continue
		}
		c.stats.Resumes++
		if r.Err != nil {
			w.refusedSubscription(l, r.Err)
			continue
		}
		w.goOn(l, r.SubscribeOK)
	}
	for _, w := range c.open {
		if w.replica == nil {
			w.subscribe(l, false)
		}
	}
	return nil
}

// Call makes an rpc: params is written as JSON, the result is read into result
// (nil: dropped). It returns the server's *Error, or ErrLost.
func (c *Client) Call(ctx context.Context, method string, params, result any) error {
	encoded, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("rpc %s: %w", method, err)
	}
	if err := c.ask(ctx, Request{Op: OpRPC, Method: method, Params: encoded}, result); err != nil {
		return fmt.Errorf("rpc %s: %w", method, err)
	}
	return nil
}

// patience is the longest that a request waits on the server's advice before it
// is sent again.
const patience = 30 * time.Second

// ask sends a request and waits for the answer. One that came too soon is sent
// again when the server advises; nothing was done about it.
func (c *Client) ask(ctx context.Context, r Request, result any) error {
	for {
		err := c.askOnce(ctx, r, result)
		var refusal *Error
		if !errors.As(err, &refusal) || refusal.Code != CodeTooMany || refusal.RetryAfterMS <= 0 {
			return err
		}
		advice := time.Duration(refusal.RetryAfterMS) * time.Millisecond
		if advice > patience {
			return err
		}
		select {
		case <-time.After(c.o.Backoff.Wait(1, advice, 0)):
		case <-ctx.Done():
			return err
		}
	}
}

// askOnce is one attempt; while the client is between connections it fails with
// ErrLost at once.
func (c *Client) askOnce(ctx context.Context, r Request, result any) error {
	type answer struct {
		f   *Frame
		err error
	}
	got := make(chan answer, 1)
	c.mu.Lock()
	switch {
	case c.err != nil:
		got <- answer{err: c.err}
	case c.link == nil:
		got <- answer{err: ErrLost}
	default:
		c.link.request(r, func(f *Frame, err error) { got <- answer{f, err} })
	}
	c.mu.Unlock()
	select {
	case a := <-got:
		if a.err != nil || result == nil {
			return a.err
		}
		return json.Unmarshal(a.f.OK, result)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
