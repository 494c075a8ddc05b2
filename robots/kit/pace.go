package kit

import (
	"context"
	"strings"
	"sync"
	"time"
)

// pace keeps a robot's calls below the limits that it was told: one at a time, and
// none while a window is nearly full or the server has asked it to wait.
type pace struct {
	turn chan struct{} // holds one token while a call is under way

	mu      sync.Mutex
	windows map[string]window
	until   time.Time            // the server asked it to wait
	out     map[string]time.Time // by wavelet: until when it is refused there
}

// window is a limit on requests.
type window struct {
	max, left float64
	free      time.Time // when there will be more left
}

func newPace() *pace {
	return &pace{turn: make(chan struct{}, 1), windows: map[string]window{}, out: map[string]time.Time{}}
}

// learn takes note of the limits that come with a bundle or a response. The server's clock is its own: only
// how long things take counts.
func (p *pace) learn(l Limits) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range l.Limits {
		if counts(x.Name) && x.Wavelet == "" && x.Max > 0 && !x.DryRun {
			p.windows[x.Name] = window{x.Max, x.Remaining, now.Add(x.ResetsAt.Sub(l.At))}
		}
	}
}

// limitsQuery is the limit on asking for limits, which nothing else counts against.
const limitsQuery = "limitsQuery"

// counts reports whether a limit is one on requests.
func counts(name string) bool { return name == limitsQuery || strings.HasPrefix(name, "sustained") }

// asked takes note that the server asks the robot to wait.
func (p *pace) asked(wait time.Duration) {
	if wait <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = time.Now().Add(wait)
}

// refused takes note of when a robot may write in a wavelet again.
func (p *pace) refused(op Operation, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out[place(op)] = time.Now().Add(wait)
}

// place names the wavelet of an operation.
func place(op Operation) string {
	wave, _ := op.Params["waveId"].(string)
	wavelet, _ := op.Params["waveletId"].(string)
	return wave + "/" + wavelet
}

// barred is why operations are held back because of where they are to be done, nil
// if they are not.
func (p *pace) barred(ops []Operation) *Held {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, op := range ops {
		if wait := p.out[place(op)].Sub(now); wait > 0 && writes([]Operation{op}) {
			return &Held{Limit: "retryAfter", Reason: "the server has refused what this robot wrote in " + place(op), RetryAfter: wait}
		}
	}
	return nil
}

// next is how long the next call has to wait, and for which limit. Asks tells that
// it asks for limits and for nothing else, which it may while all else is refused.
func (p *pace) next(asks bool) (wait time.Duration, limit string) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if limit = "retryAfter"; !asks {
		wait = max(0, p.until.Sub(now))
	}
	for name, w := range p.windows {
		if asks != (name == limitsQuery) {
			continue
		}
		if free := w.free.Sub(now); w.left <= (1-share)*w.max && free > wait {
			wait, limit = free, name
		}
	}
	return wait, limit
}

// enter waits until a call may be made; leave ends it. If ctx would end before, the
// error is a *Held, at once. Whoever asks for limits waits for no other call.
func (p *pace) enter(ctx context.Context, asks bool) (leave func(), err error) {
	leave = func() {}
	if !asks {
		select {
		case p.turn <- struct{}{}:
			leave = func() { <-p.turn }
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	for {
		wait, limit := p.next(asks)
		if wait == 0 {
			p.spend(asks)
			return leave, nil
		}
		if end, ok := ctx.Deadline(); ok && time.Until(end) < wait {
			leave()
			return nil, &Held{Limit: limit, Reason: "the window of requests is nearly full", RetryAfter: wait}
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			leave()
			return nil, context.Cause(ctx)
		}
	}
}

// spend counts a call in every window, until the response says better.
func (p *pace) spend(asks bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, w := range p.windows {
		if asks == (name == limitsQuery) {
			w.left--
			p.windows[name] = w
		}
	}
}
