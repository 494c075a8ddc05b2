package robots

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"weir/events"
	"weir/robots/wire"
	"weir/wavelet"
)

// Receiver takes bundles for a robot. It is what the gateway calls a Robot.
type Receiver interface {
	Receive(ctx context.Context, b events.Bundle) (events.Answer, error)
}

// Registration is a request to register a robot.
type Registration struct {
	Address  wavelet.Participant
	Callback string // base URL at which it is called; "" for one that only calls, or connects
	// Transport is TransportNATS for a robot that connects to this server, "" for
	// one that is called at its Callback, if it has one.
	Transport string
	Profile   string // "": the default one
}

// Register adds a robot and returns its key, which cannot be shown again. The error is a *wavelet.Refusal that names the field, or that of
// the KV.
func (d *Directory) Register(ctx context.Context, reg Registration) (Robot, string, error) {
	callback, err := d.checkRegistration(reg)
	if err != nil {
		return Robot{}, "", err
	}
	key, hash := newKey()
	r := record{Key: hash, Secret: d.seal(reg.Address, key), Robot: Robot{
		Address:   reg.Address,
		Callback:  callback,
		Transport: reg.Transport,
		Profile:   reg.Profile,
		Created:   time.Now().UTC().Truncate(time.Millisecond),
	}}
	err = d.put(ctx, r, 0)
	if errors.Is(err, ErrConflict) {
		return Robot{}, "", refuse(CodeTaken, "address", "choose another name, or remove the robot that has it", "a robot is registered at %s already", reg.Address)
	}
	if err != nil {
		return Robot{}, "", fmt.Errorf("register %s: %w", reg.Address, err)
	}
	return r.Robot, key, nil
}

// checkRegistration returns the callback in its normal form, or why the
// registration cannot be.
func (d *Directory) checkRegistration(reg Registration) (string, error) {
	if err := reg.Address.Check(); err != nil {
		return "", refuse(CodeAddress, "address", "give a name and this server's domain, as in echo@"+d.o.Domain, "%v", err)
	}
	if plain := reg.Address.Robot(); plain != reg.Address {
		return "", refuse(CodeAddress, "address", "register "+string(plain)+"; its proxies and versions are the same robot",
			"%s names a proxy or a version of a robot", reg.Address)
	}
	if reg.Address.Domain() != d.o.Domain {
		return "", refuse(CodeDomain, "address", "use the domain "+d.o.Domain, "%s is not of this server's domain", reg.Address)
	}
	if err := d.checkProfile(reg.Profile); err != nil {
		return "", err
	}
	if err := d.checkTransport(reg); err != nil {
		return "", err
	}
	if reg.Callback == "" {
		return "", nil
	}
	return checkCallback(reg.Callback, d.o.Guard)
}

func (d *Directory) checkProfile(name string) error {
	set := d.o.Profiles()
	if _, ok := set.Profile(name); !ok {
		return refuse(CodeProfile, "profile", "use one of "+strings.Join(set.Names(), ", "), "there is no profile %q", name)
	}
	return nil
}

// maxCallback is the length of a callback URL that is accepted.
const maxCallback = 2000

// checkCallback returns the base URL in its normal form: scheme, host, port and
// path, without a slash at the end. Whether the host's name leads to a permitted
// address is seen when it is dialled; an address in the URL itself is looked at
// here too.
func checkCallback(raw string, g wire.Guard) (string, error) {
	bad := func(remedy, format string, args ...any) (string, error) {
		return "", refuse(CodeCallback, "callback", remedy, format, args...)
	}
	const example = "give a base URL such as https://robots.example.com/echo"
	u, err := url.Parse(raw)
	switch {
	case err != nil || len(raw) > maxCallback:
		return bad(example, "the URL cannot be read")
	case u.Scheme != "http" && u.Scheme != "https":
		return bad(example, "the scheme %q is neither http nor https", u.Scheme)
	case u.Hostname() == "":
		return bad(example, "the URL names no host")
	case !goodPort(u.Port()):
		return bad(example, "there is no port %s", u.Port())
	case u.User != nil:
		return bad("leave out name and password; a robot knows weir by the signature or a path of its own", "the URL holds credentials")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return bad("put what tells robots apart into the path", "the URL has a query or a fragment")
	}
	host := u.Hostname()
	if strings.EqualFold(host, "localhost") {
		host = "127.0.0.1"
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		if err := g.Check(addr); err != nil {
			return bad("use a public address, or allow its range when the server is started", "%v", err)
		}
	}
	return strings.TrimRight(u.Scheme+"://"+u.Host+u.EscapedPath(), "/"), nil
}

