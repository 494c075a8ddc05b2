package live

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"weir/gateway"
	"weir/policies"
	"weir/sim"
	"weir/wavelet"
)

// Server is a server that runs.
type Server struct {
	URL        string
	NATS       string // URL of its NATS, "" if it has none
	AdminToken string
	Stop       func() error // stops it, and waits until it has
}

// Hooks is what a server must tell while it runs, of each thing as it happens.
type Hooks struct {
	Feed    func(gateway.Happening)
	Commits interface{ Committed(wavelet.Commit) } // before the gateway is told
}

// Options of a run.
type Options struct {
	sim.Options         // Detector is not used: the server has its governor
	Scale       float64 // how many times as fast as the real one the clock is
	// Start starts the server, for people and wavelets of sim.Domain, who log in
	// by name; its robots may live on this machine. Called again, it starts it on
	// what it had stored, at the same address and by the same clock.
	Start func(context.Context, Hooks) (Server, error)
	// Polite has robots stay below the limits that they are told, as those do that
	// are made with robots/kit; else they try everything.
	Polite bool
	// Over is the door by which robots come.
	Over Door
	// Enough is how much longer a run goes on, by the scenario's clock, when the server
	// has acted on a robot, or a polite one has kept something back for a limit; 0: as
	// long as the scenario, which is the most. A loop that is stopped has shown what it
	// has to show, however slow the machine is.
	Enough time.Duration
	// Progress is told how far a run is, when it begins, every few seconds and
	// when it ends; nil: nobody is.
	Progress func(Progress)
}

// Door is a way in for robots.
type Door string

// The doors.
const (
	OverHTTP Door = "http" // they are called; the zero Door is the same
	// OverActive has robots that nobody calls fetch by the active API, every
	// ReadEvery, and write by it.
	OverActive Door = "active"
	OverNATS   Door = "nats" // they connect out
	// OverMCP has robots use the tools for language-model agents, as often as by the
	// active API, and say whom they answer.
	OverMCP Door = "mcp"
)

// Asks reports whether robots read by themselves, in place of being told.
func (d Door) Asks() bool { return d == OverActive || d == OverMCP }

// Progress is how far a run is.
type Progress struct {
	Scenario string
	At, Of   time.Duration // by the scenario's clock
	Commits  int
	Acted    int           // decisions to evict, cut off or suspend
	Lag      time.Duration // that 19 of 20 deltas of people take at most to be committed, by the scenario's clock
}

// progressEvery is how often, in real time, Progress is told.
const progressEvery = 5 * time.Second

// run is a scenario that is played.
type run struct {
	sc *sim.Scenario
	o  Options

	ctx   context.Context // of everybody
	wg    sync.WaitGroup  // everybody
	line  http.Client     // to the server
	admin string          // its operators' token
	began atomic.Pointer[time.Time]

	mu      sync.Mutex
	over    bool // robots take nothing in any more
	server  Server
	tally   *sim.Tally
	rooms   map[string]*room // by the scenario's names
	places  map[wavelet.Name]*room
	robots  map[wavelet.Participant]*robot
	people  map[wavelet.Participant]*sim.Person
	written map[int]*written // by the numbers of lines
	lines   int
	commits int
	acted   int
	sent    map[wavelet.Participant]time.Duration // when people wrote what is not committed yet
	lags    []time.Duration
	luck    *rand.Rand // of the network
	ready   chan struct{}
	struck  chan struct{}         // closed when a robot was acted on, or has kept something back
	met     map[wavelet.Seat]bool // those that have had a bundle
	failed  []error
}

