package wire

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/admission/bounds"
	"weir/events"
)

// wordy is a robot that answers with nothing, at great length.
func wordy(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "["+strings.Repeat(" ", MaxBody-2)+"]")
}

// eager is what is known of a robot that wants to hear of changes.
var eager = Capabilities{Hash: "1", Wants: []Want{{Event: events.DocumentChanged, Contexts: Contexts(events.DefaultContexts)}}}

// TestManyLongAnswers has 200 robots answer at once, each as long as it may.
func TestManyLongAnswers(t *testing.T) {
	const robots, size = 200, 8 * MaxBody
	var together sync.WaitGroup
	together.Add(robots)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		together.Done()
		together.Wait()
		_, _ = io.WriteString(w, strings.Repeat("x", MaxBody)) // no list: 200 lists would take long to decode
	}))
	defer server.Close()
	room := bounds.NewBodies(bounds.BodiesOptions{Bytes: size, Wait: time.Hour, Time: time.Hour})
	b := changed(newWavelet(t).blip("b+root", "", plain("a\n")).state, "b+root")
	var wg sync.WaitGroup
	for range robots {
		wg.Go(func() {
			p := NewPassive(spell, server.URL, devClient(), PassiveOptions{Capabilities: eager, Known: true, Bodies: room})
			defer p.Close()
			if answer, err := p.Receive(t.Context(), b); err != nil || len(answer.Failures) != 1 {
				t.Errorf("%+v, %v", answer, err)
			}
		})
	}
	wg.Wait()
	if room.Peak() > size || room.Peak() < MaxBody || room.Held() != 0 {
		t.Errorf("at most %d bytes were held of %d, and %d are now", room.Peak(), size, room.Held())
	}
}

// TestNoRoomForAnAnswer has a robot answer when there is no room, which is not
// its fault, and one that does not come to an end of its answer, which is.
func TestNoRoomForAnAnswer(t *testing.T) {
	var faults []error
	stop := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /wordy"+bundlePath, wordy)
	mux.HandleFunc("POST /slow"+bundlePath, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "["+strings.Repeat(" ", 2*bounds.Free))
		_ = http.NewResponseController(w).Flush()
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	defer close(stop)
	room := bounds.NewBodies(bounds.BodiesOptions{Bytes: MaxBody, Wait: 50 * time.Millisecond, Time: time.Hour})
	b := changed(newWavelet(t).blip("b+root", "", plain("a\n")).state, "b+root")
	ask := func(path string, room *bounds.Bodies) (events.Answer, error) {
		p := NewPassive(spell, server.URL+path, devClient(), PassiveOptions{
			Capabilities: eager, Known: true, Bodies: room, Heard: func(err error) { faults = append(faults, err) }})
		defer p.Close()
		return p.Receive(t.Context(), b)
	}
	taken := room.Body(t.Context(), strings.NewReader(strings.Repeat("x", MaxBody)), MaxBody, MaxBody, nil)
	if err := taken.Reserve(); err != nil {
		t.Fatal(err)
	}
	if _, err := ask("/wordy", room); !errors.Is(err, bounds.ErrFull) || len(faults) != 0 {
		t.Errorf("no room: %v; the robot is told to be at fault: %v", err, faults)
	}
	taken.Release()
	answer, err := ask("/wordy", room)
	if err != nil || room.Held() != MaxBody {
		t.Fatalf("%v; %d bytes are held until the answer is done with", err, room.Held())
	}
	answer.Release()
	faults = nil
	hasty := bounds.NewBodies(bounds.BodiesOptions{Bytes: MaxBody, Time: 50 * time.Millisecond})
	if _, err := ask("/slow", hasty); !errors.Is(err, bounds.ErrSlow) || !errors.Is(err, ErrUnreachable) || len(faults) != 1 {
		t.Errorf("a slow robot: %v; heard %v", err, faults)
	}
	if room.Held() != 0 || hasty.Held() != 0 {
		t.Errorf("%d bytes are held, and %d", room.Held(), hasty.Held())
	}
}
