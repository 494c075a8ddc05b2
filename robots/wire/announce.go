package wire

import (
	"encoding/json"
	"errors"
	"fmt"

	"weir/events"
)

// Unannounced is what a robot is taken to want that connects to this server and
// has not said what it wants: to hear that it was added or removed, each message
// when its author is done with it, and what it is told about itself.
func Unannounced() Capabilities {
	c := Capabilities{Protocol: "0.22"}
	for _, event := range []events.Type{
		events.WaveletSelfAdded, events.WaveletSelfRemoved, events.BlipSubmitted, events.OperationError, events.RobotLimitWarning,
	} {
		c.Wants = append(c.Wants, Want{Event: event, Contexts: parseContexts("")})
	}
	return c
}

// wish is one line of the capabilities that a robot announces: the name of an
// event, or an object with the attributes of such a line.
type wish struct{ Name, Context, Filter string }

func (w *wish) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, &w.Name)
	}
	type plain wish
	if err := json.Unmarshal(raw, (*plain)(w)); err != nil || w.Name == "" {
		return errors.New(`want the name of an event, or {"name", "context", "filter"}`)
	}
	return nil
}

// announcement is the capabilities of a robot.notify.
type announcement struct {
	wishes []wish
	set    bool
}

func (a *announcement) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		return nil
	}
	a.set = true
	if err := json.Unmarshal(raw, &a.wishes); err != nil {
		return err
	}
	if len(a.wishes) > maxWants {
		return fmt.Errorf("%d lines, at most %d", len(a.wishes), maxWants)
	}
	_, err := a.capabilities("", "")
	return err
}

// capabilities are those announced, by a robot that names their hash and its
// protocol.
func (a *announcement) capabilities(hash, protocol string) (Capabilities, error) {
	if len(hash) > maxVersion || len(protocol) > maxVersion {
		return Capabilities{}, fmt.Errorf("capabilitiesHash and protocolVersion have at most %d bytes", maxVersion)
	}
	c := Capabilities{Hash: hash, Protocol: protocol, Wants: []Want{}}
	if protocol == "" {
		c.Protocol = Unannounced().Protocol
	}
	for _, w := range a.wishes {
		if err := c.add(w.Name, w.Context, w.Filter); err != nil {
			return Capabilities{}, err
		}
	}
	return c, nil
}
