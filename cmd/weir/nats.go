package main

import (
	"bytes"
	"context"
	"crypto/subtle"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"

	"weir/events/bus"
	"weir/gateway"
	"weir/governor/decisions"
	"weir/robots"
	"weir/robots/rpc"
	"weir/robots/wire"
	"weir/store"
	"weir/wavelet"
)

// natsFlags say whether robots and operators are served over NATS, and by which
// server.
type natsFlags struct {
	NATSListen    string `name:"nats-listen" env:"WEIR_NATS_LISTEN" help:"Start a NATS server on this address, for robots without a URL of their own and for the operators' feed; port 0 picks a free one." placeholder:"HOST:PORT"`
	NATSTLSCert   string `name:"nats-tls-cert" type:"path" help:"Certificate of that server (PEM)." placeholder:"FILE"`
	NATSTLSKey    string `name:"nats-tls-key" type:"path" help:"And its private key (PEM)." placeholder:"FILE"`
	NATS          string `name:"nats" env:"WEIR_NATS" help:"Use this NATS server instead." placeholder:"URL"`
	NATSCreds     string `name:"nats-creds" type:"path" help:"Credentials file to log in there with. A name and a password may stand in the URL." placeholder:"FILE"`
	NATSTokenFile string `name:"nats-token-file" type:"path" help:"File with the token to log in there with." placeholder:"FILE"`
	NATSCA        string `name:"nats-ca" type:"path" help:"Certificates of who signs that server's (PEM)." placeholder:"FILE"`
}

// natsConfig is what the flags say.
type natsConfig struct {
	listen string
	tls    *tls.Config
	url    string
	access []nats.Option
}

// on reports whether there is a NATS at all.
func (c natsConfig) on() bool { return c.listen != "" || c.url != "" }

func (f natsFlags) config() (natsConfig, error) {
	c := natsConfig{listen: f.NATSListen, url: f.NATS}
	switch {
	case c.listen != "" && c.url != "":
		return c, errors.New("--nats: leave out either --nats-listen or --nats")
	case c.listen == "" && f.NATSTLSCert+f.NATSTLSKey != "":
		return c, errors.New("--nats-tls-cert and --nats-tls-key are for --nats-listen, which is missing")
	case c.url == "" && f.NATSCreds+f.NATSTokenFile+f.NATSCA != "":
		return c, errors.New("--nats-creds, --nats-token-file and --nats-ca are for --nats, which is missing")
	case (f.NATSTLSCert == "") != (f.NATSTLSKey == ""):
		return c, errors.New("--nats-tls-cert: give --nats-tls-key too, and the other way round")
	}
	if _, err := c.servers(); err != nil {
		return c, err
	}
	if f.NATSTLSCert != "" {
		pair, err := tls.LoadX509KeyPair(f.NATSTLSCert, f.NATSTLSKey)
		if err != nil {
			return c, fmt.Errorf("--nats-tls-cert: %w", err)
		}
		c.tls = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	if f.NATSCreds != "" {
		c.access = append(c.access, nats.UserCredentials(f.NATSCreds))
	}
	if f.NATSCA != "" {
		c.access = append(c.access, nats.RootCAs(f.NATSCA))
	}
	if f.NATSTokenFile != "" {
		token, err := os.ReadFile(f.NATSTokenFile)
		if err != nil {
			return c, fmt.Errorf("--nats-token-file: %w", err)
		}
		if len(bytes.TrimSpace(token)) == 0 {
			return c, fmt.Errorf("--nats-token-file: %s is empty; put the token into it", f.NATSTokenFile)
		}
		c.access = append(c.access, nats.Token(strings.TrimSpace(string(token))))
	}
	return c, nil
}

// servers are the URLs of the other NATS: several of them are servers of one
// cluster. The error does not repeat what may hold a password.
func (c natsConfig) servers() ([]*url.URL, error) {
	var list []*url.URL
	for raw := range strings.SplitSeq(c.url, ",") {
		if raw = strings.TrimSpace(raw); raw == "" {
			continue
		}
		if !strings.Contains(raw, "://") {
			raw = "nats://" + raw
		}
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" {
			return nil, errors.New("--nats: that is no URL; give nats://HOST:PORT, with %XX for what is special in a name or a password")
		}
		if !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			return nil, fmt.Errorf("--nats: %s:// is not how NATS is reached; give nats://HOST:PORT, or tls:// for an encrypted connection", u.Scheme)
		}
		list = append(list, u)
	}
	return list, nil
}

// shown is where NATS is: the server's own at an address, or the other's URLs
// without what is secret in them.
func (c natsConfig) shown(own string) string {
	switch {
	case c.url != "":
	case c.tls != nil:
		return "tls://" + own
	default:
		return "nats://" + own
	}
	list, err := c.servers()
	if err != nil {
		return "by --nats"
	}
	var shown []string
	for _, u := range list {
		if _, named := u.User.Password(); u.User != nil && !named { // then it is a token
			u.User = url.User("xxxxx")
		}
		shown = append(shown, u.Redacted())
	}
	return strings.Join(shown, ",")
}

