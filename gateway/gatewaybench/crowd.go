package gatewaybench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"weir"
	"weir/gateway"
	"weir/governor"
	"weir/policies"
	"weir/robots"
	"weir/robots/wire"
	"weir/store"
	"weir/wavelet"
	"weir/wavelet/host"
	"weir/wavelet/richtext"
)

// Of ten robots in a crowd one hangs, one fails and one is slow.
var manners = [10]string{"hung", "failing", "slow", "well", "well", "well", "well", "well", "well", "well"}

// slowness is how long a slow robot takes for each bundle.
const slowness = 3 * time.Second

// perWavelet is how many robots of a crowd share a wavelet.
const perWavelet = 20

// crowd is a whole server's worth of registered robots, reached over HTTP in the
// robots' own protocol, and the wavelets they are in.
type crowd struct {
	host    *host.Host
	waves   []wavelet.Name
	roots   []wavelet.BlipID
	release chan struct{} // closed when the robots that hang may stop it

	mu      sync.Mutex
	commits map[string][]time.Time // when each version of a wave came, from version 1 on
	told    map[string]int         // up to which version each robot was told, by its path
	delays  []time.Duration        // of bundles to well-behaved robots, since their oldest delta
	welcome int                    // robots that were told at all
}

// crowded has people type in the wavelets of so many robots, and returns how long
// the well-behaved ones waited.
func crowded(ctx context.Context, n int, d time.Duration) (delays []time.Duration, err error) {
	c := &crowd{commits: map[string][]time.Time{}, told: map[string]int{}, release: make(chan struct{})}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: http.HandlerFunc(c.robot), ReadHeaderTimeout: time.Minute}
	memory := store.NewMemory()
	kv, err := robots.NewBucket(memory)
	if err != nil {
		return nil, err
	}
	profiles := policies.Builtin()
	directory, err := robots.Open(ctx, kv, robots.Options{Domain: "example.com", Profiles: func() policies.Set { return profiles }, Guard: wire.Guard{Allow: wire.Loopback()}})
	if err != nil {
		return nil, err
	}
	c.host = host.New(host.NewMemoryLog(), host.Options{})
	g := gateway.New(c.host, inService{directory}, governor.New(governor.Options{}), memory, gateway.Options{})
	c.host.Observe(c)
	c.host.Observe(g)
	c.host.SetGuard(g)
	running, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	failed := make(chan error, 2)
	wg.Go(func() { failed <- g.Run(running) })
	wg.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	})
	defer func() {
		stop()
		close(c.release)
		directory.Close()
		err = errors.Join(err, server.Close())
		wg.Wait()
		close(failed)
		for e := range failed {
			err = errors.Join(err, e)
		}
		err = errors.Join(err, c.host.Close(context.WithoutCancel(ctx)))
	}()
	if err := c.gather(ctx, directory, "http://"+listener.Addr().String(), n); err != nil {
		return nil, err
	}
	if err := c.typeIn(ctx, d); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.delays, nil
}

