package robots

import (
	"context"
	"fmt"
	"reflect"

	"weir/events"
	"weir/policies"
	"weir/robots/oauth"
	"weir/robots/wire"
	"weir/wavelet"
)

// transport is how bundles get to a robot.
type transport interface {
	Receiver
	// Wants reports whether Receive would send a bundle.
	Wants(b events.Bundle) bool
	// Limit sets the bounds of what the robot may answer.
	Limit(d policies.Delivery)
	// Close ends what is under way and waits for it.
	Close()
}

// sameAddress reports whether bundles get to a robot as they get to another.
func (e *entry) sameAddress(other Robot) bool {
	return e.Robot.Callback == other.Callback && e.Robot.Transport == other.Transport
}

// newTransport makes the transport to a robot.
func (d *Directory) newTransport(r Robot) transport {
	switch {
	case r.Transport == TransportNATS:
		return d.newOutbound(r)
	case r.Callback != "":
		return d.newPassive(r)
	}
	return wire.Silent{}
}

// findFor finds what a robot names in an answer beside its bundle's wavelet; nil
// if nothing is to be found.
func (d *Directory) findFor(id wavelet.Participant) func(context.Context, wavelet.Name) (*wavelet.State, error) {
	if d.o.Find == nil {
		return nil
	}
	return func(ctx context.Context, name wavelet.Name) (*wavelet.State, error) {
		return d.o.Find(ctx, wavelet.Seat{Wavelet: name, Robot: id})
	}
}

func (d *Directory) newPassive(r Robot) transport {
	o := wire.PassiveOptions{
		RPCServerURL: d.o.RPCServerURL,
		Surroundings: d.o.Surroundings,
		Find:         d.findFor(r.Address),
		Bodies:       d.o.Bodies.Share(),
		Credentials:  func() oauth.Credentials { return d.credentials(r.Address) },
		Learned:      func(c wire.Capabilities) { d.learned(r, c) },
		Introduced:   func(p wire.Profile) { d.introduced(r, p) },
		Heard:        func(err error) { d.heard(r.Address, err) },
	}
	if r.Capabilities != nil {
		o.Capabilities, o.Known = *r.Capabilities, true
	}
	client := wire.NewClient(d.o.Guard, wire.Timeouts{}, func() (func(), error) { return d.Connect(r.Address) })
	return wire.NewPassive(r.Address, r.Callback, client, o)
}

func (d *Directory) newOutbound(r Robot) transport {
	ask := func(ctx context.Context, line []byte) ([]byte, error) {
		if d.o.Ask == nil {
			return nil, fmt.Errorf("%w: it connects over NATS, and this server was started without; give --nats-listen or --nats", wire.ErrUnreachable)
		}
		return d.o.Ask(ctx, r.Address, line)
	}
	return wire.NewOutbound(r.Address, ask, wire.OutboundOptions{
		RPCServerURL: d.o.RPCServerURL,
		Capabilities: func() wire.Capabilities { return d.announced(r.Address) },
		Surroundings: d.o.Surroundings,
		Find:         d.findFor(r.Address),
		Announced:    func(c wire.Capabilities) { d.Announce(r.Address, c) },
		Heard:        func(err error) { d.heard(r.Address, err) },
	})
}

// announced is what a robot that connects to this server has said it wants.
func (d *Directory) announced(id wavelet.Participant) wire.Capabilities {
	if r, err := d.Get(id); err == nil && r.Capabilities != nil {
		return *r.Capabilities
	}
	return wire.Unannounced()
}

// Announce stores what a robot that connects to this server says it wants. Of
// others it is not taken: they are asked.
func (d *Directory) Announce(id wavelet.Participant, c wire.Capabilities) {
	r, err := d.Get(id)
	if err != nil || r.Transport == "" || r.Capabilities != nil && reflect.DeepEqual(*r.Capabilities, c) {
		return
	}
	d.learned(r, c)
}

// checkTransport refuses a registration for a transport that there is not, or
// that cannot be had here.
func (d *Directory) checkTransport(reg Registration) error {
	switch {
	case reg.Transport == "":
		return nil
	case reg.Transport != TransportNATS:
		return refuse(CodeTransport, "transport", "give "+TransportNATS+", or nothing for HTTP", "there is no transport %q", reg.Transport)
	case reg.Callback != "":
		return refuse(CodeTransport, "transport", "leave out the callback or the transport", "a robot that connects over NATS is not called")
	case d.o.Ask == nil:
		return refuse(CodeTransport, "transport", "start the server with --nats-listen or --nats", "this server takes no robots over NATS")
	}
	return nil
}

// Enter lets a robot connect over NATS under its address and its key; one that is
// suspended too, for it may ask for its limits. The
// connection takes one of its places until leave is called, once; it may stay as
// long as stays says. The refusal is a *wavelet.Refusal.
func (d *Directory) Enter(id wavelet.Participant, key string) (stays func() bool, leave func(), err error) {
	check := func() error {
		r, err := d.Authenticate(key)
		switch {
		case err != nil:
			return err
		case r.Address != id:
			return refuse(CodeBadKey, "user", "use the robot's own address", "this is not the key of %s", id)
		case r.Transport != TransportNATS:
			return refuse(CodeTransport, "transport", "register it with --transport nats", "%s is called over HTTP", id)
		}
		if b, ok := d.Blocked(id); ok {
			return refuse(CodeBlocked, "user", "ask the operator of this server", "%s is %s", id, b)
		}
		return nil
	}
	if err := check(); err != nil {
		return nil, nil, err
	}
	if leave, err = d.Connect(id); err != nil {
		return nil, nil, err
	}
	return func() bool { return check() == nil }, leave, nil
}
