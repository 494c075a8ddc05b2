package client

import (
	"strconv"
	"strings"
	"time"
)

// Backoff says how long a client waits between attempts to connect. The zero
// Backoff starts at 500 ms and ends at 30 s.
type Backoff struct {
	Min time.Duration // before the second attempt; 0: 500 ms
	Max time.Duration // the longest wait before jitter; 0: 30 s
}

// Wait is the pause after the given number of failures in a row (1 or more):
// the longer of the server's advice and the doubled minimum, plus jitter, a
// random u in [0,1) of the doubled minimum. It is never shorter than the advice
// and never zero.
func (b Backoff) Wait(failures int, advice time.Duration, u float64) time.Duration {
	lo, hi := b.Min, b.Max
	if lo <= 0 {
		lo = 500 * time.Millisecond
	}
	if hi <= 0 {
		hi = 30 * time.Second
	}
	step := lo
	for range failures - 1 {
		if step >= hi {
			break
		}
		step *= 2
	}
	step = min(step, max(lo, hi))
	return max(advice, step) + time.Duration(u*float64(step))
}

// closeAdvice reads "retry_after_ms=3000" from the reason of a close frame; 0
// if it is not there.
func closeAdvice(reason string) time.Duration {
	_, digits, ok := strings.Cut(reason, "retry_after_ms=")
	if !ok {
		return 0
	}
	ms, err := strconv.Atoi(strings.TrimSpace(digits))
	if err != nil || ms < 0 {
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}
