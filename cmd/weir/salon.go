package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"weir/gateway"
	"weir/testbots"
	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/richtext"
)

// salon is the stage of the demo with agents: the server, the people, and their
// two wavelets.
type salon struct {
	cmd    agentsCmd
	story  io.Writer
	began  time.Time
	house  *house
	people []*person // ann, who has the pair, and bob, who leads the discussion

	stop context.CancelFunc // of the server
	wg   sync.WaitGroup

	mu     sync.Mutex
	start  time.Time
	fates  map[wavelet.Participant]*fate
	failed []error // of what runs beside
}

func newSalon(c agentsCmd, story io.Writer) *salon {
	a := &salon{cmd: c, story: story, began: time.Now(), start: time.Now(), stop: func() {}, fates: map[wavelet.Participant]*fate{}}
	if c.JSON {
		a.story = io.Discard
	}
	for _, x := range agents() {
		a.fates[x.id] = &fate{ID: string(x.id), Profile: x.profile}
	}
	return a
}

// real is how long d of the demo's own time lasts.
func (a *salon) real(d time.Duration) time.Duration {
	return time.Duration(float64(d) / a.cmd.TimeScale)
}

// tell writes a line of the story, with the demo's own time. a.mu is held.
func (a *salon) tell(format string, args ...any) {
	own := time.Duration(float64(time.Since(a.start)) * a.cmd.TimeScale)
	fmt.Fprintf(a.story, "%7.1f s  "+format+"\n", append([]any{own.Seconds()}, args...)...)
}

// run keeps something running beside the demo.
func (a *salon) run(wg *sync.WaitGroup, what string, f func() error) {
	wg.Go(func() {
		if err := f(); err != nil {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.failed = append(a.failed, fmt.Errorf("%s: %w", what, err))
		}
	})
}

// close takes the stage down, the server last.
func (a *salon) close() error {
	for _, p := range a.people {
		p.close()
	}
	a.stop()
	a.wg.Wait()
	return errors.Join(a.failed...)
}

// Times of the demo, by its own clock.
const (
	discussed = 2 * time.Minute  // at least
	tooLong   = 8 * time.Minute  // for everything, but leastWait is given
	asked     = 30 * time.Second // bob asks so often
)

// perform plays the demo until it has shown what it has to show, or has gone on
// for too long.
func (a *salon) perform(ctx context.Context, data string) error {
	if err := a.open(ctx, data); err != nil {
		return err
	}
	playing, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	for _, x := range agents() {
		if err := a.enter(playing, &wg, x); err != nil {
			return err
		}
	}
	if err := a.says(ctx, a.people[0], "Grace and Hugo, please thank each other for last week."); err != nil {
		return err
	}
	a.run(&wg, "bob", func() error { return a.lead(playing) })
	tick := time.NewTicker(a.real(time.Second))
	defer tick.Stop()
	for end := time.Now().Add(max(a.real(tooLong), leastWait)); time.Now().Before(end); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if len(a.missing()) == 0 {
			return nil
		}
	}
	return nil // the report says what is missing
}

// notice is what ann sees of the server's own message, "" as long as there is
// none.
func (a *salon) notice() string {
	for b := range a.people[0].wave.State().Blips() {
		if b.Creator == a.house.self() {
			return strings.TrimSpace(b.Doc.Text())
		}
	}
	return ""
}

// missing is what the demo has not shown yet.
func (a *salon) missing() (list []error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	need := func(ok bool, format string, args ...any) {
		if !ok {
			list = append(list, fmt.Errorf(format, args...))
		}
	}
	evicted, toRobots := 0, 0
	for _, x := range agents() {
		f := a.fates[x.id]
		if x.talks {
			need(f.Acted != "evict" || f.Advice != "", "%s was evicted, and its tools had not advised it to stop", x.id)
			need(f.Acted != "evict" || f.Refused != "", "%s was evicted, and was not refused when it went on", x.id)
			if f.Acted == "evict" {
				evicted++
			}
			continue
		}
		toRobots += f.ToRobots
		need(f.Said > 0, "%s said nothing", x.id)
	}
	need(evicted == 1, "%d agents of the pair were evicted", evicted)
	need(a.notice() != "", "ann did not get the notice")
	need(toRobots > 1, "the agents in the discussion did not answer each other")
	need(time.Since(a.start) >= a.real(discussed), "the discussion was too short")
	return list
}

