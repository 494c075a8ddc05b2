package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"weir/admission"
	"weir/wavelet"
	"weir/wavelet/client"
)

// Times of a socket.
const (
	handshakeTime = 5 * time.Second  // for the connect frame
	writeTime     = 10 * time.Second // for one message
	pingTime      = 25 * time.Second // between the server's pings
)

// maxSubscriptions is how many wavelets a socket has open at a time.
const maxSubscriptions = 256

// disconnect is why the server closes a socket: what it writes in the close
// frame.
type disconnect struct {
	code   int
	reason string
}

func (d *disconnect) Error() string { return fmt.Sprintf("%s (%d)", d.reason, d.code) }

// Unwrap says that work for the socket was given up, and did not fail.
func (d *disconnect) Unwrap() error { return context.Canceled }

// gone is the cause for closing a connection that has failed, which is what
// becomes of the work for it.
func gone(err error) error { return fmt.Errorf("%w: %w", context.Canceled, err) }

// socket is one person's connection. Its reader handles one frame after the
// other; its writer alone writes and closes; each subscription has a goroutine
// that feeds the writer's queue.
type socket struct {
	server *Server
	conn   *websocket.Conn
	login  Login
	begun  *admission.Grant // of the queue; finished when the socket stands
	expiry *time.Timer      // ends the socket with its login
	queue  *queue
	flow   flow
	vigil  vigil
	ctx    context.Context // ended with the cause for closing
	close  context.CancelCauseFunc
	wg     sync.WaitGroup // writer and subscriptions
	hush   func()         // has hardly anything more read
	client string         // the client id, set by connect
	paying paying

	mu   sync.Mutex
	subs map[wavelet.Name]*subscription
}

// upgrade is GET /ws: it spends a ticket and serves the socket until it ends.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request) {
	login, grant, ok := s.spend(w, r)
	if !ok {
		return
	}
	defer s.finish(grant)
	if e := s.blocked(login.User); e != nil {
		s.countRefusal("socket", e)
		writeError(w, e)
		return
	}
	from := s.address(r)
	leave, err := s.place(login.User, from, r)
	if err != nil {
		writeError(w, s.toError(err))
		return
	}
	defer leave()
	// The request has the server's read and write deadlines on it; the socket
	// sets its own.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	k := &socket{}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		OriginPatterns: s.d.Origins, OnPingReceived: k.pinged, OnPongReceived: k.ponged,
	})
	if err != nil {
		s.refusals.add("socket", "upgrade")
		return // Accept has answered
	}
	conn.SetReadLimit(client.MaxMessage)
	ctx, cancel := context.WithCancelCause(s.ctx)
	*k = socket{
		server: s, conn: conn, login: login, begun: grant, queue: newQueue(), ctx: ctx, close: cancel,
		vigil: vigil{heard: make(chan struct{}, 1)},
		subs:  map[wavelet.Name]*subscription{},
		hush:  func() { hush(r) },
	}
	k.paying.open(s.limits, login.User, time.Now())
	defer k.paying.close(s.limits)
	if err := k.flow.begin(from); err != nil {
		_ = conn.Close(websocket.StatusInternalError, "the server failed")
		return
	}
	if !s.sockets.add(k) {
		_ = conn.Close(websocket.StatusGoingAway, "the server is going down")
		return
	}
	defer s.sockets.remove(k)
	k.closeBlocked()
	k.serve()
}

func (k *socket) serve() {
	k.wg.Go(k.write)
	hello := time.AfterFunc(k.server.d.Handshake, func() {
		k.close(&disconnect{client.CloseHandshake, "no connect frame within " + k.server.d.Handshake.String()})
	})
	defer hello.Stop()
	defer k.watchLogin()()
	err := k.read(hello)
	k.close(gone(err))
	k.wg.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	for name, s := range k.subs {
		delete(k.subs, name)
		k.leave(s)
	}
}

// read handles the client's frames until the connection fails or is closed.
func (k *socket) read(hello *time.Timer) error {
	for {
		kind, message, release, err := k.receive()
		switch {
		case err != nil:
		case kind != websocket.MessageText:
			err = &disconnect{int(websocket.StatusUnsupportedData), "want text messages"}
		default:
			err = k.frames(message, hello)
		}
		release()
		if err != nil {
			return err
		}
	}
}