// check refuses to have keys sent in the clear where others can listen.
func (c natsConfig) check() error {
	if c.listen == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(c.listen)
	if err != nil {
		return fmt.Errorf("--nats-listen: %w; give HOST:PORT, such as 127.0.0.1:4222", err)
	}
	if !loopback(host) && c.tls == nil {
		return fmt.Errorf("--nats-listen: %w: others can reach %q, and robots' keys would go there in the clear; give --nats-tls-cert and --nats-tls-key, or stay on 127.0.0.1", errOpen, host)
	}
	return nil
}

// openBus opens the server's NATS, if there is one, for robots that door serves.
func (h *house) openBus(door *rpc.Handler) error {
	c := h.config.nats
	if !c.on() {
		return nil
	}
	feed := &decisionFeed{Log: h.gateway.Decisions(), store: h.store}
	if err := feed.begin(); err != nil {
		return err
	}
	b, err := bus.Open(bus.Options{
		Listen: c.listen, TLS: c.tls, URL: c.url, Access: c.access,
		Enter: h.robots.Enter,
		Barred: func(from netip.Addr) bool {
			_, blocked := h.blocks.Address(from)
			return blocked
		},
		Operator: func(password string) bool {
			return subtle.ConstantTimeCompare([]byte(password), []byte(h.adminToken)) == 1
		},
		Call:     natsDoor{h.robots, door}.call,
		Standing: h.standing,
		Arrived:  h.gateway.RobotChanged,
		Refused:  func(layer, reason string) { h.web.Refused(layer, reason) },
		Domain:   h.config.domain, Decisions: feed, Logger: h.log,
	})
	if err != nil {
		flag := "--nats-listen"
		if c.url != "" {
			flag = "--nats"
		}
		return fmt.Errorf("%s: %w", flag, err)
	}
	for _, r := range h.robots.List() {
		b.Know(r.Address)
	}
	h.bus = b
	return nil
}

// ask is how bundles get to robots that connect, nil if none can.
func (h *house) ask() func(context.Context, wavelet.Participant, []byte) ([]byte, error) {
	if !h.config.nats.on() {
		return nil
	}
	return func(ctx context.Context, robot wavelet.Participant, line []byte) ([]byte, error) {
		answer, err := h.bus.Ask(ctx, robot, line)
		if _, failed := errors.AsType[*bus.Failure](err); failed {
			return nil, fmt.Errorf("%w: over NATS %w", wire.ErrStatus, err)
		} else if err != nil {
			return nil, fmt.Errorf("%w: %w", wire.ErrUnreachable, err)
		}
		return answer, nil
	}
}

// robotChanged tells everybody who has to know that something about a robot has
// changed.
func (h *house) robotChanged(id wavelet.Participant) {
	h.gateway.RobotChanged(id)
	if h.bus != nil {
		h.bus.RobotChanged(id)
	}
}

// standing is how a robot stands with this server.
func (h *house) standing(id wavelet.Participant) bus.Standing {
	r, err := h.robots.Get(id)
	_, blocked := h.robots.Blocked(id)
	return bus.Standing{Registered: err == nil, Suspended: r.Suspended, Blocked: blocked, Profile: r.Profile}
}

// natsDoor is the way of robots' calls over NATS.
type natsDoor struct {
	robots *robots.Directory
	door   *rpc.Handler
}

// call answers a call. That it comes from who it names is NATS's to make sure, so
// it counts only for robots that are registered for that.
func (d natsDoor) call(ctx context.Context, robot wavelet.Participant, body []byte) bus.Reply {
	if r, err := d.robots.Get(robot); err == nil && r.Transport != robots.TransportNATS {
		return bus.Reply{Status: http.StatusForbidden, Body: map[string]any{"error": map[string]any{
			"code": http.StatusForbidden, "reason": robots.CodeTransport, "message": string(robot) + " is not registered with --transport nats",
		}}}
	}
	r := d.door.Serve(ctx, rpc.Call{Robot: robot, Via: gateway.ViaNATS, Body: body})
	return bus.Reply{Status: r.Status, Body: r.Body, RetryAfter: r.RetryAfter, Limits: r.Limits}
}

// decisionFeed is the log of decisions as the bus follows it. How far the bus
// came is kept in the bucket "feed".
type decisionFeed struct {
	*decisions.Log
	store store.Store
}

const feedBucket = "feed"

// begin has a feed that never was begin behind what is in the log.
func (f *decisionFeed) begin() error {
	_, err := f.store.Get(feedBucket, []byte("published"))
	if errors.Is(err, store.ErrNotFound) {
		return f.Told(context.Background(), f.Stats().Last)
	}
	return err
}

// After yields the decisions with numbers above number.
func (f *decisionFeed) After(number uint64) iter.Seq2[bus.Decision, error] {
	return func(yield func(bus.Decision, error) bool) {
		for e, err := range f.Log.After(number, decisions.Filter{}) {
			if !yield(bus.Decision{Number: e.Number, Decision: e.Decision}, err) {
				return
			}
		}
	}
}

// Published is the number of the last decision that was told.
func (f *decisionFeed) Published() (uint64, error) {
	value, err := f.store.Get(feedBucket, []byte("published"))
	if err == nil && len(value) != 8 {
		err = fmt.Errorf("the mark of the feed has %d bytes", len(value))
	}
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(value), nil
}

// Told keeps that number.
func (f *decisionFeed) Told(ctx context.Context, number uint64) error {
	return f.store.Commit(ctx, store.Batch{{Bucket: feedBucket, Key: []byte("published"), Value: binary.BigEndian.AppendUint64(nil, number)}})
}
