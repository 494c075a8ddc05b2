package web_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"weir/wavelet"
	"weir/wavelet/client"
	"weir/web"
)

// listening writes down who is done with which blip.
type listening struct {
	web.Gateway
	mu   *sync.Mutex
	done *[]string
}

func (l listening) EditDone(_ wavelet.Name, who wavelet.Participant, blip wavelet.BlipID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*l.done = append(*l.done, fmt.Sprintf("%s %s", who, blip))
}

// TestEditsAreDone says so over the socket, and sends a message that is whole.
func TestEditsAreDone(t *testing.T) {
	var done []string
	h := plan{gateway: func(g web.Gateway) web.Gateway { return listening{g, new(sync.Mutex), &done} }}.build(t)
	name := h.wave(bob)
	c := h.dial(ann, "")
	root := h.state(name).Root()
	if err := c.DoneWith(t.Context(), name, root); err != nil {
		t.Fatal(err)
	}
	var wrote struct{ Blip string }
	h.want(201, "bob@example.com", "POST", pathOf(name)+"/blips", `{"text":"hello"}`, &wrote)
	if len(done) != 2 || done[0] != fmt.Sprintf("%s %s", ann, root) || done[1] != "bob@example.com "+wrote.Blip {
		t.Errorf("done is %q", done)
	}
	var e *client.Error
	if err := c.DoneWith(t.Context(), name, "b+none"); !errors.As(err, &e) || e.Code != client.CodeUnknownBlip {
		t.Errorf("done with a blip that is not there: %v", err)
	}
	if err := h.dial("eve@example.com", "").DoneWith(t.Context(), name, root); !errors.As(err, &e) || e.Code != client.CodeNotParticipant {
		t.Errorf("done where one does not take part: %v", err)
	}
}
