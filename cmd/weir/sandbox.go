package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"weir/governor"
	"weir/policies"
	"weir/robots"
	"weir/testbots"
	"weir/wavelet"
	"weir/wavelet/client"
)

// drill is a loop on purpose, in a wavelet of its own on somebody's server. The
// pair is two echo robots behind one port of this process. Registering the
// first of them is the lock that keeps two drills apart.
type drill struct {
	cmd    drillCmd
	api    api // with the admin token: the operator, and the person drill
	story  io.Writer
	stale  time.Duration // age at which another drill's robots are taken for left over
	report drillReport

	name   wavelet.Name // of the wavelet; zero before it is made
	path   string       // of its calls
	me     wavelet.Participant
	pair   []loopRobot // those registered
	person *client.Client
	wave   *client.Wavelet

	server *http.Server // the pair's
	wg     sync.WaitGroup
}

// loopRobot is one of the pair.
type loopRobot struct {
	id  wavelet.Participant
	key string
}

// Times of a drill.
const (
	staleDrill  = 10 * time.Minute // longer than any drill lasts
	afterwards  = 2 * time.Second  // of watching after the eviction
	cleanUpTime = time.Minute
	drillTitle  = "weir drill: robots loop here on purpose"
)

// perform does it all and cleans up, whatever happens.
func (d *drill) perform(ctx context.Context) {
	err := d.open(ctx)
	if err == nil {
		err = d.loop(ctx)
	}
	if err != nil {
		d.report.fail(err)
	}
	cleaning, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
	defer cancel()
	if err := d.cleanUp(cleaning); err != nil {
		d.report.fail(fmt.Errorf("clean up: %w", err))
		return
	}
	d.report.CleanedUp = d.name != wavelet.Name{}
}

// open makes the wavelet with the pair in it.
func (d *drill) open(ctx context.Context) error {
	if err := d.expect(ctx); err != nil {
		return err
	}
	var made client.Placed
	if err := d.api.call(ctx, http.MethodPost, "/api/v1/waves", map[string]string{"title": drillTitle}, &made); err != nil {
		return fmt.Errorf("make a wavelet: %w", err)
	}
	domain, _, _ := strings.Cut(made.Wave, "!")
	d.name, d.me = made.Name(), wavelet.Participant("drill@"+domain)
	d.report.Wavelet = d.name.String()
	var err error
	if d.path, err = wavePath(d.name.String()); err != nil {
		return err
	}
	base, err := d.serve()
	if err != nil {
		return err
	}
	for _, name := range []string{"drill-a", "drill-b"} {
		if err := d.register(ctx, wavelet.Participant(name+"@"+domain), base+"/"+name); err != nil {
			return err
		}
	}
	if err := d.sweep(ctx); err != nil {
		return fmt.Errorf("clean up what an earlier drill has left: %w", err)
	}
	for _, r := range d.pair {
		if err := d.api.call(ctx, http.MethodPost, d.path+"/participants", map[string]string{"who": string(r.id)}, nil); err != nil {
			return fmt.Errorf("add %s: %w", r.id, err)
		}
	}
	if d.person, err = client.Dial(ctx, d.api.url, client.Options{User: d.me, Token: d.api.token}); err == nil {
		d.wave, err = d.person.Open(ctx, d.name)
	}
	if err != nil {
		return fmt.Errorf("open the wavelet: %w", err)
	}
	fmt.Fprintf(d.story, "wavelet   %s\nrobots    %s and %s, profile %s, at %s\n",
		d.name, short(d.pair[0].id), short(d.pair[1].id), d.report.Profile, base)
	return nil
}

// expect finds out how soon the profile evicts, and refuses one that does not.
func (d *drill) expect(ctx context.Context) error {
	var list struct {
		Default  string
		Profiles []struct {
			Name     string
			Settings []policies.Setting
		}
	}
	if err := d.api.call(ctx, http.MethodGet, "/api/v1/profiles", nil, &list); err != nil {
		return err
	}
	name := or(d.cmd.Profile, list.Default)
	d.report.Profile = name
	set := map[string]string{}
	for _, p := range list.Profiles {
		for _, x := range p.Settings {
			if p.Name == name {
				set[x.Key] = x.Value
			}
		}
	}
	if len(set) == 0 {
		return fmt.Errorf("--profile: there is no profile %q on this server", name)
	}
	depth, _ := strconv.Atoi(set["depth.act"])
	if depth == 0 || set["action"] != string(governor.Evict) {
		return fmt.Errorf("the profile %s does not evict by depth: the guard is off for robots held under it; name another one with --profile", name)
	}
	interval, _ := time.ParseDuration(set["pace.min_interval"])
	merge, _ := time.ParseDuration(set["pace.merge"])
	d.report.ExpectedS = (time.Duration(depth) * max(interval, merge)).Seconds()
	return nil
}

