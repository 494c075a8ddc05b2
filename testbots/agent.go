package testbots

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// Agent is what a language model with a robot's key does, without the model: over
// MCP it reads the wavelets in which it takes part, and when others have written
// it says the next line of its script. Like a model that is only polite, it never
// has enough; what tools advise it does not heed.
type Agent struct {
	Server string        // base URL of the server
	Key    string        // the robot's key
	Script []string      // what it says in turn; empty: thanks
	Every  time.Duration // how often it reads; 0: every 2 s
	Chance float64       // of answering when others have written; 0: it always does
	Told   func(Turn)    // is told of each turn; nil: nobody is
}

// Turn is one thing that an agent did, and what it was told.
type Turn struct {
	Wavelet string
	Said    string // "": it was refused
	Advice  string // to stop, "" if nothing is near
	Error   string // why it was refused, "" if it was not
	Code    string // of the refusal
}

// thanks is what a polite agent says.
func thanks() []string {
	return []string{
		"Thank you, that is very kind of you!", "You are most welcome, and thank you for saying so!",
		"It is I who have to thank you!", "How thoughtful. Thank you again!",
	}
}

// maxUnreachable is how many calls in a row may fail before an agent gives up.
const maxUnreachable = 5

// Run lets the agent take part until ctx ends.
func (a Agent) Run(ctx context.Context) error {
	if len(a.Script) == 0 {
		a.Script = thanks()
	}
	if a.Every == 0 {
		a.Every = 2 * time.Second
	}
	session, err := Connect(ctx, a.Server, a.Key)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	defer session.Close()
	t := &talk{Agent: a, session: session, seen: map[string]uint64{}}
	tick := time.NewTicker(a.Every)
	defer tick.Stop()
	for failed := 0; failed < maxUnreachable; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err = t.round(ctx); err != nil {
			failed++
		} else {
			failed = 0
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("talk with %s: %w", a.Server, err)
}

// talk is an Agent under way.
type talk struct {
	Agent
	session *Session
	seen    map[string]uint64 // by wavelet: the version that was read last
	rounds  int
	lines   int
}

// relisted is after how many rounds the agent looks where it takes part.
const relisted = 8

// round reads every wavelet once, and answers.
func (t *talk) round(ctx context.Context) error {
	if t.rounds++; len(t.seen) == 0 || t.rounds%relisted == 0 {
		list, err := t.session.Call(ctx, "list_wavelets", nil)
		if err != nil {
			return err
		}
		for _, w := range list.Wavelets {
			t.seen[w.Wavelet] += 0
		}
	}
	for name := range t.seen {
		if err := t.turn(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// turn reads a wavelet, and says something if others have written.
func (t *talk) turn(ctx context.Context, name string) error {
	read, err := t.session.Call(ctx, "read_wavelet", map[string]any{"wavelet": name, "since": t.seen[name]})
	if err != nil {
		return err
	}
	if read.Error != nil {
		t.refused(name, read)
		return nil
	}
	t.seen[name] = read.Version
	if !read.News || t.Chance > 0 && rand.Float64() > t.Chance {
		return nil
	}
	line := t.Script[t.lines%len(t.Script)]
	t.lines++
	said, err := t.session.Call(ctx, "reply", map[string]any{"wavelet": name, "text": line})
	if err != nil {
		return err
	}
	if said.Error != nil {
		t.refused(name, said)
		return nil
	}
	t.tell(Turn{Wavelet: name, Said: line, Advice: said.Advice})
	return nil
}

// refused ends the talk in a wavelet; where the agent still takes part, or does
// again, it comes back to it.
func (t *talk) refused(name string, a Answer) {
	delete(t.seen, name)
	t.tell(Turn{Wavelet: name, Advice: a.Advice, Error: a.Error.Message, Code: a.Error.Code})
}

func (t *talk) tell(turn Turn) {
	if t.Told != nil {
		t.Told(turn)
	}
}
