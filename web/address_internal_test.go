package web

import (
	"net/http"
	"net/netip"
	"testing"
)

func TestAddressesBehindProxies(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:aaaa::/48")}
	for _, c := range []struct{ name, remote, xff, forwarded, want string }{
		{"no proxy", "192.0.2.1:1234", "", "", "192.0.2.1"},
		{"whoever is not trusted is not listened to", "192.0.2.1:1234", "198.51.100.7", "for=198.51.100.7", "192.0.2.1"},
		{"one proxy", "10.0.0.1:1", "198.51.100.7", "", "198.51.100.7"},
		{"what the client wrote itself is left of what the proxy wrote", "10.0.0.1:1", "1.1.1.1, 198.51.100.7", "", "198.51.100.7"},
		{"two proxies", "10.0.0.1:1", "1.1.1.1, 198.51.100.7, 10.9.9.9", "", "198.51.100.7"},
		{"only proxies", "10.0.0.1:1", "10.0.0.2, 10.0.0.3", "", "10.0.0.2"},
		{"nonsense", "10.0.0.1:1", "198.51.100.7, what", "", "10.0.0.1"},
		{"nonsense behind a proxy", "10.0.0.1:1", "what, 10.0.0.2", "", "10.0.0.2"},
		{"a proxy that says nothing", "10.0.0.1:1", "", "", "10.0.0.1"},
		{"with ports", "10.0.0.1:1", "198.51.100.7:99", "", "198.51.100.7"},
		{"IPv6", "[2001:db8:aaaa::1]:1", "[2001:db8::7]", "", "2001:db8::7"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:1", "::ffff:198.51.100.7", "", "198.51.100.7"},
		{"Forwarded", "10.0.0.1:1", "", `for=1.1.1.1, proto=https;For="198.51.100.7:80";by=10.0.0.1`, "198.51.100.7"},
		{"Forwarded with IPv6", "10.0.0.1:1", "", `for="[2001:db8::7]:4711"`, "2001:db8::7"},
		{"hidden", "10.0.0.1:1", "", "for=_secret", "10.0.0.1"},
		{"both agree", "10.0.0.1:1", "198.51.100.7", "for=198.51.100.7", "198.51.100.7"},
		{"one of both is the client's own", "10.0.0.1:1", "198.51.100.7", "for=1.1.1.1", "10.0.0.1"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{}}
		if c.xff != "" {
			r.Header.Set("X-Forwarded-For", c.xff)
		}
		if c.forwarded != "" {
			r.Header.Set("Forwarded", c.forwarded)
		}
		if got := clientAddress(r, trusted); got != netip.MustParseAddr(c.want) {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
}
