package client

import (
	"errors"
	"strings"
	"testing"

	"weir/wavelet"
)

// TestLocalRefusesWhatNoMessageCarries types what is within all limits of a delta
// but becomes too long when it is written as JSON. The server would close the
// connection, and the next one too.
func TestLocalRefusesWhatNoMessageCarries(t *testing.T) {
	p := newPeer(t, newServer(t), ann)
	var refusal *wavelet.Refusal
	_, err := p.replica.Local(testTime, wavelet.EditBlip{Blip: blip, Delta: insertAt(0, strings.Repeat("\x01", 200<<10))})
	if !errors.As(err, &refusal) || refusal.Code != wavelet.CodeLimit {
		t.Errorf("a delta of 1.2 MiB: %v, want a refusal for its size", err)
	}
	if p.replica.Status() != Synchronized || p.replica.State().Text() != "\n" {
		t.Error("a refused edit changed the replica")
	}
}
