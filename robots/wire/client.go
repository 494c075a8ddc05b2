package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// ErrForbiddenAddress says that a robot's host name leads to an address at which
// no robot may live.
var ErrForbiddenAddress = errors.New("address is not open to robots")

// Guard decides at which network addresses robots may live. It is asked for the
// address that is really dialled, after the name was looked up, so that a name
// which changes its mind gains nothing. The zero Guard permits public addresses
// only.
type Guard struct {
	Allow []netip.Prefix // permitted although not public
}

// Loopback is the ranges of a machine's own addresses, to be allowed in
// development.
func Loopback() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// Check returns nil if a robot may live at addr, else an error that wraps
// ErrForbiddenAddress and says why.
func (g Guard) Check(addr netip.Addr) error {
	addr = addr.Unmap().WithZone("")
	if slices.ContainsFunc(g.Allow, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		return nil
	}
	kind := ""
	switch {
	case addr.IsLoopback():
		kind = "a loopback address"
	case addr.IsPrivate():
		kind = "a private address"
	case addr.IsLinkLocalUnicast(), addr.IsLinkLocalMulticast():
		kind = "a link-local address"
	case addr.IsUnspecified(), addr.IsMulticast(), addr.IsInterfaceLocalMulticast(), !addr.IsValid():
		kind = "no address of a host"
	case slices.ContainsFunc(special(), func(p netip.Prefix) bool { return p.Contains(addr) }):
		kind = "a special-purpose address"
	default:
		return nil
	}
	return fmt.Errorf("%w: %s is %s", ErrForbiddenAddress, addr, kind)
}

// special is the ranges of the special-purpose registries (RFC 6890) that
// package net/netip has no name for: this network, carrier-grade NAT, protocol
// assignments, documentation, benchmarks, reserved and broadcast; and those that
// carry another address inside them, by NAT64, 6to4 or Teredo.
func special() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),
		netip.MustParsePrefix("100.64.0.0/10"),
		netip.MustParsePrefix("192.0.0.0/24"),
		netip.MustParsePrefix("192.0.2.0/24"),
		netip.MustParsePrefix("198.18.0.0/15"),
		netip.MustParsePrefix("198.51.100.0/24"),
		netip.MustParsePrefix("203.0.113.0/24"),
		netip.MustParsePrefix("240.0.0.0/4"),
		netip.MustParsePrefix("::/96"),
		netip.MustParsePrefix("64:ff9b::/96"),
		netip.MustParsePrefix("64:ff9b:1::/48"),
		netip.MustParsePrefix("100::/64"),
		netip.MustParsePrefix("2001::/23"),
		netip.MustParsePrefix("2001:db8::/32"),
		netip.MustParsePrefix("2002::/16"),
		netip.MustParsePrefix("fec0::/10"),
	}
}

// control is a net.Dialer's: it sees each address just before it is dialled.
func (g Guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrForbiddenAddress, address)
	}
	return g.Check(at.Addr())
}

// Timeouts bounds one request to a robot, whatever its caller's context allows.
// The zero Timeouts leaves room for the longest that a profile can grant.
type Timeouts struct {
	Connect time.Duration // until the connection stands; 0: 5 s
	Header  time.Duration // from the request sent to the first line of the answer, which is the time a robot has to think; 0: 10 min
	Total   time.Duration // from the beginning to the last byte of the answer; 0: 10 min
}

// maxHeader bounds the header of a robot's response, in bytes.
const maxHeader = 64 << 10

// maxIdle is how many connections to a robot are kept open while they carry
// nothing.
const maxIdle = 4

// NewClient makes the HTTP client for one robot, so that its connections can be
// told from others'. It dials only what g permits and only after admit, goes
// through no proxy, follows no redirect and asks for no compression; the caps on
// what is read are the reader's. A nil admit lets every connection be made.
func NewClient(g Guard, t Timeouts, admit Admit) *http.Client {
	dialer := &net.Dialer{Timeout: orDefault(t.Connect, 5*time.Second), ControlContext: g.control}
	return &http.Client{
		Timeout: orDefault(t.Total, 10*time.Minute),
		Transport: &http.Transport{
			DialContext:            admitted(dialer.DialContext, admit),
			TLSHandshakeTimeout:    orDefault(t.Connect, 5*time.Second),
			ResponseHeaderTimeout:  orDefault(t.Header, 10*time.Minute),
			MaxResponseHeaderBytes: maxHeader,
			MaxIdleConnsPerHost:    maxIdle,
			IdleConnTimeout:        90 * time.Second,
			DisableCompression:     true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}
