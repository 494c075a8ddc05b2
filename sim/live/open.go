package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"weir/robots/kit"
	"weir/robots/kit/overnats"
	"weir/sim"
	"weir/wavelet"
)

// host is who makes the wavelets and takes no further part.
const host = wavelet.Participant("weir.live@" + sim.Domain)

// opening is how long, in real time, it may take until every robot has had its
// first bundle.
const opening = time.Minute

// reconnect is how long, in real time, a robot waits until it tries to connect again.
const reconnect = 20 * time.Millisecond

// open starts the server, brings everybody in and waits until the robots are
// served.
func (r *run) open() error {
	s, err := r.o.Start(r.ctx, r.hooks())
	if err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	r.server, r.admin = s, s.AdminToken
	base, err := r.serve()
	if err != nil {
		return err
	}
	for i := range r.sc.Robots {
		if err := r.enrol(&r.sc.Robots[i], base); err != nil {
			return err
		}
	}
	r.mu.Lock()
	for i := range r.sc.Humans {
		p := sim.NewPerson(r.sc, &r.sc.Humans[i], r.o.Seed)
		r.people[p.Address] = p
		for _, name := range p.In {
			r.room(name).join(p.Address)
		}
	}
	r.mu.Unlock()
	for _, in := range r.rooms {
		if err := r.makeWavelet(in); err != nil {
			return err
		}
	}
	r.mu.Lock()
	r.opened()
	r.mu.Unlock()
	select {
	case <-r.ready:
		return nil
	case <-time.After(opening):
		return errors.New("the server does not serve the robots")
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
}

// room is the room with this name in the scenario.
func (r *run) room(name string) *room {
	in := r.rooms[name]
	if in == nil {
		in = newRoom(name)
		r.rooms[name] = in
	}
	return in
}

// enrol registers a robot that lives here, and seats it where it takes part.
func (r *run) enrol(b *sim.Robot, base string) error {
	profile, ok := r.o.Profiles.For(b.Name+"@"+sim.Domain, b.Profile)
	if !ok {
		return fmt.Errorf("robot %s: no profile is called %q", b.Name, b.Profile)
	}
	bot := &robot{Habits: sim.NewHabits(r.sc, b, r.o.Seed, profile), seats: map[*room]*seat{}}
	r.mu.Lock()
	r.robots[bot.Address] = bot
	for _, name := range slices.Concat(b.In, b.To) {
		in := r.room(name)
		in.join(bot.Address)
		if listens := slices.Contains(b.In, name); bot.seats[in] == nil && (listens || !b.Remote) {
			bot.seats[in] = newSeat(bot, in, listens)
		}
	}
	r.mu.Unlock()
	if b.Remote {
		return nil
	}
	var made struct{ Key string }
	in := map[string]string{"address": string(bot.Address), "callback": base + "/" + b.Name, "profile": b.Profile}
	if r.o.Over == OverNATS {
		in["transport"] = "nats"
	}
	if r.o.Over == OverNATS || r.o.Over.Asks() {
		delete(in, "callback")
	}
	if err := r.ask(r.admin, "/api/v1/robots", in, &made); err != nil {
		return fmt.Errorf("register %s: %w", b.Name, err)
	}
	robot := kit.NewWith(kit.Options{
		Key: made.Key, URL: base + "/" + b.Name, Server: r.url(), Context: "SELF", Client: &r.line,
		Unlimited: !r.o.Polite, Held: func(*kit.Bundle, *kit.Held) { r.keptBack() },
	}, b.Name, func(_ context.Context, in *kit.Bundle, out *kit.Reply) error { return r.answer(bot, in, out) },
		kit.WaveletBlipCreated, kit.DocumentChanged)
	r.mu.Lock()
	defer r.mu.Unlock()
	bot.kit = robot
	switch at := r.server.NATS; r.o.Over {
	case OverActive:
		bot.asks = &fetcher{run: r, robot: bot, heard: map[*seat]kit.Wave{}}
	case OverMCP:
		bot.asks = &agent{run: r, robot: bot, key: made.Key}
	case OverNATS:
		r.wg.Go(func() {
			r.keep(overnats.Serve(r.ctx, at, string(bot.Address), made.Key, robot, nats.ReconnectWait(reconnect)))
		})
	}
	return nil
}

// makeWavelet makes the wavelet of a room, with everybody in it.
func (r *run) makeWavelet(in *room) error {
	var made struct{ Wave, Wavelet string }
	if err := r.ask("", "/api/v1/waves", map[string]any{"participants": in.members}, &made); err != nil {
		return fmt.Errorf("make the wavelet %s: %w", in.called, err)
	}
	name := wavelet.Name{Wave: made.Wave, Wavelet: made.Wavelet}
	r.mu.Lock()
	defer r.mu.Unlock()
	in.name = name
	if early := r.places[name]; early != nil { // its commits came before its name
		in.log, in.own = early.log, early.own
	}
	r.places[name] = in
	for _, b := range r.robots {
		s := b.seats[in]
		if s == nil {
			continue
		}
		s.id = wavelet.Seat{Wavelet: name, Robot: b.Address}
		if b.Remote {
			for _, e := range in.log {
				s.see(0, e)
			}
			r.wg.Go(func() { r.listen(s) })
		}
	}
	return nil
}

// opened tells when every robot has had its first bundle everywhere. The mutex
// is held.
func (r *run) opened() {
	for _, b := range r.robots {
		for _, s := range b.seats {
			if !b.Remote && b.asks == nil && !r.met[s.id] {
				return
			}
		}
	}
	select {
	case <-r.ready:
	default:
		close(r.ready)
	}
}

// serve lets the robots wait for bundles, until the run ends, and returns the
// URL below which each has its name.
func (r *run) serve() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("listen for the robots: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/{robot}/", func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		var made *kit.Robot
		if b := r.robots[wavelet.Participant(req.PathValue("robot")+"@"+sim.Domain)]; b != nil {
			made = b.kit
		}
		r.mu.Unlock()
		if made == nil {
			http.NotFound(w, req)
			return
		}
		http.StripPrefix("/"+req.PathValue("robot"), made).ServeHTTP(w, req)
	})
	r.wg.Go(func() { r.keep(kit.Serve(r.ctx, l, mux)) })
	return "http://" + l.Addr().String(), nil
}

// ask posts in to the REST API and reads the answer. Without a token the host
// asks.
func (r *run) ask(token, path string, in, out any) error {
	raw, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(r.ctx, http.MethodPost, r.url()+path, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if token == "" {
		req.Header.Set("Weir-User", string(host))
	} else {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := r.line.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s: %s", resp.Status, body)
	}
	return json.Unmarshal(body, out)
}

// url is where the server is.
func (r *run) url() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.server.URL
}
