package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"weir/policies"
	"weir/testbots"
	"weir/wavelet"
	"weir/wavelet/client"
)

// stage is what a demo is played on: a real server, robots as HTTP programs,
// and people as clients. open sets it up, close takes it down.
type stage struct {
	cmd   echoLoopCmd
	data  string    // directory of the server
	story io.Writer // where it is told

	watch  *watch
	house  *house
	admin  api
	cast   []actor
	people []*person
	name   wavelet.Name
	before map[string]policies.Limits // the robots' own view of their limits
	began  time.Time

	stop   context.CancelFunc
	wg     sync.WaitGroup
	mu     sync.Mutex
	failed []error // of what runs beside
}

// actor is a robot of the demo.
type actor struct {
	id      wavelet.Participant
	kind    string // of testbot
	profile string
	key     string
}

func newStage(c echoLoopCmd, data string, story io.Writer) *stage {
	echoes := "default"
	if c.Detector == "ratio" {
		echoes = "wave-140"
	}
	return &stage{
		cmd: c, data: data, story: story, began: time.Now(), stop: func() {},
		watch:  newWatch(c.TimeScale, echoA, echoB, spelly),
		cast:   []actor{{echoA, "echo", echoes, ""}, {echoB, "echo", echoes, ""}, {spelly, "spelly", "interactive", ""}},
		before: map[string]policies.Limits{},
	}
}

// tell writes a line of the story.
func (s *stage) tell(format string, args ...any) { fmt.Fprintf(s.story, format+"\n", args...) }

// open starts everything, and lets the robots in last.
func (s *stage) open(ctx context.Context) error {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	if err := s.openHouse(running); err != nil {
		return err
	}
	s.tell("server    %s, data in %s", s.house.url(), s.data)
	for i := range s.cast {
		if err := s.openRobot(running, &s.cast[i]); err != nil {
			return err
		}
	}
	if err := s.openWavelet(ctx); err != nil {
		return err
	}
	s.tell("wavelet   %s", s.name)
	s.tell("")
	if err := s.letIn(ctx); err != nil {
		return err
	}
	for _, a := range s.cast {
		l, err := s.limits(ctx, a)
		if err != nil {
			return fmt.Errorf("limits of %s: %w", a.id, err)
		}
		s.before[string(a.id)] = l
	}
	s.tell("What %s is told of its limits, asking with its own key:", short(echoA))
	if err := writeLimits(s.story, s.before[string(echoA)]); err != nil {
		return err
	}
	s.tell("")
	s.watch.begin()
	return nil
}

// run keeps something running beside the demo until the stage is closed.
func (s *stage) run(what string, f func() error) {
	s.wg.Go(func() {
		if err := f(); err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.failed = append(s.failed, fmt.Errorf("%s: %w", what, err))
		}
	})
}

// openHouse starts the server, in this process but reached over its sockets.
func (s *stage) openHouse(ctx context.Context) error {
	var err error
	s.house, err = build(ctx, config{
		addr: "127.0.0.1:0", data: s.data, domain: demoDomain, devLogin: true, privateCallbacks: true,
		log:       slog.New(slog.DiscardHandler),
		timeScale: s.cmd.TimeScale, ratioOnly: s.cmd.Detector == "ratio",
		causeGap: s.real(10 * time.Second), feed: s.watch.happened,
	})
	if err != nil {
		return err
	}
	s.run("server", func() error { return s.house.Run(ctx) })
	s.admin = api{url: s.house.url(), token: s.house.adminToken}
	return nil
}

// openRobot starts a robot on a free port and registers it.
func (s *stage) openRobot(ctx context.Context, a *actor) error {
	bot, err := testbots.New(a.kind, testbots.Options{})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for %s: %w", a.id, err)
	}
	s.run(string(a.id), func() error { return bot.Serve(ctx, l) })
	var made keyed
	in := map[string]string{"address": string(a.id), "callback": "http://" + l.Addr().String(), "profile": a.profile}
	if err := s.admin.call(ctx, http.MethodPost, "/api/v1/robots", in, &made); err != nil {
		return fmt.Errorf("register %s: %w", a.id, err)
	}
	a.key = made.Key
	s.tell("robot     %-8s http://%s, profile %s", short(a.id), l.Addr(), a.profile)
	return nil
}

// openWavelet has ann make the wavelet and both people open it.
func (s *stage) openWavelet(ctx context.Context) error {
	c, err := client.Dial(ctx, s.house.url(), client.Options{User: ann})
	if err != nil {
		return fmt.Errorf("connect %s: %w", ann, err)
	}
	s.name, err = c.CreateWave(ctx, "The keeper of the weir", bob)
	if err = errors.Join(err, c.Close()); err != nil {
		return fmt.Errorf("make the wavelet: %w", err)
	}
	for _, who := range []wavelet.Participant{ann, bob} {
		p, err := join(ctx, s.house.url(), who, s.name, wavelet.NewBlipID())
		if err != nil {
			return err
		}
		s.people = append(s.people, p)
		s.tell("person    %s", short(who))
	}
	return nil
}

// letIn has ann invite the robots, and waits until they are served.
func (s *stage) letIn(ctx context.Context) error {
	for _, a := range s.cast {
		if err := s.people[0].client.AddParticipant(ctx, s.name, a.id, wavelet.Full, false); err != nil {
			return fmt.Errorf("add %s: %w", a.id, err)
		}
	}
	select {
	case <-s.watch.opened:
		return nil
	case <-time.After(time.Minute):
		return errors.New("the gateway does not serve the robots")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// limits asks, as the robot, for its limits.
func (s *stage) limits(ctx context.Context, a actor) (policies.Limits, error) {
	return api{url: s.house.url(), token: a.key}.limits(ctx, string(a.id))
}

// keep leaves everything running until ctx ends.
func (s *stage) keep(ctx context.Context, out streams) {
	fmt.Fprintf(out.err, "\nThe server runs on at %s, with its data and admin token in %s.\n", s.house.url(), s.data)
	fmt.Fprintf(out.err, "Look around, for instance:\n\n  weir decisions --data %s\n  weir wave show --data %s --as %s '%s'\n\nCtrl-C ends it.\n", s.data, s.data, ann, s.name)
	<-ctx.Done()
}

// close takes the stage down: people first, then robots and server.
func (s *stage) close() error {
	for _, p := range s.people {
		p.close()
	}
	s.stop()
	s.wg.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.failed...)
}
