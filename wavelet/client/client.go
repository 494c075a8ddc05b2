package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/google/uuid"

	"weir/wavelet"
)

// What a Client refuses, beside the server's *Error.
var (
	ErrClosed = errors.New("the client is closed")
	// ErrLost means that the connection went away while a call was waiting: it
	// may or may not have been carried out. Edits are never answered so.
	ErrLost = errors.New("connection lost before the answer came")
)

// Options of a Client. User is required.
type Options struct {
	User  wavelet.Participant
	Token string // login token; may be empty where a name is enough
	// Renew, if not nil, gives a new login token. It is called in good time before
	// the one in use expires, and when that was refused as expired or revoked.
	Renew   func(ctx context.Context) (string, error)
	HTTP    *http.Client // nil: one of its own
	Backoff Backoff
	Logger  *slog.Logger // nil: silent
}

// Client is a person's connection to a server. It stays connected until it is
// closed, or until the server tells it to stay away.
type Client struct {
	o    Options
	base *url.URL
	id   string // the client id: with a seq it names a delta

	place string // in the queue of a busy server; only keepConnected looks at it

	cancel context.CancelCauseFunc
	wg     sync.WaitGroup
	first  chan struct{} // closed when connected for the first time
	done   chan struct{} // closed when the client has ended

	mu      sync.Mutex
	open    map[wavelet.Name]*Wavelet
	seqs    map[wavelet.Name]uint64 // where closed wavelets' numbers stopped
	link    *link                   // nil while not connected
	token   string                  // to log in with
	stats   Stats
	session string // of the current or the last connection
	err     error  // why the client has ended
}

// Stats counts what a Client went through.
type Stats struct {
	Connects  int // connections that were established
	Resumes   int // wavelets taken up again after a lost connection
	Resends   int // deltas sent more than once
	Snapshots int // wavelets restarted from a snapshot
	Diverged  int // times the shadow did not agree with the server; a healthy pair stays at 0
}

// Dial connects to the server at address (http or https URL) and returns when
// it has been let in once, when it was refused for good, or when ctx ends.
// Afterwards the client reconnects by itself.
func Dial(ctx context.Context, address string, o Options) (*Client, error) {
	base, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("dial %q: %w", address, err)
	}
	if err := o.User.Check(); err != nil {
		return nil, fmt.Errorf("dial %s: %w", address, err)
	}
	if o.HTTP == nil {
		o.HTTP = &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	own, cancel := context.WithCancelCause(context.Background())
	c := &Client{
		o: o, base: base, id: "c-" + uuid.NewString(), cancel: cancel,
		first: make(chan struct{}), done: make(chan struct{}),
		open: map[wavelet.Name]*Wavelet{}, seqs: map[wavelet.Name]uint64{},
	}
	c.token = o.Token
	c.wg.Go(func() { c.run(own) })
	select {
	case <-c.first:
		return c, nil
	case <-c.done:
		return nil, fmt.Errorf("dial %s: %w", address, c.Err())
	case <-ctx.Done():
		c.Close()
		return nil, fmt.Errorf("dial %s: %w", address, context.Cause(ctx))
	}
}

// User is whom the client speaks for.
func (c *Client) User() wavelet.Participant { return c.o.User }

// Done is closed when the client has ended; Err tells why.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err is why the client has ended, nil while it has not.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Stats returns the counters.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

// Close disconnects and waits for everything the client started. What is
// pending in its wavelets is not sent any more: call Wavelet.Wait first.
func (c *Client) Close() error {
	c.cancel(ErrClosed)
	c.wg.Wait()
	return nil
}

// run keeps connecting until ctx ends or the server refuses for good.
func (c *Client) run(ctx context.Context) {
	err := c.keepConnected(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	for _, w := range c.open {
		w.end(err)
	}
	close(c.done)
	c.o.HTTP.CloseIdleConnections()
}

func (c *Client) keepConnected(ctx context.Context) error {
	failures := 0
	for {
		connected, err := c.connectOnce(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if connected && !errors.Is(err, errFrame) {
			failures = 0
		}
		failures++
		var d *denied
		var wait time.Duration
		switch {
		case !errors.As(err, &d):
			wait = c.o.Backoff.Wait(failures, 0, rand.Float64())
		case d.fatal && !c.renewable(err):
			return d.err
		case d.turn: // the server spreads its clients better than chance does
			wait = d.advice
		default:
			wait = c.o.Backoff.Wait(failures, d.advice, rand.Float64())
		}
		c.o.Logger.Info("connection lost", "error", err, "again_in", wait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// connectOnce runs one connection from its ticket to its end.
func (c *Client) connectOnce(ctx context.Context) (connected bool, err error) {
	early, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	t, err := c.ticket(early)
	if err != nil {
		return false, err
	}
	conn, err := c.socket(early, t)
	if err != nil {
		return false, err
	}
	l := newLink(conn)
	err = l.serve(ctx, c)
	return l.connected, err
}
