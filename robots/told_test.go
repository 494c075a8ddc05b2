package robots_test

import (
	"testing"

	"weir/events"
	"weir/robots"
	"weir/robots/wire"
)

func TestWhoIsTold(t *testing.T) {
	wants := func(types ...events.Type) *wire.Capabilities {
		c := &wire.Capabilities{}
		for _, e := range types {
			c.Wants = append(c.Wants, wire.Want{Event: e})
		}
		return c
	}
	for what, x := range map[string]struct {
		robot robots.Robot
		told  bool
	}{
		"not called":                {robots.Robot{}, false},
		"not called, wants much":    {robots.Robot{Capabilities: wants(events.DocumentChanged)}, false},
		"called, not asked yet":     {robots.Robot{Callback: "http://127.0.0.1:1"}, true},
		"over NATS, says nothing":   {robots.Robot{Transport: robots.TransportNATS}, true},
		"called, wants messages":    {robots.Robot{Callback: "http://127.0.0.1:1", Capabilities: wants(events.WaveletSelfAdded, events.BlipSubmitted)}, true},
		"called, wants to be added": {robots.Robot{Callback: "http://127.0.0.1:1", Capabilities: wants(events.WaveletSelfAdded, events.RobotLimitWarning)}, false},
		"over NATS, wants nothing":  {robots.Robot{Transport: robots.TransportNATS, Capabilities: wants()}, false},
	} {
		if got := x.robot.Told(); got != x.told {
			t.Errorf("%s: told is %t", what, got)
		}
	}
}
