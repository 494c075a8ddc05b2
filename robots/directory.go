package robots

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"weir/admission"
	"weir/admission/blocks"
	"weir/admission/bounds"
	"weir/policies"
	"weir/robots/vault"
	"weir/robots/wire"
	"weir/wavelet"
)

// Options of a Directory. Domain and Profiles must be set.
type Options struct {
	Domain       string              // of this server's addresses, example.com
	Profiles     func() policies.Set // those in force now
	Guard        wire.Guard          // where robots may live; zero: at public addresses
	RPCServerURL string              // where robots call the active API, told in each bundle; "" if nowhere
	// Ask takes a bundle to a robot that connects to this server; nil: none does.
	Ask          func(ctx context.Context, robot wavelet.Participant, line []byte) ([]byte, error)
	Surroundings wire.Surroundings // of the operations in robots' answers
	Bodies       *bounds.Bodies    // the room for long answers, an eighth of it for one robot; nil: it is not bounded
	// Find is the newest state of a wavelet that a robot names in an answer, or a
	// *wavelet.Refusal with code "evicted"; nil: there is none but the bundle's.
	Find  func(context.Context, wavelet.Seat) (*wavelet.State, error)
	Vault *vault.Vault // seals keys, for requests to be signed with; nil: only their hashes are kept
	// Blocked tells who is not let in, and why; nil: nobody is kept out.
	Blocked func(wavelet.Participant) (blocks.Block, bool)
	Logger  *slog.Logger // nil: silent
}

// Directory is the robots that are registered.
type Directory struct {
	kv      KV
	o       Options
	changes iter.Seq2[Entry, error] // by whoever, since Open
	stop    context.CancelFunc      // ends changes

	mu        sync.Mutex
	robots    map[wavelet.Participant]*entry
	keys      map[keyHash]wavelet.Participant
	programs  map[wavelet.Participant]*admission.Connections // of persons, by the address they are counted under
	listeners []func(wavelet.Participant)
	closed    bool
}

// entry is a robot in the copy. A robot that was removed leaves its revision.
type entry struct {
	record
	revision uint64
	removed  bool
	to       transport // nil until it is needed
	// connections are those that stand, of either side's making. It outlives every
	// change of the robot, its removal too.
	connections *admission.Connections
}

// Open reads the directory that is kept in kv.
func Open(ctx context.Context, kv KV, o Options) (*Directory, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	d := &Directory{kv: kv, o: o, robots: map[wavelet.Participant]*entry{}, keys: map[keyHash]wavelet.Participant{},
		programs: map[wavelet.Participant]*admission.Connections{}}
	if d.o.Surroundings.Profile == nil {
		d.o.Surroundings.Profile = d.Shown
	}
	if d.o.Blocked == nil {
		d.o.Blocked = func(wavelet.Participant) (blocks.Block, bool) { return blocks.Block{}, false }
	}
	watch, stop := context.WithCancel(context.Background())
	d.changes, d.stop = kv.Watch(watch), stop
	for e, err := range kv.All(ctx) {
		if err == nil {
			err = d.learn(e)
		}
		if err == nil {
			err = d.checkSecret(wavelet.Participant(e.Key))
		}
		if err != nil {
			stop()
			return nil, fmt.Errorf("open directory of robots: %w", err)
		}
	}
	d.warnUnsigned()
	return d, nil
}

// Domain is the one of this server's addresses.
func (d *Directory) Domain() string { return d.o.Domain }

// OnChange has f called with the address of each robot that is registered or
// removed from now on, or whose service changes: by profile, callback, key
// or suspension. It is called after the change, by whoever made it.
func (d *Directory) OnChange(f func(wavelet.Participant)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.listeners = append(d.listeners, f)
}

// Run follows what other nodes have changed since Open, until ctx ends. A record
// that cannot be read is left as it was. Run a Directory once.
func (d *Directory) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, d.stop)()
	for e, err := range d.changes {
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("follow directory of robots: %w", err)
		}
		if err == nil {
			err = d.learn(e)
		}
		if err != nil {
			d.o.Logger.Warn("a change was not taken over", "robot", e.Key, "error", err)
		}
	}
	return nil
}

