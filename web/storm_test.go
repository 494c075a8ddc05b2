package web_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"weir/admission"
	"weir/wavelet"
	"weir/wavelet/client"
)

// counting counts the requests to /connect, and carries their answers slowly.
type counting struct {
	http.RoundTripper
	knocks *atomic.Int64
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/connect" {
		c.knocks.Add(1)
		defer time.Sleep(time.Second / 5)
	}
	return c.RoundTripper.RoundTrip(r)
}

// TestEverybodyComesBackAtOnce has more clients come, all at once, than may be
// pending.
func TestEverybodyComesBackAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const crowd, capacity = 400, 200
		h := plan{pipes: newPipes()}.build(t)
		c := admission.Default()
		c.Queue = calm(c.Queue)
		c.Queue.Capacity, c.Queue.Pending, c.Queue.Park = capacity, 20, time.Second/2
		c.UserCommands, c.ClientCommands = nil, nil
		h.web.SetAdmission(c)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var knocks atomic.Int64
		var wg sync.WaitGroup
		for i := range crowd {
			wg.Go(func() {
				who := wavelet.Participant(fmt.Sprintf("person%d@example.com", i))
				one, err := client.Dial(ctx, h.url, client.Options{User: who, HTTP: &http.Client{Transport: counting{h.pipes.client().Transport, &knocks}}})
				if err != nil {
					t.Errorf("%s: %v", who, err)
					return
				}
				defer one.Close()
			})
		}
		wg.Wait()
		state := h.admission()
		if state.Peak != c.Queue.Pending || state.Admitted < crowd {
			t.Errorf("%d were let in, at most %d of them pending at a time, of %d that may be", state.Admitted, state.Peak, c.Queue.Pending)
		}
		if most := int64(4 * crowd); knocks.Load() > most {
			t.Errorf("%d clients knocked %d times", crowd, knocks.Load())
		}
		t.Logf("%d clients, %d knocks, at most %d pending, refused %v", crowd, knocks.Load(), state.Peak, state.Refused)
	})
}