// frames handles the frames of a message, one after the other.
func (k *socket) frames(message []byte, hello *time.Timer) error {
	if len(bytes.TrimSpace(message)) == 0 {
		k.idle()
		return nil
	}
	for line := range bytes.SplitSeq(message, []byte{'\n'}) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		select {
		case <-k.queue.roomy():
		case <-k.ctx.Done():
			return context.Cause(k.ctx)
		}
		if k.ctx.Err() != nil { // closed: nothing more is done for it
			return context.Cause(k.ctx)
		}
		k.flow.heard(line)
		if err := k.frame(line); err != nil {
			return err
		}
		if k.client != "" {
			hello.Stop()
		}
	}
	return nil
}

// frame handles one frame and queues its reply. An error closes the socket.
func (k *socket) frame(line []byte) error {
	k.server.counters.frames.Add(1)
	began := k.tracing()
	r, refusal := decodeFrame(line)
	over := k.charge(r, refusal != nil)
	switch {
	case over != nil:
		refusal = over
	case refusal == nil:
		refusal = k.handle(r)
	}
	k.traceIn(began, r, len(line), refusal)
	if refusal == nil {
		return nil
	}
	if over == nil {
		k.server.refusals.add("frame", refusal.Reason)
	}
	if refusal.Code >= 400 {
		k.server.counters.malformed.Add(1)
	}
	k.reply(r.ID, nil, refusal)
	if err := k.mistake(r, refusal); err != nil {
		return err
	}
	if k.client == "" {
		return &disconnect{client.CloseProtocol, refusal.Message}
	}
	return nil
}

// reply answers request id, with ok or with err. It waits for room, and with it
// the reader: who does not read is not read from.
func (k *socket) reply(id uint64, ok any, err *client.Error) {
	f := struct {
		ID  uint64        `json:"id"`
		OK  any           `json:"ok,omitempty"`
		Err *client.Error `json:"err,omitempty"`
	}{id, ok, err}
	k.push(k.ctx, encode(f))
}

// write is the one goroutine that writes to the connection. When the socket is
// to be closed it sends what is queued, then the close frame.
func (k *socket) write() {
	ping := time.NewTicker(pingTime)
	defer ping.Stop()
	for {
		select {
		case <-k.queue.wake:
		case now := <-ping.C:
			k.queue.put(encode(client.Frame{Push: client.PushPing, At: now.UTC()}))
		case <-k.ctx.Done():
			k.farewell()
			return
		}
		if err := k.flush(writeTime); err != nil {
			k.close(gone(err))
		}
	}
}

// flush writes everything queued, each message within the time given.
func (k *socket) flush(each time.Duration) error {
	for {
		message := k.queue.take()
		if message == nil {
			return nil
		}
		ctx, cancel := context.WithCancel(context.Background())
		late := time.AfterFunc(each, func() {
			// First the reason: when the write is given up the connection is closed,
			// which ends the reader too.
			k.close(&disconnect{client.CloseSlow, "the client does not read what it is sent"})
			cancel()
		})
		err := k.conn.Write(ctx, websocket.MessageText, message)
		if !late.Stop() {
			k.server.counters.slow.Add(1)
		}
		cancel()
		if err != nil {
			return err
		}
		k.flow.said(message)
		k.traceOut(message)
	}
}

// farewell closes the connection, with a reason if it is the server's doing.
func (k *socket) farewell() {
	cause := context.Cause(k.ctx)
	var d *disconnect
	if !errors.As(cause, &d) {
		_ = k.conn.CloseNow()
		return
	}
	k.server.refusals.add("close", strconv.Itoa(d.code))
	if d.code != client.CloseSlow {
		_ = k.flush(time.Second)
	}
	reason := d.reason
	if len(reason) > 123 {
		reason = strings.ToValidUTF8(reason[:120], "") + "..."
	}
	k.hush() // while it waits for the client's goodbye it reads whatever comes
	_ = k.conn.Close(websocket.StatusCode(d.code), reason)
}

// sockets counts the open sockets and closes them all at the end.
type sockets struct {
	mu     sync.Mutex
	all    map[*socket]struct{}
	closed bool
	gone   sync.WaitGroup
}

// add registers a socket; false when the server is closing.
func (ss *sockets) add(k *socket) bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if ss.closed {
		return false
	}
	if ss.all == nil {
		ss.all = map[*socket]struct{}{}
	}
	ss.all[k] = struct{}{}
	ss.gone.Add(1)
	return true
}

func (ss *sockets) remove(k *socket) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	delete(ss.all, k)
	ss.gone.Done()
}

func (ss *sockets) count() int {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return len(ss.all)
}

// closeAll sends every socket away and waits until they are gone.
func (ss *sockets) closeAll() {
	ss.mu.Lock()
	ss.closed = true
	for k := range ss.all {
		k.close(&disconnect{int(websocket.StatusGoingAway), "the server is going down"})
	}
	ss.mu.Unlock()
	ss.gone.Wait()
}
