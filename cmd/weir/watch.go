package main

import (
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
// tells the story a line at a time. Happened may be called from many goroutines
// and does not block; tell writes.
type watch struct {
	start time.Time
	scale float64

	mu      sync.Mutex
	seats   map[wavelet.Participant]*tally
	loop    time.Time // by the gateway's clock: the first robot answer to a robot
	lines   []string  // not yet told
	verdict chan struct{}
	done    bool // verdict is closed
}

// tally is what was seen of one robot.
type tally struct {
	bundles, deltas, answers int
	deepest                  int     // of its answers
	ratio                    float64 // the last one told
	warned                   map[string]bool
	evicted                  *governor.Decision
	after                    time.Duration // from the first robot answer to a robot to the eviction
	since                    int           // answers after the first eviction of any robot
	notice                   string
}

// maxUntold bounds the lines that wait to be told; more are dropped.
const maxUntold = 1000

func newWatch(scale float64, robots ...wavelet.Participant) *watch {
	w := &watch{start: time.Now(), scale: scale, seats: map[wavelet.Participant]*tally{}, verdict: make(chan struct{})}
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

// own is the time since the start by the demo's own clock.
func (w *watch) own() time.Duration {
	return time.Duration(float64(time.Since(w.start)) * w.scale)
}

// say queues a line with the time in front. The mutex is held.
func (w *watch) say(format string, args ...any) {
	if len(w.lines) < maxUntold {
		w.lines = append(w.lines, fmt.Sprintf("%7.1f s  ", w.own().Seconds())+fmt.Sprintf(format, args...))
	}
}

// tell writes what is queued.
func (w *watch) tell(out io.Writer) {
	w.mu.Lock()
	lines := w.lines
	w.lines = nil
	w.mu.Unlock()
	for _, line := range lines {
		fmt.Fprintln(out, line)
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
	case gateway.Sent:
		if h.Attempt <= 1 {
			t.bundles++
			t.deltas += h.Deltas
		}
	case gateway.Received:
		t.ratio = h.Ratio
	case gateway.Answered:
		w.answered(t, name, h)
	case gateway.Warned:
		w.warned(t, name, h.Warning)
	case gateway.HeldBack:
		w.say("%s: its %s lane is held for %s", name, h.Lane, h.Took.Round(100*time.Millisecond))
	case gateway.Retry, gateway.Broken, gateway.Interrupted:
		w.say("%s: %s: %v", name, h.Kind, h.Err)
	case gateway.Refused:
		w.say("%s: its answer was refused: %v", name, h.Err)
	case gateway.Evicted:
		w.evicted(t, name, h)
	}
}

func (w *watch) answered(t *tally, name string, h gateway.Happening) {
	t.answers++
	if w.done {
		t.since++
	}
	if h.Seat.Robot == spelly && (t.answers == 1 || t.since == 1) {
		w.say("%s puts a misspelled word right%s", name, map[bool]string{true: ": it serves on"}[w.done])
	}
	if h.Depth >= 2 && w.loop.IsZero() {
		w.loop = h.At
		w.say("%s answers a robot: from here on the robots feed each other", name)
	}
	if h.Depth > t.deepest {
		t.deepest = h.Depth
		if h.Depth%4 == 0 {
			w.say("%s answers at depth %d: so many robot generations since a human", name, h.Depth)
		}
	}
}

func (w *watch) warned(t *tally, name string, warning *governor.Warning) {
	if l := warning.Limit; !t.warned[l.Name] {
		t.warned[l.Name] = true
		w.say("%s is warned: %s at %s of %s", name, l.Name, number(l.Used), number(l.Max))
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
	w.say("VERDICT: %s is evicted by the rule %s: %s of %s, %.1f s after the first answer of a robot to a robot",
		name, h.Decision.Rule, number(h.Decision.Measured), number(h.Decision.Limit), t.after.Seconds())
	for _, s := range h.Decision.Sentences() {
		w.say("  %s", s)
	}
	if !w.done {
		w.done = true
		close(w.verdict)
	}
}

// heading is the two lines above the rows.
func heading(order []wavelet.Participant) string {
	first, second := "             people ", "   own time   typed "
	for _, r := range order {
		first += fmt.Sprintf("| %-30s", short(r))
		second += "| deltas bundles answers depth  "
	}
	return strings.TrimRight(first, " ") + "\n" + strings.TrimRight(second, " ")
}

// row is one line of counts.
func (w *watch) row(typed int64, order []wavelet.Participant) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%6d ", typed)
	for _, r := range order {
		t := w.seats[r]
		depth := fmt.Sprintf("%5d", t.deepest)
		if t.evicted != nil {
			depth = "  out"
		}
		fmt.Fprintf(&b, "| %6d %7d %7d %s  ", t.deltas, t.bundles, t.answers, depth)
	}
	w.say("%s", strings.TrimRight(b.String(), " "))
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
