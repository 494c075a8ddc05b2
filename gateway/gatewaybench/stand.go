package gatewaybench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"weir/events"
	"weir/gateway"
	"weir/governor"
	"weir/policies"
	"weir/store"
	"weir/wavelet"
	"weir/wavelet/host"
	"weir/wavelet/richtext"
)

const (
	typist = wavelet.Participant("ann@example.com")
	served = wavelet.Participant("served@example.com")
)

// stand is a host and a gateway, and robots over HTTP: one that is served, and
// some that take a bundle and never answer. All take part in one wavelet.
type stand struct {
	host    *host.Host
	gateway *gateway.Gateway
	name    wavelet.Name
	root    wavelet.BlipID
	opened  wavelet.Version // when all were in
	profile policies.Profile
	url     string
	client  http.Client
	hung    []wavelet.Participant
	release chan struct{} // closed when the robots that hang may stop it

	mu      sync.Mutex
	commits map[wavelet.Version]time.Time
	arrived []arrival // at the robot that is served
}

// arrival is a bundle at a robot.
type arrival struct {
	at    time.Time
	delay time.Duration // since its oldest delta was committed
}

// withStand builds a stand with so many robots that hang, whose gateway's clock
// runs scale times as fast, has f use it, and takes it down again.
func withStand(ctx context.Context, hung int, scale float64, f func(context.Context, *stand) error) (err error) {
	profile, err := standard()
	if err != nil {
		return err
	}
	s := &stand{
		name: wavelet.NewName("example.com"), profile: profile,
		commits: map[wavelet.Version]time.Time{}, release: make(chan struct{}),
		client: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}},
	}
	for i := range hung {
		s.hung = append(s.hung, wavelet.Participant(fmt.Sprintf("hung%d@example.com", i)))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.url = "http://" + listener.Addr().String()
	server := &http.Server{Handler: http.HandlerFunc(s.robot), ReadHeaderTimeout: 10 * time.Second}
	s.host = host.New(host.NewMemoryLog(), host.Options{})
	s.gateway = gateway.New(s.host, s, governor.New(governor.Options{Default: profile}), store.NewMemory(), gateway.Options{TimeScale: scale})
	s.host.Observe(s)
	s.host.Observe(s.gateway)
	s.host.SetGuard(s.gateway)

	running, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	failed := make(chan error, 2)
	wg.Go(func() { failed <- s.gateway.Run(running) })
	wg.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	})
	defer func() {
		stop()
		close(s.release)
		err = errors.Join(err, server.Close())
		wg.Wait()
		close(failed)
		for e := range failed {
			err = errors.Join(err, e)
		}
		err = errors.Join(err, s.host.Close(context.WithoutCancel(ctx)))
	}()
	c, err := s.host.Create(ctx, s.name, typist, append(s.hung, served)...)
	if err != nil {
		return err
	}
	for _, op := range c.Delta.Ops {
		if op, ok := op.(wavelet.CreateBlip); ok {
			s.root = op.Blip
		}
	}
	s.opened = c.Version
	return f(ctx, s)
}

// Robot makes s a gateway.Roster.
func (s *stand) Robot(id wavelet.Participant) (gateway.Robot, policies.Profile, bool) {
	return remote{s, strings.HasPrefix(string(id), "hung")}, s.profile, true
}

// Registered makes s a gateway.Roster.
func (s *stand) Registered(id wavelet.Participant) bool { return id != typist }

// Committed makes s a host.Observer: it remembers when each version came.
func (s *stand) Committed(c wavelet.Commit) {
	s.mu.Lock()
	s.commits[c.Version] = time.Now()
	s.mu.Unlock()
}

// remote is a robot at the far end of an HTTP connection.
type remote struct {
	stand *stand
	hangs bool
}

// Receive sends what the far end needs to know of a bundle here: which window it
// is of.
func (r remote) Receive(ctx context.Context, b events.Bundle) (events.Answer, error) {
	query := url.Values{"oldest": {strconv.FormatUint(uint64(b.From)+1, 10)}, "hang": {strconv.FormatBool(r.hangs)}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.stand.url+"/?"+query.Encode(), nil)
	if err != nil {
		return events.Answer{}, err
	}
	res, err := r.stand.client.Do(req)
	if err != nil {
		return events.Answer{}, err
	}
	return events.Answer{}, res.Body.Close()
}

// robot is the far end.
func (s *stand) robot(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	if r.FormValue("hang") == "true" {
		select {
		case <-s.release:
		case <-r.Context().Done():
		}
		return
	}
	oldest, err := strconv.ParseUint(r.FormValue("oldest"), 10, 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrived = append(s.arrived, arrival{at: now, delay: now.Sub(s.commits[wavelet.Version(oldest)])})
}

// typed commits a keystroke at the start of the text.
func (s *stand) typed(ctx context.Context, base wavelet.Version) (wavelet.Version, error) {
	c, err := s.host.SubmitHuman(ctx, s.name, wavelet.Delta{Author: typist, Base: base, Ops: []wavelet.Op{
		wavelet.EditBlip{Blip: s.root, Delta: richtext.Delta(nil).Insert("x", richtext.Attributes{})},
	}})
	return c.Version, err
}

// told is how many bundles have arrived at the robot that is served.
func (s *stand) told() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.arrived)
}

// settled is what arrived at the robot that is served, once all that was typed
// has.
func (s *stand) settled(ctx context.Context) ([]arrival, error) {
	for {
		waiting := 0
		for _, r := range s.gateway.Stats().Robots {
			if r.Robot == served {
				waiting = r.Waiting
			}
		}
		if waiting == 0 {
			s.mu.Lock()
			defer s.mu.Unlock()
			return append([]arrival(nil), s.arrived...), nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
