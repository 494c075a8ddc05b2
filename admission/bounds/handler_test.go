package bounds_test

import (
	"bufio"
	"context"
	"errors"
	"math"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"weir/admission"
	"weir/admission/bounds"
)

// The figures of the overload: requests of so much processor time each, which
// whoever asks waits so long for, on so many processors.
const (
	cost       = 5 * time.Second
	gatewayGap = 29 * time.Second
	processors = 2
	slice      = 10 * time.Millisecond
)

// machine shares its processors among all requests that work.
type machine struct{ working atomic.Int64 }

// work takes the processor time of one request, however long that is, or ends
// with its caller.
func (m *machine) work(ctx context.Context) error {
	m.working.Add(1)
	defer m.working.Add(-1)
	for done := time.Duration(0); done < cost; done += slice {
		share := math.Max(1, float64(m.working.Load())/processors)
		select {
		case <-time.After(time.Duration(float64(slice) * share)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// pipeListener hands out connections in memory.
type pipeListener chan net.Conn

func (l pipeListener) Accept() (net.Conn, error) {
	if c, ok := <-l; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (l pipeListener) Close() error   { return nil }
func (l pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

// TestHandlerUnderOverload sends an HTTP server three times what its processors
// can do, for ten minutes, once with a limit that finds itself and once without:
// without nothing is answered in time, with it nearly all that could be is. What
// is refused is told when to come again, and another handler stays open.
func TestHandlerUnderOverload(t *testing.T) {
	for _, test := range []struct {
		name    string
		enabled bool
		share   func(float64) bool
	}{
		{"with the limit", true, func(got float64) bool { return got >= 0.95 }},
		{"without", false, func(got float64) bool { return got <= 0.05 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := admission.DefaultConcurrency()
				c.Enabled, c.Start, c.Deadline = test.enabled, processors, gatewayGap
				work := bounds.NewWork(c)
				var m machine
				mux := http.NewServeMux()
				mux.Handle("/work", work.Handler(admission.WorkExport, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if m.work(r.Context()) != nil {
						w.WriteHeader(http.StatusGatewayTimeout)
					}
				}), func(w http.ResponseWriter, err error) {
					if busy, ok := errors.AsType[*bounds.Busy](err); ok {
						w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(busy.RetryAfter.Seconds()))))
					}
					w.WriteHeader(http.StatusServiceUnavailable)
				}))
				mux.HandleFunc("/health", func(http.ResponseWriter, *http.Request) {})
				l := make(pipeListener)
				server := http.Server{Handler: mux}
				var serving, asking sync.WaitGroup
				serving.Go(func() { _ = server.Serve(l) })
				var answered, refused, unadvised, unwell atomic.Int64
				const minutes = 10
				for begin := time.Now(); time.Since(begin) < minutes*time.Minute; time.Sleep(cost / (3 * processors)) {
					asking.Go(func() {
						switch status, advice := ask(l, "/work"); {
						case status == http.StatusOK:
							answered.Add(1)
						case status == http.StatusServiceUnavailable:
							if refused.Add(1); advice == "" || advice == "0" {
								unadvised.Add(1)
							}
						}
					})
					asking.Go(func() {
						if status, _ := ask(l, "/health"); status != http.StatusOK {
							unwell.Add(1)
						}
					})
				}
				asking.Wait()
				close(l)
				serving.Wait()
				_ = server.Close()
				best := float64(minutes*time.Minute/cost) * processors
				if got := float64(answered.Load()) / best; !test.share(got) {
					t.Errorf("%.3f of what the processors can do was answered in time (%d, %d refused)", got, answered.Load(), refused.Load())
				} else {
					t.Logf("%.3f of what the processors can do, %d refused", got, refused.Load())
				}
				if unadvised.Load() > 0 || unwell.Load() > 0 || test.enabled && refused.Load() == 0 {
					t.Errorf("%d of %d refused without advice; %d questions for health not answered", unadvised.Load(), refused.Load(), unwell.Load())
				}
			})
		})
	}
}

// ask sends a request over a connection of its own, and gives up after a while.
func ask(l pipeListener, path string) (status int, advice string) {
	here, there := net.Pipe()
	defer here.Close()
	l <- there
	_ = here.SetDeadline(time.Now().Add(gatewayGap))
	if _, err := here.Write([]byte("GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")); err != nil {
		return 0, ""
	}
	resp, err := http.ReadResponse(bufio.NewReader(here), nil)
	if err != nil {
		return 0, ""
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Retry-After")
}
