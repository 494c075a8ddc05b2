package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"weir/policies"
	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/richtext"
)

// demoReport is what a demo found: what --json prints.
type demoReport struct {
	Robots       []robotReport              `json:"robots"`
	Notice       string                     `json:"notice"` // text of the blip
	TypedDeltas  int                        `json:"typed_deltas"`
	Bundles      uint64                     `json:"bundles"`
	RawDeltas    uint64                     `json:"raw_deltas_to_robots"`
	DocumentOK   bool                       `json:"document_ok"`
	LimitsBefore map[string]policies.Limits `json:"limits_before"`
	LimitsAfter  map[string]policies.Limits `json:"limits_after"`
	WallS        float64                    `json:"wall_s"`
	TimeScale    float64                    `json:"time_scale"`

	faults []error // what did not hold
	text   string  // of the document as served
}

type robotReport struct {
	ID        string  `json:"id"`
	Profile   string  `json:"profile"`
	Evicted   bool    `json:"evicted"`
	Rule      string  `json:"rule"`
	AfterS    float64 `json:"after_s"` // from the first answer of a robot to a robot
	Depth     int     `json:"depth"`   // of the deepest answer; of one that was evicted, of the one that was refused
	Ratio     float64 `json:"ratio"`   // of all bundles delivered to all answered
	Delivered uint64  `json:"delivered"`
	Answered  uint64  `json:"answered"`
	after     int     // answers after the first eviction
}

// settle waits until the wavelet has been quiet for a while, ten times that at
// most.
func (s *stage) settle(ctx context.Context) error {
	for _, p := range s.people {
		if err := p.wave.Wait(ctx); err != nil {
			return fmt.Errorf("wait for what %s typed: %w", p.client.User(), err)
		}
	}
	last := s.people[0].wave.Version()
	for range 10 {
		s.sleep(ctx, settling)
		v := s.people[0].wave.Version()
		if v == last {
			break
		}
		last = v
	}
	s.catchUp()
	return ctx.Err()
}

// report counts everything and checks what must hold.
func (s *stage) report(ctx context.Context) (*demoReport, error) {
	r := &demoReport{LimitsBefore: s.before, LimitsAfter: map[string]policies.Limits{}, TimeScale: s.cmd.TimeScale}
	for _, a := range s.cast {
		l, err := s.limits(ctx, a)
		if err != nil {
			return nil, fmt.Errorf("limits of %s: %w", a.id, err)
		}
		r.LimitsAfter[string(a.id)] = l
	}
	s.countRobots(r)
	s.judge(r)
	if err := s.checkDocument(ctx, r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	r.faults = append(r.faults, s.failed...)
	s.mu.Unlock()
	r.WallS = time.Since(s.began).Seconds()
	return r, nil
}

// countRobots takes the counts of the gateway and what was watched.
func (s *stage) countRobots(r *demoReport) {
	lines := map[wavelet.Participant]*robotReport{}
	for _, a := range s.cast {
		t := s.watch.of(a.id)
		line := robotReport{ID: string(a.id), Profile: a.profile, Depth: t.deepest, after: t.since}
		if t.evicted != nil {
			line.Evicted, line.Rule, line.AfterS = true, t.evicted.Rule, t.after.Seconds()
			line.Depth = max(line.Depth, t.evicted.Evidence.Depth)
			if r.Notice == "" {
				r.Notice = t.notice
			}
		}
		r.Robots = append(r.Robots, line)
	}
	for i := range r.Robots {
		lines[wavelet.Participant(r.Robots[i].ID)] = &r.Robots[i]
	}
	for _, x := range s.house.gateway.Stats().Robots {
		line := lines[x.Robot]
		line.Delivered, line.Answered = x.Delivered(), x.Answered
		if line.Delivered > 0 {
			line.Ratio = float64(line.Answered) / float64(line.Delivered)
		}
		r.Bundles += line.Delivered
		r.RawDeltas += x.RawDeltas
	}
}

// judge checks who was evicted and who was not.
func (s *stage) judge(r *demoReport) {
	looping := false
	for _, line := range r.Robots {
		switch {
		case line.ID == string(spelly) && line.Evicted:
			r.fail("%s was evicted by the rule %s, and it is honest", line.ID, line.Rule)
		case line.ID == string(spelly) && line.after == 0 && r.Notice != "":
			r.fail("%s did not serve on after the verdict", line.ID)
		case line.Evicted:
			looping = true
		}
	}
	if !looping {
		r.fail("no echo robot was evicted")
	}
}

func (r *demoReport) fail(format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf(format, args...))
}

// checkDocument compares what the server serves with what each client shows and
// with the log replayed, and looks for the notice in each client.
func (s *stage) checkDocument(ctx context.Context, r *demoReport) error {
	served, seen, err := s.together(ctx)
	if err != nil {
		return err
	}
	r.text = served.Text()
	before := len(r.faults)
	for i, p := range s.people {
		if seen[i].Text() != r.text {
			r.fail("%s sees another document than the server serves", p.client.User())
		}
		if lost := p.wave.TakeLost(); len(lost) > 0 {
			r.fail("%s lost %d changes", p.client.User(), len(lost))
		}
	}
	if err := s.checkLog(ctx, r, served); err != nil {
		return err
	}
	r.DocumentOK = len(r.faults) == before
	for _, p := range s.people {
		if r.Notice != "" && !s.noticed(p, r.Notice) {
			r.fail("%s did not get the notice", p.client.User())
		}
	}
	return nil
}

