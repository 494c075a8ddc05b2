package client

import (
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	const ms = time.Millisecond
	b := Backoff{Min: 100 * ms, Max: 1000 * ms}
	tests := []struct {
		failures int
		advice   time.Duration
		u        float64
		want     time.Duration
	}{
		{1, 0, 0, 100 * ms},
		{1, 0, 0.5, 150 * ms},
		{3, 0, 0, 400 * ms},
		{30, 0, 0, 1000 * ms},
		{1, 3000 * ms, 0, 3000 * ms},
		{1, 3000 * ms, 0.5, 3050 * ms},
		{30, 300 * ms, 0.5, 1500 * ms},
	}
	for _, test := range tests {
		if got := b.Wait(test.failures, test.advice, test.u); got != test.want {
			t.Errorf("Wait(%d, %v, %v) = %v, want %v", test.failures, test.advice, test.u, got, test.want)
		}
	}
	if got := (Backoff{}).Wait(1, 0, 0); got != 500*ms {
		t.Errorf("zero Backoff waits %v, want 500ms", got)
	}
}

func TestCloseAdvice(t *testing.T) {
	for reason, want := range map[string]time.Duration{
		"retry_after_ms=3000": 3 * time.Second,
		"busy":                0,
		"retry_after_ms=-5":   0,
		"retry_after_ms=soon": 0,
	} {
		if got := closeAdvice(reason); got != want {
			t.Errorf("closeAdvice(%q) = %v, want %v", reason, got, want)
		}
	}
}