// Close lets go of the connections to robots and waits for what is under way.
// Changes can still be made.
func (d *Directory) Close() {
	d.stop()
	d.mu.Lock()
	d.closed = true
	var open []transport
	for _, e := range d.robots {
		if e.to != nil {
			open = append(open, e.to)
			e.to = nil
		}
	}
	d.mu.Unlock()
	for _, to := range open {
		to.Close()
	}
}

// learn takes over an entry of the KV if it is newer than what is known, and
// tells the listeners if the robot's service has changed.
func (d *Directory) learn(e Entry) error {
	id := wavelet.Participant(e.Key)
	next := &entry{revision: e.Revision, removed: e.Value == nil}
	if !next.removed {
		var err error
		if next.record, err = decodeRecord(e); err != nil {
			return err
		}
	}
	d.mu.Lock()
	old := d.robots[id]
	if old != nil && old.revision >= next.revision {
		d.mu.Unlock()
		return nil
	}
	if old == nil {
		old = &entry{removed: true, connections: &admission.Connections{}}
	}
	next.connections = old.connections
	delete(d.keys, old.Key)
	if !next.removed {
		d.keys[next.Key] = id
		next.Robot.LastError, next.Robot.LastErrorAt = old.Robot.LastError, old.Robot.LastErrorAt
	}
	retired := old.to
	if next.removed == old.removed && next.sameAddress(old.Robot) {
		next.to, retired = old.to, nil
	}
	d.robots[id] = next
	var tell []func(wavelet.Participant)
	if !old.sameService(next) {
		tell = slices.Clone(d.listeners)
	}
	d.mu.Unlock()
	if retired != nil {
		retired.Close()
	}
	for _, f := range tell {
		f(id)
	}
	return nil
}

// sameService reports whether two entries of a robot are served alike.
func (e *entry) sameService(other *entry) bool {
	return e.removed == other.removed && e.sameAddress(other.Robot) && e.Key == other.Key &&
		e.Robot.Profile == other.Robot.Profile && e.Robot.Suspended == other.Robot.Suspended &&
		e.Robot.Created.Equal(other.Robot.Created)
}

// Get is the robot at an address. The refusal is of CodeUnknownRobot.
func (d *Directory) Get(id wavelet.Participant) (Robot, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.robots[id]
	if e == nil || e.removed {
		return Robot{}, unknown(id)
	}
	return d.shown(e), nil
}

// shown is what is known of a robot, and how it stands.
func (d *Directory) shown(e *entry) Robot {
	r := e.Robot
	r.Connections, r.Unsigned = e.connections.Active(), d.o.Vault != nil && e.Secret == ""
	return r
}

// List is every robot, by address.
func (d *Directory) List() []Robot {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]Robot, 0, len(d.robots))
	for _, e := range d.robots {
		if !e.removed {
			list = append(list, d.shown(e))
		}
	}
	slices.SortFunc(list, func(a, b Robot) int { return cmp.Compare(a.Address, b.Address) })
	return list
}

// Registered reports whether id is a robot's address, in service or not.
func (d *Directory) Registered(id wavelet.Participant) bool {
	_, err := d.Get(id.Robot())
	return err == nil
}

// Authenticate is the robot that a key belongs to, suspended or not. The refusal
// is of CodeBadKey and tells nothing about robots. What a guesser could learn
// from the time it takes is about the key's hash, not about the key.
func (d *Directory) Authenticate(key string) (Robot, error) {
	hash := hashKey(key)
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.robots[d.keys[hash]]
	if !looksLikeKey(key) || e == nil || e.removed || !e.Key.equal(hash) {
		return Robot{}, refuse(CodeBadKey, "key", "use the key that was shown when the robot was registered, or have it rotated", "this is no robot's key")
	}
	return e.Robot, nil
}

