package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"weir/admission/bounds"
	"weir/events"
	"weir/policies"
	"weir/robots/oauth"
	"weir/wavelet"
)

// Paths below a robot's callback address, and the content type of what is
// posted there, which clients compare to the letter.
const (
	capabilitiesPath = "/_wave/capabilities.xml"
	bundlePath       = "/_wave/robot/jsonrpc"
	bundleType       = "application/json; charset=utf-8"
)

// refreshEvery is the least time between two fetches of capabilities that a
// robot's own word set off.
const refreshEvery = 30 * time.Second

// fetchTimeout is how long a robot may take to say what it wants.
const fetchTimeout = 30 * time.Second

// Errors of Receive, beside bounds.ErrFull, which is not the robot's fault. All of
// them are worth a later attempt.
var (
	ErrUnreachable = errors.New("robot cannot be reached")
	ErrStatus      = errors.New("robot answered with an error")
	ErrClosed      = errors.New("robot is out of service")
)

// PassiveOptions are what a Passive needs to know and to tell. The zero Options
// suit a robot about which nothing is known yet.
type PassiveOptions struct {
	RPCServerURL string // where robots call the active API, told in each bundle
	// Credentials are what bundles are signed with, asked for each one, so that a
	// new secret counts at once; nil, or without a secret: they are not signed.
	Credentials  func() oauth.Credentials
	Capabilities Capabilities // as learned before
	Known        bool         // whether Capabilities is anything
	Surroundings Surroundings // of the operations in its answers
	// Find is the newest state of another wavelet than a bundle's, or a
	// *wavelet.Refusal with code "evicted"; nil: there are no others.
	Find func(context.Context, wavelet.Name) (*wavelet.State, error)
	// Learned is called with new capabilities, from any goroutine; nil: nobody
	// wants to know.
	Learned func(Capabilities)
	// Introduced is called with the robot's profile, and with those of its
	// proxies, once each time its capabilities were fetched, from any goroutine;
	// nil: nobody wants to know.
	Introduced func(Profile)
	// Bodies is the room for long answers; nil: it is not bounded.
	Bodies *bounds.Bodies
	// Heard is called after each request to the robot with what went wrong, nil
	// if nothing did; nil: nobody wants to know.
	Heard func(error)
}

// Passive is a robot that waits for bundles at an HTTP address. It implements
// the gateway's Robot. It is safe for concurrent use; Close it to let go of it.
type Passive struct {
	answerer
	address wavelet.Participant
	base    string
	client  *http.Client
	options PassiveOptions

	ctx      context.Context // ends with Close
	stop     context.CancelFunc
	work     sync.WaitGroup // refreshes under way
	fetching chan struct{}  // holds one token while capabilities are fetched

	mu        sync.Mutex
	caps      Capabilities
	known     bool
	met       map[wavelet.Participant]bool // whose profile was asked for since: its own, its proxies'
	strangers []wavelet.Participant        // whose profile is to be asked for
	asking    bool                         // somebody asks for profiles
	tried     time.Time                    // when the last refresh began
	closed    bool
}

// NewPassive makes the transport to the robot at address, which lives below the
// URL callback. Client is NewClient's.
func NewPassive(address wavelet.Participant, callback string, client *http.Client, o PassiveOptions) *Passive {
	ctx, stop := context.WithCancel(context.Background())
	p := &Passive{
		answerer: answerer{surroundings: o.Surroundings, find: o.Find},
		address:  address, base: callback, client: client, options: o,
		ctx: ctx, stop: stop, fetching: make(chan struct{}, 1),
		caps: o.Capabilities, known: o.Known, met: map[wavelet.Participant]bool{},
	}
	if o.Known {
		p.met[address] = true
	}
	return p
}

// Close ends what is under way and waits for it. Receive fails from then on.
func (p *Passive) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.stop()
	p.work.Wait()
	p.client.CloseIdleConnections()
}

// Capabilities are those in force, false if none were fetched yet.
func (p *Passive) Capabilities() (Capabilities, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.caps, p.known
}

// Wants reports whether Receive would send the bundle. Until its capabilities
// are known a robot may want anything.
func (p *Passive) Wants(b events.Bundle) bool {
	caps, known := p.Capabilities()
	return !known || len(caps.filter(b)) > 0
}

// Receive posts a bundle and returns the robot's answer, as changes against the
// state in the bundle and those of the other wavelets that it names. A bundle of which the robot wants no event is not sent,
// and answered with nothing. An answer that is no list of operations is a
// failure in the answer, not an error: the robot has had the bundle.
func (p *Passive) Receive(ctx context.Context, b events.Bundle) (events.Answer, error) {
	answer, err := p.receive(ctx, b)
	if p.options.Heard != nil && !errors.Is(err, ErrClosed) && !errors.Is(err, context.Canceled) && !errors.Is(err, bounds.ErrFull) {
		p.options.Heard(err)
	}
	if err != nil {
		return events.Answer{}, fmt.Errorf("deliver to %s: %w", p.address, err)
	}
	return answer, nil
}

