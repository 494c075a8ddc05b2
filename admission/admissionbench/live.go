package admissionbench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"weir"
	"weir/wavelet"
	"weir/wavelet/client"
)

// stroke is the time between two changes of a typist.
const stroke = 100 * time.Millisecond

// late is how many seconds a crowd may take to arrive: beyond, it was no storm
// that the typists sat through.
const late = 1.5 * arrival

// LiveOptions are a storm of real sockets against a running server, in whose
// domain names alone are enough to log in.
type LiveOptions struct {
	URL     string        // http://127.0.0.1:8080
	Admin   string        // the operators' token
	Clients int           // who come at once
	Typists int           // who were there before, and type on
	Calm    time.Duration // how long they type before
	// Crowd has the clients come as Crowd does, but elsewhere: they are not what
	// is measured, and in life they are other machines.
	Crowd func(ctx context.Context, in func(Crowded) error) error
}

// Crowded is how a crowd came in.
type Crowded struct {
	Knocks  int64   `json:"knocks"`    // requests to /connect
	Arrived float64 `json:"arrived_s"` // seconds until the last had knocked for the first time
}

// Live has people type, lets a storm loose beside them, and waits until everybody
// is in.
func Live(ctx context.Context, o LiveOptions) ([]weir.Figure, error) {
	typists, err := seat(ctx, o)
	defer func() {
		for _, t := range typists {
			_ = t.client.Close()
		}
	}()
	if err != nil {
		return nil, err
	}
	calm, cancel := context.WithTimeout(ctx, o.Calm)
	before, err := typeOn(calm, typists)
	cancel()
	if err != nil {
		return nil, err
	}
	var came Crowded
	var took time.Duration
	during, done := context.WithCancel(ctx)
	var storm sync.WaitGroup
	var failed error
	begun := time.Now()
	storm.Go(func() {
		defer done()
		failed = o.Crowd(ctx, func(c Crowded) error {
			came, took = c, time.Since(begun)
			done()
			return nil
		})
	})
	busy, err := typeOn(during, typists)
	storm.Wait()
	if err := errors.Join(err, failed); err != nil {
		return nil, err
	}
	state, err := o.state(ctx)
	if err != nil {
		return nil, err
	}
	p := func(d []float64) float64 { return quantile(d, 0.99) }
	return []weir.Figure{
		{Name: "pending sessions, the most at a time", Value: float64(state.Peak), Bar: float64(state.Most), HasBar: true, Measured: true},
		{Name: "attempts per client", Value: float64(came.Knocks) / float64(o.Clients), Bar: 2.2, HasBar: true, Measured: true},
		{Name: "everybody in", Value: took.Seconds(), Unit: "s", Measured: true, Note: fmt.Sprintf("%d clients, %.0f a second", o.Clients, state.Capacity)},
		{Name: "last first knock", Value: came.Arrived, Unit: "s", Measured: true, Note: fmt.Sprintf("they set out within %.0f s", arrival)},
		{Name: "publish to ack of typists, p99 before", Value: p(before) * 1000, Unit: "ms", Measured: true, Note: fmt.Sprintf("%d edits", len(before))},
		{Name: "publish to ack of typists, p99 during", Value: p(busy) * 1000, Unit: "ms", Measured: true, Note: fmt.Sprintf("%d edits", len(busy))},
		{Name: "p99 during to before", Value: p(busy) / p(before), Unit: "x", Bar: 2, HasBar: true, Measured: came.Arrived <= late, Note: "the clients of the storm have what processor time is left over"},
	}, nil
}

// seated is somebody who types in a wave of her own.
type seated struct {
	client *client.Client
	open   *client.Wavelet
}

// seat has the typists come.
func seat(ctx context.Context, o LiveOptions) (all []seated, err error) {
	for i := range o.Typists {
		c, err := client.Dial(ctx, o.URL, client.Options{User: wavelet.Participant(fmt.Sprintf("typist%d@example.com", i))})
		if err != nil {
			return all, err
		}
		all = append(all, seated{client: c})
		name, err := c.CreateWave(ctx, "Typed during a storm")
		if err != nil {
			return all, err
		}
		if all[i].open, err = c.Open(ctx, name); err != nil {
			return all, err
		}
	}
	return all, nil
}