// serve lets the pair wait for bundles, and returns the URL below which they
// are reached.
func (d *drill) serve() (string, error) {
	mux := http.NewServeMux()
	for _, name := range []string{"drill-a", "drill-b"} {
		bot, err := testbots.New("echo", testbots.Options{})
		if err != nil {
			return "", err
		}
		mux.Handle("/"+name+"/", http.StripPrefix("/"+name, bot))
	}
	l, err := net.Listen("tcp", d.cmd.Listen)
	if err != nil {
		return "", fmt.Errorf("--listen: %w", err)
	}
	d.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	d.wg.Go(func() { _ = d.server.Serve(l) }) // ends when cleanUp closes it
	if d.cmd.Callback != "" {
		return strings.TrimSuffix(d.cmd.Callback, "/"), nil
	}
	return "http://" + l.Addr().String(), nil
}

// register registers one of the pair, in place of one that was left over.
func (d *drill) register(ctx context.Context, id wavelet.Participant, callback string) error {
	in := map[string]string{"address": string(id), "callback": callback, "profile": d.cmd.Profile}
	var made keyed
	err := d.api.call(ctx, http.MethodPost, "/api/v1/robots", in, &made)
	if refusal, ok := errors.AsType[*problem](err); ok && refusal.Field == "callback" {
		return unreachable(err)
	}
	var old robots.Robot
	if err != nil && d.api.call(ctx, http.MethodGet, robotPath(string(id)), nil, &old) == nil {
		if time.Since(old.Created) < d.stale {
			return fmt.Errorf("%s is registered since %s: another drill is under way, or was killed; wait for it, or weir robots remove %s",
				id, old.Created.Local().Format(time.TimeOnly), id)
		}
		if err = d.api.call(ctx, http.MethodDelete, robotPath(string(id)), nil, nil); err == nil {
			err = d.api.call(ctx, http.MethodPost, "/api/v1/robots", in, &made)
		}
	}
	if err != nil {
		return fmt.Errorf("register %s: %w", id, err)
	}
	d.pair = append(d.pair, loopRobot{id, made.Key})
	return nil
}

// unreachable says what to do if the server cannot call the pair.
func unreachable(err error) error {
	return fmt.Errorf("the server cannot call the drill's robots: %w; choose an address that it can call with --listen and --callback", err)
}

// sweep empties and leaves the wavelets of earlier drills.
func (d *drill) sweep(ctx context.Context) error {
	var list struct {
		Wavelets []client.Summary `json:"wavelets"`
	}
	if err := d.api.call(ctx, http.MethodGet, "/api/v1/waves?limit=200", nil, &list); err != nil {
		return err
	}
	for _, w := range list.Wavelets {
		name := wavelet.Name{Wave: w.Wave, Wavelet: w.Wavelet}
		if name == d.name || w.Title != drillTitle {
			continue
		}
		if err := d.empty(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// cleanUp takes down what open has set up, as far as that came.
func (d *drill) cleanUp(ctx context.Context) error {
	if d.person != nil {
		_ = d.person.Close()
	}
	var faults []error
	if d.path != "" {
		faults = append(faults, d.empty(ctx, d.name))
	}
	for _, r := range d.pair {
		if err := d.api.call(ctx, http.MethodDelete, robotPath(string(r.id)), nil, nil); err != nil {
			faults = append(faults, fmt.Errorf("remove %s: %w; weir robots remove %s does it", r.id, err, r.id))
		}
	}
	if d.server != nil {
		_ = d.server.Close()
	}
	d.wg.Wait()
	return errors.Join(faults...)
}

// empty puts the robots out of a wavelet of a drill, deletes everything below
// its title, and leaves it.
func (d *drill) empty(ctx context.Context, name wavelet.Name) error {
	path, err := wavePath(name.String())
	if err != nil {
		return err
	}
	state, err := d.read(ctx, path, name)
	if err != nil {
		return err
	}
	for _, m := range state.Participants() {
		if m.Address == d.me {
			continue
		}
		if err := d.api.call(ctx, http.MethodDelete, path+"/participants/"+url.PathEscape(string(m.Address)), nil, nil); err != nil {
			return fmt.Errorf("put %s out: %w", m.Address, err)
		}
	}
	if state, err = d.read(ctx, path, name); err != nil { // a robot may have written until it was put out
		return err
	}
	var ops []wavelet.Op
	for b := range state.Blips() {
		if b.ID != state.Root() {
			ops = append(ops, wavelet.DeleteBlip{Blip: b.ID})
		}
	}
	raw, err := wavelet.MarshalOps(append(ops, wavelet.RemoveParticipant{Who: d.me}))
	if err != nil {
		return err
	}
	in := map[string]any{"base": state.Version(), "ops": json.RawMessage(raw)}
	if err := d.api.call(ctx, http.MethodPost, path+"/deltas", in, nil); err != nil {
		return fmt.Errorf("empty and leave the wavelet: %w", err)
	}
	return nil
}

// read is a wavelet as it is now.
func (d *drill) read(ctx context.Context, path string, name wavelet.Name) (*wavelet.State, error) {
	var snapshot client.Snapshot
	if err := d.api.call(ctx, http.MethodGet, path, nil, &snapshot); err != nil {
		return nil, fmt.Errorf("read the wavelet: %w", err)
	}
	return snapshot.State(name)
}
