package web

import (
	"net/netip"
	"testing"
)

func TestANetworkIsAnAddressOrWhatOneCustomerHas(t *testing.T) {
	for from, want := range map[string]string{
		"192.0.2.7": "192.0.2.7/32", "::ffff:192.0.2.7": "192.0.2.7/32", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := networkOf(netip.MustParseAddr(from)).String(); got != want {
			t.Errorf("%s counts under %s, want %s", from, got, want)
		}
	}
}