// goodPort reports whether a URL's port can be dialled; none is the scheme's.
func goodPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

// SetProfile holds a robot under another profile, "" for the default one.
func (d *Directory) SetProfile(ctx context.Context, id wavelet.Participant, profile string) (Robot, error) {
	if err := d.checkProfile(profile); err != nil {
		return Robot{}, err
	}
	return d.change(ctx, id, func(r *record) error { r.Robot.Profile = profile; return nil })
}

// SetCallback moves a robot to another base URL, "" if it is not to be called
// any more. What it declared is forgotten, and that it connected by itself.
func (d *Directory) SetCallback(ctx context.Context, id wavelet.Participant, callback string) (Robot, error) {
	if callback != "" {
		var err error
		if callback, err = checkCallback(callback, d.o.Guard); err != nil {
			return Robot{}, err
		}
	}
	return d.change(ctx, id, func(r *record) error {
		r.Robot.Callback, r.Robot.Transport = callback, ""
		r.Robot.Capabilities, r.Robot.About, r.Robot.Proxies = nil, nil, nil
		return nil
	})
}

// RotateKey gives a robot a new key and returns it. The old one is dead at once.
func (d *Directory) RotateKey(ctx context.Context, id wavelet.Participant) (Robot, string, error) {
	key, hash := newKey()
	r, err := d.change(ctx, id, func(r *record) error { r.Key, r.Secret = hash, d.seal(id, key); return nil })
	if err != nil {
		return Robot{}, "", err
	}
	return r, key, nil
}

// Suspend takes a robot out of service: it is called no more, and its calls are
// refused.
func (d *Directory) Suspend(ctx context.Context, id wavelet.Participant) (Robot, error) {
	return d.change(ctx, id, func(r *record) error { r.Robot.Suspended = true; return nil })
}

// Resume takes a robot back into service.
func (d *Directory) Resume(ctx context.Context, id wavelet.Participant) (Robot, error) {
	return d.change(ctx, id, func(r *record) error { r.Robot.Suspended = false; return nil })
}

// Remove takes a robot out of the directory. What it wrote stays.
func (d *Directory) Remove(ctx context.Context, id wavelet.Participant) error {
	return d.retry(ctx, id, func(e Entry) error {
		revision, err := d.kv.Put(ctx, e.Key, nil, e.Revision)
		if err != nil {
			return err
		}
		return d.learn(Entry{Key: e.Key, Revision: revision})
	})
}

// change writes a changed record.
func (d *Directory) change(ctx context.Context, id wavelet.Participant, f func(*record) error) (Robot, error) {
	var changed Robot
	err := d.retry(ctx, id, func(e Entry) error {
		r, err := decodeRecord(e)
		if err != nil {
			return err
		}
		if err := f(&r); err != nil {
			return err
		}
		changed = r.Robot
		return d.put(ctx, r, e.Revision)
	})
	return changed, err
}

// retry reads an entry and has it changed, again if somebody else was faster.
func (d *Directory) retry(ctx context.Context, id wavelet.Participant, f func(Entry) error) error {
	for {
		e, err := d.kv.Get(ctx, string(id))
		if errors.Is(err, ErrNotFound) {
			return unknown(id)
		}
		if err == nil {
			err = f(e)
		}
		if errors.Is(err, ErrConflict) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return fmt.Errorf("change robot %s: %w", id, err)
		}
		return nil
	}
}

// put writes a record at a revision, 0 for a new one, and takes it over.
func (d *Directory) put(ctx context.Context, r record, revision uint64) error {
	value, err := r.encode()
	if err != nil {
		return err
	}
	key := string(r.Robot.Address)
	if revision, err = d.kv.Put(ctx, key, value, revision); err != nil {
		return err
	}
	return d.learn(Entry{key, value, revision})
}