// Run plays a scenario and measures it. When ctx ends it is broken off, with the
// cause as error. Other errors mean that it could not be played.
func Run(ctx context.Context, sc *sim.Scenario, o Options) (sim.Result, error) {
	if len(o.Profiles.Names()) == 0 {
		o.Profiles = policies.Builtin()
	}
	playing, stop := context.WithCancel(ctx)
	r := &run{
		sc: sc, o: o, ctx: playing, tally: sim.NewTally(sc, o.Options), rooms: map[string]*room{}, places: map[wavelet.Name]*room{},
		robots: map[wavelet.Participant]*robot{}, people: map[wavelet.Participant]*sim.Person{}, written: map[int]*written{},
		luck: rand.New(rand.NewPCG(o.Seed, 1)), ready: make(chan struct{}), struck: make(chan struct{}), met: map[wavelet.Seat]bool{}, sent: map[wavelet.Participant]time.Duration{},
	}
	err := r.play(ctx)
	end := min(r.at(), sc.Duration)
	stop()
	r.mu.Lock()
	r.over = true
	r.mu.Unlock()
	r.wg.Wait()
	for _, b := range r.robots {
		if b.asks != nil {
			b.asks.close()
		}
	}
	if r.server.Stop != nil {
		err = errors.Join(err, r.server.Stop())
	}
	r.line.CloseIdleConnections()
	if err = errors.Join(append(r.failed, err)...); err != nil {
		return sim.Result{}, fmt.Errorf("scenario %s: %w", sc.Name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leftWaiting(end)
	return r.tally.Result(end), nil
}

// play sets everything up, and lets it run for as long as the scenario lasts.
func (r *run) play(ctx context.Context) error {
	if err := r.open(); err != nil {
		return err
	}
	r.report()
	r.raise()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	end := time.After(r.real(r.sc.Duration))
	restart, struck := r.restarts(), r.struck
	if r.o.Enough == 0 {
		struck = nil
	}
	for {
		select {
		case <-struck:
			struck = nil
			end = time.After(r.real(min(r.o.Enough, r.sc.Duration-r.at())))
		case <-end:
			r.report()
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-restart:
			if err := r.restart(ctx); err != nil {
				return err
			}
			restart = r.restarts()
		case <-tick.C:
			r.report()
		}
		if r.broken() {
			return nil // Run tells why
		}
	}
}

// raise begins the scenario's time.
func (r *run) raise() {
	now := time.Now()
	r.began.Store(&now)
	for _, p := range r.people {
		r.wg.Go(func() { r.keep(r.write(p)) })
	}
	for _, b := range r.robots {
		if b.asks != nil {
			r.wg.Go(func() { r.attend(b) })
		}
		if b.Spontaneous != nil {
			r.wg.Go(func() { r.unasked(b) })
		}
	}
}

// at is the scenario's time, 0 before it begins.
func (r *run) at() time.Duration {
	began := r.began.Load()
	if began == nil {
		return 0
	}
	return time.Duration(float64(time.Since(*began)) * r.o.Scale)
}

// real is how long d lasts.
func (r *run) real(d time.Duration) time.Duration { return time.Duration(float64(d) / r.o.Scale) }

// until waits for an instant of the scenario; false: it is over.
func (r *run) until(at time.Duration) bool {
	t := time.NewTimer(r.real(at - r.at()))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.ctx.Done():
		return false
	}
}

// keep keeps an error of somebody, unless the run has ended anyway.
func (r *run) keep(err error) {
	if err == nil || r.ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = append(r.failed, err)
}

// broken reports whether somebody has failed.
func (r *run) broken() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failed) > 0
}

// report tells how far the run is.
func (r *run) report() {
	if r.o.Progress == nil {
		return
	}
	r.mu.Lock()
	p := Progress{Scenario: r.sc.Name, At: min(r.at(), r.sc.Duration), Of: r.sc.Duration, Commits: r.commits, Acted: r.acted, Lag: r.lag()}
	r.mu.Unlock()
	r.o.Progress(p)
}

// lag is what most of people's deltas did not exceed. The mutex is held.
func (r *run) lag() time.Duration {
	if len(r.lags) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(r.lags))
	return sorted[len(sorted)*95/100]
}

// restarts is when the server restarts next; nil: never.
func (r *run) restarts() <-chan time.Time {
	next := time.Duration(-1)
	for _, at := range r.sc.Faults.Restart {
		if at > r.at() && (next < 0 || at < next) {
			next = at
		}
	}
	if next < 0 {
		return nil
	}
	return time.After(r.real(next - r.at()))
}

// restart stops the server and starts it on what it has stored.
func (r *run) restart(ctx context.Context) error {
	if err := r.server.Stop(); err != nil {
		return fmt.Errorf("stop the server: %w", err)
	}
	s, err := r.o.Start(ctx, r.hooks())
	if err != nil {
		r.server.Stop = nil
		return fmt.Errorf("start the server again: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.server = s
	for _, b := range r.robots {
		if b.asks != nil {
			continue // nothing was under way to it
		}
		for _, s := range b.seats {
			s.rest(r.at())
		}
	}
	r.tally.Restarted(r.at())
	return nil
}
