package wiretest_test

import (
	"strings"
	"testing"

	"weir/robots/oauth"
	"weir/robots/wiretest"
	"weir/wavelet"
)

// TestARobotThatInsistsOnSignatures serves a robot that was set up for OAuth with
// its key: it fails on bundles that are not signed, or that name another RPC URL.
func TestARobotThatInsistsOnSignatures(t *testing.T) {
	const bot = wavelet.Participant("signed@example.com")
	h := build(t)
	c := &wiretest.Client{Dialect: wiretest.Java, Hash: "1", RPCURL: h.rpcURL}
	c.On("WAVELET_SELF_ADDED", "", "", func(a *wiretest.Answer, _ wiretest.Event) { a.NewBlip("wavelet.appendBlip", "", "\nsigned 😀", nil) })
	c.OAuth = oauth.Credentials{Key: string(bot), Secret: h.robot(bot, c)}
	h.wave(bot)
	h.until("the robot takes its first bundle", func() bool { return strings.Contains(h.state().Text(), "signed 😀") })
}