// together is the wavelet as the server serves it and as each of the people sees
// it, at one version. Robots may still write: then it is looked at again.
func (s *stage) together(ctx context.Context) (served *wavelet.State, seen []*wavelet.State, err error) {
	for {
		if served, err = s.served(ctx); err != nil {
			return nil, nil, err
		}
		seen = nil
		for _, p := range s.people {
			if err := p.wave.WaitFor(ctx, served.Version()); err != nil {
				return nil, nil, fmt.Errorf("wait for %s: %w", p.client.User(), err)
			}
			if state := p.wave.State(); state.Version() == served.Version() {
				seen = append(seen, state)
			}
		}
		if len(seen) == len(s.people) {
			return served, seen, nil
		}
	}
}

// served is the wavelet as the REST API gives it to ann.
func (s *stage) served(ctx context.Context) (*wavelet.State, error) {
	path, err := wavePath(s.name.String())
	if err != nil {
		return nil, err
	}
	var snapshot client.Snapshot
	if err := (api{url: s.house.url(), user: string(ann)}).call(ctx, http.MethodGet, path, nil, &snapshot); err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	return snapshot.State(s.name)
}

// checkLog replays the log in two independent ways: commit by commit into a
// fresh wavelet, and each blip's deltas composed into one.
func (s *stage) checkLog(ctx context.Context, r *demoReport, served *wavelet.State) error {
	replayed := wavelet.NewState(s.name)
	blips := map[wavelet.BlipID]richtext.Delta{}
	for c, err := range s.house.host.Read(ctx, s.name, 0) {
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		if c.Version > served.Version() {
			break
		}
		if err := replayed.Apply(c); err != nil {
			r.fail("the log does not replay: %w", err)
			return nil
		}
		if c.Delta.Author == ann || c.Delta.Author == bob {
			r.TypedDeltas++
		}
		compose(blips, c.Delta.Ops)
	}
	if replayed.Version() != served.Version() || replayed.Text() != r.text {
		r.fail("the log gives another document than the server serves")
	}
	for b := range served.Blips() {
		if !blips[b.ID].Equal(b.Doc.Delta()) {
			r.fail("the deltas of blip %s compose to another text than the server serves", b.ID)
		}
		delete(blips, b.ID)
	}
	for id := range maps.Keys(blips) {
		r.fail("the log has a blip %s that the server does not serve", id)
	}
	return nil
}

// compose folds a commit's ops into the blips' documents.
func compose(blips map[wavelet.BlipID]richtext.Delta, ops []wavelet.Op) {
	for _, op := range ops {
		switch op := op.(type) {
		case wavelet.CreateBlip:
			blips[op.Blip] = op.Content
			if len(op.Content) == 0 {
				blips[op.Blip] = richtext.Delta{}.Insert("\n", richtext.Attributes{})
			}
		case wavelet.EditBlip:
			blips[op.Blip] = richtext.Compose(blips[op.Blip], op.Delta)
		case wavelet.DeleteBlip:
			delete(blips, op.Blip)
		}
	}
}

// noticed reports whether a person sees the notice, from the server itself.
func (s *stage) noticed(p *person, notice string) bool {
	for b := range p.wave.State().Blips() {
		if b.Creator == s.house.self() && strings.TrimSpace(b.Doc.Text()) == strings.TrimSpace(notice) {
			return true
		}
	}
	return false
}

// fault is what did not hold, nil if everything did.
func (r *demoReport) fault() error {
	if len(r.faults) == 0 {
		return nil
	}
	return fmt.Errorf("the demo did not show what it should: %w", errors.Join(r.faults...))
}

// print writes the summary.
func (r *demoReport) print(out io.Writer) {
	for _, line := range r.Robots {
		if line.Evicted {
			fmt.Fprintf(out, "\nWhat %s is told of its limits now:\n\n", short(wavelet.Participant(line.ID)))
			_ = writeLimits(out, r.LimitsAfter[line.ID])
		}
	}
	fmt.Fprintf(out, "\nSummary\n")
	for _, line := range r.Robots {
		fate := fmt.Sprintf("served on, %d answers after the verdict", line.after)
		if line.Evicted {
			fate = fmt.Sprintf("evicted by %s after %.1f s", line.Rule, line.AfterS)
		}
		fmt.Fprintf(out, "  %-8s %4d bundles, %4d answered (%.0f %%), depth %2d: %s\n",
			short(wavelet.Participant(line.ID)), line.Delivered, line.Answered, line.Ratio*100, line.Depth, fate)
	}
	fmt.Fprintf(out, "  %d deltas typed; robots got %d raw deltas in %d bundles\n", r.TypedDeltas, r.RawDeltas, r.Bundles)
	fmt.Fprintf(out, "  document: %s\n", map[bool]string{true: "right: both clients and the replayed log agree with the server", false: "WRONG"}[r.DocumentOK])
	fmt.Fprintf(out, "  %.1f s of real time, time scale %g\n", r.WallS, r.TimeScale)
}