// typeOn has everybody change something ten times a second until ctx ends, and
// tells how many seconds each change took to be acknowledged.
func typeOn(ctx context.Context, typists []seated) ([]float64, error) {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		took  []float64
		wrong error
	)
	for _, t := range typists {
		wg.Go(func() {
			mine, err := t.work(ctx)
			mu.Lock()
			defer mu.Unlock()
			took, wrong = append(took, mine...), errors.Join(wrong, err)
		})
	}
	wg.Wait()
	if len(took) == 0 && wrong == nil {
		wrong = errors.New("nothing was typed")
	}
	slices.Sort(took)
	return took, wrong
}

func (t seated) work(ctx context.Context) (took []float64, err error) {
	pace := time.NewTicker(1 + rand.N(stroke)) // not all at the same instant
	defer pace.Stop()
	for n := 0; ; n++ {
		select {
		case <-pace.C:
		case <-ctx.Done():
			return took, nil
		}
		if n == 0 {
			pace.Reset(stroke)
		}
		begun := time.Now()
		slow, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		err := t.open.Publish(slow, wavelet.SetTag{Tag: fmt.Sprintf("t%d", n%8), Remove: n%16 >= 8})
		if err == nil {
			err = t.open.Wait(slow)
		}
		cancel()
		if err != nil {
			return took, err
		}
		took = append(took, time.Since(begun).Seconds())
	}
}

// knocking watches a client's requests to /connect.
type knocking struct {
	http.RoundTripper
	first  sync.Once
	knocks *atomic.Int64
	last   *atomic.Int64 // nanoseconds from begun to the last first knock
	begun  time.Time
}

func (k *knocking) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/connect" {
		k.knocks.Add(1)
		k.first.Do(func() { k.last.Store(int64(time.Since(k.begun))) })
	}
	return k.RoundTripper.RoundTrip(r)
}

// Crowd has so many clients come to url within two seconds, tells in how they
// came when the last is there, and then has them leave.
func Crowd(ctx context.Context, url string, clients int, in func(Crowded) error) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	var (
		knocks, last atomic.Int64
		wg           sync.WaitGroup
		all          = make([]*client.Client, clients)
		bad          = make([]error, clients, clients+1)
		begun        = time.Now()
	)
	for i := range all {
		wg.Go(func() {
			select {
			case <-time.After(rand.N(time.Duration(arrival * float64(time.Second)))):
			case <-ctx.Done():
			}
			way := &knocking{RoundTripper: &http.Transport{}, knocks: &knocks, last: &last, begun: begun}
			all[i], bad[i] = client.Dial(ctx, url, client.Options{User: wavelet.Participant(fmt.Sprintf("person%d@example.com", i)), HTTP: &http.Client{Transport: way}})
		})
	}
	wg.Wait()
	if errors.Join(bad...) == nil {
		bad = append(bad, in(Crowded{Knocks: knocks.Load(), Arrived: time.Duration(last.Load()).Seconds()}))
	}
	for _, c := range all {
		if c != nil {
			wg.Go(func() { _ = c.Close() })
		}
	}
	wg.Wait()
	return errors.Join(bad...)
}

// liveState is what operators see of the queue.
type liveState struct {
	Capacity float64 `json:"capacity"`
	Peak     int     `json:"pending_peak"`
	Most     int     `json:"pending_max"`
}

func (o LiveOptions) state(ctx context.Context) (out liveState, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, o.URL+"/api/v1/admission", nil)
	if err != nil {
		return out, err
	}
	r.Header.Set("Authorization", "Bearer "+o.Admin)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return out, fmt.Errorf("ask for the queue: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return out, fmt.Errorf("ask for the queue: %s", resp.Status)
	}
	return out, json.NewDecoder(resp.Body).Decode(&out)
}