// Blocked is the block of a robot or a person, false if there is none.
func (d *Directory) Blocked(id wavelet.Participant) (blocks.Block, bool) { return d.o.Blocked(id) }

// InService is the transport to the robot at an address and the profile under
// which it is held; false if none is registered there or it is suspended
// or blocked. Of one that is the profile is given all the same. A robot without a callback
// answers every bundle with nothing.
//
// A person's programs are in service without being registered.
func (d *Directory) InService(id wavelet.Participant) (Receiver, policies.Profile, bool) {
	if _, ok := PersonOf(id); ok {
		profile, ok := d.programsProfile(id)
		return wire.Silent{}, profile, ok
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.robots[id]
	if e == nil || e.removed || d.closed {
		return nil, policies.Profile{}, false
	}
	profile, ok := d.profile(e.Robot)
	if _, blocked := d.o.Blocked(id); !ok || blocked || e.Robot.Suspended {
		return nil, profile, false
	}
	if e.to == nil {
		e.to = d.newTransport(e.Robot)
	}
	e.to.Limit(profile.Delivery)
	return e.to, profile, true
}

// profile is the profile a robot is held under: its own, or the default one if
// that is not defined any more.
func (d *Directory) profile(r Robot) (policies.Profile, bool) {
	set := d.o.Profiles()
	if p, ok := set.For(string(r.Address), r.Profile); ok {
		return p, true
	}
	return set.For(string(r.Address), "")
}

// learned stores what a robot has declared. If that fails it is asked again
// after the next restart.
func (d *Directory) learned(of Robot, c wire.Capabilities) {
	d.note(of, func(r *Robot) { r.Capabilities = &c })
}

// introduced stores how a robot, or a proxy of it, wants to be shown. A robot that
// gives its own name for a proxy does not know proxies.
func (d *Directory) introduced(of Robot, p wire.Profile) {
	now, err := d.Get(of.Address)
	if err != nil {
		return
	}
	known, own := now.Proxies[p.Address], p.Address == of.Address
	if now.About != nil && own {
		known = *now.About
	}
	if known == p || !own && now.About != nil && now.About.Name == p.Name {
		return
	}
	d.note(of, func(r *Robot) {
		switch {
		case own:
			r.About = &p
		case r.Proxies == nil:
			r.Proxies = map[wavelet.Participant]wire.Profile{p.Address: p}
		case len(r.Proxies) < maxProxies || r.Proxies[p.Address] != wire.Profile{}:
			r.Proxies[p.Address] = p
		}
	})
}

// maxProxies is how many proxies of a robot are remembered.
const maxProxies = 64

// note stores what a robot has said about itself, unless it has moved since.
func (d *Directory) note(of Robot, f func(*Robot)) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := d.change(ctx, of.Address, func(r *record) error {
		if r.Robot.Callback != of.Callback || r.Robot.Transport != of.Transport {
			return errStale
		}
		f(&r.Robot)
		return nil
	})
	if err != nil && !errors.Is(err, errStale) {
		d.o.Logger.Warn("what a robot says about itself was not stored", "robot", of.Address, "error", err)
	}
}

// Shown is how somebody is shown: a robot and its proxies as it wants them to be,
// everybody else by the address.
func (d *Directory) Shown(who wavelet.Participant) wire.Profile {
	r, err := d.Get(who.Robot())
	if err == nil && who == r.Address && r.About != nil {
		return *r.About
	}
	if p, ok := r.Proxies[who]; err == nil && ok {
		return p
	}
	return wire.PlainProfile(who)
}

// errStale says that what was learned is about a robot that has moved.
var errStale = errors.New("the robot has another callback now")

// heard remembers how the last call of a robot ended.
func (d *Directory) heard(id wavelet.Participant, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.robots[id]
	if e == nil || e.removed {
		return
	}
	e.Robot.LastError, e.Robot.LastErrorAt = "", time.Time{}
	if err != nil {
		e.Robot.LastError, e.Robot.LastErrorAt = err.Error(), time.Now()
	}
}