// open starts the server, and has the people make their wavelets.
func (a *salon) open(ctx context.Context, data string) error {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	a.stop = stop
	var err error
	a.house, err = build(running, config{
		addr: "127.0.0.1:0", data: data, domain: demoDomain, devLogin: true, log: slog.New(slog.DiscardHandler),
		timeScale: a.cmd.TimeScale, causeGap: a.real(10 * time.Second), feed: a.happened,
	})
	if err != nil {
		return err
	}
	a.run(&a.wg, "server", func() error { return a.house.Run(running) })
	fmt.Fprintf(a.story, "server    %s\n", a.house.url())
	for who, title := range map[wavelet.Participant]string{ann: "Thank-you notes", bob: "Which gate first?"} {
		c, err := client.Dial(ctx, a.house.url(), client.Options{User: who})
		if err != nil {
			return fmt.Errorf("connect %s: %w", who, err)
		}
		name, err := c.CreateWave(ctx, title)
		if err = errors.Join(err, c.Close()); err != nil {
			return fmt.Errorf("make the wavelet %q: %w", title, err)
		}
		p, err := join(ctx, a.house.url(), who, name, wavelet.NewBlipID())
		if err != nil {
			return err
		}
		a.people = append(a.people, p)
	}
	if a.people[0].client.User() != ann {
		a.people[0], a.people[1] = a.people[1], a.people[0]
	}
	fmt.Fprintf(a.story, "ann       has grace and hugo in %s\nbob       leads iris, jack and kim in %s\n\n", a.people[0].wave.Name(), a.people[1].wave.Name())
	return nil
}

// enter registers an agent, lets it in, and sets it going.
func (a *salon) enter(ctx context.Context, wg *sync.WaitGroup, x agent) error {
	var made keyed
	in := map[string]string{"address": string(x.id), "profile": x.profile}
	if err := (api{url: a.house.url(), token: a.house.adminToken}).call(ctx, http.MethodPost, "/api/v1/robots", in, &made); err != nil {
		return fmt.Errorf("register %s: %w", x.id, err)
	}
	p := a.people[1]
	if x.talks {
		p = a.people[0]
	}
	if err := p.client.AddParticipant(ctx, p.wave.Name(), x.id, wavelet.Full, false); err != nil {
		return fmt.Errorf("add %s: %w", x.id, err)
	}
	bot := testbots.Agent{
		Server: a.house.url(), Key: made.Key, Script: x.script, Every: a.real(x.every), Chance: x.chance,
		Told: func(t testbots.Turn) { a.turn(x.id, t) },
	}
	a.run(wg, string(x.id), func() error { return bot.Run(ctx) })
	return nil
}

// says has a person write a message.
func (a *salon) says(ctx context.Context, p *person, text string) error {
	a.mu.Lock()
	a.tell("%s: %s", short(p.client.User()), text)
	a.mu.Unlock()
	err := p.wave.Publish(ctx, wavelet.CreateBlip{Blip: wavelet.NewBlipID(), Content: richtext.Delta{}.Insert(text+"\n", richtext.Attributes{})})
	if err != nil {
		return fmt.Errorf("%s writes: %w", p.client.User(), err)
	}
	return nil
}

// lead has bob ask a question now and then.
func (a *salon) lead(ctx context.Context) error {
	for n := 0; ; n++ {
		if err := a.says(ctx, a.people[1], questions()[n%len(questions())]); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-time.After(a.real(asked)):
		case <-ctx.Done():
			return nil
		}
	}
}

// turn takes note of what an agent did and was told.
func (a *salon) turn(id wavelet.Participant, t testbots.Turn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.fates[id]
	if t.Said != "" {
		f.Said++
		if f.Said <= 2 {
			a.tell("%s: %s", short(id), t.Said)
		}
	}
	if t.Advice != "" && f.Advice == "" && f.Acted == "" {
		f.Advice = t.Advice
		a.tell("%s is told by its tool: %s", short(id), t.Advice)
	}
	if t.Error != "" && f.Refused == "" {
		f.Refused = t.Error
		a.tell("%s is refused by its tool: %s", short(id), t.Error)
	}
}

// happened takes note of what happens at the gateway.
func (a *salon) happened(h gateway.Happening) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.fates[h.Seat.Robot]
	if f == nil {
		return
	}
	switch h.Kind {
	case gateway.Answered:
		if f.Depth = max(f.Depth, h.Depth); h.Depth > 1 {
			f.ToRobots++
		}
		if h.Via != gateway.ViaMCP {
			a.failed = append(a.failed, fmt.Errorf("%s wrote by way of %s", h.Seat.Robot, h.Via))
		}
	case gateway.Evicted, gateway.Announced:
		if f.Acted != "" {
			return
		}
		f.Acted, f.Rule = h.Decision.Action, h.Decision.Rule
		a.tell("VERDICT on %s: %s by the rule %s, %s of %s", short(h.Seat.Robot), f.Acted, f.Rule, number(h.Decision.Measured), number(h.Decision.Limit))
		fmt.Fprintln(a.story, wrapped(h.Notice, "             ┃ "))
	}
}