func (p *Passive) receive(ctx context.Context, b events.Bundle) (events.Answer, error) {
	if p.ctx.Err() != nil {
		return events.Answer{}, ErrClosed
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(p.ctx, func() { cancel(ErrClosed) })()
	caps, err := p.need(ctx)
	if err != nil {
		return events.Answer{}, err
	}
	line, err := Encode(b, caps, p.options.RPCServerURL)
	if err != nil || line == nil {
		return events.Answer{}, err
	}
	body, release, err := p.post(ctx, line)
	if err != nil {
		return events.Answer{}, err
	}
	p.introduce(b.State)
	ops, err := p.decode(body)
	if err != nil {
		release()
		return events.Answer{Failures: []events.OperationFailure{*fail(http.StatusBadRequest, "%v", err)}}, nil
	}
	if n := NoticeOf(ops); n.Hash != "" && n.Hash != caps.Hash {
		p.refresh()
	}
	answer := p.apply(ctx, b, caps.Dialect(), ops)
	answer.Release = release
	return answer, nil
}

// post sends a bundle and returns the body of the answer, cut off behind
// MaxBody; release gives back its room.
func (p *Passive) post(ctx context.Context, line []byte) (body []byte, release func(), err error) {
	target, err := p.signed(p.base+bundlePath, line)
	if err != nil {
		return nil, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(line))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Content-Type", bundleType)
	return p.do(req, MaxBody+1)
}

// signed is the URL under which body is posted, with its signature in the query:
// where a robot looks for it that checks it, and one that does not is not
// disturbed.
func (p *Passive) signed(target string, body []byte) (string, error) {
	if p.options.Credentials == nil {
		return target, nil
	}
	c := p.options.Credentials()
	if c.Secret == "" {
		return target, nil
	}
	return oauth.Sign(http.MethodPost, target, body, c, time.Now())
}

// need is the capabilities in force. They are fetched if none are known yet, by
// one of those who ask.
func (p *Passive) need(ctx context.Context) (Capabilities, error) {
	if caps, ok := p.Capabilities(); ok {
		return caps, nil
	}
	select {
	case p.fetching <- struct{}{}:
	case <-ctx.Done():
		return Capabilities{}, context.Cause(ctx)
	}
	defer func() { <-p.fetching }()
	if caps, ok := p.Capabilities(); ok {
		return caps, nil
	}
	return p.fetch(ctx)
}

// refresh fetches the capabilities again, in the background, unless that was
// tried a short while ago.
func (p *Passive) refresh() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.closed || !p.tried.IsZero() && now.Sub(p.tried) < refreshEvery {
		return
	}
	p.tried = now
	p.work.Go(func() {
		if _, err := p.fetch(p.ctx); err != nil && p.options.Heard != nil && p.ctx.Err() == nil {
			p.options.Heard(err)
		}
	})
}

// fetch gets the capabilities and puts them in force.
func (p *Passive) fetch(ctx context.Context) (Capabilities, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+capabilitiesPath, nil)
	if err != nil {
		return Capabilities{}, err
	}
	body, release, err := p.do(req, maxCapabilities+1)
	if err != nil {
		return Capabilities{}, err
	}
	defer release()
	caps, err := ParseCapabilities(bytes.NewReader(body))
	if err != nil {
		return Capabilities{}, err
	}
	p.mu.Lock()
	p.caps, p.known = caps, true
	clear(p.met)
	p.mu.Unlock()
	if p.options.Learned != nil {
		p.options.Learned(caps)
	}
	return caps, nil
}

// do sends a request and returns at most limit bytes of the body, whose room
// release gives back. Any status but 200 is an error.
func (p *Passive) do(req *http.Request, limit int64) (_ []byte, release func(), err error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	defer cancel(nil)
	req = req.WithContext(ctx)
	req.Header.Set("User-Agent", "weir")
	resp, err := p.client.Do(req)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		} else if of, ok := errors.AsType[*url.Error](err); ok {
			err = of.Err // without the URL, which holds the signature
		}
		return nil, nil, fmt.Errorf("%w: %s %s: %w", ErrUnreachable, req.Method, req.URL.Path, err)
	}
	defer resp.Body.Close()
	from := p.options.Bodies.Body(ctx, resp.Body, resp.ContentLength, limit, func() { cancel(bounds.ErrSlow) })
	defer func() {
		if err != nil {
			from.Release()
		}
	}()
	body, err := io.ReadAll(io.LimitReader(from, limit))
	from.Came()
	if errors.Is(err, bounds.ErrFull) {
		return nil, nil, err
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: read the answer to %s: %w", ErrUnreachable, req.URL.Path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("%w: %s %s: status %d: %s", ErrStatus, req.Method, req.URL.Path, resp.StatusCode, head(body))
	}
	return body, from.Release, nil
}

// head is the beginning of a body, for an error message.
func head(body []byte) string {
	const most = 200
	if len(body) > most {
		body = body[:most]
	}
	return fmt.Sprintf("%q", body)
}

// Silent is a robot without an address to call: it only calls itself. It wants
// no bundle, and would answer with nothing.
type Silent struct{}

// Wants is false.
func (Silent) Wants(events.Bundle) bool { return false }

// Limit has nothing to bound.
func (Silent) Limit(policies.Delivery) {}

// Close has nothing to let go of.
func (Silent) Close() {}

// Receive returns the empty answer.
func (Silent) Receive(context.Context, events.Bundle) (events.Answer, error) {
	return events.Answer{}, nil
}
