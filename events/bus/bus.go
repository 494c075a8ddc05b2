package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"weir/wavelet"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// MaxPayload is the length of a message at the server's own NATS, in bytes, and of
// a call and its reply at any. A bundle may be as long as the NATS in use permits.
// There is one limit for what clients are sent and for what they send, of which each
// connection can lie half sent in memory: so it is no larger.
const MaxPayload = 1 << 20

// Bounds of the server's own NATS beside the robots' limits.
const (
	maxConnections   = 4096 // at once, those not yet let in included
	maxSubscriptions = 100  // of a connection
	maxPending       = 8 << 20
	writeTime        = 5 * time.Second // for a client to take what it is sent
	loginTime        = 5.0             // seconds for a client to say who it is
)

// sayAgain is how long it takes until it is said again that another NATS server
// cannot be reached.
const sayAgain = time.Minute

// startTime is how long the server's own NATS has to listen, and to let the house
// in.
const startTime = 30 * time.Second

// drainTime is how long calls under way are given when the bus closes.
const drainTime = 5 * time.Second

// Bus is the server's NATS. Open makes one; Run it once, then Close it.
type Bus struct {
	o        Options
	server   *server.Server // nil: another is used
	gate     *gate          // nil if server is
	conn     *nats.Conn
	calls    *nats.Subscription
	callers  callers
	asks     asks
	standing standing
	log      *slog.Logger
	restored chan struct{} // the connection is back

	ctx  context.Context // of calls, ends with Close
	stop context.CancelFunc

	mu      sync.Mutex
	missing map[wavelet.Participant]bool // could not be asked lately
}

// Open starts a NATS server, or connects to another, and begins to answer calls.
// Another that is not there yet is waited for in the background.
func Open(o Options) (*Bus, error) {
	o = o.withDefaults()
	b := &Bus{o: o, log: o.Logger, restored: make(chan struct{}, 1), missing: map[wavelet.Participant]bool{}}
	b.callers.of = map[wavelet.Participant]*caller{}
	b.ctx, b.stop = context.WithCancel(context.Background())
	access, url := o.Access, o.URL
	if url == "" {
		secret := rand.Text()
		if err := b.serve(secret); err != nil {
			b.stop()
			return nil, err
		}
		access = []nats.Option{nats.InProcessServer(b.server), nats.UserInfo(houseUser, secret), nats.Timeout(startTime)}
	}
	err := b.connect(url, access)
	if err == nil {
		b.calls, err = b.conn.Subscribe(robotsPrefix+"*.rpc", b.called)
	}
	if err == nil && b.server != nil {
		err = b.conn.Flush()
	}
	if err != nil {
		b.Close()
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	return b, nil
}

// serve starts the server's own NATS. The house itself logs in with secret.
func (b *Bus) serve(secret string) error {
	host, port, err := net.SplitHostPort(b.o.Listen)
	if err != nil {
		return fmt.Errorf("%w; give HOST:PORT, such as 127.0.0.1:4222", err)
	}
	number, err := strconv.Atoi(port)
	if err != nil || number < 0 || number > 65535 {
		return fmt.Errorf("there is no port %q", port)
	}
	if number == 0 {
		number = server.RANDOM_PORT
	}
	b.gate = newGate(b, secret)
	s, err := server.NewServer(&server.Options{
		ServerName: "weir", Host: host, Port: number, NoSigs: true, NoSystemAccount: true,
		MaxPayload: MaxPayload, MaxConn: maxConnections, MaxSubs: maxSubscriptions, MaxPending: maxPending, WriteDeadline: writeTime,
		AuthTimeout: loginTime, PingInterval: 30 * time.Second, MaxPingsOut: 2, MaxClosedClients: 1,
		TLS: b.o.TLS != nil, TLSConfig: b.o.TLS, TLSTimeout: loginTime,
		CustomClientAuthentication: b.gate,
	})
	if err != nil {
		return fmt.Errorf("NATS: %w", err)
	}
	// The listener is the server's to open, and it does not say why it could not.
	if number > 0 {
		l, err := net.Listen("tcp", b.o.Listen)
		if err != nil {
			return err
		}
		_ = l.Close()
	}
	s.SetLoggerV2(&logger{log: b.log}, false, false, false)
	b.server, b.gate.server = s, s
	s.Start()
	if !s.ReadyForConnections(startTime) {
		b.Close()
		return errors.New("NATS does not listen on " + b.o.Listen)
	}
	return nil
}

// connect connects the house.
func (b *Bus) connect(url string, access []nats.Option) (err error) {
	var said time.Time // why it cannot be reached; only these functions use it, which are called one after the other
	failed := func(_ *nats.Conn, err error) {
		level := slog.LevelDebug
		if now := time.Now(); now.Sub(said) >= sayAgain {
			level, said = slog.LevelWarn, now
		}
		b.log.Log(b.ctx, level, "NATS cannot be reached; trying again", "error", err)
	}
	down := func(_ *nats.Conn, err error) {
		b.asks.endAll(ErrAway)
		if err != nil {
			b.log.Warn("NATS is away; trying again", "error", err)
		}
	}
	back := func(*nats.Conn) {
		said = time.Time{}
		b.log.Info("NATS is there")
		select {
		case b.restored <- struct{}{}:
		default:
		}
	}
	b.conn, err = nats.Connect(url, append([]nats.Option{
		nats.Name("weir"), nats.CustomInboxPrefix(inboxPrefix + "weir"),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(),
		nats.ReconnectWait(b.o.Reconnect), nats.ReconnectJitter(b.o.Reconnect/10, b.o.Reconnect/10),
		nats.ReconnectBufSize(-1), // nothing is kept for later: who wants it sent tries again
		nats.DisconnectErrHandler(down), nats.ReconnectHandler(back), nats.ConnectHandler(back),
		nats.ReconnectErrHandler(failed),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { b.log.Warn("NATS", "error", err) }),
		nats.DrainTimeout(drainTime),
	}, access...)...)
	return err
}

// Addr is where the server's own NATS listens, "" if there is none.
func (b *Bus) Addr() string {
	if b.server == nil {
		return ""
	}
	return b.server.Addr().String()
}

// Run looks after who is connected and tells the feed, until ctx ends.
func (b *Bus) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	if b.gate != nil {
		loops.Go(func() { b.gate.watch(ctx) })
	}
	if b.o.Decisions != nil {
		loops.Go(func() { b.feed(ctx) })
	}
	loops.Wait()
	return nil
}

// Drain takes no more calls, and waits a while for those under way. Robots can
// still be asked.
func (b *Bus) Drain() {
	if b.calls != nil {
		_ = b.calls.Unsubscribe() // fails if the connection is gone, and with it the calls
	}
	b.callers.drain(drainTime)
	b.stop()
	b.callers.work.Wait()
}

// Close ends all connections, when everything that was sent has gone out. Nobody
// may use the bus any more.
func (b *Bus) Close() {
	b.Drain()
	if b.conn != nil {
		_ = b.conn.FlushTimeout(time.Second) // the other side may be away
		b.conn.Close()
	}
	if b.server != nil {
		b.server.Shutdown()
		b.server.WaitForShutdown()
		b.gate.empty()
	}
}
