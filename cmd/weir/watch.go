package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"weir/gateway"
	"weir/governor"
	"weir/wavelet"
)

// watch follows what happens at the gateway while a demo runs: it counts, and
// turns what matters into lines of a story. happened may be called from many
// goroutines and does not block; tell writes.
type watch struct {
	scale   float64
	verdict chan struct{} // closed at the first eviction

	mu      sync.Mutex
	start   time.Time
	seats   map[wavelet.Participant]*tally
	opened  chan struct{} // closed when every robot has a seat
	waiting int           // robots that have none yet
	loop    time.Time     // by the gateway's clock: the first answer of a robot to a robot
	convict bool          // verdict is closed
	lines   []line        // not yet told
}

// tally is what was seen of one robot.
type tally struct {
	bundles, deltas, answers int
	deepest                  int // of its answers
	warned                   map[string]bool
	evicted                  *governor.Decision
	after                    time.Duration // from the first answer of a robot to a robot to the eviction
	since                    int           // answers after the first eviction of any robot
	notice                   string
}

// line is one line of the story. A line about what a robot says has the text
// added when it is told.
type line struct {
	text   string
	speaks wavelet.Participant
}

// maxUntold bounds the lines that wait to be told; more are dropped.
const maxUntold = 1000

func newWatch(scale float64, robots ...wavelet.Participant) *watch {
	w := &watch{
		scale: scale, start: time.Now(), verdict: make(chan struct{}), opened: make(chan struct{}),
		seats: map[wavelet.Participant]*tally{}, waiting: len(robots),
	}
	for _, r := range robots {
		w.seats[r] = &tally{warned: map[string]bool{}}
	}
	return w
}

// begin starts the demo's clock.
func (w *watch) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.start = time.Now()
}

// of is what was seen of one robot.
func (w *watch) of(robot wavelet.Participant) tally {
	w.mu.Lock()
	defer w.mu.Unlock()
	return *w.seats[robot]
}

// own is the time since begin by the demo's own clock.
func (w *watch) own() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.elapsed()
}

func (w *watch) elapsed() time.Duration {
	return time.Duration(float64(time.Since(w.start)) * w.scale)
}

// tell writes what is queued. said is what a robot's blip says now.
func (w *watch) tell(out io.Writer, said func(wavelet.Participant) string) {
	w.mu.Lock()
	lines := w.lines
	w.lines = nil
	w.mu.Unlock()
	for _, l := range lines {
		if l.speaks != "" {
			l.text += ": " + said(l.speaks)
		}
		fmt.Fprintln(out, l.text)
	}
}

// say queues a line with the time in front. The rest is called with the mutex
// held.
func (w *watch) say(format string, args ...any) { w.quote("", format, args...) }

// quote is say for a line that ends with what a robot says.
func (w *watch) quote(robot wavelet.Participant, format string, args ...any) {
	if len(w.lines) < maxUntold {
		w.lines = append(w.lines, line{fmt.Sprintf("%7.1f s  ", w.elapsed().Seconds()) + fmt.Sprintf(format, args...), robot})
	}
}

// happened takes note of one thing.
func (w *watch) happened(h gateway.Happening) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.seats[h.Seat.Robot]
	if t == nil {
		return
	}
	name := short(h.Seat.Robot)
	switch h.Kind {
	case gateway.Opened:
		if w.waiting--; w.waiting == 0 {
			close(w.opened)
		}
	case gateway.Sent:
		if h.Attempt <= 1 {
			t.bundles++
			t.deltas += h.Deltas
		}
	case gateway.Answered:
		w.answered(t, name, h)
	case gateway.Warned:
		if l := h.Warning.Limit; !t.warned[l.Name] {
			t.warned[l.Name] = true
			w.say("%s is warned: %s is at %s of %s", name, l.Name, number(l.Used), number(l.Max))
		}
	case gateway.HeldBack:
		w.say("%s has its %s lane held back for %s", name, h.Lane, h.Took.Round(100*time.Millisecond))
	case gateway.Refused:
		w.say("%s has an answer refused: %s", name, reason(h.Err))
	case gateway.Evicted:
		w.evicted(t, name, h)
	case gateway.Retry, gateway.Broken, gateway.Interrupted:
		w.say("%s: %s: %v", name, h.Kind, h.Err)
	}
}

func (w *watch) answered(t *tally, name string, h gateway.Happening) {
	t.answers++
	if w.convict {
		t.since++
	}
	if h.Depth >= 2 && w.loop.IsZero() {
		w.loop = h.At
		w.quote(h.Seat.Robot, "%s answers a robot: they feed each other from here on", name)
	}
	if h.Depth > t.deepest && h.Depth%4 == 0 && h.Seat.Robot != spelly { // who has no blip of its own to quote
		w.quote(h.Seat.Robot, "%s is %d robot answers away from a person", name, h.Depth)
	}
	t.deepest = max(t.deepest, h.Depth)
	switch {
	case h.Seat.Robot == spelly && t.since == 1:
		w.say("%s puts a misspelled word right: it serves on", name)
	case h.Seat.Robot == spelly && t.answers == 1:
		w.say("%s puts a misspelled word right", name)
	}
}

func (w *watch) evicted(t *tally, name string, h gateway.Happening) {
	if t.evicted != nil {
		return
	}
	t.evicted, t.notice = h.Decision, h.Notice
	if !w.loop.IsZero() {
		t.after = h.Decision.Time.Sub(w.loop)
	}
	d, e := h.Decision, h.Decision.Evidence
	w.say("VERDICT: %s is evicted by the rule %s, %s of %s", name, d.Rule, number(d.Measured), number(d.Limit))
	w.say("  %.1f s after the first answer of a robot to a robot", t.after.Seconds())
	w.say("  evidence: set off by %s; %d answers in %.1f s, %d in a row", short(e.Started.By), e.Answers, time.Duration(e.Duration).Seconds(), e.Depth)
	for i, x := range e.Exchanges {
		if i == 4 {
			w.say("  evidence: and %d more pairs", len(e.Exchanges)-i)
			break
		}
		w.say("  evidence: %s answered %s %d times", short(x.To), short(x.From), x.Count)
	}
	if !w.convict {
		w.convict = true
		close(w.verdict)
	}
}

// reason is why something was refused, without the remedy.
func reason(err error) string {
	if r, ok := errors.AsType[*governor.Refusal](err); ok {
		return r.Reason
	}
	if r, ok := errors.AsType[*wavelet.Refusal](err); ok {
		return r.Reason
	}
	return fmt.Sprint(err)
}

// number writes a count without decimals and a share with two.
func number(x float64) string {
	if x == float64(int64(x)) {
		return fmt.Sprintf("%d", int64(x))
	}
	return fmt.Sprintf("%.2f", x)
}

// short is an address without its domain.
func short(p wavelet.Participant) string {
	name, _, _ := strings.Cut(string(p), "@")
	return name
}