// gather registers the robots, puts them into wavelets, and waits until all that
// answer have heard that they are there.
func (c *crowd) gather(ctx context.Context, d *robots.Directory, base string, n int) error {
	var in []wavelet.Participant
	well := 0
	for i := range n {
		manner := manners[i%len(manners)]
		if n == 1 {
			manner = "well"
		}
		if manner == "well" {
			well++
		}
		id := wavelet.Participant(fmt.Sprintf("%s%d@example.com", manner, i))
		if _, _, err := d.Register(ctx, robots.Registration{Address: id, Callback: fmt.Sprintf("%s/%s/%d", base, manner, i)}); err != nil {
			return err
		}
		if in = append(in, id); len(in) < perWavelet && i < n-1 {
			continue
		}
		name := wavelet.NewName("example.com")
		made, err := c.host.Create(ctx, name, typist, in...)
		if err != nil {
			return err
		}
		for _, op := range made.Delta.Ops {
			if op, ok := op.(wavelet.CreateBlip); ok {
				c.waves, c.roots = append(c.waves, name), append(c.roots, op.Blip)
			}
		}
		in = nil
	}
	for {
		c.mu.Lock()
		welcome := c.welcome
		c.mu.Unlock()
		if welcome >= well {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// typeIn commits keystrokes for so long, and until a robot was told of one, in one
// wavelet after the other, so that each is typed in every four seconds or, where
// there are few, every gap.
func (c *crowd) typeIn(ctx context.Context, d time.Duration) error {
	const gap = 40 * time.Millisecond
	rnd := rand.New(rand.NewPCG(1, 2))
	bases := make([]wavelet.Version, len(c.waves))
	c.mu.Lock()
	c.delays = nil
	c.mu.Unlock()
	for began := time.Now(); time.Since(began) < d || time.Since(began) < d+grace && c.waits(); {
		i := rnd.IntN(len(c.waves))
		done, err := c.host.SubmitHuman(ctx, c.waves[i], wavelet.Delta{Author: typist, Base: max(bases[i], 1), Ops: []wavelet.Op{
			wavelet.EditBlip{Blip: c.roots[i], Delta: richtext.Delta(nil).Insert("x", richtext.Attributes{})},
		}})
		if err != nil {
			return err
		}
		bases[i] = done.Version
		select {
		case <-time.After(gap):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	select { // what was typed last is on its way for a pace interval
	case <-time.After(2 * paceMS * time.Millisecond):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// waits reports whether no robot was told of a keystroke yet.
func (c *crowd) waits() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.delays) == 0
}

// Committed makes c a host.Observer: it remembers when each version came.
func (c *crowd) Committed(commit wavelet.Commit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commits[commit.Wavelet.Wave] = append(c.commits[commit.Wavelet.Wave], time.Now())
}

// robot is the far end of all robots; the path says which one and what it is
// like.
func (c *crowd) robot(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	manner, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case r.Method == http.MethodGet:
		fmt.Fprint(w, `<robot xmlns="http://wave.google.com/extensions/robots/1.0"><version>1</version><capability name="DOCUMENT_CHANGED" context="SELF"/></robot>`)
		return
	case manner == "failing":
		http.Error(w, "no", http.StatusInternalServerError)
		return
	}
	var bundle struct {
		Wavelet struct{ WaveID string }
		Bundle  struct{ Version int }
	}
	if err := json.NewDecoder(r.Body).Decode(&bundle); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var wait <-chan time.Time
	switch manner {
	case "slow":
		wait = time.After(slowness)
	case "well":
		c.heard(now, r.URL.Path, bundle.Wavelet.WaveID, bundle.Bundle.Version)
		return
	}
	select {
	case <-wait:
	case <-c.release:
	case <-r.Context().Done():
	}
}

// heard notes that a robot was told of a wave up to a version.
func (c *crowd) heard(now time.Time, path, wave string, version int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	oldest := c.told[path]
	if oldest == 0 {
		c.welcome++
	}
	if commits := c.commits[wave]; oldest < version && oldest < len(commits) {
		c.delays = append(c.delays, now.Sub(commits[oldest]))
	}
	c.told[path] = max(oldest, version)
}

// inService shows the gateway the robots of a directory.
type inService struct{ *robots.Directory }

func (s inService) Robot(id wavelet.Participant) (gateway.Robot, policies.Profile, bool) {
	return s.InService(id)
}

// crowding compares robots on a full server, of which three in ten misbehave,
// with one on a quiet server.
func crowding(ctx context.Context, o Options) ([]weir.Figure, error) {
	var p95 [2]float64
	for i, n := range []int{1, o.Crowd} {
		delays, err := crowded(ctx, n, o.Phase)
		if err != nil {
			return nil, err
		}
		if len(delays) == 0 {
			return nil, fmt.Errorf("the robots were sent nothing in %v", o.Phase+grace)
		}
		p95[i] = quantile(delays, 0.95).Seconds() * 1000
	}
	return []weir.Figure{
		{Name: "keystroke to robot, p95, on a quiet server", Value: p95[0], Unit: "ms", Measured: true, Note: "in the robots' protocol, over HTTP"},
		{Name: fmt.Sprintf("the same beside %d robots, %d of them bad", o.Crowd, 3*o.Crowd/10), Value: p95[1], Unit: "ms", Measured: true,
			Note: "a tenth hang, a tenth fail, a tenth are slow"},
		{Name: "delay that the crowd adds", Value: p95[1] - p95[0], Unit: "ms", Bar: paceMS, HasBar: true, Measured: true},
	}, nil
}
