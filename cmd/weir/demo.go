package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"sync"
	"time"

	"weir/wavelet"
)

//go:embed demotext/ann.txt
var annsText string

//go:embed demotext/bob.txt
var bobsLines string

type demoCmd struct {
	EchoLoop echoLoopCmd `cmd:"" name:"echo-loop" help:"Two echo robots answer each other until one is evicted."`
	Agents   agentsCmd   `cmd:"" help:"Two agents over MCP thank each other until one is evicted; three in a discussion are left alone."`
}

type echoLoopCmd struct {
	Trace     string        `type:"path" help:"Recorded editing session for ann to type (gzipped editing-traces format). Default: a text of weir's own." placeholder:"FILE"`
	For       time.Duration `help:"Let people type for so long, by the demo's own clock. Default: until a few seconds after the verdict." placeholder:"DURATION"`
	TimeScale float64       `default:"1" help:"Divide every duration by this, the governor's too."`
	Detector  string        `default:"lineage" enum:"lineage,ratio" help:"What convicts: lineage, or the response ratio alone, with the echo robots under wave-140."`
	Keep      bool          `help:"Leave the server and the robots running at the end, until Ctrl-C."`
	JSON      bool          `help:"Print one JSON object instead of the story."`
}

func (echoLoopCmd) Help() string {
	return `Starts the real server on a free port and a temporary directory, two echo robots and the spell checker Spelly as HTTP
programs, and two people, ann and bob, who type. The echo robots answer each other; one of them is evicted and everybody
is told; Spelly serves on.

Exits 0 only if an echo robot was evicted, Spelly was not, everybody got the notice, and the document is right: what each
client shows and what the log gives when it is replayed are what the server serves.

Examples:

  weir demo echo-loop
  weir demo echo-loop --detector ratio --time-scale 10
  weir demo echo-loop --trace json-crdt-blog-post.json.gz --for 20m --time-scale 10
  weir demo echo-loop --time-scale 10 --json
  weir demo echo-loop --keep`
}

// The cast. Robots come in the order in which they are shown.
const (
	demoDomain = "weir.local"
	ann        = wavelet.Participant("ann@" + demoDomain)
	bob        = wavelet.Participant("bob@" + demoDomain)
	echoA      = wavelet.Participant("echo-a@" + demoDomain)
	echoB      = wavelet.Participant("echo-b@" + demoDomain)
	spelly     = wavelet.Participant("spelly@" + demoDomain)
)

// annsHand is the seed of how ann types weir's own text: one that thinks in the
// first seconds, as people do, and never for long in the first minute.
const annsHand = 2926

func (c echoLoopCmd) Run(ctx context.Context, s streams) error {
	if c.TimeScale <= 0 || c.TimeScale > 100 {
		return fmt.Errorf("--time-scale: %g is not above 0 and at most 100", c.TimeScale)
	}
	strokes, err := c.strokes()
	if err != nil {
		return err
	}
	data, err := os.MkdirTemp("", "weir-demo-")
	if err != nil {
		return fmt.Errorf("make a directory for the demo: %w", err)
	}
	defer os.RemoveAll(data)
	story := s.out
	if c.JSON {
		story = io.Discard
	}
	st := newStage(c, data, story)
	return errors.Join(c.perform(ctx, s, st, strokes), st.close())
}

// perform plays the demo on a stage and tells what came of it.
func (c echoLoopCmd) perform(ctx context.Context, s streams, st *stage, strokes iter.Seq[stroke]) error {
	if err := st.open(ctx); err != nil {
		return err
	}
	if err := st.play(ctx, strokes); err != nil {
		return err
	}
	report, err := st.report(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(s.out).Encode(report)
	} else {
		report.print(s.out)
	}
	if c.Keep && err == nil {
		st.keep(ctx, s)
	}
	return errors.Join(err, report.fault())
}

// strokes is what ann types.
func (c echoLoopCmd) strokes() (iter.Seq[stroke], error) {
	if c.Trace == "" {
		return typed(strings.TrimSpace(annsText), annsHand), nil
	}
	t, err := readTrace(c.Trace)
	if err != nil {
		return nil, fmt.Errorf("--trace: %w", err)
	}
	return t.strokes(1), nil
}

// bobs is what bob types: a short line now and then.
func bobs() iter.Seq[stroke] {
	return func(yield func(stroke) bool) {
		at := 0
		for {
			for line := range strings.Lines(bobsLines) {
				pause := 20 * time.Second
				if at == 0 {
					pause = 12 * time.Second
				}
				for s := range typed(line, uint64(at)) {
					for i := range s.patches {
						s.patches[i].at += at
					}
					s.gap, pause = min(s.gap, time.Second)+pause, 0
					if !yield(s) {
						return
					}
				}
				at += len(line)
			}
		}
	}
}

// How long a demo goes on, by its own clock.
const (
	patience = 8 * time.Minute // for a verdict
	epilogue = 5 * time.Second // of service after it
	encore   = time.Minute     // at most, until the honest robot has served after it
	settling = 2 * time.Second // in which nothing happens, before the count
)

// leastWait is how long, in real time, a demo waits at least for what has to come:
// a slow machine does not get faster when everything else is sped up.
const leastWait = 2 * time.Minute

// play lets people type until the demo has shown what it has to show.
func (s *stage) play(ctx context.Context, strokes iter.Seq[stroke]) error {
	typing, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, 2)
	var wg sync.WaitGroup
	wg.Go(func() { errs[0] = s.people[0].typeAll(typing, strokes, s.cmd.TimeScale) })
	wg.Go(func() { errs[1] = s.people[1].typeAll(typing, bobs(), s.cmd.TimeScale) })
	wg.Go(func() { s.narrate(typing) })
	s.wait(ctx)
	stop()
	wg.Wait()
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return err
	}
	return s.settle(ctx)
}

// wait returns when it is time to stop typing.
func (s *stage) wait(ctx context.Context) {
	if s.cmd.For > 0 {
		s.sleep(ctx, s.cmd.For)
		return
	}
	select {
	case <-s.watch.verdict:
		s.sleep(ctx, epilogue)
		for end := time.Now().Add(max(s.real(encore), leastWait)); s.watch.of(spelly).since == 0 && time.Now().Before(end) && ctx.Err() == nil; {
			s.sleep(ctx, time.Second)
		}
	case <-time.After(max(s.real(patience), leastWait)):
	case <-ctx.Done():
	}
}

// real is how long d of the demo's own time lasts.
func (s *stage) real(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.cmd.TimeScale)
}

// sleep waits for d of the demo's own time.
func (s *stage) sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(s.real(d)):
	case <-ctx.Done():
	}
}
